"""Answers that take long: work that ends when the client hangs up, and streams."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import from_thread, to_thread
from fastapi import Response

from videlicet.api.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio import CapacityLimiter
    from starlette.types import Receive, Scope, Send

T = TypeVar("T")
E = TypeVar("E")
#: Sends a piece of the body.
Write = Callable[[str], Awaitable[None]]
#: Raises once the client has hung up; for work in threads, which cannot be stopped from outside.
Check = Callable[[], None]


async def disconnected(receive: Receive) -> None:
    """Return once the client has hung up. Its request must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def run_while(
    attended: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[T]]
) -> T | None:
    """The result of ``work``; ``None`` where ``attended`` returned first, which cancels the work.

    A thread that the work waits for is waited for still (see :func:`run_cancellable`).
    """
    failure: Exception | None = None
    result: T | None = None
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            await attended()
            group.cancel_scope.cancel()

        group.start_soon(watch)
        # Carried out of the group by hand: the group would wrap it in an exception group.
        try:
            result = await work()
        except Exception as error:
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result


async def until_disconnect(receive: Receive, work: Callable[[], Awaitable[T]]) -> T:
    """The result of ``work``, which is cancelled if the client hangs up.

    Raises:
        ApiError: 499, which only the log sees.
    """
    result = await run_while(partial(disconnected, receive), work)
    if result is None:
        raise ApiError(499, "client_disconnected", "The client hung up before it was answered.")
    return result


async def run_cancellable(work: Callable[[Check], T], limiter: CapacityLimiter) -> T:
    """Run ``work`` in a thread with a check that raises once this call is cancelled. The call ends
    when the thread has."""
    return await to_thread.run_sync(partial(work, from_thread.check_cancelled), limiter=limiter)


async def follow(
    work: Callable[[Callable[[E], None], Check], None],
    limiter: CapacityLimiter,
    take: Callable[[E | None], Awaitable[None]],
    silence: float = math.inf,
) -> None:
    """Run ``work`` in a thread and take what it emits, in order; ``None`` after so many seconds of
    silence each time."""
    send, receive = anyio.create_memory_object_stream[E](math.inf)

    def emit(one: E) -> None:
        from_thread.run_sync(send.send_nowait, one)

    async def run() -> None:
        with send:
            await run_cancellable(partial(work, emit), limiter)

    with receive:
        async with anyio.create_task_group() as group:
            group.start_soon(run)
            while True:
                one: E | None = None
                try:
                    with anyio.move_on_after(silence):
                        one = await receive.receive()
                except anyio.EndOfStream:
                    return
                await take(one)


class StreamedResponse(Response):
    """Sends what ``produce`` writes. If the client hangs up, ``produce`` is cancelled where it
    waits, in the task that it began in, so that its ``finally`` blocks run. ``cleanup`` is awaited
    last in any case, even where the client had gone before ``produce`` began."""

    def __init__(
        self,
        produce: Callable[[Write], Awaitable[None]],
        media_type: str,
        headers: Mapping[str, str] | None = None,
        cleanup: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._produce = produce
        self._cleanup = cleanup
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def write(text: str) -> None:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

        async def respond() -> None:
            head = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **head})
            await self._produce(write)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        try:
            await run_while(partial(disconnected, receive), respond)
        finally:
            if self._cleanup is not None:
                with anyio.CancelScope(shield=True):
                    await self._cleanup()
