"""Media that come with a request: a file, an address, an asset, or base64."""

from __future__ import annotations

import base64
import binascii
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from videlicet.api.errors import ApiError, invalid
from videlicet.api.v1_3.assets import asset_of, check_url
from videlicet.api.v1_3.common import Caller
from videlicet.api.v1_3.schemas.media_sources import MediaSource
from videlicet.errors import InvalidInput, VidelicetError
from videlicet.ingest import files
from videlicet.media.fetch import fetch
from videlicet.rights import Purpose
from videlicet.store.files import path_of_file

#: Seconds for which a request waits for what is at an address.
WAIT = 120.0
#: Bytes of the largest picture.
LARGEST_PICTURE = 32 * 1024**2


@contextmanager
def opened(
    call: Caller, source: MediaSource, name: str = "media_source", most: int | None = None
) -> Iterator[bytes | Path]:
    """The bytes of a source, or a file that holds them while the context lasts. From an address at
    most ``most`` bytes are fetched, where that is less than the operator allows."""
    given = [value for value in (source.base64_string, source.url, source.asset_id) if value]
    if len(given) != 1:
        raise invalid(f"{name} takes exactly one of url, asset_id and base64_string.")
    if source.base64_string:
        yield decoded(source.base64_string, name)
    elif source.asset_id:
        file = asset_of(call, source.asset_id)
        if file.status != files.READY:
            raise ApiError(400, "asset_not_ready", f"{name}: the asset is {file.status}.")
        path = path_of_file(call.scope(Purpose.EMBED_EXPORT), call.store, file)
        with files.named(path, file.name):
            yield path
    else:
        assert source.url is not None
        with fetched(call, source.url, name, most) as path:
            yield path


@contextmanager
def fetched(call: Caller, url: str, name: str, most: int | None = None) -> Iterator[Path]:
    """A file of at most ``most`` bytes that is downloaded for this request only."""
    check_url(call, url, name)
    settings = replace(
        call.settings,
        fetch_max=min(call.settings.fetch_max, most or call.settings.upload_max),
        fetch_timeout=min(call.settings.fetch_timeout, WAIT),
    )
    with tempfile.TemporaryDirectory(prefix="videlicet-") as folder:
        path = Path(folder) / "media"
        try:
            fetch(url, path, settings)
        except InvalidInput as error:
            # Whatever is wrong with the address is the caller's to mend.
            raise ApiError(400, error.code, f"{name}: {error.message}") from None
        except VidelicetError as error:
            if error.status >= 500:
                raise
            raise ApiError(400, error.code, f"{name}: {error.message}") from None
        with files.named(path, url):
            yield path


def decoded(text: str, name: str) -> bytes:
    """The bytes of a base64 text; a data URL is taken too."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"{name}.base64_string is not base64.") from None
    if not data:
        raise invalid(f"{name}.base64_string is empty.")
    return data
