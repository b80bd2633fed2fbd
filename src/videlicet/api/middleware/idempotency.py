"""``Idempotency-Key``: the same request twice is done once, and answered the same.

A client that does not know whether its request arrived sends it again under the same key. Answers
of success are kept for a day, sealed, because some hold secrets and names. A request is known again
by method, address and body; of a form that is its fields and its files' digests, so that neither
the boundary between parts nor the size of a video matters: files are read from where the parser has
put them. One that was broken off by a crash is done again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any

import anyio
from cryptography.fernet import Fernet, InvalidToken
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from videlicet.api.access import authenticated_key, grant_of, is_write
from videlicet.api.errors import ApiError, invalid_parameter
from videlicet.errors import NotFound
from videlicet.rights import Purpose, Scope
from videlicet.store.secret import derive_key
from videlicet.types import Kind, Resource

if TYPE_CHECKING:
    from videlicet.settings import Settings
    from videlicet.store import Store

HEADER, REPLAYED = "Idempotency-Key", "Idempotent-Replayed"
#: How long answers are kept, and how many seconds one waits for a twin that is at work.
LIFETIME = timedelta(hours=24)
WAIT_S = 5.0
#: Seconds between two looks for one at another server.
_POLL_S = 0.2
_KEY = re.compile(r"[!-~]{1,255}")
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotentRoute(APIRoute):
    """A route whose changing POSTs honour the header."""

    def get_route_handler(self) -> Handler:
        plain = super().get_route_handler()

        async def handler(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None or request.method != "POST" or not is_write("POST", request.url.path):
                return await plain(request)
            responses: IdempotentResponses = request.app.state.server.idempotent_responses
            try:
                return await responses.respond_once(request, key, plain)
            finally:
                await request.close()  # the files of a form that nobody looked at

        return handler


class IdempotentResponses:
    """The stored responses of one server. For use on its event loop."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._catalog = store.catalog
        self._database = store.database
        self._seal = Fernet(base64.urlsafe_b64encode(derive_key(settings, "answers")))
        self._in_progress: dict[str, anyio.Event] = {}

    async def respond_once(self, request: Request, key: str, work: Handler) -> Response:
        """The answer to a request, which is worked on unless it was answered before.

        Raises:
            ApiError: 400 for what is no key; 409 ``idempotency_conflict`` if the key came with
                another request, ``idempotency_in_progress`` if the same is still at work.
        """
        if not _KEY.fullmatch(key):
            raise invalid_parameter(f"{HEADER} has 1 to 255 visible ASCII characters.")
        scope = self._store.scope(grant_of(authenticated_key(request.state), Purpose.MANAGE))
        id = hashlib.sha256(json.dumps([scope.tenant, key]).encode()).hexdigest()
        mark = await _fingerprint(request)
        with anyio.move_on_after(WAIT_S) as waiting:
            while (twin := self._in_progress.get(id)) is not None:
                await twin.wait()
        if waiting.cancelled_caught:
            raise _in_progress_error()
        ended = self._in_progress[id] = anyio.Event()
        try:
            async with self._lock(id):
                kept = await anyio.to_thread.run_sync(self._stored, scope, id)
                if kept is not None:
                    return self._replay(kept, mark)
                response = await work(request)
                # A stream is gone once it was sent; there are none among what is made here.
                if 200 <= response.status_code < 300 and hasattr(response, "body"):
                    await anyio.to_thread.run_sync(self._keep, scope, id, mark, response)
                return response
        finally:
            del self._in_progress[id]
            ended.set()

    @asynccontextmanager
    async def _lock(self, id: str) -> AsyncIterator[None]:
        """Keep twins at other servers on the same database waiting."""
        if not self._database.shared:
            yield
            return
        deadline = anyio.current_time() + WAIT_S
        while (lock := await anyio.to_thread.run_sync(self._try_lock, id)) is None:
            if anyio.current_time() > deadline:
                raise _in_progress_error()
            await anyio.sleep(_POLL_S)
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(lock.close)

    def _try_lock(self, id: str) -> ExitStack | None:
        """What lets go of the lock of a request; ``None`` where another server has it."""
        with ExitStack() as trying:
            if trying.enter_context(self._database.advisory_lock(f"request {id}", wait=False)):
                return trying.pop_all()
        return None

    def _stored(self, scope: Scope, id: str) -> Resource | None:
        try:
            found = self._catalog.resource(scope, Kind.IDEMPOTENT_RESPONSE, id)
        except NotFound:
            return None
        late = found.expires_at is None or found.expires_at < datetime.now(UTC)
        return None if late else found

    def _keep(self, scope: Scope, id: str, mark: str, response: Response) -> None:
        now = datetime.now(UTC)
        self._catalog.delete_resources(scope, Kind.IDEMPOTENT_RESPONSE, expired=now)
        body = {
            "mark": mark,
            "status": response.status_code,
            "type": response.headers.get("content-type"),
            "sealed": self._seal.encrypt(bytes(response.body)).decode(),
        }
        self._catalog.put_resource(
            scope,
            Resource(
                id=id, kind=Kind.IDEMPOTENT_RESPONSE, tenant=scope.tenant, created_at=now,
                updated_at=now, expires_at=now + LIFETIME, body=body,
            ),
        )  # fmt: skip

    def _replay(self, kept: Resource, mark: str) -> Response:
        if kept.body["mark"] != mark:
            raise ApiError(
                409, "idempotency_conflict", f"This {HEADER} came with another request before."
            )
        try:
            content = self._seal.decrypt(kept.body["sealed"])
        except InvalidToken:
            raise ApiError(
                409, "idempotency_conflict",
                "The first answer was sealed with a secret that has changed since.",
            ) from None  # fmt: skip
        headers = {REPLAYED: "true"}
        if kept.body["type"] is not None:
            headers["content-type"] = kept.body["type"]
        return Response(content, kept.body["status"], headers)


def _in_progress_error() -> ApiError:
    return ApiError(
        409, "idempotency_in_progress", f"A request with this {HEADER} is still at work."
    )


async def _fingerprint(request: Request) -> str:
    """Stands for everything that decides what a request does."""
    parts: list[Any] = [request.method, request.url.path, request.url.query]
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind in _FORMS:
            for name, value in (await request.form()).multi_items():
                if isinstance(value, str):
                    parts.append([name, value])
                else:
                    digest = await anyio.to_thread.run_sync(_digest, value.file)
                    parts.append([name, value.filename, value.content_type, digest])
        else:
            parts.append(hashlib.sha256(await request.body()).hexdigest())
    except (ClientDisconnect, LookupError, ValueError) as error:
        # Unknown character sets, and what is no form; a full disk is no fault of the body.
        raise invalid_parameter("The body cannot be read.") from error
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _digest(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(1024 * 1024):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()
