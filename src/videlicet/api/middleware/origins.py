"""Pages of other origins that may ask the server (CORS): none, unless the settings name them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from videlicet.errors import InvalidInput

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import ASGIApp

    from videlicet.settings import Settings

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_REQUEST_HEADERS = (
    "x-api-key", "content-type", "range", "if-range", "if-none-match", "traceparent",
    "authorization", "mcp-protocol-version", "mcp-method", "mcp-name",
)  # fmt: skip
_RESPONSE_HEADERS = (
    "accept-ranges", "content-disposition", "content-range", "content-length", "etag",
    "retry-after", "x-api-version", "x-ratelimit-limit", "x-ratelimit-remaining",
    "x-ratelimit-reset", "x-ratelimit-used", "x-request-id",
)  # fmt: skip


def with_cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    """``app``, open to the pages of the origins that the settings name.

    Raises:
        InvalidInput: ``invalid_argument`` for what is no origin.
    """
    origins = _configured_origins(settings)
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
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_RESPONSE_HEADERS,
        max_age=600,
    )


class Origins:
    """Whether a request may come from the page it comes from. A page whose host was made to lead
    here (DNS rebinding) counts as of this server for its browser, so that the same origin is enough
    only where its name leads to this machine in any case."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = set(_configured_origins(settings))
        if settings.public_url:
            parts = urlsplit(settings.public_url)
            self._allowed.add(f"{parts.scheme}://{parts.netloc}")

    def allow(self, scheme: str, headers: Headers) -> bool:
        """True for requests that come from no page."""
        origin = headers.get("origin")
        if origin is None or origin in self._allowed:
            return True
        return origin == f"{scheme}://{headers.get('host', '')}" and _is_loopback(origin)


def _configured_origins(settings: Settings) -> list[str]:
    return [one.strip() for one in settings.cors_origins.split(",") if one.strip()]


def _is_loopback(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
