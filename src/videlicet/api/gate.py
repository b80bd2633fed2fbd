"""What every request passes first: doubled slashes, size, key, rate. Written as plain ASGI, so that
bodies and answers stream through it."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders

from videlicet.api.errors import ApiError, answer, of_library
from videlicet.errors import VidelicetError
from videlicet.rights import Grant, Purpose
from videlicet.types import ApiKey, Kind, Resource

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from videlicet.api.service import Service

#: What begins with one of these needs a key.
GUARDED = ("/v1.3", "/v1")
#: What does not, although it does.
OPEN = ("/v1/openapi.json", "/v1/docs")
#: The scope that a method needs; a key without scopes may do everything.
READ, WRITE = "read", "write"
#: Posts that change nothing.
_READING_POSTS = ("/search", "/embed", "/embed-v2", "/analyze")
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


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Limiter:
    """A bucket of requests for each key that fills up again evenly."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> tuple[bool, int, float]:
        """Whether one more request may go; how many may yet; seconds until the bucket is full."""
        now = time.monotonic()
        rate = self.per_minute / 60
        with self._lock:
            bucket = self._buckets.setdefault(name, _Bucket(self.per_minute, now))
            self._buckets.move_to_end(name)
            while len(self._buckets) > 10_000:
                self._buckets.popitem(last=False)
            bucket.tokens = min(self.per_minute, bucket.tokens + (now - bucket.at) * rate)
            bucket.at = now
            allowed = bucket.tokens >= 1
            if allowed:
                bucket.tokens -= 1
            return allowed, int(bucket.tokens), (self.per_minute - bucket.tokens) / rate


class Gate:
    """Lets requests through to ``app`` that may go, with ``request.state.key`` set."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self.service = service
        self._limiter = Limiter(service.settings.rate_limit)
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
        scope = {**scope, "path": path, "raw_path": path.encode()}
        headers: dict[str, str] = dict(_HEADERS)
        began = time.perf_counter()
        status = 500
        started = False

        async def reply(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                started = True
                status = message["status"]
                out = MutableHeaders(scope=message)
                for name, value in headers.items():
                    out.setdefault(name, value)
            await send(message)

        try:
            try:
                if path.startswith(GUARDED) and path not in OPEN:
                    await self._admit(scope, path, headers)
                limited = self._limited(scope, receive)
            except (ApiError, VidelicetError) as error:
                refusal = error if isinstance(error, ApiError) else of_library(error)
                await answer(refusal)(scope, receive, reply)
                return
            try:
                await self._app(scope, limited, reply)
            except Exception:
                # A fault was logged and answered already; let the connection live.
                if not started:
                    raise
            await self._note(scope.get("state", {}).get("key"))
        finally:
            self.service.metrics.answered(scope, status, began)

    async def _admit(self, scope: Scope, path: str, headers: dict[str, str]) -> None:
        import anyio

        secret = Headers(scope=scope).get("x-api-key", "")
        key = await anyio.to_thread.run_sync(self._key, secret)
        if key is None:
            raise ApiError(401, "api_key_invalid", "The API key is not valid.")
        allowed, left, full = self._limiter.take(key.id)
        limit = self._limiter.per_minute
        headers |= {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-used": str(limit - left),
            "x-ratelimit-reset": str(int(time.time() + full) + 1),
        }
        if not allowed:
            headers["retry-after"] = str(max(1, round(60 / limit)))
            raise ApiError(429, "too_many_requests", "Too many requests; wait a moment.")
        need = WRITE if changes(scope["method"], path) else READ
        if key.scopes and need not in key.scopes:
            raise ApiError(403, "api_not_allowed", f"This key is not for {need} access.")
        scope.setdefault("state", {})["key"] = key

    def _key(self, secret: str) -> ApiKey | None:
        if not secret:
            return None
        digest = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
        now = time.monotonic()
        with self._lock:
            seen = self._seen.get(digest)
        if seen is not None and now - seen[0] < _TRUSTED:
            return seen[1]
        key = self.service.store.catalog.key_of(secret)
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
            self.service.store.catalog.put_resource(grant_of(key, Purpose.MANAGE), use)
        except VidelicetError as error:
            _log.error("the use of a key was not noted: %s", error.code)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        headers = Headers(scope=scope)
        media = headers.get("content-type", "").startswith("multipart/form-data") or not scope[
            "path"
        ].startswith(GUARDED)
        settings = self.service.settings
        most = settings.upload_max if media else settings.body_max
        nested = scope["path"] == "/v1.3/embed-v2"
        error = ApiError(
            413, "payload_too_large", f"A request may hold {most} bytes at most.", nested=nested
        )
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > most:
            raise error
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            if message["type"] == "http.request":
                count += len(message.get("body", b""))
                if count > most:
                    raise error
            return message

        return counted


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
