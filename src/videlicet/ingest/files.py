"""Making an uploaded file ready: all its bytes in one place, hashed, and known for what it is.

A file's ``body`` holds: ``method`` (how it came), ``url`` or ``parts`` (where its bytes still are),
``blob`` (their key once they are there; or ``path``, of one that was added by path), ``size``,
``sha256``, ``kind`` (video, audio, image, document), ``file_type`` (a media type), ``media``
(container facts of a video or a sound), ``image`` (facts of a picture, as it is looked at),
``pdf`` (its version) and ``pages`` (how many, and the size of the first), ``user_metadata``,
``hls``, ``thumbnail`` and ``error``.
"""

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
from videlicet.store.catalog.rows import media_to_json
from videlicet.store.home import translated_errors
from videlicet.types import Kind, MediaInfo, Resource

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store

PROCESSING, READY, FAILED = "processing", "ready", "failed"

_READ = 4 * 1024 * 1024
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


def file_prefix(file_id: str) -> str:
    """What the blob keys of all bytes of a file begin with."""
    return f"files/{file_id}/"


def original_key(file_id: str) -> str:
    """The blob key of a file's bytes."""
    return f"{file_prefix(file_id)}original"


def part_key(file_id: str, number: int) -> str:
    """The blob key of one part of a file that is uploaded in parts."""
    return f"{file_prefix(file_id)}parts/{number}"


def file_lock(file_id: str) -> str:
    """The name that whoever makes a file ready holds meanwhile: tasks and the file's own workflow
    may want it at once."""
    return f"file {file_id}"


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


def prepare_file(
    scope: Scope, store: Store, settings: Settings, file_id: str, check: Callable[[], None]
) -> Resource:
    """Bring a file from ``processing`` to ``ready`` or ``failed``; one that has ended stays.

    Safe to run again after any interruption, but not twice at once (:func:`lock_of`). ``check`` is
    called often and may raise.

    Raises:
        NotFound: ``resource_not_found``, it was deleted; what was written of it since goes too.
    """
    try:
        return _prepared(scope, store, settings, file_id, check)
    except NotFound:
        _forget(scope, store, settings, file_id)
        raise


def _prepared(
    scope: Scope, store: Store, settings: Settings, file_id: str, check: Callable[[], None]
) -> Resource:
    file = store.catalog.resource(scope, Kind.FILE, file_id)
    if file.status != PROCESSING:
        return file
    try:
        path = _gather(scope, store, settings, file, check)
        facts = {
            "blob": original_key(file.id),
            "size": path.stat().st_size,
            **_hashed(path, file, check),
        }
        with with_display_name(path, file.name):
            facts |= identify_file(path, file.name, settings)
    except VidelicetError as error:
        if error.retryable:
            # Whoever tries again begins anew; where the disk is full there is room until then.
            shutil.rmtree(staging(settings, file.id), ignore_errors=True)
            raise
        return fail_file(scope, store, settings, file_id, error)
    except FileNotFoundError:  # deleted under our hands
        return fail_file(scope, store, settings, file_id, _gone(file))
    return store.catalog.update_resource(
        scope, Kind.FILE, file.id, when=[PROCESSING], status=READY,
        body={**facts, "parts": None},
    )  # fmt: skip


def fail_file(
    scope: Scope, store: Store, settings: Settings, file_id: str, error: VidelicetError
) -> Resource:
    """Keep the reason with a file that cannot be used; its bytes go.

    Raises:
        NotFound: ``resource_not_found``, it was deleted; its bytes are gone all the same.
    """
    # First: where the disk is full this makes the room that the rest needs.
    shutil.rmtree(staging(settings, file_id), ignore_errors=True)
    try:
        failed = store.catalog.update_resource(
            scope, Kind.FILE, file_id, when=[PROCESSING], status=FAILED,
            body={"error": error.to_json(), "blob": None, "parts": None},
        )  # fmt: skip
    except NotFound:
        _forget(scope, store, settings, file_id)
        raise
    if failed.status == FAILED:
        store.blobs.delete(scope, file_prefix(file_id))
    return failed


def _forget(scope: Scope, store: Store, settings: Settings, file_id: str) -> None:
    """Take away what was written of a file after it had been deleted."""
    try:
        # Bytes go only where no tenant has the file.
        store.catalog.resource(store.scope(scope.within(EVERY_TENANT)), Kind.FILE, file_id)
    except NotFound:
        shutil.rmtree(staging(settings, file_id), ignore_errors=True)
        store.blobs.delete(scope, file_prefix(file_id))


def identify_file(path: Path, name: str, settings: Settings) -> dict[str, Any]:
    """What kind of file this is, with what lists and searches want to know of it.

    Raises:
        MediaError: it is none that can be used.
    """
    from videlicet.media.pages import MEDIA_TYPE, is_pdf, pdf_facts

    with path.open("rb") as file:
        head = file.read(4096)
    if kind := _picture_type(head):
        return {"kind": "image", "file_type": kind, "image": _picture(path, settings)}
    if is_pdf(head, name):
        version = head.partition(b"%PDF-")[2][:3].decode("ascii", "replace")
        return {
            "kind": "document",
            "file_type": MEDIA_TYPE,
            "pdf": version,
            "pages": pdf_facts(path, settings),
        }
    if (ending := Path(name).suffix.lower()) in _TEXTS and _is_text(head):
        return {"kind": "document", "file_type": _TEXTS[ending]}
    media = probe(path, settings)
    kind = "audio" if media.video is None else "video"
    return {"kind": kind, "file_type": media_type(media, kind, head), "media": media_to_json(media)}


def _gather(
    scope: Scope, store: Store, settings: Settings, file: Resource, check: Callable[[], None]
) -> Path:
    """The file's bytes as one blob: fetched, or its parts joined, or there already."""
    key = original_key(file.id)
    if not store.blobs.exists(scope, key):
        folder = staging(settings, file.id)
        with translated_errors(settings.home):
            folder.mkdir(parents=True, exist_ok=True)
        whole = folder / "whole"
        if url := file.body.get("url"):
            from videlicet.media import playlists

            fetch_source(url, whole, settings, check)
            if playlists.is_playlist(whole):
                with translated_errors(folder):
                    playlists.join(url, whole, settings, check)
        elif source := file.body.get("connector"):
            from videlicet.connectors import connections

            connections.fetch_source(scope, store, settings, source, whole, check)
        else:
            _join(scope, store, file, whole, check)
        store.blobs.move_in(scope, key, whole)
        # With what a try that was killed left in it.
        shutil.rmtree(folder, ignore_errors=True)
    store.blobs.delete(scope, f"{file_prefix(file.id)}parts/")
    return store.blobs.path(scope, key)


def _join(
    scope: Scope, store: Store, file: Resource, whole: Path, check: Callable[[], None]
) -> None:
    parts = int(file.body.get("parts") or 0)
    if not parts:
        raise _gone(file)
    with translated_errors(whole.parent), whole.open("wb") as out:
        for number in range(1, parts + 1):
            with store.blobs.path(scope, part_key(file.id, number)).open("rb") as source:
                while block := source.read(_READ):
                    check()
                    out.write(block)
        out.flush()
        os.fsync(out.fileno())


def _gone(file: Resource) -> MediaError:
    return MediaError("source_missing", f"The bytes of {file.name} are gone.", subject=file.id)


def _hashed(path: Path, file: Resource, check: Callable[[], None]) -> dict[str, str]:
    if known := file.body.get("sha256"):
        return {"sha256": known}
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(_READ):
            check()
            digest.update(block)
    return {"sha256": digest.hexdigest()}


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
