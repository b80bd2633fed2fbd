"""The tables, as the newest migration leaves them.

Everything derived from one asset in one index hangs on a *slot*, a small number that stands for the
pair; taking the slot's rows away takes everything away. The same tables fit PostgreSQL.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Starts a text that is kept as JSON because it is not valid Unicode (a file name may not be).
_ESCAPED = "\ufffe"


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time as ISO 8601 text of fixed width in UTC, so that text order is time order."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else to_stored_time(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class AnyText(TypeDecorator[str]):
    """Text that may hold lone surrogates, as file names that are not UTF-8 do in Python."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        try:
            value.encode()
        except UnicodeEncodeError:
            return _ESCAPED + json.dumps(value)
        if "\x00" in value:  # PostgreSQL keeps no such text
            return _ESCAPED + json.dumps(value)
        return _ESCAPED + json.dumps(value) if value.startswith(_ESCAPED) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if isinstance(value, str) and value.startswith(_ESCAPED):
            return str(json.loads(value[1:]))
        return None if value is None else str(value)


def to_stored_time(value: datetime) -> str:
    """The stored form of a time; one without a zone is taken as UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds")


def casefolded(value: str) -> str:
    """What case-insensitive matching compares: case folded, and always encodable."""
    return value.casefold().encode("utf-8", "replace").decode().replace("\x00", "?")


indexes = Table(
    "indexes",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("cards", JSON, nullable=False),
    Column("options", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant", "name"),
)

assets = Table(
    "assets",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("name", AnyText, nullable=False),
    Column("name_folded", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("owner", String(16), nullable=False),
    Column("method", String(16), nullable=False),
    Column("source", AnyText, nullable=False),
    Column("blob", Text),
    Column("size", BigInteger),
    Column("sha256", String(64)),
    Column("type", String(16)),
    Column("media_type", Text),
    Column("recording", JSON(none_as_null=True)),
    Column("facts", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("hls", Integer, nullable=False),
    Column("thumbnail", Integer, nullable=False),
    Column("chunks", Integer),
    Column("connector", JSON(none_as_null=True)),
    #: What an imported file is looked up by: the account and its id there.
    Column("connector_key", Text),
    Column("error", JSON(none_as_null=True)),
    Column("trace", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    # What filters and lists compare, from ``recording`` or ``facts``.
    Column("duration", Float),
    Column("width", Integer),
    Column("height", Integer),
    Column("fps", Float),
    Column("container", Text),
    Column("has_video", Integer),
    Column("has_audio", Integer),
    Index(None, "blob"),
    Index(None, "status"),
    Index(None, "connector_key"),
    Index(None, "tenant", "created_at", "id"),
)


def _metadata_columns() -> list[Column[Any]]:
    """A value to filter by. ``value`` is its JSON; ``kind`` keeps types apart."""
    return [
        Column("key", Text, primary_key=True),
        Column("kind", String(6), nullable=False),
        Column("value", Text, nullable=False),
        Column("number", Float),
        Column("text", Text),
        Column("text_folded", Text),
    ]


#: What users attach to assets, as filters see it (see ``metadata.py``).
asset_metadata = Table(
    "asset_metadata",
    metadata,
    Column("asset_id", String(24), ForeignKey("assets.id"), primary_key=True),
    *_metadata_columns(),
    Index(None, "key", "number"),
    Index(None, "key", "text"),
)

memberships_table = Table(
    "slots",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("index_id", String(24), ForeignKey("indexes.id"), nullable=False),
    Column("asset_id", String(24), nullable=False),
    UniqueConstraint("index_id", "asset_id"),
    Index(None, "asset_id"),
)

videos = Table(
    "videos",
    metadata,
    Column("slot", Integer, ForeignKey("slots.key"), primary_key=True),
    Column("id", String(24), nullable=False, unique=True),
    Column("status", String(16), nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("stream", Integer, nullable=False),
    Column("error", JSON(none_as_null=True)),
    Column("store_id", String(64)),
    Column("item_id", String(64)),
    Column("item_type", String(16)),
    Column("enrichment", JSON(none_as_null=True)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("indexed_at", UtcDateTime),
    Index(None, "status"),
    Index(None, "item_id"),
)

#: What users attach to videos, as filters see it.
video_metadata = Table(
    "video_metadata",
    metadata,
    Column("slot", Integer, ForeignKey("videos.slot"), primary_key=True),
    *_metadata_columns(),
    Index(None, "key", "number"),
    Index(None, "key", "text"),
)

observations = Table(
    "observations",
    metadata,
    Column("row", Integer, primary_key=True),
    Column("slot", Integer, ForeignKey("slots.key"), nullable=False),
    Column("id", String(24), nullable=False),
    Column("modality", String(16), nullable=False),
    Column("card", Text, nullable=False),
    Column("start", Float, nullable=False),
    Column("finish", Float, nullable=False),
    Column("span", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Index(None, "slot", "start"),
    Index(None, "id"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("index_id", String(24), nullable=False),
    Column("source", AnyText, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("asset_id", String(24)),
    Column("stage", Text),
    Column("done_s", Float, nullable=False),
    Column("total_s", Float),
    Column("attempts", Integer, nullable=False),
    Column("error", JSON(none_as_null=True)),
    Column("tenant", String(64), nullable=False),
    Column("video_id", String(24)),
    Column("trace", Text),
    Index(None, "index_id", "created_at"),
    Index(None, "source"),
    Index(None, "status", "created_at"),
    Index(None, "tenant", "created_at"),
    Index(None, "asset_id"),
    Index(None, "video_id"),
)

resources = Table(
    "resources",
    metadata,
    Column("row", Integer, primary_key=True),
    Column("id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("parent", String(64), nullable=False),
    Column("name", AnyText, nullable=False),
    Column("name_folded", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("body", JSON, nullable=False),
    UniqueConstraint("kind", "id"),
    Index(None, "kind", "tenant", "parent", "created_at"),
    Index(None, "kind", "tenant", "created_at"),
    Index(None, "kind", "status"),
    Index(None, "kind", "expires_at"),
)

#: Texts in the bodies of resources that they are looked up by (see ``resources.LOOKED_UP``). Here,
#: and not in an index over JSON, both databases find them in one way.
resource_fields = Table(
    "resource_fields",
    metadata,
    Column(
        "resource",
        Integer,
        ForeignKey("resources.row", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("path", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    Index(None, "path", "value"),
)

#: ``digest`` is SHA-256 of the key: keys are 256 random bits, so nothing slower is needed.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)

#: One row per table of words; the full-text tables are named after ``key``. Keys of spaces are
#: never used again: caches in other processes go by key and version.
text_spaces = Table(
    "text_spaces",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("index_id", String(24), ForeignKey("indexes.id"), nullable=False),
    Column("modality", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("index_id", "modality"),
    sqlite_autoincrement=True,
)

text_rows = Table(
    "text_rows",
    metadata,
    Column("row", Integer, primary_key=True),
    Column("space", Integer, ForeignKey("text_spaces.key"), nullable=False),
    Column("slot", Integer, ForeignKey("slots.key"), nullable=False),
    Column("id", Text, nullable=False),
    Column("span", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "slot", "space"),
    Index(None, "space"),
)

#: All text of one slot in one space as JSON: the rows of record where many machines share the
#: database. Each machine makes ``text_rows`` of its own from them (see ``store/texts/mirror.py``).
text_chunks = Table(
    "text_chunks",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("space", Integer, ForeignKey("text_spaces.key"), nullable=False),
    Column("slot", Integer, ForeignKey("slots.key"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("rows", Text, nullable=False),
    UniqueConstraint("space", "slot"),
    Index(None, "slot"),
)

#: ``version`` grows with every change; ``ann_index`` describes the index over the rows, if any.
vector_spaces = Table(
    "vector_spaces",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("index_id", String(24), ForeignKey("indexes.id"), nullable=False),
    Column("modality", String(16), nullable=False),
    Column("space", Text, nullable=False),
    Column("dimensions", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ann_index", JSON(none_as_null=True)),
    UniqueConstraint("index_id", "modality", "space"),
    sqlite_autoincrement=True,
)

#: All vectors of one slot in one space: ``ids`` 24 bytes a row, ``spans`` four int64 a row,
#: ``vectors`` float32. One row per asset makes replacing and erasing one asset one statement. With
#: ``blob`` all three are one after the other in the object store.
vector_chunks = Table(
    "vector_chunks",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("space", Integer, ForeignKey("vector_spaces.key"), nullable=False),
    Column("slot", Integer, ForeignKey("slots.key"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("ids", LargeBinary, nullable=False),
    Column("spans", LargeBinary, nullable=False),
    Column("vectors", LargeBinary, nullable=False),
    Column("blob", Text),
    UniqueConstraint("space", "slot"),
    Index(None, "slot"),
)

#: Erasures that are committed but whose bytes are not yet proven gone from disk.
erasures = Table(
    "erasures",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("index_id", String(24), nullable=False),
    Column("asset_id", String(24), nullable=False),
    Column("blobs", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
