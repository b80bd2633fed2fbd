"""Media that come with a request, as the services take them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from videlicet.api.errors import invalid_parameter
from videlicet.api.schemas import MediaSource as Given
from videlicet.services.caller import Caller
from videlicet.services.media import MediaSource, open_media


def source_of(given: Given, name: str = "media_source") -> MediaSource:
    """Where media come from; ``name`` is the argument that holds them."""
    values = [value for value in (given.base64_string, given.url, given.asset_id) if value]
    if len(values) != 1:
        raise invalid_parameter(f"{name} takes exactly one of url, asset_id and base64_string.")
    data = decode_base64(given.base64_string, name) if given.base64_string else None
    return MediaSource(data, given.url or None, given.asset_id or None, name)


@contextmanager
def open_source(
    caller: Caller, given: Given, name: str = "media_source", max_size: int | None = None
) -> Iterator[bytes | Path]:
    """The bytes of media, or a file that holds them while the context lasts."""
    with open_media(caller, source_of(given, name), max_size) as media:
        yield media


def decode_base64(text: str, name: str) -> bytes:
    """The bytes of a base64 text; a data URL is taken too."""
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_parameter(f"{name}.base64_string is not base64.") from None
    if not data:
        raise invalid_parameter(f"{name}.base64_string is empty.")
    return data
