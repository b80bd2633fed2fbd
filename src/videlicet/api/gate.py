"""What every request passes first: doubled slashes, key, rate, room, size. Written as plain ASGI,
so that bodies and answers stream through it."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders

from videlicet.api.bodies import Body, Forms
from videlicet.api.errors import ApiError, answer, of_library
from videlicet.api.limits import Crowd, Limiter
from videlicet.api.origins import Origins
from videlicet.errors import VidelicetError
from videlicet.rights import Grant, Purpose
from videlicet.types import ApiKey, Kind, Resource

if TYPE_CHECKING:
    from anyio import CapacityLimiter
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from videlicet.api.service import Service

#: Where agents ask; each of their tools has a scope of its own.
MCP = "/mcp"
_V1_3 = "/v1.3"
#: What begins with one of these needs a key.
GUARDED = (_V1_3, "/v1", MCP)
#: What does not, although it does.
OPEN = ("/v1/openapi.json", "/v1/docs")
#: What is answered however many requests are under way.
_PROBES = ("/health", "/ready", "/metrics")
#: Bytes of the head of a request.
HEAD = 32 * 1024
#: The scope that a method needs; a key without scopes may do everything.
READ, WRITE = "read", "write"
#: Posts that change nothing.
_READING_POSTS = (
    "/search", "/embed", "/embed-v2", "/analyze", "/gist", "/summarize", "/responses", "/ask",
    "/extract", "/compare", "/summary", "/classify", "/embeddings", "/rerank",
)  # fmt: skip
#: Seconds for which a key that was seen good is not looked up again, and between two notes of when
#: a key was last used.
_TRUSTED, _NOTE_EVERY = 2.0, 600.0

_HEADERS = {
    "x-api-version": "1.3",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

_log = logging.getLogger(__name__)


class Gate:
    """Lets requests through to ``app`` that may go, with ``request.state.key`` set."""

    def __init__(self, app: ASGIApp, service: Service, forms: Forms) -> None:
        self._app = app
        self._service = service
        self._forms = forms
        settings = service.settings
        self._origins = Origins(settings)
        self._limiter = Limiter(settings.rate_limit)
        self._crowd = Crowd(settings.concurrent_per_key, settings.concurrent_max)
        self._seen: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()
        self._noted: OrderedDict[str, float] = OrderedDict()
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
                _require_short(scope)
                if path not in _PROBES:
                    self._crowded(self._crowd.enter(), "all", headers)
                    leaving.callback(self._crowd.leave)
                if path.startswith(GUARDED) and path not in OPEN:
                    key = await self._admit(scope, path, headers)
                    self._crowded(self._crowd.enter_as(key.id), "key", headers)
                    leaving.callback(self._crowd.leave_as, key.id)
                body = Body(scope, receive, self._service.settings, self._forms)
            except (ApiError, VidelicetError) as error:
                refusal = error if isinstance(error, ApiError) else of_library(error)
                await answer(refusal, path)(scope, receive, reply)
                return

            async def reply_to_body(message: Message) -> None:
                # What was wrong with the body is told below, whatever others make of it.
                if started or body.error is None:
                    await reply(message)

            try:
                await self._app(scope, body.receive, reply_to_body)
            except Exception:
                # A fault was logged and answered already; let the connection live.
                if not started and body.error is None:
                    raise
            if not started and body.error is not None:
                await answer(body.error, path)(scope, receive, reply)
            leaving.close()
            await self._note(scope.get("state", {}).get("key"))

    def _crowded(self, entered: bool, whose: str, headers: dict[str, str]) -> None:
        if not entered:
            self._service.metrics.limited.labels(f"concurrency of {whose}").inc()
            headers["retry-after"] = "1"
            raise ApiError(429, "too_many_requests", "Too many requests at once; wait a moment.")

    async def _admit(self, scope: Scope, path: str, headers: dict[str, str]) -> ApiKey:
        given = Headers(scope=scope)
        if path == MCP and not self._origins.allow(scope["scheme"], given):
            raise ApiError(403, "origin_not_allowed", "Pages of this origin may not ask here.")
        key = await self._key(_secret(given, path))
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
            self._service.metrics.limited.labels("rate").inc()
            headers["retry-after"] = str(max(1, round(60 / limit)))
            raise ApiError(429, "too_many_requests", "Too many requests; wait a moment.")
        need = WRITE if changes(scope["method"], path) else READ
        if path != MCP and key.scopes and need not in key.scopes:
            raise ApiError(403, "api_not_allowed", f"This key is not for {need} access.")
        return key

    async def _key(self, secret: str) -> ApiKey | None:
        import anyio

        if not secret:
            return None
        digest = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(digest)
        if seen is not None and now - seen[0] < _TRUSTED:
            return seen[1]
        # Not behind the threads that requests work in: those may all be busy.
        key = await anyio.to_thread.run_sync(
            self._service.store.catalog.key_of, secret, limiter=self._lookups
        )
        with self._lock:
            self._seen.pop(digest, None)
            if key is not None:
                self._seen[digest] = (now, key)
            while len(self._seen) > 10_000:
                self._seen.popitem(last=False)
        return key

    async def _note(self, key: ApiKey | None) -> None:
        """Note that a key was used, now and then. The client has its answer by then."""
        if key is None:
            return
        now = time.monotonic()
        with self._lock:
            if now - self._noted.get(key.id, -_NOTE_EVERY) < _NOTE_EVERY:
                return
            self._noted[key.id] = now
            self._noted.move_to_end(key.id)
            while len(self._noted) > 10_000:
                self._noted.popitem(last=False)
        import anyio

        await anyio.to_thread.run_sync(self._write_use, key)

    def _write_use(self, key: ApiKey) -> None:
        now = datetime.now(UTC)
        use = Resource(key.id, Kind.KEY_USE, key.tenant, now, now)
        try:
            store = self._service.store
            store.catalog.put_resource(store.scope(grant_of(key, Purpose.MANAGE)), use)
        except VidelicetError as error:
            _log.error("the use of a key was not noted", extra={"code": error.code})

    @cached_property
    def _lookups(self) -> CapacityLimiter:
        from anyio import CapacityLimiter

        return CapacityLimiter(4)


def _require_short(scope: Scope) -> None:
    """The server below counts only what has come in pieces."""
    size = len(scope["query_string"]) + sum(len(n) + len(v) for n, v in scope["headers"])
    if size > HEAD:
        raise ApiError(
            431, "headers_too_large", f"The head of a request holds {HEAD} bytes at most.",
            headers={"connection": "close"},
        )  # fmt: skip


def _secret(headers: Headers, path: str) -> str:
    """The key of a request. Agents, and clients made for other services than v1.3, send it as a
    bearer token."""
    if not path.startswith(_V1_3) and "x-api-key" not in headers:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    return headers.get("x-api-key", "")


def changes(method: str, path: str) -> bool:
    """Whether a request is one that may change something."""
    reads = method in ("GET", "HEAD") or (method == "POST" and path.endswith(_READING_POSTS))
    return not reads


def grant_of(key: ApiKey, purpose: Purpose) -> Grant:
    """What a key may be used for, as a grant for one purpose."""
    return Grant(f"key:{key.id}", purpose, key.tenant)


def state_key(state: Any) -> ApiKey:
    """The key that the gate let in."""
    key = state.key
    assert isinstance(key, ApiKey)
    return key
