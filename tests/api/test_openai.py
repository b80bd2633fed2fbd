"""Embeddings in the shape of OpenAI's interface, asked by its own client; and rerank."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from openai import OpenAI
from tests.api.server import Client, Server

from videlicet.models.fakes import IDS, HashedText

TEXTS = ["a red boat", "a green meadow", "red"]


@pytest.fixture(scope="module")
def asker(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.root}/v1", api_key=server.key(), max_retries=0) as one:
        yield one


def test_the_official_client(asker: OpenAI) -> None:
    """It asks for base64 unless it is told otherwise, and sends the key as a bearer token."""
    expected = HashedText().encode(TEXTS)
    made = asker.embeddings.create(model="text-embedding-3-small", input=TEXTS)
    rows = np.array([one.embedding for one in made.data], np.float32)
    assert rows == pytest.approx(expected, abs=1e-6)
    assert [one.index for one in made.data] == [0, 1, 2]
    assert made.model == IDS["text"]
    assert made.usage.prompt_tokens == made.usage.total_tokens == 5 + 5 + 3
    same = asker.embeddings.create(
        model=IDS["text"], input=TEXTS, encoding_format="float", dimensions=64
    )
    assert [one.embedding for one in same.data] == [one.embedding for one in made.data]
    one = asker.embeddings.create(model="text-embedding-3-large", input=TEXTS[0])
    assert one.data[0].embedding == made.data[0].embedding


def test_how_it_looks(native: Client) -> None:
    body = {"model": "text-embedding-ada-002", "input": "red", "user": "somebody"}
    plain = native.ok("POST", "embeddings", json=body)
    assert set(plain) == {"object", "data", "model", "usage"}
    assert (plain["object"], plain["data"][0]["object"]) == ("list", "embedding")
    packed = native.ok("POST", "embeddings", json={**body, "encoding_format": "base64"})
    vector = np.frombuffer(base64.b64decode(packed["data"][0]["embedding"]), "<f4")
    assert vector.tolist() == plain["data"][0]["embedding"]
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": []}, "empty"),
        ({"input": ""}, "without characters"),
        ({"input": ["red", " \n"]}, "without characters"),
        ({"input": [1, 2, 3]}, "tokens"),
        ({"input": [[1, 2], [3]]}, "tokens"),
        ({"input": ["red"] * 2049}, "2048 texts"),
        ({"input": "red " * 100_001}, "100000 tokens"),
        ({"input": "x" * 1_000_001}, "1000000 characters"),
        ({"input": {"text": "red"}}, "input"),
        ({"dimensions": 32}, "64"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"input": None}, "input"),
        ({"model": None}, "model"),
    ],
)
def test_bad_requests(asker: OpenAI, change: dict[str, Any], message: str) -> None:
    body = {"model": "text-embedding-3-small", "input": "red", **change}
    with pytest.raises(openai.BadRequestError) as raised:
        asker.post("/embeddings", body=body, cast_to=object)
    error = raised.value
    assert error.type == "invalid_request_error"
    assert error.code in ("parameter_invalid", "parameter_not_provided", "token_limit_exceeded")
    assert message in str(error.body)
    # What clients of the native interface look at is beside it.
    row = error.response.json()
    assert {k: row[k] for k in ("code", "message")} == {
        k: row["error"][k] for k in ("code", "message")
    }


def test_what_else_is_refused(asker: OpenAI, server: Server) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        asker.embeddings.create(model="gpt-9", input="red")
    assert unknown.value.code == "model_not_found"
    assert IDS["text"] in unknown.value.message
    stranger = OpenAI(base_url=f"{server.root}/v1", api_key="wrong", max_retries=0)
    with stranger, pytest.raises(openai.AuthenticationError) as refused:
        stranger.embeddings.create(model="text-embedding-3-small", input="red")
    assert refused.value.code == "api_key_invalid"


def test_where_a_key_may_be(server: Server) -> None:
    key = server.key()
    bearer = {"authorization": f"Bearer {key}"}
    body = {"model": "text-embedding-3-small", "input": "red"}
    for headers, status in (
        (bearer, 200),
        ({"authorization": f"bearer {key}"}, 200),
        ({"x-api-key": key}, 200),
        # A key that is given counts, whatever else is.
        ({"x-api-key": "wrong", **bearer}, 401),
        ({"x-api-key": key, "authorization": "Bearer wrong"}, 200),
        ({"authorization": f"Basic {key}"}, 401),
        ({"authorization": key}, 401),
        ({}, 401),
    ):
        answer = httpx.post(f"{server.root}/v1/embeddings", json=body, headers=headers)
        assert answer.status_code == status, headers
    assert httpx.get(f"{server.root}/v1/tasks", headers=bearer).status_code == 200
    assert httpx.get(f"{server.base}/indexes", headers=bearer).status_code == 401


def test_a_reading_key_is_enough(server: Server) -> None:
    with Client(server, server.key(scopes=["read"]), "v1") as reader:
        body = {"model": "text-embedding-3-small", "input": "red"}
        assert reader.post("embeddings", json=body).status_code == 200
        assert reader.post("rerank", json={"query": "a", "documents": ["a"]}).status_code == 200
    with Client(server, server.key(scopes=["write"]), "v1") as writer:
        assert writer.post("embeddings", json=body).status_code == 403


def test_rerank(native: Client) -> None:
    documents: list[Any] = ["green meadows", {"text": "a red boat at sea"}, "a boat", "boats"]
    body = {"query": "red boat", "documents": documents}
    found = native.ok("POST", "rerank", json=body)
    assert found["results"][0]["index"] == 1
    assert found["results"][-1]["index"] == 0
    scores = [row["relevance_score"] for row in found["results"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert scores[0] > 0.5 > scores[-1]
    assert "document" not in found["results"][0]
    best = native.ok(
        "POST", "rerank",
        json={**body, "top_n": 2, "return_documents": True, "model": "rerank-english-v3.0"},
    )  # fmt: skip
    assert [row["index"] for row in best["results"]] == [
        row["index"] for row in found["results"][:2]
    ]
    assert best["results"][0]["document"] == {"text": "a red boat at sea"}
    assert best["meta"]["billed_units"] == {"search_units": 1}


def test_a_long_document_counts_by_its_best_passage(native: Client) -> None:
    long = "the weather was fine and nothing happened " * 200 + " a red boat " * 40
    body = {"query": "red boat", "documents": ["nothing happened at all", long]}
    assert native.ok("POST", "rerank", json=body)["results"][0]["index"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"query": ""},
        {"query": "..."},
        {"query": "red " * 2000},
        {"query": "x" * 6000},
        {"documents": []},
        {"documents": [1]},
        {"documents": [{"title": "red"}]},
        {"documents": ["red"] * 1001},
        {"documents": ["red " * 100_001]},
        {"top_n": 0},
    ],
)
def test_bad_rerank(native: Client, change: dict[str, Any]) -> None:
    answer = native.post("rerank", json={"query": "red", "documents": ["red"], **change})
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"code", "message"}


def test_an_unknown_reranker(native: Client) -> None:
    body = {"query": "red", "documents": ["red"], "model": "gpt-9"}
    assert native.post("rerank", json=body).status_code == 404


def test_both_are_described(server: Server) -> None:
    document = httpx.get(f"{server.root}/v1/openapi.json").json()
    assert {"/v1/embeddings", "/v1/rerank"} <= set(document["paths"])
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    old = httpx.get(f"{server.root}/openapi.json").json()
    assert set(old["components"]["securitySchemes"]) == {"key"}
