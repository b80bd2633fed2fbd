"""The seam to language models, and how long they may be silent."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from videlicet.analyze.backend import Check, unchecked
from videlicet.types import Finish, Usage

#: Bytes of UTF-8 per token, on the safe side. No tokenizer but the model's own
#: knows better, and an endpoint does not lend it.
TOKEN_BYTES = 3
#: Characters a token writes at most, on average: longer replies are cut whatever a server says.
TOKEN_CHARS = 8
#: Tokens of evidence that a model on hardware made for it reads in about a second, roughly.
DEFAULT_QUICK_TOKENS = 1500
#: Seconds between two looks at whether anybody still waits.
_TICK = 0.25


def estimate_tokens(text: str) -> int:
    """About how many tokens ``text`` has, rather more than less."""
    return len(text.encode()) // TOKEN_BYTES + 1


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. ``images`` are JPEG files, shown after the text in order."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Final:
    """The end of a reply. ``broken`` says why it broke off, where it neither ended by itself nor
    by a limit; then ``text`` is what had come until then, and ``finish`` is ``length``."""

    text: str
    finish: Finish
    usage: Usage
    broken: str = ""


class LlmBackend(Protocol):
    """A language model. May be asked from several threads at once."""

    #: Named in answers.
    id: str
    #: Whether it looks at pictures.
    accepts_images: bool
    #: Tokens it can read and write together.
    context: int
    #: Tokens of evidence it reads in about a second.
    quick_tokens: int

    def complete(
        self,
        messages: Sequence[Message],
        *,
        temperature: float,
        max_tokens: int,
        stop: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,
        check: Check = unchecked,
    ) -> Iterator[str | Final]:
        """The reply as it is written, in parts, and at last a :class:`Final`.

        ``schema`` constrains the reply to JSON of that schema where the model's server can do
        that; who asks checks the reply either way. Leaving the iterator ends the reply.

        Raises:
            AnalysisError: ``language_model_unreachable``, ``language_model_busy`` (no token in
                time), ``llm_request_rejected`` or ``language_model_failed``, before any text
                was had. A reply that breaks off later ends with a ``broken`` final instead.
        """
        ...


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds a model may take: until its first token, between two, and in all."""

    first: float
    between: float
    total: float

    @classmethod
    def of(cls, timeout: float) -> Timeouts:
        """As the setting ``llm_timeout`` says: so long for the first token, half as long
        between two, ten times as long in all."""
        return cls(timeout, timeout / 2, timeout * 10)


class ModelTimeout(Exception):
    """A timeout has passed; the argument says which."""


@dataclass(frozen=True, slots=True)
class _Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class _Ended:
    error: BaseException | None


class Channel:
    """Where a producer puts what it has; it ends once nobody takes it any more."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._cancel: Callable[[], object] | None = None

    def close(self) -> None:
        """The taker goes: what :meth:`run` is waiting for is cancelled."""
        with self._lock:
            self._closed.set()
            if self._cancel is not None:
                self._cancel()

    def run(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run asynchronous work in this thread, until it ends or the taker has gone."""

        async def cancellable() -> None:
            loop, task = asyncio.get_running_loop(), asyncio.current_task()
            assert task is not None
            with self._lock:
                if self._closed.is_set():
                    return
                self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
            try:
                await work()
            finally:
                with self._lock:
                    self._cancel = None

        with suppress(asyncio.CancelledError):
            asyncio.run(cancellable())

    def put(self, item: object) -> bool:
        """Hand something on; whether the taker has gone."""
        self._items.put(item)
        return self._closed.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait so long before trying again, which does not count; whether the taker has
        gone."""
        self._items.put(_Pause(seconds))
        return self._closed.wait(seconds)


def stream_with_timeouts(
    produce: Callable[[Channel], None], timeouts: Timeouts, check: Check = unchecked
) -> Generator[object, None, None]:
    """What ``produce`` puts out, as it comes, while it runs in a thread of its own.

    Raises:
        ModelTimeout: nothing came in time.
        BaseException: what ``produce`` or ``check`` raises.
    """
    channel = Channel()

    def run() -> None:
        try:
            produce(channel)
        except BaseException as error:
            channel.put(_Ended(error))
        else:
            channel.put(_Ended(None))

    threading.Thread(target=run, name="language-model", daemon=True).start()
    began = looked = time.monotonic()
    silent_until = began + timeouts.first
    try:
        while True:
            now = time.monotonic()
            if now - looked >= _TICK:
                check()
                looked = now
            left = min(silent_until, began + timeouts.total) - now
            try:
                item = channel._items.get(timeout=max(0.0, min(left, _TICK)))
            except queue.Empty:
                if left <= _TICK:
                    whole = silent_until > began + timeouts.total
                    raise ModelTimeout("in all" if whole else "silent") from None
                continue
            if isinstance(item, _Ended):
                if item.error is not None:
                    raise item.error
                return
            if isinstance(item, _Pause):
                silent_until = time.monotonic() + item.seconds + timeouts.first
                continue
            yield item
            # What says nothing yet, as a model that thinks does, is no first token.
            silent_until = time.monotonic() + (timeouts.between if item else timeouts.first)
    finally:
        channel.close()


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """What a producer puts out last: why the reply ended, and what it took if the server says."""

    finish: Finish
    usage: Usage | None


def collect_reply(
    items: Generator[object, None, None],
    messages: Sequence[Message],
    max_tokens: int,
    as_error: Callable[[BaseException], Exception],
) -> Iterator[str | Final]:
    """Parts of text and a :class:`Final` as :meth:`LlmBackend.complete` gives them: cut where they
    are too long, counted where nobody counted, and kept where they broke off.

    ``as_error`` turns what went wrong before there was any text into the error to raise; it gives
    back what is not the model's doing.
    """
    longest = TOKEN_CHARS * max_tokens + 64
    text, end, broken = "", None, ""
    try:
        for item in items:
            if isinstance(item, StreamEnd):
                end = item
                continue
            part = str(item)[: longest - len(text)]
            text += part
            if part:
                yield part
            if len(text) >= longest:
                end = StreamEnd(Finish.LENGTH, None)
                break
    except Exception as error:
        reported = as_error(error)
        if reported is error:
            raise
        if not text:
            raise reported from error
        broken = str(reported)
    finally:
        items.close()
    if end is None and not broken:
        broken = "The reply of the language model was cut off."
        if not text:
            raise as_error(EOFError(broken))
    usage = end.usage if end is not None else None
    if usage is None:
        usage = Usage(
            sum(estimate_tokens(one.text) for one in messages), estimate_tokens(text) if text else 0
        )
    yield Final(text, end.finish if end is not None else Finish.LENGTH, usage, broken)
