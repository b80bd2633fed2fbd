"""Model files on disk, addressed by what is in them.

::

    sha256/ab/ab12…       every file under its own hash, read-only
    models/CARD/NAME      the files of one card under the names that runtimes look for
    derived/              what can be computed again from the files
    partial/              downloads under way

The names are hard links, so they cost nothing; where the file system has none they are copies.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from videlicet.errors import ModelError, StoreError
from videlicet.models.base import File, ModelCard
from videlicet.settings import Settings

_CHUNK = 1 << 20
_seen: dict[tuple[str, int, int, int], str] = {}
_seen_lock = threading.Lock()


def content_path(settings: Settings, sha256: str) -> Path:
    """Where the file with that hash lies, if it was pulled."""
    return settings.weights / "sha256" / sha256[:2] / sha256


def name_path(settings: Settings, card: ModelCard, file: File) -> Path:
    """Where a card's file lies under its own name."""
    return settings.weights / "models" / card.id / file.name


def hash_file(path: Path, *, again: bool = False) -> str:
    """SHA-256 of a file. Read once per process as long as the file stays the same, unless
    ``again``."""
    status = path.stat()
    key = (str(path), status.st_ino, status.st_mtime_ns, status.st_size)
    with _seen_lock:
        known = _seen.get(key)
    if known is not None and not again:
        return known
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    with _seen_lock:
        _seen[key] = digest.hexdigest()
    return digest.hexdigest()


def is_right(path: Path, file: File, *, again: bool = False) -> bool:
    """Whether ``path`` is there and holds exactly the bytes that the card pins."""
    try:
        return path.stat().st_size == file.size and hash_file(path, again=again) == file.sha256
    except FileNotFoundError:
        return False


def missing_files(settings: Settings, card: ModelCard) -> list[File]:
    """The files of a card that were not pulled (their bytes are not looked at)."""
    return [f for f in card.files if not name_path(settings, card, f).is_file()]


def faults(settings: Settings, card: ModelCard, *, again: bool = True) -> list[ModelError]:
    """What is wrong with a card's files; empty where every byte is as pinned.

    Each fault is ``weights_missing`` or ``weights_checksum_mismatch`` and names the file.
    """
    found = []
    for file in card.files:
        paths = [name_path(settings, card, file), content_path(settings, file.sha256)]
        if not paths[0].is_file():
            found.append(_missing(card, file))
            continue
        if paths[1].exists() and paths[0].samefile(paths[1]):
            del paths[1]
        altered = [p for p in paths if p.is_file() and not is_right(p, file, again=again)]
        found += [_altered(card, file, path) for path in altered]
    return found


def open_files(settings: Settings, card: ModelCard) -> dict[str, Path]:
    """A card's files by name, each with its bytes checked (once per process).

    Raises:
        ModelError: ``weights_missing`` or ``weights_checksum_mismatch``.
    """
    paths = {}
    for file in card.files:
        path = name_path(settings, card, file)
        if not path.is_file():
            raise _missing(card, file)
        if not is_right(path, file):
            raise _altered(card, file, path)
        paths[file.name] = path
    return paths


def _missing(card: ModelCard, file: File) -> ModelError:
    return ModelError(
        "weights_missing",
        f"The model {card.id} is not on this machine ({file.name} is missing).",
        subject=card.id,
        remedy=f"Run `videlicet models pull {card.id}`, or `videlicet models pull` for all.",
    )


def _altered(card: ModelCard, file: File, path: Path) -> ModelError:
    return ModelError(
        "weights_checksum_mismatch",
        f"{path} is not the file that the model {card.id} was published with.",
        subject=str(path),
        remedy=f"Run `videlicet models pull --force {card.id}` to download it again.",
        details={"model": card.id, "file": file.name, "expected_sha256": file.sha256},
    )


def keep(settings: Settings, file: File, data: bytes) -> Path:
    """Write the bytes of a file into the store, whole or not at all."""
    path = content_path(settings, file.sha256)
    write_atomically(path, data)
    return path


def link(settings: Settings, card: ModelCard) -> None:
    """Give a card's files, all of them in the store, the names that runtimes look for."""
    for file in card.files:
        content, name = content_path(settings, file.sha256), name_path(settings, card, file)
        if name.exists() and name.samefile(content):
            continue
        name.parent.mkdir(parents=True, exist_ok=True)
        beside = name.with_name(f".{name.name}.{os.getpid()}")
        beside.unlink(missing_ok=True)
        try:
            os.link(content, beside)
        except OSError:
            shutil.copyfile(content, beside)
        beside.replace(name)
    manifest = {f.name: {"sha256": f.sha256, "size": f.size} for f in card.files}
    text = json.dumps({"id": card.id, "licence": card.licence, "files": manifest}, indent=1)
    write_atomically(
        settings.weights / "models" / card.id / "manifest.json", text.encode(), mode=0o644
    )


def write_atomically(path: Path, data: bytes, mode: int = 0o444) -> None:
    """Write a file so that nobody ever sees a part of it.

    Raises:
        StoreError: ``disk_full`` or ``store_not_writable``.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
        beside = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            beside.chmod(mode)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what a file system refuses into errors that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError("disk_full", f"No space is left to write {path}.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StoreError(
                "store_not_writable", f"{path} cannot be written: {error.strerror}.",
                remedy="Give yourself write permission there, or set VIDELICET_WEIGHTS.",
            ) from error  # fmt: skip
        raise


@contextlib.contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """One process at a time changes the store; others wait. Readers need no lock."""
    import fcntl

    path = settings.weights / "pull.lock"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a")
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
