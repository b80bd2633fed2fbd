"""A real language model, small as it is: in this process, and behind llama.cpp's own server."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import prerequisites
from tests.analyze.llm.videos import LAUNCH, Plain

from videlicet.analyze.backend import AnalysisBackend
from videlicet.analyze.backends import analysis_backend
from videlicet.analyze.llm.backends.base import Final, LlmBackend, Message
from videlicet.analyze.llm.backends.endpoint import Endpoint
from videlicet.analyze.llm.backends.gguf import Gguf
from videlicet.analyze.llm.model import LanguageModel
from videlicet.errors import AnalysisError, Cancelled, InvalidInput, ModelError, NotFound
from videlicet.models.cards import card, default_cards
from videlicet.models.fakes import HashedText
from videlicet.models.weights import missing_files, open_files
from videlicet.rights import Grant, Purpose
from videlicet.settings import Settings, load
from videlicet.store import Store, open_store
from videlicet.types import Finish

CARD = card("smollm2-135m-instruct")
ASKED = [Message("system", "You are brief."), Message("user", "Say the name of one colour.")]
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "maxLength": 12}, "count": {"type": "integer"}},
    "required": ["colour", "count"],
    "additionalProperties": False,
}


real = pytest.mark.usefixtures("real_model")


@pytest.fixture(scope="module")
def real_model() -> None:
    """For tests that run the model itself."""
    if missing_files(load(), CARD):
        prerequisites.absent(f"run `videlicet models pull {CARD.id}`")


def settings(**more: Any) -> Settings:
    return load(analysis_backend="gguf", llm_model=CARD.id, llm_context=2048, threads=1, **more)


def final(backend: LlmBackend, **more: Any) -> Final:
    parts = list(backend.complete(ASKED, temperature=0.0, max_tokens=more.pop("most", 40), **more))
    assert isinstance(parts[-1], Final)
    assert "".join(one for one in parts if isinstance(one, str)) == parts[-1].text
    return parts[-1]


def test_the_model_is_not_among_those_that_are_pulled_unasked() -> None:
    assert not CARD.default
    assert CARD.role == "language"
    assert "language" not in default_cards()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(load(tmp_path / "home"), write=True, create=True) as one:
        yield one


def chosen(store: Store, settings: Settings) -> AnalysisBackend:
    return analysis_backend(
        store.scope(Grant("tests", Purpose.ANALYZE)), store, settings, HashedText()
    )


def test_what_is_missing_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store
) -> None:
    def made(**more: Any) -> None:
        chosen(store, settings(**more))

    with pytest.raises(ModelError) as caught:
        made(weights=tmp_path)
    assert caught.value.code == "weights_missing"
    assert f"videlicet models pull {CARD.id}" in caught.value.remedy
    for name, kind in (("no-such", NotFound), ("whisper-base", InvalidInput),
                       (str(tmp_path / "no.gguf"), InvalidInput)):  # fmt: skip
        with pytest.raises(kind):
            chosen(store, load(analysis_backend="gguf", llm_model=name))
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ModelError) as caught:
        made()
    assert "pip install videlicet[gguf]" in caught.value.remedy


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    file = tmp_path / "no.gguf"
    file.write_bytes(b"GGUF nothing")
    with pytest.raises(ModelError) as caught:
        final(Gguf("no", file))
    assert caught.value.code == "model_failed"


def test_analysts_are_chosen_by_the_settings(store: Store) -> None:
    assert chosen(store, load()).id == "builtin"
    endpoint = {"analysis_backend": "endpoint", "llm_url": "http://127.0.0.1:1/v1"}
    assert chosen(store, load(**endpoint, llm_model="big")).id == "big"
    for wrong in ({"analysis_backend": "oracle"}, {"analysis_backend": "endpoint"}):
        with pytest.raises(InvalidInput):
            chosen(store, load(**wrong))


@pytest.fixture(scope="module")
def local() -> Gguf:
    return Gguf.of(settings())


@pytest.mark.slow
@real
def test_it_replies_in_this_process(local: Gguf) -> None:
    reply = final(local, most=12)
    assert reply.text
    assert 0 < reply.usage.output_tokens <= 12
    assert reply.usage.input_tokens > 5
    assert reply.finish in (Finish.STOP, Finish.LENGTH)
    data = json.loads(final(local, schema=SCHEMA, most=80).text)
    assert set(data) == {"colour", "count"}
    assert isinstance(data["count"], int)
    # What cannot be turned into a grammar is still JSON.
    odd = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?<=x)y"}}}
    json.loads(final(local, schema=odd, most=80).text or "{}")


@pytest.mark.slow
@real
def test_who_leaves_stops_it(local: Gguf) -> None:
    asked = [Message("user", "Tell a very long story.")]
    parts = local.complete(asked, temperature=0.0, max_tokens=1500)
    assert isinstance(next(parts), str)
    parts.close()  # type: ignore[attr-defined]
    count = 0

    def check() -> None:
        nonlocal count
        count += 1
        if count > 1:
            raise Cancelled("cancelled", "Cancelled.")

    with pytest.raises(Cancelled):
        list(local.complete(asked, temperature=0.0, max_tokens=1500, check=check))
    assert final(local, most=3).text


@pytest.mark.slow
@real
def test_too_much_to_read_is_reported(local: Gguf) -> None:
    asked = [Message("user", "word " * 3000)]
    with pytest.raises(AnalysisError) as caught:
        list(local.complete(asked, temperature=0.0, max_tokens=5))
    assert caught.value.code == "llm_request_rejected"
    assert "llm_context" in caught.value.remedy


@pytest.fixture(scope="module")
def served() -> Iterator[Endpoint]:
    """llama.cpp's server with the model, over HTTP, with a key."""
    import xllamacpp

    (file,) = open_files(load(), CARD).values()
    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    options = {
        "n_ctx": 4096, "n_parallel": 2, "hostnames": ["127.0.0.1"], "api_keys": ["the-key"],
        "verbosity": -1, "cache_ram_mib": 0,
    }  # fmt: skip
    for name, value in options.items():
        setattr(params, name, value)
    for cpu in (params.cpuparams, params.cpuparams_batch):
        for name, value in {"n_threads": 1, "poll": 0}.items():
            setattr(cpu, name, value)
    server = xllamacpp.Server(params)
    yield Endpoint(f"{server.listening_address}/v1", "smollm2", key="the-key", context=2048)
    del server


@pytest.mark.slow
@real
def test_it_replies_over_http(served: Endpoint) -> None:
    parts = list(served.complete(ASKED, temperature=0.0, max_tokens=12))
    assert len(parts) > 3
    assert isinstance(parts[-1], Final)
    assert parts[-1].usage.input_tokens > 5
    assert 0 < parts[-1].usage.output_tokens <= 12
    data = json.loads(final(served, schema=SCHEMA, most=80).text)
    assert set(data) == {"colour", "count"}
    assert served._form == 0
    wrong = Endpoint(served._url, "smollm2", key="another")
    with pytest.raises(AnalysisError) as caught:
        final(wrong)
    assert caught.value.code == "llm_request_rejected"


@pytest.mark.slow
@real
def test_it_is_an_analyst_over_http(served: Endpoint) -> None:
    analysis = LanguageModel(served, HashedText(), Plain())
    answer = analysis.ask([LAUNCH], "How long do the boosters burn?")
    assert answer.usage.input_tokens > 100
    assert set(answer.citations) <= set(LAUNCH.items)
    assert all(one.supported for one in answer.sentences) or not answer.found


@pytest.mark.slow
@real
def test_many_ask_at_once(served: Endpoint) -> None:
    found: list[Final] = []
    threads = [
        threading.Thread(target=lambda: found.append(final(served, most=6))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
