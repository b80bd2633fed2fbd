"""From bytes to a searchable asset: its job kinds, the durable workflow, and progress."""

from videlicet.ingest.progress import Progress
from videlicet.ingest.tasks import cancel, ingest, retry

__all__ = ["Progress", "cancel", "ingest", "retry"]
