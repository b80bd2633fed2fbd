"""Assets and videos have tables of their own.

Until now a file that was sent over HTTP was a resource (``file``), its place in an index another
one (``video``), and what had been observed of that had a row in ``assets`` under the video's id; a
file that was added by path had a row in ``assets`` only, until a server made resources of it. Now
every file has one row in ``assets``, and its place in each index one in ``videos``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BUILT_IN = frozenset(
    {
        "id", "name", "source", "sha256", "size", "container", "created_at", "duration", "width",
        "height", "has_video", "has_audio", "and", "or", "not",
    }
)  # fmt: skip
_CONTAINERS = {
    "mov": "mp4", "mp4": "mp4", "matroska": "x-matroska", "webm": "webm", "avi": "x-msvideo",
    "mpegts": "mp2t", "wav": "wav", "mp3": "mpeg", "flac": "flac", "ogg": "ogg",
}  # fmt: skip
_JSON = sa.JSON(none_as_null=True)
_RESOURCES = sa.table(
    "resources", sa.column("row"), sa.column("id"), sa.column("kind"), sa.column("tenant"),
    sa.column("parent"), sa.column("name"), sa.column("name_folded"), sa.column("status"),
    sa.column("created_at"), sa.column("updated_at"), sa.column("expires_at"),
    sa.column("body", _JSON),
)  # fmt: skip
_FIELDS = sa.table("resource_fields", sa.column("resource"))
_ASSETS = sa.table(
    "assets",
    *map(
        sa.column,
        (
            "id", "tenant", "name", "name_folded", "status", "owner", "method", "source", "blob",
            "size", "sha256", "type", "media_type", "hls", "thumbnail", "chunks", "connector_key",
            "trace", "created_at", "updated_at", "duration", "width", "height", "fps", "container",
            "has_video", "has_audio",
        ),
    ),
    *(sa.column(name, _JSON) for name in ("recording", "facts", "metadata", "connector", "error")),
)  # fmt: skip
_SLOTS = sa.table("slots", sa.column("key"), sa.column("index_id"), sa.column("asset_id"))
_INDEXED = sa.table(
    "indexed_assets", sa.column("slot"), sa.column("status"), sa.column("created_at"),
    sa.column("indexed_at"), sa.column("notes", _JSON),
)  # fmt: skip
_VIDEOS = sa.table(
    "videos",
    *map(
        sa.column,
        (
            "slot", "id", "status", "stream", "store_id", "item_id", "item_type", "created_at",
            "updated_at", "indexed_at",
        ),
    ),
    *(sa.column(name, _JSON) for name in ("metadata", "notes", "error", "enrichment")),
)  # fmt: skip
_COLUMNS = ("key", "kind", "value", "number", "text", "text_folded")
_ASSET_METADATA = sa.table("asset_metadata", sa.column("asset_id"), *map(sa.column, _COLUMNS))
_VIDEO_METADATA = sa.table("video_metadata", sa.column("slot"), *map(sa.column, _COLUMNS))
_TASKS = sa.table(
    "tasks", sa.column("id"), sa.column("index_id"), sa.column("source"), sa.column("status"),
    sa.column("asset_id"), sa.column("video_id"), sa.column("attempts"),
)  # fmt: skip


def upgrade() -> None:
    """Make the tables, and fill them from what stands for files and videos."""
    connection = op.get_bind()
    is_postgres = connection.dialect.name == "postgresql"
    if not is_postgres and connection.execute(sa.text("SELECT 1 FROM text_chunks")).first():
        _empty_mirror(connection)
    _make_tables(is_postgres)
    _describe_assets(connection)
    _move_files(connection)
    for row in list(_rows(connection, "video")):
        _move_video(connection, row)
    _move_memberships(connection)
    gone = _RESOURCES.c.kind.in_(("file", "video"))
    connection.execute(
        sa.delete(_FIELDS).where(_FIELDS.c.resource.in_(sa.select(_RESOURCES.c.row).where(gone)))
    )
    connection.execute(sa.delete(_RESOURCES).where(gone))
    # The pages of earlier searches name what are assets no more.
    connection.execute(
        _RESOURCES.update()
        .where(_RESOURCES.c.kind == "search")
        .values(expires_at=_RESOURCES.c.created_at)
    )
    op.drop_table("indexed_assets")


def _text(is_postgres: bool, length: int | None = None) -> sa.types.TypeEngine[str]:
    collation = "C" if is_postgres else None
    return sa.String(length, collation=collation) if length else sa.Text(collation=collation)


def _make_tables(is_postgres: bool) -> None:
    def text(length: int | None = None) -> sa.types.TypeEngine[str]:
        return _text(is_postgres, length)

    with op.batch_alter_table("assets") as batch:
        batch.alter_column(
            "media", new_column_name="recording", existing_type=sa.JSON(), nullable=True
        )
        kind: sa.types.TypeEngine[Any]
        for name, kind in (
            ("sha256", text(64)), ("size", sa.BigInteger()), ("duration", sa.Float()),
            ("container", text()), ("has_video", sa.Integer()), ("has_audio", sa.Integer()),
        ):  # fmt: skip
            batch.alter_column(name, existing_type=kind, nullable=True)
        for name, kind, default in (
            ("status", text(16), "ready"), ("owner", text(16), "index"),
            ("method", text(16), "path"), ("facts", sa.JSON(), "{}"), ("metadata", sa.JSON(), "{}"),
            ("hls", sa.Integer(), "1"), ("thumbnail", sa.Integer(), "1"),
            ("updated_at", text(32), ""),
        ):  # fmt: skip
            batch.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        for name, kind in (
            ("type", text(16)), ("media_type", text()), ("chunks", sa.Integer()),
            ("connector", sa.JSON()), ("connector_key", text()), ("error", sa.JSON()),
            ("trace", text()), ("fps", sa.Float()),
        ):  # fmt: skip
            batch.add_column(sa.Column(name, kind, nullable=True))
    op.create_index("ix_assets_status", "assets", ["status"])
    op.create_index("ix_assets_connector_key", "assets", ["connector_key"])
    op.create_table(
        "videos",
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("id", text(24), nullable=False),
        sa.Column("status", text(16), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("store_id", text(64), nullable=True),
        sa.Column("item_id", text(64), nullable=True),
        sa.Column("item_type", text(16), nullable=True),
        sa.Column("enrichment", sa.JSON(), nullable=True),
        sa.Column("created_at", text(32), nullable=False),
        sa.Column("updated_at", text(32), nullable=False),
        sa.Column("indexed_at", text(32), nullable=True),
        sa.ForeignKeyConstraint(["slot"], ["slots.key"], name="fk_videos_slot"),
        sa.PrimaryKeyConstraint("slot", name="pk_videos"),
        sa.UniqueConstraint("id", name="uq_videos_id"),
    )
    op.create_index("ix_videos_status", "videos", ["status"])
    op.create_index("ix_videos_item_id", "videos", ["item_id"])
    op.create_table(
        "video_metadata",
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("key", text(), nullable=False),
        sa.Column("kind", text(6), nullable=False),
        sa.Column("value", text(), nullable=False),
        sa.Column("number", sa.Float(), nullable=True),
        sa.Column("text", text(), nullable=True),
        sa.Column("text_folded", text(), nullable=True),
        sa.ForeignKeyConstraint(["slot"], ["videos.slot"], name="fk_video_metadata_slot"),
        sa.PrimaryKeyConstraint("slot", "key", name="pk_video_metadata"),
    )
    op.create_index("ix_video_metadata_key_number", "video_metadata", ["key", "number"])
    op.create_index("ix_video_metadata_key_text", "video_metadata", ["key", "text"])
    op.add_column("tasks", sa.Column("video_id", text(24), nullable=True))
    op.add_column("tasks", sa.Column("trace", text(), nullable=True))
    op.create_index("ix_tasks_video_id", "tasks", ["video_id"])


def _empty_mirror(connection: sa.Connection) -> None:
    """This is a machine's copy of the texts of a shared store, which is made again: it names assets
    that have other ids now."""
    for (key,) in connection.execute(sa.text("SELECT key FROM text_spaces")).all():
        for table in (f"text_words_{key}", f"text_grams_{key}"):
            op.execute(f"DROP TABLE {table}")
        op.execute(f"DROP VIEW text_view_{key}")
    for table in ("text_chunks", "text_rows", "text_spaces", "slots", "indexes"):
        op.execute(f"DELETE FROM {table}")


def _describe_assets(connection: sa.Connection) -> None:
    """Fill the new columns of the rows that there are; each is an asset of its own so far."""
    attached: dict[str, dict[str, Any]] = {}
    for row in connection.execute(sa.select(_ASSET_METADATA)).all():
        name = row.key.removeprefix("user.")
        key = name if name in _BUILT_IN else row.key
        attached.setdefault(row.asset_id, {})[key] = json.loads(row.value)
    chosen = sa.select(_ASSETS.c.id, _ASSETS.c.source, _ASSETS.c.recording, _ASSETS.c.created_at)
    for row in connection.execute(chosen).all():
        media = row.recording
        type = "audio" if media["video"] is None else "video"
        values = {
            "method": "url" if "://" in row.source else "path",
            "type": type,
            "media_type": _media_type(media["container"], type),
            "metadata": attached.get(row.id, {}),
            "updated_at": row.created_at,
            "fps": _facts(media, None)["fps"],
        }
        connection.execute(_ASSETS.update().where(_ASSETS.c.id == row.id).values(values))


def _move_files(connection: sa.Connection) -> None:
    """One asset for each file; the row of one that was added by path is there."""
    known = set(connection.execute(sa.select(_ASSETS.c.id)).scalars())
    for row in list(_rows(connection, "file")):
        body = row.body
        if row.id in known:
            values = {"media_type": body.get("file_type"), "updated_at": row.updated_at}
            connection.execute(_ASSETS.update().where(_ASSETS.c.id == row.id).values(values))
            continue
        metadata, connector = body.get("user_metadata") or {}, body.get("connector")
        image = body.get("image")
        connection.execute(
            _ASSETS.insert().values(
                id=row.id,
                tenant=row.tenant,
                name=row.name,
                name_folded=row.name_folded,
                status=row.status,
                owner="analysis" if row.parent == "analysis" else "tenant",
                method=body.get("method") or "direct",
                source=body.get("url") or body.get("path") or "",
                blob=body.get("blob"),
                size=body.get("size"),
                sha256=body.get("sha256"),
                type=body.get("kind"),
                media_type=body.get("file_type"),
                recording=body.get("media"),
                facts={name: body[name] for name in ("image", "pdf", "pages") if body.get(name)},
                metadata=metadata,
                hls=int(body.get("hls", True)),
                thumbnail=int(body.get("thumbnail", True)),
                chunks=body.get("parts"),
                connector=connector,
                connector_key=None
                if connector is None
                else json.dumps([connector["account_id"], connector["source_id"]]),
                error=body.get("error"),
                trace=body.get("trace"),
                created_at=row.created_at,
                updated_at=row.updated_at,
                **_facts(body.get("media"), image),
            )
        )
        _attach(connection, _ASSET_METADATA, {"asset_id": row.id}, metadata)


def _move_video(connection: sa.Connection, row: sa.Row[Any]) -> None:
    """A video of a file, which so far is an asset of its own where something was observed of it."""
    body, file_id = row.body, row.body.get("file_id")
    if connection.execute(sa.select(_ASSETS.c.id).where(_ASSETS.c.id == file_id)).first() is None:
        return  # the file was deleted, and the program killed before the rest was
    here = (_SLOTS.c.index_id == row.parent) & (_SLOTS.c.asset_id == row.id)
    slot = connection.execute(sa.select(_SLOTS.c.key).where(here)).scalar()
    if slot is None:
        connection.execute(_SLOTS.insert().values(index_id=row.parent, asset_id=file_id))
        slot = connection.execute(
            sa.select(_SLOTS.c.key).where(
                _SLOTS.c.index_id == row.parent, _SLOTS.c.asset_id == file_id
            )
        ).scalar_one()
    entry = connection.execute(sa.select(_INDEXED).where(_INDEXED.c.slot == slot)).first()
    metadata = body.get("user_metadata") or {}
    if file_id == row.id:  # added by path: what was attached since is with the asset
        own = connection.execute(
            sa.select(_ASSETS.c.metadata).where(_ASSETS.c.id == file_id)
        ).scalar_one()
        metadata = {**{k: v for k, v in metadata.items() if isinstance(v, list)}, **own}
    else:
        connection.execute(_SLOTS.update().where(_SLOTS.c.key == slot).values(asset_id=file_id))
        connection.execute(sa.delete(_ASSET_METADATA).where(_ASSET_METADATA.c.asset_id == row.id))
        connection.execute(sa.delete(_ASSETS).where(_ASSETS.c.id == row.id))
    connection.execute(
        _VIDEOS.insert().values(
            slot=slot,
            id=row.id,
            status=row.status,
            metadata=metadata,
            notes=[] if entry is None else entry.notes,
            stream=int(bool(body.get("video_stream"))),
            error=body.get("error"),
            store_id=body.get("store_id"),
            item_id=body.get("item_id"),
            item_type=body.get("asset_type"),
            enrichment=body.get("enrichment"),
            created_at=row.created_at,
            updated_at=row.updated_at,
            indexed_at=body.get("indexed_at") or (None if entry is None else entry.indexed_at),
        )
    )
    _attach(connection, _VIDEO_METADATA, {"slot": slot}, metadata)
    # What saved searches found in it, and where they are still to look, name the asset.
    connection.execute(
        _RESOURCES.update()
        .where(_RESOURCES.c.kind.in_(("match", "saved_search_run")), _RESOURCES.c.name == row.id)
        .values(name=file_id, name_folded=file_id)
    )
    of_it = _TASKS.c.source == f"video:{row.id}"
    connection.execute(
        _TASKS.update()
        .where(of_it, _TASKS.c.status.in_(("queued", "running")))
        .values(
            # What a worker had planned names the old id: it begins anew.
            attempts=_TASKS.c.attempts + 1
        )
    )
    connection.execute(
        _TASKS.update().where(of_it).values(source="", video_id=row.id, asset_id=file_id)
    )


def _move_memberships(connection: sa.Connection) -> None:
    """A video for each asset in an index that has none: it was added by path."""
    entries = connection.execute(
        sa.select(_INDEXED, _SLOTS.c.index_id, _SLOTS.c.asset_id)
        .join(_SLOTS, _SLOTS.c.key == _INDEXED.c.slot)
        .where(_INDEXED.c.slot.not_in(sa.select(_VIDEOS.c.slot)))
    ).all()
    for row in entries:
        asset = connection.execute(
            sa.select(_ASSETS.c.metadata).where(_ASSETS.c.id == row.asset_id)
        ).first()
        if asset is None:
            continue
        connection.execute(
            _VIDEOS.insert().values(
                slot=row.slot,
                id=_derived_id("video", row.index_id, row.asset_id),
                status="indexing" if row.status == "running" else row.status,
                metadata=asset.metadata,
                notes=row.notes,
                stream=1,
                created_at=row.created_at,
                updated_at=row.indexed_at or row.created_at,
                indexed_at=row.indexed_at,
            )
        )
        _attach(connection, _VIDEO_METADATA, {"slot": row.slot}, asset.metadata)
    # Tasks of videos that were deleted keep the id only; those that add a path name their video.
    for task in connection.execute(
        sa.select(_TASKS.c.id, _TASKS.c.source).where(_TASKS.c.source.like("video:%"))
    ).all():
        values = {"source": "", "video_id": task.source.removeprefix("video:"), "asset_id": None}
        connection.execute(_TASKS.update().where(_TASKS.c.id == task.id).values(values))
    of_tasks = (
        sa.select(_TASKS.c.id, _VIDEOS.c.id.label("video"))
        .join(
            _SLOTS,
            (_SLOTS.c.index_id == _TASKS.c.index_id) & (_SLOTS.c.asset_id == _TASKS.c.asset_id),
        )
        .join(_VIDEOS, _VIDEOS.c.slot == _SLOTS.c.key)
        .where(_TASKS.c.video_id.is_(None))
    )
    for id, video_id in connection.execute(of_tasks).all():
        connection.execute(_TASKS.update().where(_TASKS.c.id == id).values(video_id=video_id))


def _rows(connection: sa.Connection, kind: str) -> Iterator[sa.Row[Any]]:
    query = sa.select(_RESOURCES).where(_RESOURCES.c.kind == kind).order_by(_RESOURCES.c.row)
    yield from connection.execute(query)


def _facts(media: Mapping[str, Any] | None, image: Mapping[str, Any] | None) -> dict[str, Any]:
    """What lists and filters compare."""
    found = dict.fromkeys(
        ("duration", "width", "height", "fps", "container", "has_video", "has_audio")
    )
    if media is not None:
        start, end = map(Fraction, media["span"])
        video = media["video"]
        found |= {
            "duration": float(end - start),
            "container": media["container"],
            "has_video": int(video is not None),
            "has_audio": int(bool(media["audio"])),
        }
        if video is not None:
            rate = video["average_rate"]
            found |= {
                "width": video["width"],
                "height": video["height"],
                "fps": None if rate is None else float(Fraction(rate)),
            }
    elif image is not None:
        found |= {"width": image["width"], "height": image["height"]}
    return found


def _media_type(container: str, type: str) -> str:
    names = container.split(",")
    known = next((_CONTAINERS[name] for name in names if name in _CONTAINERS), "octet-stream")
    return f"{type}/{known}"


def _attach(
    connection: sa.Connection,
    table: sa.TableClause,
    owner: Mapping[str, Any],
    metadata: Mapping[str, Any],
) -> None:
    (column, value), *_ = owner.items()
    connection.execute(sa.delete(table).where(table.c[column] == value))
    rows = [{**owner, **row} for key, one in metadata.items() if (row := _value(key, one))]
    if rows:
        connection.execute(table.insert(), rows)


def _value(key: str, value: Any) -> dict[str, Any] | None:
    row: dict[str, Any] = {
        "key": f"user.{key}" if key in _BUILT_IN else key, "value": json.dumps(value),
        "number": None, "text": None, "text_folded": None,
    }  # fmt: skip
    match value:
        case bool():
            return {**row, "kind": "bool", "number": float(value)}
        case int():
            return {**row, "kind": "int", "number": float(value)}
        case float() if math.isfinite(value):
            return {**row, "kind": "float", "number": value}
        case str():
            return {**row, "kind": "str", "text": value, "text_folded": value.casefold()}
        case list():
            return {**row, "kind": "list"}
    return None


def _derived_id(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()[:24]
