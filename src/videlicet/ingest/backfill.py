"""Recordings that were added by path, as files and videos of the HTTP interface."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from videlicet.ingest import files, videos
from videlicet.media.process import readable
from videlicet.store.catalog.rows import media_to_json
from videlicet.store.catalog.schema import to_stored_time
from videlicet.types import Kind, Resource, Status

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.store import Store


def backfill_files(scope: Scope, store: Store) -> int:
    """Make a file and a video of every ready asset that has none yet; returns how many.

    The file stays where it is: its body holds ``path`` instead of ``blob``. The asset's id is the
    video's, so what was derived from it is found as before. Of several servers that begin at once,
    one does it.
    """
    with store.database.advisory_lock("adopt"):
        return _adopt(scope, store)


def _adopt(scope: Scope, store: Store) -> int:
    catalog = store.catalog
    known = {row.id for row in catalog.find_resources(scope, Kind.VIDEO)[0]}
    entries = [
        e for e in catalog.list_indexed(scope, status=Status.READY) if e.asset_id not in known
    ]
    for entry in entries:
        asset = catalog.asset(scope, entry.asset_id)
        kind = "audio" if asset.media.video is None else "video"
        file = Resource(
            id=asset.id,
            kind=Kind.FILE,
            tenant=asset.tenant,
            created_at=asset.created_at,
            updated_at=asset.created_at,
            status=files.READY,
            name=readable(asset.name),
            body={
                "method": "direct",
                "blob": asset.blob,
                "path": None if asset.blob else asset.source,
                "size": asset.size,
                "sha256": asset.sha256,
                "kind": kind,
                "file_type": files.media_type(asset.media, kind),
                "media": media_to_json(asset.media),
                "user_metadata": dict(asset.metadata),
                "hls": True,
                "thumbnail": True,
            },
        )
        indexed_at = entry.indexed_at or entry.created_at
        video = replace(
            file,
            kind=Kind.VIDEO,
            created_at=entry.created_at,
            updated_at=indexed_at,
            status=videos.READY,
            parent=entry.index_id,
            body={
                "file_id": file.id,
                "user_metadata": dict(asset.metadata),
                "video_stream": True,
                "indexed_at": to_stored_time(indexed_at),
                **videos.media_facts(file),
            },
        )
        catalog.put_resource(scope, file)
        catalog.put_resource(scope, video)
    return len(entries)
