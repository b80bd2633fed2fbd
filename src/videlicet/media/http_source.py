"""Addresses of the web as sources of media."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.media.fetch import fetch
from videlicet.media.sources import SourceItem, printable_path

if TYPE_CHECKING:
    from videlicet.settings import Settings


class HttpSource:
    """One file for each ``http`` or ``https`` address."""

    def expand(self, address: str) -> Iterable[SourceItem]:
        return (SourceItem(printable_path(address), url=address),)

    def fetch(
        self,
        address: str,
        into: Path,
        settings: Settings,
        *,
        progress: Callable[[int, int | None], None],
    ) -> Path:
        return fetch(address, into, settings, progress=progress)


HTTP = HttpSource()
