"""From bytes to a searchable asset: the durable workflow, its worker process, and its news."""

from videlicet.ingest.client.requests import cancel, ingest, retry
from videlicet.ingest.progress import Progress

__all__ = ["Progress", "cancel", "ingest", "retry"]
