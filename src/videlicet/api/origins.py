"""Pages of other origins that may ask the server (CORS): none, unless the settings name them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from videlicet.errors import InvalidInput

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from videlicet.settings import Settings

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_ASKED = ("x-api-key", "content-type", "range", "if-range", "if-none-match", "traceparent")
_SHOWN = (
    "accept-ranges", "content-disposition", "content-range", "content-length", "etag",
    "retry-after", "x-api-version", "x-ratelimit-limit", "x-ratelimit-remaining",
    "x-ratelimit-reset", "x-ratelimit-used", "x-request-id",
)  # fmt: skip


def shared(app: ASGIApp, settings: Settings) -> ASGIApp:
    """``app``, open to the pages of the origins that the settings name.

    Raises:
        InvalidInput: ``invalid_argument`` for what is no origin.
    """
    origins = [one.strip() for one in settings.cors_origins.split(",") if one.strip()]
    if not origins:
        return app
    from starlette.middleware.cors import CORSMiddleware

    for one in origins:
        parts = urlsplit(one)
        if parts.scheme not in ("http", "https") or one != f"{parts.scheme}://{parts.netloc}":
            raise InvalidInput(
                "invalid_argument",
                f"cors_origins: {one!r} is not an origin such as https://example.org.",
                subject="cors_origins",
            )
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=_ASKED,
        expose_headers=_SHOWN,
        max_age=600,
    )
