"""Endpoints that are slow, broken, busy, or of few words."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.analyze.llm.server import Act, Call, Fake, fake, saying

from videlicet.analyze.llm.backends import endpoint
from videlicet.analyze.llm.backends.base import Final, Message, Timeouts
from videlicet.analyze.llm.backends.endpoint import Endpoint
from videlicet.errors import AnalysisError, Cancelled, InvalidInput
from videlicet.types import Finish, Usage

ASKED = [Message("system", "Be brief."), Message("user", "What is it?")]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "DELAY", 0.01)


def client(server: Fake, **more: Any) -> Endpoint:
    made = Endpoint(server.url, "some-model", key="hush-hush", **more)
    made._timeouts = Timeouts(first=0.6, between=0.4, total=3.0)
    return made


def reply(model: Endpoint, **more: Any) -> tuple[str, Final]:
    parts = list(model.complete(ASKED, temperature=0.3, max_tokens=more.pop("most", 50), **more))
    assert isinstance(parts[-1], Final)
    said = "".join(part for part in parts[:-1] if isinstance(part, str))
    assert said == parts[-1].text
    return said, parts[-1]


def refused(model: Endpoint, **more: Any) -> AnalysisError:
    with pytest.raises(AnalysisError) as caught:
        reply(model, **more)
    assert "hush" not in str(caught.value.to_json())
    return caught.value


def test_a_reply_is_streamed_with_what_it_took() -> None:
    with fake(saying("It is ", "red.", usage=(11, 3))) as server:
        said, final = reply(client(server), stop=("END",))
        assert said == "It is red."
        assert (final.finish, final.usage, final.broken) == (Finish.STOP, Usage(11, 3), "")
        body = server.calls[0].body
        assert body["model"] == "some-model"
        assert (body["temperature"], body["max_tokens"], body["stop"]) == (0.3, 50, ["END"])
        assert body["messages"] == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is it?"},
        ]
        assert server.calls[0].headers["authorization"] == "Bearer hush-hush"
        assert server.calls[0].path == "/v1/chat/completions"


def test_what_nobody_counts_is_counted() -> None:
    with fake(saying("It is red.", reason="length")) as server:
        final = reply(client(server))[1]
        assert final.finish is Finish.LENGTH
        assert final.usage.input_tokens >= 5
        assert final.usage.output_tokens >= 3


def test_parts_come_as_they_are_said() -> None:
    def act(call: Call) -> None:
        call.begin()
        call.chunk("one ")
        call.server.go.wait(5)
        call.chunk("two")
        call.end()

    with fake(act) as server:
        parts = client(server).complete(ASKED, temperature=0, max_tokens=9)
        assert next(parts) == "one "
        server.go.set()
        assert next(parts) == "two"
        assert isinstance(next(parts), Final)


def test_a_slow_first_token_is_busy() -> None:
    def act(call: Call) -> None:
        call.begin()
        for _ in range(40):
            # Signs of life are no reply.
            call.raw(": ping\n\n")
            if call.server.go.wait(0.05):
                break

    with fake(act) as server:
        began = time.monotonic()
        error = refused(client(server))
        assert error.code == "language_model_busy"
        assert time.monotonic() - began < 1.5


def test_what_was_said_before_a_stall_stays() -> None:
    def act(call: Call) -> None:
        call.begin()
        call.chunk("It is red. It")
        call.server.go.wait(5)

    with fake(act) as server:
        said, final = reply(client(server))
        assert said == "It is red. It"
        assert final.finish is Finish.LENGTH
        assert "too long" in final.broken


def test_a_reply_that_never_ends_ends_in_time() -> None:
    def act(call: Call) -> None:
        call.begin()
        while not call.server.go.wait(0.05):
            call.chunk("x")

    with fake(act) as server:
        model = client(server)
        model._timeouts = Timeouts(first=0.5, between=0.5, total=0.6)
        final = reply(model, most=1000)[1]
        assert final.finish is Finish.LENGTH
        assert final.broken
        assert server.left.wait(5)


def test_a_cut_stream_keeps_what_was_said() -> None:
    def act(call: Call) -> None:
        call.begin()
        call.chunk("It is red. And")

    with fake(act) as server:
        said, final = reply(client(server))
        assert (said, final.finish) == ("It is red. And", Finish.LENGTH)
        assert "cut off" in final.broken


def test_a_stream_that_is_cut_at_once_is_tried_again() -> None:
    def cut(call: Call) -> None:
        call.begin()

    with fake(cut, saying("Red.")) as server:
        assert reply(client(server))[0] == "Red."
    with fake(cut) as server:
        assert refused(client(server)).code == "language_model_failed"
        assert len(server.calls) == endpoint.TRIES


def test_too_many_requests_are_repeated_when_asked() -> None:
    def busy(call: Call) -> None:
        call.refuse(429, "slow down", retry_after="0.3")

    with fake(busy, saying("Red.")) as server:
        began = time.monotonic()
        assert reply(client(server))[0] == "Red."
        assert time.monotonic() - began >= 0.3
    with fake(busy) as server:
        error = refused(client(server))
        assert (error.code, error.retryable) == ("language_model_busy", True)
        assert len(server.calls) == endpoint.TRIES


def test_nobody_waits_for_as_long_as_a_server_likes() -> None:
    with fake(lambda call: call.refuse(429, retry_after="3600")) as server:
        began = time.monotonic()
        assert refused(client(server)).code == "language_model_busy"
        assert time.monotonic() - began < 2
        assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("1.5", 1.5), ("", None), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert endpoint._retry_after(value) == seconds


def test_a_server_that_fails_is_asked_again() -> None:
    with fake(lambda call: call.refuse(500), saying("Red.")) as server:
        assert reply(client(server))[0] == "Red."
    with fake(lambda call: call.refuse(500)) as server:
        assert refused(client(server)).code == "language_model_failed"
        assert len(server.calls) == endpoint.TRIES
    with fake(lambda call: call.refuse(503, "Loading model")) as server:
        assert refused(client(server)).code == "language_model_busy"


@pytest.mark.parametrize(
    "line", ["data: {not json\n\n", 'data: {"choices": 3}\n\n', 'data: {"error": "x"}\n\n',
             'data: {"choices":[{"delta":{"content":[1]}}]}\n\n', 'data: []\n\n', "data: 7\n\n"],
)  # fmt: skip
def test_chunks_that_are_none(line: str) -> None:
    def act(call: Call) -> None:
        call.begin()
        call.raw(line)
        call.end()

    def later(call: Call) -> None:
        call.begin()
        call.chunk("It is red. ")
        call.raw(line)
        call.end()

    with fake(act) as server:
        assert refused(client(server)).code == "language_model_failed"
    with fake(later) as server:
        said, final = reply(client(server))
        assert said == "It is red. "
        assert final.broken


def test_replies_that_are_too_long_are_cut() -> None:
    def act(call: Call) -> None:
        call.begin()
        for _ in range(2000):
            call.chunk("blah " * 20)
        call.end()

    with fake(act) as server:
        said, final = reply(client(server), most=50)
        assert len(said) <= 8 * 50 + 64
        assert final.finish is Finish.LENGTH


def test_bytes_without_end_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "MOST_BYTES", 100_000)

    def act(call: Call) -> None:
        call.begin()
        while not call.server.left.is_set():
            call.raw("x" * 10_000)

    with fake(act) as server:
        assert refused(client(server)).code in (
            "language_model_failed",
            "language_model_unreachable",
        )
        assert server.left.wait(5)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_refusals_are_reported_at_once(status: int) -> None:
    with fake(lambda call: call.refuse(status, "wrong key hush-hush")) as server:
        error = refused(client(server))
        assert (error.code, error.retryable) == ("llm_request_rejected", False)
        assert error.details == {"status": status}
        assert len(server.calls) == 1


def test_too_much_to_read_says_which_setting() -> None:
    said = "This model's maximum context length is 4096 tokens"
    with fake(lambda call: call.refuse(400, said)) as server:
        error = refused(client(server))
        assert error.code == "llm_request_rejected"
        assert "llm_context" in error.remedy


def test_redirects_are_not_followed() -> None:
    with fake(saying("Stolen.")) as other:
        away = other.url + "/chat/completions"
        with fake(lambda call: call.refuse(307, location=away)) as server:
            assert refused(client(server)).code == "llm_request_rejected"
        assert other.calls == []


def test_nobody_there() -> None:
    with fake(saying("x")) as server:
        model = client(server)
    assert refused(model).code == "language_model_unreachable"


def _no_schema(call: Call) -> None:
    if call.body.get("response_format", {}).get("type") == "json_schema":
        call.refuse(400, "response_format json_schema is not supported")
    else:
        saying('{"a": "x"}')(call)


def test_json_is_asked_for_as_the_server_can() -> None:
    with fake(saying('{"a": "x"}')) as server:
        assert json.loads(reply(client(server), schema=SCHEMA)[0]) == {"a": "x"}
        asked = server.calls[0].body["response_format"]
        assert asked == {
            "type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA},
        }  # fmt: skip
    with fake(_no_schema) as server:
        model = client(server)
        for _ in range(2):
            assert reply(model, schema=SCHEMA)[0] == '{"a": "x"}'
        forms = [c.body.get("response_format", {}).get("type") for c in server.calls]
        # What it cannot do is not asked of it again.
        assert forms == ["json_schema", "json_object", "json_object"]


def test_json_is_asked_for_in_words_at_last() -> None:
    def act(call: Call) -> None:
        if "response_format" in call.body:
            call.refuse(422, "unknown field response_format")
        else:
            saying("{}")(call)

    with fake(act) as server:
        assert reply(client(server), schema=SCHEMA)[0] == "{}"
        assert len(server.calls) == 3


def test_usage_is_not_asked_for_twice_in_vain() -> None:
    def act(call: Call) -> None:
        if "stream_options" in call.body:
            call.refuse(400, "unknown field: stream_options")
        else:
            saying("Red.")(call)

    with fake(act) as server:
        model = client(server)
        assert reply(model)[0] == reply(model)[0] == "Red."
        assert len(server.calls) == 3


def test_pictures_go_only_to_models_that_take_them() -> None:
    messages = [Message("user", "What is it?", (b"\xff\xd8jpeg",))]
    with fake(saying("Red.")) as server:
        for pictures in (False, True):
            model = client(server, accepts_images=pictures)
            list(model.complete(messages, temperature=0, max_tokens=9))
        plain, rich = (call.body["messages"][0]["content"] for call in server.calls)
        assert plain == "What is it?"
        assert rich == [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9hqcGVn"}},
        ]


def test_who_leaves_is_waited_for_no_more() -> None:
    def act(call: Call) -> None:
        call.begin()
        while not call.server.go.wait(0.02):
            call.chunk("x ")

    with fake(act) as server:
        parts = client(server).complete(ASKED, temperature=0, max_tokens=9999)
        assert next(parts) == "x "
        assert isinstance(parts, Iterator)
        parts.close()  # type: ignore[attr-defined]
        assert server.left.wait(5)


def test_a_wait_can_be_cancelled() -> None:
    def check() -> None:
        raise Cancelled("cancelled", "Cancelled.")

    def after_headers(call: Call) -> None:
        call.begin()
        call.until_hung_up()

    for act in (Call.until_hung_up, after_headers):
        with fake(act) as server:
            model = client(server)
            model._timeouts = Timeouts(first=600, between=600, total=600)
            with pytest.raises(Cancelled):
                list(model.complete(ASKED, temperature=0, max_tokens=9, check=check))
            # The call itself ends too, although the server has said nothing yet.
            assert server.left.wait(10)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:80", "ftp://host/v1", "http://", "http://me:pass@host/v1"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Endpoint(url, "some-model")
    assert caught.value.subject == "llm_url"


def test_nothing_of_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    acts: tuple[Act, ...] = (lambda call: call.refuse(500, "hush-hush"), saying("Red."))
    with caplog.at_level(logging.INFO, "videlicet"), fake(*acts) as server:
        reply(client(server))
    rows = [vars(record) for record in caplog.records if record.name.startswith("videlicet")]
    assert rows
    assert "hush" not in str(rows)
    assert "What is it" not in str(rows)
