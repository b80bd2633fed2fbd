"""Assets: files that a tenant has uploaded, or has had fetched, before and beside any index."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit

from videlicet.errors import Conflict, InvalidInput, NotFound
from videlicet.ingest import files
from videlicet.ingest.indexing import remove_file
from videlicet.ingest.plan import INCOMING, staging
from videlicet.media.fetch import check
from videlicet.rights import Purpose
from videlicet.services import entities
from videlicet.services.indexing import list_videos_of
from videlicet.services.knowledge import links
from videlicet.services.problems import unknown
from videlicet.telemetry import traces
from videlicet.types import Kind, Resource, random_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller

#: Status of an asset whose chunks are awaited (:mod:`videlicet.services.uploads`).
AWAITING_CHUNKS = "waiting"
#: Characters of a name that are stored.
MAX_NAME_CHARS = 1000


@dataclass(frozen=True, slots=True)
class NewAsset:
    """What is known of an asset when it is created."""

    name: str
    user_metadata: Mapping[str, Any] = field(default_factory=dict)
    hls: bool = True
    thumbnail: bool = True
    #: An asset with a parent serves that alone and is not listed.
    parent: str = ""

    def body(self) -> dict[str, Any]:
        return {
            "user_metadata": dict(self.user_metadata),
            "hls": self.hls,
            "thumbnail": self.thumbnail,
        }


def get_asset(caller: Caller, asset_id: str) -> Resource:
    """An asset of the caller's.

    Raises:
        NotFound: ``asset_not_found``.
    """
    try:
        return caller.catalog.resource(caller.manage, Kind.FILE, asset_id)
    except NotFound:
        raise unknown("asset", asset_id) from None


def upload_asset(caller: Caller, new: NewAsset, source: BinaryIO) -> Resource:
    """An asset whose bytes the caller sends."""
    asset_id = random_id()
    folder = staging(caller.settings, f"{INCOMING}{asset_id}")
    folder.mkdir(parents=True)
    try:
        with (folder / "whole").open("wb") as out:
            shutil.copyfileobj(source, out, 1024 * 1024)
        caller.store.blobs.move_in(
            caller.scope(Purpose.INGEST), files.original_key(asset_id), folder / "whole"
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _put(caller, new, asset_id, "direct")


def fetch_asset(caller: Caller, new: NewAsset, url: str, name: str | None = "url") -> Resource:
    """An asset whose bytes a worker downloads; ``name`` is the argument that held the URL, for
    errors.

    Raises:
        InvalidInput: ``url_not_allowed``.
    """
    check_url(caller, url, name)
    return _put(caller, new, random_id(), "url", {"url": url})


def expect_asset(caller: Caller, new: NewAsset, chunks: int) -> Resource:
    """An asset that arrives in so many chunks."""
    return _put(
        caller, new, random_id(), "multipart", {"parts": chunks}, status=AWAITING_CHUNKS
    )  # fmt: skip


def start_processing(caller: Caller) -> None:
    """Have a worker take up assets that were created."""
    caller.platform.worker_client.notify()


def list_assets(
    caller: Caller,
    *,
    ids: Collection[str] | None = None,
    types: Collection[str] = (),
    name_part: str | None = None,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[Resource], int]:
    """A page of the caller's assets, newest first, and how many there are in all; of some ids, or
    of some types (``video``, ``audio``, ``image``, ``document``), if given."""
    if len(set(types)) > 1:
        rows, _ = caller.catalog.find_resources(
            caller.manage, Kind.FILE, ids=ids, parent="", named_like=name_part
        )
        rows = [row for row in rows if row.body.get("kind") in types]
        return rows[offset : None if limit is None else offset + limit], len(rows)
    return caller.catalog.find_resources(
        caller.manage, Kind.FILE, ids=ids, parent="", named_like=name_part,
        body=[(["kind"], "==", one) for one in set(types)], offset=offset, limit=limit,
    )  # fmt: skip


def delete_asset(caller: Caller, asset_id: str, *, force: bool = False) -> None:
    """Delete an asset with its bytes; with ``force`` its videos in all indexes and its items in all
    knowledge stores too.

    Raises:
        NotFound: ``asset_not_found``.
        Conflict: ``resource_conflict``, without ``force`` for an asset that is in use.
    """
    file = get_asset(caller, asset_id)
    if not force and list_videos_of(caller, file.id):
        raise Conflict(
            "resource_conflict",
            "The asset is indexed; delete its videos first, or use force.",
            subject=file.id,
        )
    items = links.items_of_asset(caller, file.id)
    if not force and items:
        raise Conflict(
            "resource_conflict",
            "The asset is an item of a knowledge store; delete that first, or use force.",
            subject=file.id,
        )
    entities.remove_asset(caller, file.id)
    remove_file(caller.manage, caller.store, file.id)
    for item in items:
        links.leave_collections(caller, item)


def set_asset_metadata(caller: Caller, asset_id: str, metadata: Mapping[str, Any]) -> None:
    """Replace all user metadata of an asset.

    Raises:
        NotFound: ``asset_not_found``.
    """
    file = get_asset(caller, asset_id)
    caller.catalog.update_resource(
        caller.manage, Kind.FILE, file.id, body={"user_metadata": dict(metadata)}
    )


def require_ready(file: Resource, name: str) -> None:
    """Refuse an asset that is not ready yet, or has failed; ``name`` is the argument it is for.

    Raises:
        InvalidInput: ``asset_not_ready``.
    """
    if file.status != files.READY:
        raise InvalidInput(
            "asset_not_ready", f"{name}: the asset is {file.status}.", subject=file.id
        )


def require_not_failed(file: Resource) -> None:
    """Refuse an asset whose file could not be read.

    Raises:
        InvalidInput: ``asset_not_ready``.
    """
    if file.status == files.FAILED:
        raise InvalidInput(
            "asset_not_ready", "The asset could not be read; upload it again.", subject=file.id
        )


def check_url(caller: Caller, url: str, name: str | None = "url") -> None:
    """Refuse a URL that may not be fetched, before anything is created for it.

    Raises:
        InvalidInput: ``url_not_allowed``.
    """
    try:
        check(url, caller.settings)
    except InvalidInput as error:
        if error.code == "url_not_allowed":
            message = error.message if name is None else f"{name}: {error.message}"
            raise InvalidInput(error.code, message, subject=url) from None
        # A host that does not answer now may later: then the asset fails with the reason.


def name_in(url: str) -> str:
    """The last part of a URL's path."""
    parts = urlsplit(url)
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.netloc


def _put(
    caller: Caller,
    new: NewAsset,
    asset_id: str,
    method: str,
    more: Mapping[str, Any] | None = None,
    status: str = files.PROCESSING,
) -> Resource:
    now = datetime.now(UTC)
    file = Resource(
        id=asset_id,
        kind=Kind.FILE,
        tenant=caller.tenant,
        created_at=now,
        updated_at=now,
        status=status,
        parent=new.parent,
        name=new.name[:MAX_NAME_CHARS],
        body={"method": method, **new.body(), **(more or {}), **traces.inject()},
    )
    caller.catalog.put_resource(caller.scope(Purpose.INGEST), file)
    return file
