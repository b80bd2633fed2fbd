"""Media that come with a request: bytes, a URL, or an asset."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import InvalidInput, VidelicetError
from videlicet.ingest import files
from videlicet.media.fetch import fetch
from videlicet.rights import Purpose
from videlicet.services.assets import check_url, get_asset, require_ready
from videlicet.store.files import path_of_asset

if TYPE_CHECKING:
    from videlicet.services.caller import Caller

#: Seconds for which a request waits for what is at a URL.
FETCH_TIMEOUT = 120.0
#: Bytes of the largest picture.
MAX_PICTURE_SIZE = 32 * 1024**2


@dataclass(frozen=True, slots=True)
class MediaSource:
    """Where media come from: exactly one of its fields is set. ``name`` is that of the argument
    that held it, for errors."""

    data: bytes | None = None
    url: str | None = None
    asset_id: str | None = None
    name: str = "media_source"


@contextmanager
def open_media(
    caller: Caller, source: MediaSource, max_size: int | None = None
) -> Iterator[bytes | Path]:
    """The bytes of a source, or a file that holds them while the context lasts. From a URL at most
    ``max_size`` bytes are fetched, where that is less than the operator allows.

    Raises:
        NotFound: ``asset_not_found``.
        InvalidInput: ``asset_not_ready``, ``url_not_allowed`` or ``url_failed``.
    """
    if source.data is not None:
        yield source.data
    elif source.asset_id is not None:
        asset = get_asset(caller, source.asset_id)
        require_ready(asset, source.name)
        path = path_of_asset(caller.scope(Purpose.EMBED_EXPORT), caller.store, asset)
        with files.with_display_name(path, asset.name):
            yield path
    else:
        assert source.url is not None
        with fetch_media(caller, source.url, source.name, max_size) as path:
            yield path


@contextmanager
def fetch_media(caller: Caller, url: str, name: str, max_size: int | None = None) -> Iterator[Path]:
    """A file of at most ``max_size`` bytes that is downloaded for this context only; ``name`` is
    the argument that held the URL.

    Raises:
        InvalidInput: ``url_not_allowed``; or what is wrong with the download.
    """
    check_url(caller, url, name)
    settings = caller.settings.model_copy(
        update={
            "fetch_max": min(caller.settings.fetch_max, max_size or caller.settings.upload_max),
            "fetch_timeout": min(caller.settings.fetch_timeout, FETCH_TIMEOUT),
        }
    )
    with tempfile.TemporaryDirectory(prefix="videlicet-") as folder:
        path = Path(folder) / "media"
        try:
            fetch(url, path, settings)
        except VidelicetError as error:
            if error.status >= 500 and not isinstance(error, InvalidInput):
                raise
            error.message = f"{name}: {error.message}"
            error.args = (error.message,)
            # Whatever is wrong with the URL is the caller's to correct.
            error.status = 400
            raise
        with files.with_display_name(path, url):
            yield path
