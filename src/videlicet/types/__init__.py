"""Frozen records and time arithmetic; imports nothing else of the package."""

from videlicet.types.asset import (
    Asset,
    AudioStream,
    Index,
    IndexedAsset,
    MediaInfo,
    MetadataValue,
    Status,
    Task,
    VideoStream,
)
from videlicet.types.ids import derived_id, is_id, random_id
from videlicet.types.observation import (
    Box,
    Embedding,
    Label,
    Modality,
    Observation,
    Payload,
    ScreenText,
    Shot,
    Utterance,
    Word,
)
from videlicet.types.query import (
    Evidence,
    GroupBy,
    Hit,
    PartKind,
    Query,
    QueryPart,
    SearchPage,
)
from videlicet.types.resource import ApiKey, Kind, Resource
from videlicet.types.segment import Segment
from videlicet.types.time import Instant, Span, instant, merge, windows

__all__ = [
    "ApiKey",
    "Asset",
    "AudioStream",
    "Box",
    "Embedding",
    "Evidence",
    "GroupBy",
    "Hit",
    "Index",
    "IndexedAsset",
    "Instant",
    "Kind",
    "Label",
    "MediaInfo",
    "MetadataValue",
    "Modality",
    "Observation",
    "PartKind",
    "Payload",
    "Query",
    "QueryPart",
    "Resource",
    "ScreenText",
    "SearchPage",
    "Segment",
    "Shot",
    "Span",
    "Status",
    "Task",
    "Utterance",
    "VideoStream",
    "Word",
    "derived_id",
    "instant",
    "is_id",
    "merge",
    "random_id",
    "windows",
]
