"""Making an uploaded asset ready: all its bytes in one place, hashed, and known for what it is."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.errors import MediaError, NotFound, VidelicetError
from videlicet.ingest.plan import staging
from videlicet.media.probe import probe
from videlicet.media.process import readable
from videlicet.media.sources import fetch_source
from videlicet.rights import EVERY_TENANT
from videlicet.store.home import translated_errors
from videlicet.types import Asset, AssetStatus, MediaInfo

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store

_READ = 4 * 1024 * 1024
#: So many first bytes say what a file is.
HEAD_SIZE = 4096
#: First bytes of pictures, and of documents.
_PICTURES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}
_TEXTS = {".txt": "text/plain", ".md": "text/markdown", ".markdown": "text/markdown"}
_CONTAINERS = {
    "mov": "video/mp4",
    "mp4": "video/mp4",
    "matroska": "video/x-matroska",
    "webm": "video/webm",
    "avi": "video/x-msvideo",
    "mpegts": "video/mp2t",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
}


def asset_prefix(asset_id: str) -> str:
    """What the blob keys of all bytes of an uploaded asset begin with."""
    return f"files/{asset_id}/"


def original_key(asset_id: str) -> str:
    """The blob key of an uploaded asset's bytes."""
    return f"{asset_prefix(asset_id)}original"


def part_key(asset_id: str, number: int) -> str:
    """The blob key of one part of an asset that is uploaded in parts."""
    return f"{asset_prefix(asset_id)}parts/{number}"


def prepare_lock(asset_id: str) -> str:
    """The name that whoever makes an asset ready holds meanwhile: tasks and the asset's own
    workflow may want it at once."""
    return f"file {asset_id}"


@contextmanager
def with_display_name(path: Path, name: str) -> Iterator[None]:
    """Have errors speak of a file by its own name, rather than by where it is kept."""
    where = readable(path)
    try:
        yield
    except VidelicetError as error:
        error.message = error.message.replace(where, name)
        error.args = (error.message,)
        error.subject = name if error.subject == where else error.subject
        raise


def prepare_asset(
    scope: Scope, store: Store, settings: Settings, asset_id: str, check: Callable[[], None]
) -> Asset:
    """Bring an asset from ``processing`` to ``ready`` or ``failed``; one that has ended stays.

    Safe to run again after any interruption, but not twice at once (:func:`prepare_lock`).
    ``check`` is called often and may raise.

    Raises:
        NotFound: ``asset_not_found``, it was deleted; what was written of it since goes too.
    """
    try:
        return _prepared(scope, store, settings, asset_id, check)
    except NotFound:
        _forget(scope, store, settings, asset_id)
        raise


def _prepared(
    scope: Scope, store: Store, settings: Settings, asset_id: str, check: Callable[[], None]
) -> Asset:
    asset = store.catalog.asset(scope, asset_id)
    if asset.status is not AssetStatus.PROCESSING:
        return asset
    try:
        path = _gather(scope, store, settings, asset, check)
        facts = {
            "blob": original_key(asset.id),
            "size": path.stat().st_size,
            "sha256": asset.sha256 or _hashed(path, check),
        }
        with with_display_name(path, asset.name):
            facts |= identify_file(path, asset.name, settings)
    except VidelicetError as error:
        if error.retryable:
            # Whoever tries again begins anew; where the disk is full there is room until then.
            shutil.rmtree(staging(settings, asset.id), ignore_errors=True)
            raise
        return fail_asset(scope, store, settings, asset_id, error)
    except FileNotFoundError:  # deleted under our hands
        return fail_asset(scope, store, settings, asset_id, _gone(asset))
    return store.catalog.update_asset(
        scope, asset.id, when=[AssetStatus.PROCESSING], status=AssetStatus.READY, chunks=None,
        **facts,
    )  # fmt: skip


def fail_asset(
    scope: Scope, store: Store, settings: Settings, asset_id: str, error: VidelicetError
) -> Asset:
    """Keep the reason with an asset that cannot be used; its bytes go.

    Raises:
        NotFound: ``asset_not_found``, it was deleted; its bytes are gone all the same.
    """
    # First: where the disk is full this makes the room that the rest needs.
    shutil.rmtree(staging(settings, asset_id), ignore_errors=True)
    try:
        failed = store.catalog.update_asset(
            scope, asset_id, when=[AssetStatus.PROCESSING], status=AssetStatus.FAILED,
            error=error.to_json(), blob=None, chunks=None,
        )  # fmt: skip
    except NotFound:
        _forget(scope, store, settings, asset_id)
        raise
    if failed.status is AssetStatus.FAILED:
        store.blobs.delete(scope, asset_prefix(asset_id))
    return failed


def _forget(scope: Scope, store: Store, settings: Settings, asset_id: str) -> None:
    """Take away what was written of an asset after it had been deleted."""
    try:
        # Bytes go only where no tenant has the asset.
        store.catalog.asset(store.scope(scope.within(EVERY_TENANT)), asset_id)
    except NotFound:
        shutil.rmtree(staging(settings, asset_id), ignore_errors=True)
        store.blobs.delete(scope, asset_prefix(asset_id))


def identify_file(path: Path, name: str, settings: Settings) -> dict[str, Any]:
    """What kind of file this is, with what lists and searches want to know of it: fields of an
    :class:`~videlicet.types.Asset`.

    Raises:
        MediaError: it is none that can be used.
    """
    from videlicet.media.pages import MEDIA_TYPE, is_pdf, pdf_facts

    with path.open("rb") as file:
        head = file.read(HEAD_SIZE)
    if kind := _picture_type(head):
        return {"type": "image", "media_type": kind, "facts": {"image": _picture(path, settings)}}
    if is_pdf(head, name):
        version = head.partition(b"%PDF-")[2][:3].decode("ascii", "replace")
        facts = {"pdf": version, "pages": pdf_facts(path, settings)}
        return {"type": "document", "media_type": MEDIA_TYPE, "facts": facts}
    if (ending := Path(name).suffix.lower()) in _TEXTS and _is_text(head):
        return {"type": "document", "media_type": _TEXTS[ending]}
    return recording_fields(probe(path, settings), head)


def recording_fields(media: MediaInfo, head: bytes) -> dict[str, Any]:
    """The fields of an asset that is a recording, whose file begins with ``head``."""
    kind = "audio" if media.video is None else "video"
    return {"type": kind, "media_type": media_type(media, kind, head), "recording": media}


def _gather(
    scope: Scope, store: Store, settings: Settings, asset: Asset, check: Callable[[], None]
) -> Path:
    """The asset's bytes as one blob: fetched, or its parts joined, or there already."""
    key = original_key(asset.id)
    if not store.blobs.exists(scope, key):
        folder = staging(settings, asset.id)
        with translated_errors(settings.home):
            folder.mkdir(parents=True, exist_ok=True)
        whole = folder / "whole"
        if asset.connector is not None:
            from videlicet.connectors import connections

            connections.fetch_source(scope, store, settings, asset.connector, whole, check)
        elif asset.method == "url":
            from videlicet.media import playlists

            fetch_source(asset.source, whole, settings, check)
            if playlists.is_playlist(whole):
                with translated_errors(folder):
                    playlists.join(asset.source, whole, settings, check)
        else:
            _join(scope, store, asset, whole, check)
        store.blobs.move_in(scope, key, whole)
        # With what a try that was killed left in it.
        shutil.rmtree(folder, ignore_errors=True)
    store.blobs.delete(scope, f"{asset_prefix(asset.id)}parts/")
    return store.blobs.path(scope, key)


def _join(scope: Scope, store: Store, asset: Asset, whole: Path, check: Callable[[], None]) -> None:
    if not asset.chunks:
        raise _gone(asset)
    with translated_errors(whole.parent), whole.open("wb") as out:
        for number in range(1, asset.chunks + 1):
            with store.blobs.path(scope, part_key(asset.id, number)).open("rb") as source:
                while block := source.read(_READ):
                    check()
                    out.write(block)
        out.flush()
        os.fsync(out.fileno())


def _gone(asset: Asset) -> MediaError:
    return MediaError("source_missing", f"The bytes of {asset.name} are gone.", subject=asset.id)


def _hashed(path: Path, check: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(_READ):
            check()
            digest.update(block)
    return digest.hexdigest()


def _picture_type(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for mark, kind in _PICTURES.items() if head.startswith(mark)), None)


def _picture(path: Path, settings: Settings) -> dict[str, Any]:
    from videlicet.media.cut import image_facts

    facts = image_facts(path, settings)
    if facts["orientation"] > 4:  # lies on its side
        facts["width"], facts["height"] = facts["height"], facts["width"]
    return facts


def _is_text(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 4  # a character cut by the end of what was read
    return b"\0" not in head


def media_type(media: MediaInfo, kind: str, head: bytes = b"") -> str:
    """The media type of a recording, from the names its container goes by, and from its first bytes
    where two kinds of containers share their names."""
    names = media.container.split(",")
    if "webm" in names and b"webm" in head[:64]:
        names = ["webm"]
    for name in names:
        if name in _CONTAINERS:
            family = _CONTAINERS[name]
            return family if family.startswith(kind) else f"{kind}/{family.partition('/')[2]}"
    return mimetypes.guess_type(f"x.{media.container.split(',')[0]}")[0] or f"{kind}/octet-stream"
