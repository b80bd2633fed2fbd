"""What a request's body may be: how large, and how slow."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, NoReturn

from starlette.datastructures import Headers

from videlicet.api.errors import ApiError
from videlicet.api.route_table import RouteEntry, path_regex

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

    from videlicet.settings import Settings

#: Bytes a second that a body must bring on average, once it has been waited for for
#: ``request_timeout`` seconds.
MIN_BYTES_PER_SECOND = 1024
_FORM = "multipart/form-data"
#: Chunks of uploads come without a form.
_CHUNKS = "/uploads/"


class UploadPaths:
    """Which paths take files."""

    def __init__(self, known: Iterable[RouteEntry]) -> None:
        templates = [one.path for one in known if one.form]
        self._paths = re.compile("|".join(map(path_regex, templates)) or r"(?!)")

    def match(self, path: str) -> bool:
        return self._paths.fullmatch(path) is not None


class BodyLimit:
    """The body of one request as the application may have it; ``error`` says what was wrong with
    it, whatever the application made of that."""

    def __init__(
        self, scope: Scope, receive: Receive, settings: Settings, uploads: UploadPaths
    ) -> None:
        headers = Headers(scope=scope)
        path = scope["path"]
        large = path.startswith(_CHUNKS) or (
            headers.get("content-type", "").startswith(_FORM) and uploads.match(path)
        )
        most = settings.upload_max if large else settings.body_max
        self._nested = path == "/v1.3/embed-v2"
        self._too_large = self._problem(
            413, "payload_too_large", f"A request may hold {most} bytes at most."
        )
        self._receive = receive
        self._most = most
        self._timeout = settings.request_timeout
        self._count = 0
        self._waited = 0.0
        self._more = True
        self.error: ApiError | None = None
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > most:
            raise self._too_large

    async def receive(self) -> Message:
        """The next piece.

        Raises:
            ApiError: ``payload_too_large`` or ``request_timeout``.
        """
        if not self._more:
            return await self._receive()
        message = await self._receive_in_time()
        if message["type"] == "http.request":
            self._count += len(message.get("body") or b"")
            self._more = bool(message.get("more_body"))
            if self._count > self._most:
                self._fail(self._too_large)
        return message

    async def _receive_in_time(self) -> Message:
        import anyio

        began = time.monotonic()
        try:
            with anyio.fail_after(self._timeout):
                message = await self._receive()
        except TimeoutError:
            self._fail(self._problem(408, "request_timeout", "The body came too slowly."))
        self._waited += time.monotonic() - began
        if self._waited > self._timeout and self._count < self._waited * MIN_BYTES_PER_SECOND:
            self._fail(self._problem(408, "request_timeout", "The body came too slowly."))
        return message

    def _problem(self, status: int, code: str, message: str) -> ApiError:
        # The rest of the body may still be on its way.
        headers = {"connection": "close"}
        nested = self._nested and status == 413
        return ApiError(status, code, message, headers=headers, nested=nested)

    def _fail(self, error: ApiError) -> NoReturn:
        self._more = False
        self.error = error
        raise error
