"""What a user names, made into a list of files and addresses, one record for each.

Paths, folders and globs are read here. Addresses belong to schemes, which are entries of
:data:`SOURCES`: an installed package adds one (``s3``) through an entry point of the group
``videlicet.sources`` that has the scheme's name.
"""

from __future__ import annotations

import errno
import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from videlicet.errors import InvalidInput, VidelicetError
from videlicet.registry import Registry

if TYPE_CHECKING:
    from videlicet.settings import Settings

#: Files taken from folders, by suffix. A file that is named itself is taken whatever it is called.
_SUFFIXES = (
    ".mp4 .m4v .mov .qt .mkv .webm .avi .mpg .mpeg .m2v .ts .mts .m2ts .vob .flv .f4v .wmv .asf "
    ".ogv .ogg .3gp .3g2 .mxf .dv .rm .rmvb .divx .y4m .nut .wtv .gif .mp3 .m4a .m4b .aac .wav "
    ".flac .opus .oga .wma .aif .aiff .caf .amr .ac3 .eac3 .mka"
)
SUFFIXES = frozenset(_SUFFIXES.split())
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One thing to add: a ``path``, a ``url``, or an ``error`` in its place.

    ``name`` can always be printed and stored (undecodable bytes appear as ``\\xNN``).
    """

    name: str
    path: Path | None = None
    url: str | None = None
    error: VidelicetError | None = None


class SourceScheme(Protocol):
    """How the addresses of one scheme are read. Methods may be called from several threads."""

    def expand(self, address: str) -> Iterable[SourceItem]:
        """The sources that an address names, each with a ``url`` of its own: one, or those under a
        prefix. Nothing is raised for one bad entry: it is a source with an ``error``."""

    def fetch(
        self,
        address: str,
        into: Path,
        settings: Settings,
        *,
        progress: Callable[[int, int | None], None],
    ) -> object:
        """Bring the bytes of one source to the file ``into``, which appears only when it is
        complete. ``progress`` is called often, with the bytes so far and in all, and may raise.

        Raises:
            VidelicetError: why the bytes cannot be had; ``retryable`` says whether that may pass.
        """


#: By scheme, in lower case.
SOURCES: Registry[SourceScheme] = Registry(
    "videlicet.sources",
    "source scheme",
    is_valid=lambda entry: (
        callable(getattr(entry, "expand", None)) and callable(getattr(entry, "fetch", None))
    ),
)
SOURCES.add_lazy("http", "videlicet.media.http_source:HTTP")
SOURCES.add_lazy("https", "videlicet.media.http_source:HTTP")


def scheme_of(source: str) -> str | None:
    """The scheme of an address, ``None`` of a path."""
    found = _SCHEME.match(source)
    return None if found is None else found.group(1).lower()


def fetch_source(
    address: str, into: Path, settings: Settings, progress: Callable[[], None]
) -> None:
    """Bring the bytes at an address of any scheme to a file; ``progress`` is called often and may
    raise."""
    scheme = SOURCES.get(scheme_of(address) or "")
    scheme.fetch(address, into, settings, progress=lambda *_: progress())


def find_sources(patterns: Sequence[str | os.PathLike[str]]) -> list[SourceItem]:
    """Everything that files, folders (searched to the bottom), globs and http(s) addresses name.

    Files come in the order of their names within each pattern, each only once. Hidden files and
    files without a media suffix are passed over in folders. A link that leads back to a folder
    being searched, and whatever cannot be read, becomes a record with an ``error``; nothing is
    raised for one bad entry.
    """
    seen: set[str] = set()
    found: list[SourceItem] = []
    for pattern in patterns:
        for source in _expand(os.fspath(pattern)):
            if source.error is None:
                known = source.url or os.path.realpath(source.path or "")
                if known in seen:
                    continue
                seen.add(known)
            found.append(source)
    return found


def _expand(pattern: str) -> Iterator[SourceItem]:
    name = printable_path(pattern)
    if scheme := scheme_of(pattern):
        if scheme in (known := SOURCES.names()):
            yield from SOURCES.get(scheme).expand(pattern)
        else:
            names = " and ".join([", ".join(known[:-1]), known[-1]]) if known[1:] else known[0]
            yield _problem(name, "url_not_allowed", f"Only {names} are read, not {name}.")
        return
    if not pattern or "\0" in pattern:
        yield _problem(name, "path_not_found", f"{name!r} is not a path.")
        return
    path = os.path.expanduser(pattern) if pattern.startswith("~") else pattern
    # Not normpath: "link/.." is the parent of what the link leads to.
    path = os.path.join(os.getcwd(), path)
    if ".." in Path(path).parts:
        path = os.path.realpath(path)
    if os.path.lexists(path) or not glob.has_magic(path):
        yield from _entry(path, ())
        return
    matches = sorted(glob.glob(path, recursive=True))
    if not matches:
        yield _problem(name, "path_not_found", f"Nothing matches {name}.")
    for match in matches:
        if os.path.isdir(match) or not glob.has_magic(os.path.basename(match)):
            yield from _entry(match, ())


def _entry(path: str, inside: tuple[tuple[int, int], ...]) -> Iterator[SourceItem]:
    """A file or a folder; ``inside`` are the folders being searched, outermost first."""
    name = printable_path(path)
    try:
        status = os.stat(path)
    except OSError as error:
        yield _unreadable(name, error)
        return
    if not os.path.isdir(path):
        yield SourceItem(name, path=Path(path))
        return
    here = (status.st_dev, status.st_ino)
    if here in inside:
        yield _problem(name, "path_not_allowed", f"{name} is a link back to a folder it lies in.")
        return
    try:
        with os.scandir(path) as entries:
            children = sorted(entry.path for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        yield _unreadable(name, error)
        return
    empty = True
    for child in children:
        is_media = os.path.splitext(child)[1].lower() in SUFFIXES
        if is_media or os.path.isdir(child) or _is_loop(child):
            for source in _entry(child, (*inside, here)):
                empty = False
                yield source
    if empty and not inside:
        yield _problem(name, "nothing_to_add", f"There is no video or sound file in {name}.")


def _is_loop(path: str) -> bool:
    try:
        os.stat(path)
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _unreadable(name: str, error: OSError) -> SourceItem:
    if error.errno == errno.ELOOP:
        return _problem(name, "path_not_allowed", f"{name} is a symlink loop.")
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return _problem(name, "path_not_found", f"There is no {name}.")
    reason = (error.strerror or "unreadable").lower()
    return _problem(name, "path_not_readable", f"{name} cannot be read: {reason}.")


def _problem(name: str, code: str, message: str) -> SourceItem:
    return SourceItem(name, error=InvalidInput(code, message, subject=name))


def printable_path(path: str) -> str:
    """A path or an address as text that can be printed and stored."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
