"""From bytes to a searchable asset: the durable workflow, its worker process, and its news."""

from videlicet.ingest.progress import Progress
from videlicet.ingest.tasks import cancel, ingest, retry

__all__ = ["Progress", "cancel", "ingest", "retry"]
