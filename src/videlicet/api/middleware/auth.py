"""The first checks of every request: doubled slashes, API key, rate, concurrency and size. Plain
ASGI, so that bodies and responses stream through."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from videlicet.api.access import MCP, PROTECTED, PUBLIC, READ, V1_3, WRITE, grant_of, is_write
from videlicet.api.errors import ApiError, api_error_of, error_response
from videlicet.api.middleware.body_limits import BodyLimit, UploadPaths
from videlicet.api.middleware.limits import MAX_HEADER_BYTES, ConcurrencyLimiter, RateLimiter
from videlicet.api.middleware.origins import Origins
from videlicet.errors import VidelicetError
from videlicet.rights import Purpose
from videlicet.types import ApiKey, Kind, Resource

if TYPE_CHECKING:
    from anyio import CapacityLimiter
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from videlicet.api.operations.metrics import Metrics
    from videlicet.settings import Settings
    from videlicet.store import Store

#: What is answered however many requests are under way.
_PROBES = ("/health", "/ready", "/metrics")
#: Seconds for which a key that was seen good is not looked up again, and between two notes of when
#: a key was last used.
_VERIFIED_S, _RECORD_EVERY_S = 2.0, 600.0

_HEADERS = {
    "x-api-version": "1.3",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

_log = logging.getLogger(__name__)


class AuthMiddleware:
    """Passes permitted requests on to ``app``, with ``request.state.key`` set."""

    def __init__(
        self, app: ASGIApp, store: Store, settings: Settings, metrics: Metrics, uploads: UploadPaths
    ) -> None:
        self._app = app
        self._store = store
        self._catalog = store.catalog
        self._settings = settings
        self._metrics = metrics
        self._uploads = uploads
        self._origins = Origins(settings)
        self._limiter = RateLimiter(settings.rate_limit)
        self._concurrency = ConcurrencyLimiter(settings.concurrent_per_key, settings.concurrent_max)
        self._verified: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()
        self._last_recorded: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        while "//" in path:
            path = path.replace("//", "/")
        scope["path"], scope["raw_path"] = path, path.encode("utf-8", "surrogateescape")
        headers: dict[str, str] = dict(_HEADERS)
        started = False

        async def reply(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                out = MutableHeaders(scope=message)
                for name, value in headers.items():
                    out.setdefault(name, value)
            await send(message)

        with ExitStack() as leaving:
            try:
                _require_short_headers(scope)
                if path not in _PROBES:
                    self._require_capacity(self._concurrency.enter(), "all", headers)
                    leaving.callback(self._concurrency.leave)
                if path.startswith(PROTECTED) and path not in PUBLIC:
                    key = await self._authenticate(scope, path, headers)
                    self._require_capacity(self._concurrency.enter_key(key.id), "key", headers)
                    leaving.callback(self._concurrency.leave_key, key.id)
                body = BodyLimit(scope, receive, self._settings, self._uploads)
            except (ApiError, VidelicetError) as error:
                refusal = error if isinstance(error, ApiError) else api_error_of(error)
                await error_response(refusal, path)(scope, receive, reply)
                return

            async def reply_to_body(message: Message) -> None:
                # The error of the body is reported below, whatever others make of it.
                if started or body.error is None:
                    await reply(message)

            try:
                await self._app(scope, body.receive, reply_to_body)
            except Exception:
                # A fault was logged and answered already; let the connection live.
                if not started and body.error is None:
                    raise
            if not started and body.error is not None:
                await error_response(body.error, path)(scope, receive, reply)
            leaving.close()
            await self._record_use(scope.get("state", {}).get("key"))

    def _require_capacity(self, entered: bool, whose: str, headers: dict[str, str]) -> None:
        if not entered:
            self._metrics.limited.labels(f"concurrency of {whose}").inc()
            headers["retry-after"] = "1"
            raise ApiError(429, "too_many_requests", "Too many requests at once; wait a moment.")

    async def _authenticate(self, scope: Scope, path: str, headers: dict[str, str]) -> ApiKey:
        given = Headers(scope=scope)
        if path == MCP and not self._origins.allow(scope["scheme"], given):
            raise ApiError(403, "origin_not_allowed", "Pages of this origin may not ask here.")
        key = await self._key(_secret_of(given, path))
        if key is None:
            if path == MCP:
                headers["www-authenticate"] = "Bearer"
            raise ApiError(401, "api_key_invalid", "The API key is not valid.")
        scope["state"]["key"] = key
        allowed, left, full = self._limiter.take(key.id)
        limit = self._limiter.per_minute
        headers |= {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-used": str(limit - left),
            "x-ratelimit-reset": str(int(time.time() + full) + 1),
        }
        if not allowed:
            self._metrics.limited.labels("rate").inc()
            headers["retry-after"] = str(max(1, round(60 / limit)))
            raise ApiError(429, "too_many_requests", "Too many requests; wait a moment.")
        need = WRITE if is_write(scope["method"], path) else READ
        if path != MCP and key.scopes and need not in key.scopes:
            raise ApiError(403, "api_not_allowed", f"This API key lacks the `{need}` scope.")
        return key

    async def _key(self, secret: str) -> ApiKey | None:
        import anyio

        if not secret:
            return None
        digest = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
        now = time.monotonic()
        with self._lock:
            seen = self._verified.get(digest)
        if seen is not None and now - seen[0] < _VERIFIED_S:
            return seen[1]
        # Not behind the threads that requests work in: those may all be busy.
        key = await anyio.to_thread.run_sync(
            self._catalog.key_of, secret, limiter=self._lookup_limiter
        )
        with self._lock:
            self._verified.pop(digest, None)
            if key is not None:
                self._verified[digest] = (now, key)
            while len(self._verified) > 10_000:
                self._verified.popitem(last=False)
        return key

    async def _record_use(self, key: ApiKey | None) -> None:
        """Note that a key was used, now and then. The client has its answer by then."""
        if key is None:
            return
        now = time.monotonic()
        with self._lock:
            if now - self._last_recorded.get(key.id, -_RECORD_EVERY_S) < _RECORD_EVERY_S:
                return
            self._last_recorded[key.id] = now
            self._last_recorded.move_to_end(key.id)
            while len(self._last_recorded) > 10_000:
                self._last_recorded.popitem(last=False)
        import anyio

        await anyio.to_thread.run_sync(self._store_use, key)

    def _store_use(self, key: ApiKey) -> None:
        now = datetime.now(UTC)
        use = Resource(key.id, Kind.KEY_USE, key.tenant, now, now)
        try:
            scope = self._store.scope(grant_of(key, Purpose.MANAGE))
            self._store.catalog.put_resource(scope, use)
        except VidelicetError as error:
            _log.error("the use of a key was not noted", extra={"code": error.code})

    @cached_property
    def _lookup_limiter(self) -> CapacityLimiter:
        from anyio import CapacityLimiter

        return CapacityLimiter(4)


def _require_short_headers(scope: Scope) -> None:
    """The server below counts only what has come in pieces."""
    size = len(scope["query_string"]) + sum(len(n) + len(v) for n, v in scope["headers"])
    if size > MAX_HEADER_BYTES:
        raise ApiError(
            431, "headers_too_large",
            f"The head of a request holds {MAX_HEADER_BYTES} bytes at most.",
            headers={"connection": "close"},
        )  # fmt: skip


def _secret_of(headers: Headers, path: str) -> str:
    """The key of a request. Agents, and clients made for other services than v1.3, send it as a
    bearer token."""
    if not path.startswith(V1_3) and "x-api-key" not in headers:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    return headers.get("x-api-key", "")
