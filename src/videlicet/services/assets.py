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
from videlicet.ingest.indexing import remove_asset
from videlicet.ingest.plan import INCOMING, staging
from videlicet.media.fetch import check
from videlicet.rights import Purpose
from videlicet.services import entities
from videlicet.services.indexing import list_videos_of
from videlicet.services.knowledge import links
from videlicet.services.problems import unknown
from videlicet.telemetry import traces
from videlicet.types import Asset, AssetOwner, AssetStatus, random_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller

#: Characters of a name that are stored.
MAX_NAME_CHARS = 1000


@dataclass(frozen=True, slots=True)
class NewAsset:
    """What is known of an asset when it is created."""

    name: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    hls: bool = True
    thumbnail: bool = True
    owner: AssetOwner = AssetOwner.TENANT


def get_asset(caller: Caller, asset_id: str) -> Asset:
    """An asset of the caller's.

    Raises:
        NotFound: ``asset_not_found``.
    """
    try:
        return caller.catalog.asset(caller.manage, asset_id)
    except NotFound:
        raise unknown("asset", asset_id) from None


def upload_asset(caller: Caller, new: NewAsset, source: BinaryIO) -> Asset:
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


def fetch_asset(caller: Caller, new: NewAsset, url: str, name: str | None = "url") -> Asset:
    """An asset whose bytes a worker downloads; ``name`` is the argument that held the URL, for
    errors.

    Raises:
        InvalidInput: ``url_not_allowed``.
    """
    check_url(caller, url, name)
    return _put(caller, new, random_id(), "url", source=url)


def expect_asset(caller: Caller, new: NewAsset, chunks: int) -> Asset:
    """An asset that arrives in so many chunks."""
    return _put(
        caller, new, random_id(), "multipart", chunks=chunks, status=AssetStatus.WAITING
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
) -> tuple[list[Asset], int]:
    """A page of the caller's assets, newest first, and how many there are in all; of some ids, or
    of some types (``video``, ``audio``, ``image``, ``document``), if given."""
    return caller.catalog.list_assets(
        caller.manage, ids=ids, types=types, name_part=name_part, offset=offset, limit=limit
    )


def delete_asset(caller: Caller, asset_id: str, *, force: bool = False) -> None:
    """Delete an asset with its bytes; with ``force`` its videos in all indexes and its items in all
    knowledge stores too.

    Raises:
        NotFound: ``asset_not_found``.
        Conflict: ``resource_conflict``, without ``force`` for an asset that is in use.
    """
    asset = get_asset(caller, asset_id)
    if not force and list_videos_of(caller, asset.id):
        raise Conflict(
            "resource_conflict",
            "The asset is indexed; delete its videos first, or use force.",
            subject=asset.id,
        )
    items = links.items_of_asset(caller, asset.id)
    if not force and items:
        raise Conflict(
            "resource_conflict",
            "The asset is an item of a knowledge store; delete that first, or use force.",
            subject=asset.id,
        )
    entities.remove_asset(caller, asset.id)
    remove_asset(caller.manage, caller.store, asset.id)
    for item in items:
        links.leave_collections(caller, item)


def set_asset_metadata(caller: Caller, asset_id: str, metadata: Mapping[str, Any]) -> None:
    """Replace all user metadata of an asset.

    Raises:
        NotFound: ``asset_not_found``.
    """
    asset = get_asset(caller, asset_id)
    caller.catalog.update_asset(caller.manage, asset.id, metadata=dict(metadata))


def require_ready(asset: Asset, name: str) -> None:
    """Refuse an asset that is not ready yet, or has failed; ``name`` is the argument it is for.

    Raises:
        InvalidInput: ``asset_not_ready``.
    """
    if asset.status is not AssetStatus.READY:
        raise InvalidInput(
            "asset_not_ready", f"{name}: the asset is {asset.status}.", subject=asset.id
        )


def require_not_failed(asset: Asset) -> None:
    """Refuse an asset whose file could not be read.

    Raises:
        InvalidInput: ``asset_not_ready``.
    """
    if asset.status is AssetStatus.FAILED:
        raise InvalidInput(
            "asset_not_ready", "The asset could not be read; upload it again.", subject=asset.id
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
    *,
    source: str = "",
    chunks: int | None = None,
    status: AssetStatus = AssetStatus.PROCESSING,
) -> Asset:
    now = datetime.now(UTC)
    asset = Asset(
        id=asset_id,
        tenant=caller.tenant,
        name=new.name[:MAX_NAME_CHARS],
        created_at=now,
        updated_at=now,
        status=status,
        owner=new.owner,
        method=method,
        source=source,
        metadata=dict(new.metadata),
        hls=new.hls,
        thumbnail=new.thumbnail,
        chunks=chunks,
        trace=traces.extract(traces.inject()),
    )
    caller.catalog.put_asset(caller.scope(Purpose.INGEST), asset)
    return asset
