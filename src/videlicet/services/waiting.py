"""Work that goes on only as long as somebody waits for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")


async def run_while(
    attended: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[T]]
) -> T | None:
    """The result of ``work``; ``None`` where ``attended`` returned first, which cancels the work.

    A thread that the work waits for is waited for still; it ends early only where it calls
    ``anyio.from_thread.check_cancelled`` now and then.
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
