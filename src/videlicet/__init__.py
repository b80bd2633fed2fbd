"""Find any moment in video, on your own machine.

``open`` is the way in; the rest are the records it gives and takes. Nothing heavy is imported
before it is used.
"""

from videlicet.errors import (
    Cancelled,
    Conflict,
    InvalidInput,
    InvalidQuery,
    MediaError,
    ModelError,
    NotFound,
    NotPermitted,
    StoreError,
    VidelicetError,
)
from videlicet.library import Added, Library, open
from videlicet.types import (
    Asset,
    Evidence,
    GroupBy,
    Hit,
    Modality,
    PartKind,
    Query,
    QueryPart,
    SearchPage,
    Span,
    Status,
    Task,
)

__version__ = "0.1.0"

__all__ = [
    "Added",
    "Asset",
    "Cancelled",
    "Conflict",
    "Evidence",
    "GroupBy",
    "Hit",
    "InvalidInput",
    "InvalidQuery",
    "Library",
    "MediaError",
    "Modality",
    "ModelError",
    "NotFound",
    "NotPermitted",
    "PartKind",
    "Query",
    "QueryPart",
    "SearchPage",
    "Span",
    "Status",
    "StoreError",
    "Task",
    "VidelicetError",
    "open",
]
