"""Language models behind an HTTP endpoint that speaks OpenAI's chat completions: vLLM, Ollama,
llama.cpp, LM Studio and others.

The address is the operator's alone. Redirects are not followed, so neither what videos say nor the
key goes anywhere else.
"""

from __future__ import annotations

import base64
import email.utils
import json
import logging
import random
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from videlicet.analyze.backend import Check, unchecked
from videlicet.analyze.llm.backends.base import (
    DEFAULT_QUICK_TOKENS,
    Channel,
    Final,
    Message,
    ModelTimeout,
    StreamEnd,
    Timeouts,
    collect_reply,
    stream_with_timeouts,
)
from videlicet.errors import AnalysisError, InvalidInput
from videlicet.types import Finish, Usage

if TYPE_CHECKING:
    import ssl

    import openai

_log = logging.getLogger(__name__)

#: Seconds to connect in, and requests that are made for one reply at most.
CONNECT = 5.0
TRIES = 3
#: Seconds before the second try, twice as long before each further one; and the longest that a
#: server may ask for by ``Retry-After``.
DELAY = 0.5
LONGEST_DELAY = 30.0
#: Bytes that one reply may send, whatever is in them.
MOST_BYTES = 8 * 1024 * 1024
#: Ways to ask for JSON, the strictest first.
_FORMS = ("json_schema", "json_object", "text")


class Endpoint:
    """A model at ``url``, which ends before ``/chat/completions`` (often in ``/v1``)."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str = "",
        accepts_images: bool = False,
        context: int = 8192,
        timeout: float = 60.0,
    ) -> None:
        """Nothing is asked yet.

        Raises:
            InvalidInput: ``invalid_argument``, the address or the model's name is no use.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise InvalidInput(
                "invalid_argument",
                "The setting llm_url is an address like http://127.0.0.1:8080/v1.",
                subject="llm_url",
            )
        if not model:
            raise InvalidInput(
                "invalid_argument",
                "The setting llm_model names the model to ask for.",
                subject="llm_model",
            )
        self.id, self.accepts_images, self.context = model, accepts_images, context
        self.quick_tokens = DEFAULT_QUICK_TOKENS
        self._url, self._key, self._timeouts = url, key, Timeouts.of(timeout)
        self._certificates: ssl.SSLContext | None = None
        # What the server was found to understand.
        self._form = 0
        self._tells_usage = True

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
        """See :class:`~videlicet.analyze.llm.backends.base.LlmBackend`."""
        body: dict[str, Any] = {
            "model": self.id,
            "messages": [self._message(one) for one in messages],
            "temperature": temperature,
            "max_tokens": max_tokens,
            "stream": True,
            **({"stop": list(stop)} if stop else {}),
        }
        # A slow import is not the model's silence.
        self._client()

        def produce(channel: Channel) -> None:
            channel.run(lambda: self._ask(body, schema, channel))

        items = stream_with_timeouts(produce, self._timeouts, check)
        return collect_reply(items, messages, max_tokens, _as_error)

    def _message(self, one: Message) -> dict[str, Any]:
        if not (one.images and self.accepts_images):
            return {"role": one.role, "content": one.text}
        parts: list[dict[str, Any]] = [{"type": "text", "text": one.text}]
        for picture in one.images:
            url = "data:image/jpeg;base64," + base64.b64encode(picture).decode()
            parts.append({"type": "image_url", "image_url": {"url": url}})
        return {"role": one.role, "content": parts}

    def _client(self) -> openai.AsyncOpenAI:
        """A client for one call: asynchronous, so that a call can be broken off at any time, even
        before the server has said anything."""
        import httpx
        import openai

        if self._certificates is None:
            self._certificates = httpx.create_ssl_context()
        timeout = openai.Timeout(self._timeouts.first, connect=CONNECT, write=CONNECT * 2)
        return openai.AsyncOpenAI(
            base_url=self._url,
            api_key=self._key or "none",
            max_retries=0,
            timeout=timeout,
            http_client=openai.DefaultAsyncHttpxClient(
                follow_redirects=False, timeout=timeout, verify=self._certificates
            ),
        )

    async def _ask(
        self, body: dict[str, Any], schema: Mapping[str, Any] | None, channel: Channel
    ) -> None:
        """Puts out the reply; tries again until there is some text, or it is of no use."""
        async with self._client() as client:
            await self._ask_with(client, body, schema, channel)

    async def _ask_with(
        self,
        client: openai.AsyncOpenAI,
        body: dict[str, Any],
        schema: Mapping[str, Any] | None,
        channel: Channel,
    ) -> None:
        import openai

        form, usage, tries = self._form, self._tells_usage, 0
        while True:
            began = False
            try:
                request = body | _format(_FORMS[form], schema)
                if usage:
                    request["stream_options"] = {"include_usage": True}
                raw = client.chat.completions.with_streaming_response
                async with raw.create(**request) as response:
                    async for item in _parts(_chunks(response.iter_bytes())):
                        began = began or (isinstance(item, str) and item != "")
                        if channel.put(item):
                            return
                if schema is not None:
                    self._form = max(self._form, form)
                self._tells_usage = usage
                return
            except openai.APIStatusError as error:
                said = _said(error)
                if error.status_code in (400, 404, 422, 501) and usage and "stream_options" in said:
                    usage = False
                    continue
                if (
                    error.status_code in (400, 422, 500, 501)
                    and schema is not None
                    and form < len(_FORMS) - 1
                    and not _TOO_LONG.search(said)
                    and (error.status_code != 500 or "schema" in said or "format" in said)
                ):
                    form += 1
                    continue
                delay = _delay(error, tries)
                if delay is None:
                    raise
            except (openai.APIConnectionError, EOFError) as error:
                if began or tries + 1 >= TRIES or isinstance(error, openai.APITimeoutError):
                    raise
                delay = _backoff(tries)
            tries += 1
            _log.info("language model asked again", extra={"tries": tries, "seconds": delay})
            if channel.pause(delay):
                return


def _format(form: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    if schema is None or form == "text":
        return {}
    if form == "json_object":
        return {"response_format": {"type": "json_object"}}
    named = {"name": "answer", "schema": dict(schema)}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


async def _chunks(sent: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """What a stream of server-sent events holds as JSON, as far as ``[DONE]``.

    Not the library's own reading of it: that one waits for the end of a line, however long.

    Raises:
        EOFError: the connection broke.
        ValueError: something is no JSON, or too much.
    """
    import httpx

    rest, left = bytearray(), MOST_BYTES
    while True:
        try:
            data = await anext(sent, None)
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise EOFError("the connection broke") from error
        if data is None:
            return
        left -= len(data)
        if left < 0:
            raise ValueError("more bytes than a reply may have")
        rest += data
        if b"\n" not in data:
            continue
        *lines, rest = rest.split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                event = line[5:].strip()
                if event == b"[DONE]":
                    return
                yield json.loads(event)


async def _parts(chunks: AsyncIterator[Any]) -> AsyncIterator[str | StreamEnd]:
    """The text of each chunk, and the end.

    Raises:
        EOFError: the stream ended before the reply did.
        ValueError: a chunk is no chunk.
    """
    finish: Finish | None = None
    usage: Usage | None = None
    async for chunk in chunks:
        if not isinstance(chunk, dict) or not isinstance(chunk.get("choices"), list):
            raise ValueError("a chunk has no choices")
        usage = _usage(chunk.get("usage")) or usage
        for choice in chunk["choices"][:1]:
            content = (choice.get("delta") or {}).get("content")
            if content is not None and not isinstance(content, str):
                raise ValueError("a chunk's content is no text")
            # Also where nothing is said: a model that thinks aloud elsewhere is not silent.
            yield content or ""
            if reason := choice.get("finish_reason"):
                finish = Finish.LENGTH if reason == "length" else Finish.STOP
    if finish is None:
        raise EOFError("the stream ended early")
    yield StreamEnd(finish, usage)


def _usage(row: Any) -> Usage | None:
    if not isinstance(row, dict):
        return None
    read, wrote = row.get("prompt_tokens"), row.get("completion_tokens")
    if isinstance(read, int) and isinstance(wrote, int) and read >= 0 and wrote >= 0:
        return Usage(read, wrote)
    return None


def _said(error: openai.APIStatusError) -> str:
    body = error.body if isinstance(error.body, (dict, list, str)) else ""
    text = body if isinstance(body, str) else json.dumps(body)
    return (text + error.message).casefold()


_TOO_LONG = re.compile(r"context (?:size|length|window)|too (?:long|many tokens)|exceed_context")


def _backoff(tries: int) -> float:
    return float(DELAY * 2**tries * random.uniform(0.75, 1.25))


def _delay(error: openai.APIStatusError, tries: int) -> float | None:
    """Seconds to wait before the next try, ``None`` where there is no use in one."""
    if error.status_code not in (408, 409, 425, 429) and error.status_code < 500:
        return None
    if tries + 1 >= TRIES:
        return None
    asked = _retry_after(error.response.headers.get("retry-after", ""))
    if asked is None:
        return _backoff(tries)
    return asked if asked <= LONGEST_DELAY else None


def _retry_after(value: str) -> float | None:
    """``Retry-After`` in seconds (RFC 9110, 10.2.3): a number of them, or a date."""
    if re.fullmatch(r"\s*\d{1,9}(?:\.\d+)?\s*", value):
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, IndexError):
        return None
    return max(0.0, when - time.time())


def _as_error(error: BaseException) -> Exception:
    """What went wrong, as an error with a code; never with anything of what was asked or said."""
    import openai

    if isinstance(error, ModelTimeout):
        return AnalysisError(
            "language_model_busy", "The language model said nothing for too long.",
            remedy="Try again later, give the model more room, or raise llm_timeout.",
        )  # fmt: skip
    if isinstance(error, openai.APIStatusError):
        return _status_error(error)
    if isinstance(error, openai.APITimeoutError):
        if type(error.__cause__).__name__ == "ConnectTimeout":
            return AnalysisError("language_model_unreachable", "The language model did not answer.")
        return AnalysisError("language_model_busy", "The language model said nothing for too long.")
    if isinstance(error, openai.APIConnectionError):
        return AnalysisError(
            "language_model_unreachable", "The language model cannot be reached, or hung up."
        )
    if isinstance(error, EOFError):
        return AnalysisError(
            "language_model_failed", "The reply of the language model was cut off."
        )
    if isinstance(error, (openai.APIError, ValueError, LookupError, TypeError, AttributeError)):
        return AnalysisError(
            "language_model_failed", "The language model sent something that is no reply."
        )
    return error if isinstance(error, Exception) else RuntimeError(str(type(error)))


def _status_error(error: openai.APIStatusError) -> AnalysisError:
    status = error.status_code
    details = {"status": status}
    if status in (429, 503):
        return AnalysisError(
            "language_model_busy", f"The language model has no room now (HTTP {status}).",
            details=details,
        )  # fmt: skip
    if status >= 500 or status in (408, 409, 425):
        return AnalysisError(
            "language_model_failed", f"The language model's server failed (HTTP {status}).",
            details=details,
        )  # fmt: skip
    if 300 <= status < 400:
        return AnalysisError(
            "llm_request_rejected",
            f"The language model's server sends elsewhere (HTTP {status}), which is not followed.",
            remedy="Set llm_url to the address itself.",
            details=details,
        )
    remedy = None
    if _TOO_LONG.search(_said(error)):
        remedy = "Set llm_context to the tokens that the model's server takes."
    return AnalysisError(
        "llm_request_rejected", f"The language model's server refused (HTTP {status}).",
        remedy=remedy, details=details,
    )  # fmt: skip
