"""Frozen records and time arithmetic."""

from videlicet.types.answer import (
    Answer,
    Chapter,
    EvidenceItem,
    Finish,
    Gist,
    Highlight,
    Sentence,
    Usage,
)
from videlicet.types.asset import (
    Asset,
    AssetOwner,
    AssetStatus,
    AudioStream,
    Index,
    MediaInfo,
    MetadataValue,
    Status,
    Task,
    Video,
    VideoStatus,
    VideoStream,
    cards_of,
    role_cards,
    role_of,
    video_id_of,
)
from videlicet.types.calibration import Calibration
from videlicet.types.ids import derived_id, is_id, ordered_id, random_id, uuid7
from videlicet.types.kinds.embedding import Embedding
from videlicet.types.kinds.label import Label
from videlicet.types.kinds.levels import Levels, Measure
from videlicet.types.kinds.screen_text import ScreenText
from videlicet.types.kinds.shot import Shot
from videlicet.types.kinds.words import Box, Utterance, Word
from videlicet.types.modality import Modality
from videlicet.types.observation import Observation
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
from videlicet.types.saved_search import Match, SavedSearch, SavedSearchPart, match_id
from videlicet.types.segment import Segment
from videlicet.types.time import Instant, Span, instant, merge, windows

__all__ = [
    "Answer",
    "ApiKey",
    "Asset",
    "AssetOwner",
    "AssetStatus",
    "AudioStream",
    "Box",
    "Calibration",
    "Chapter",
    "Embedding",
    "Evidence",
    "EvidenceItem",
    "Finish",
    "Gist",
    "GroupBy",
    "Highlight",
    "Hit",
    "Index",
    "Instant",
    "Kind",
    "Label",
    "Levels",
    "Match",
    "Measure",
    "MediaInfo",
    "MetadataValue",
    "Modality",
    "Observation",
    "PartKind",
    "Query",
    "QueryPart",
    "Resource",
    "SavedSearch",
    "SavedSearchPart",
    "ScreenText",
    "SearchPage",
    "Segment",
    "Sentence",
    "Shot",
    "Span",
    "Status",
    "Task",
    "Usage",
    "Utterance",
    "Video",
    "VideoStatus",
    "VideoStream",
    "Word",
    "cards_of",
    "derived_id",
    "instant",
    "is_id",
    "match_id",
    "merge",
    "ordered_id",
    "random_id",
    "role_cards",
    "role_of",
    "uuid7",
    "video_id_of",
    "windows",
]
