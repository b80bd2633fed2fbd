"""The real Haystack components as clients: with the shipped doubles, and with the real models where
meaning is what matters. Nothing but ``TWELVELABS_BASE_URL`` tells them where the server is."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import haystack.telemetry._telemetry as usage
import pytest
from haystack import Document, Pipeline
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.converters.twelvelabs import TwelveLabsVideoConverter
from haystack_integrations.components.embedders.twelvelabs import (
    TwelveLabsDocumentEmbedder,
    TwelveLabsTextEmbedder,
)
from tests.api.server import DOUBLES, Client, Server, hosted
from twelvelabs.core.api_error import ApiError
from twelvelabs.errors import BadRequestError

REAL = pytest.param("real", marks=[pytest.mark.weights, pytest.mark.corpus])
#: What three videos are about, in words that say it.
ABOUT = ("A dog runs over the street", "Rain falls on the river", "A train stands in the snow")
#: Videos of the corpus, and questions that share no word with their descriptions.
VIDEOS = {
    "d05.mp4": "a puppy being trained by its owner",
    "d17.mp4": "when does the railway service leave for Scotland",
    "d09.mp4": "a tropical bird",
}


# The components make a client for each request and leave it to the collector.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]


@pytest.fixture(scope="module", params=["doubles", REAL])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    environment = DOUBLES if request.param == "doubles" else {}
    with hosted(tmp_path_factory.mktemp("haystack") / "home", **environment) as one:
        yield one


@pytest.fixture(autouse=True)
def _address(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All that the components are told."""
    monkeypatch.setenv("TWELVELABS_BASE_URL", server.base)
    monkeypatch.setenv("TWELVELABS_API_KEY", server.key())
    yield
    gc.collect()  # while the warnings of this file are ignored


def filled(store: InMemoryDocumentStore, documents: list[Document]) -> InMemoryDocumentStore:
    """The store with the documents, which a pipeline has embedded and written."""
    pipeline = Pipeline()
    pipeline.add_component("embedder", TwelveLabsDocumentEmbedder(progress_bar=False))
    pipeline.add_component("writer", DocumentWriter(document_store=store))
    pipeline.connect("embedder", "writer")
    written = pipeline.run({"embedder": {"documents": documents}})
    assert written["writer"]["documents_written"] == len(documents)
    return store


def questions(store: InMemoryDocumentStore, top_k: int = 1) -> Pipeline:
    """A pipeline that answers a text with the documents that are nearest."""
    pipeline = Pipeline()
    pipeline.add_component("embedder", TwelveLabsTextEmbedder())
    pipeline.add_component(
        "retriever", InMemoryEmbeddingRetriever(document_store=store, top_k=top_k)
    )
    pipeline.connect("embedder.embedding", "retriever.query_embedding")
    return pipeline


def found(answer: dict[str, Any]) -> list[Document]:
    documents = answer["retriever"]["documents"]
    assert isinstance(documents, list)
    return documents


def test_no_use_is_reported() -> None:
    assert usage.telemetry is None


def test_a_text(server: Server) -> None:
    answer = TwelveLabsTextEmbedder().run(text="a dog")
    assert answer["meta"] == {"model": "marengo3.0"}
    assert len(answer["embedding"]) == 512
    assert sum(x * x for x in answer["embedding"]) == pytest.approx(1, abs=1e-3)
    assert TwelveLabsTextEmbedder(prefix="a ", suffix="g").run(text="do") == answer
    assert asyncio.run(TwelveLabsTextEmbedder().run_async(text="a dog")) == answer


def test_documents(server: Server) -> None:
    embedder = TwelveLabsDocumentEmbedder(
        model="Marengo-retrieval-2.7", batch_size=2, progress_bar=False,
        meta_fields_to_embed=["title"],
    )  # fmt: skip
    documents = [
        Document(content=text, meta={"title": "Film", "n": n}) for n, text in enumerate(ABOUT)
    ]
    done = embedder.run(documents=documents)["documents"]
    assert [(one.id, one.content, one.meta) for one in done] == [
        (one.id, one.content, one.meta) for one in documents
    ]
    whole = TwelveLabsTextEmbedder().run(text=f"Film\n{ABOUT[1]}")
    assert done[1].embedding == whole["embedding"]
    assert asyncio.run(embedder.run_async(documents=documents))["documents"] == done
    assert embedder.run(documents=[])["documents"] == []


def test_pipelines_find_the_right_document(server: Server) -> None:
    store = filled(InMemoryDocumentStore(), [Document(content=text) for text in ABOUT])
    pipeline = questions(store)
    # Stores in memory of the same name are the same, so the copy finds as much.
    for one in (pipeline, Pipeline.loads(pipeline.dumps())):
        for text, about in zip(("dogs", "the rain", "snow and trains"), ABOUT, strict=True):
            (best,) = found(one.run({"embedder": {"text": text}}))
            assert best.content == about
            (best,) = found(asyncio.run(one.run_async({"embedder": {"text": text}})))
            assert best.content == about


def test_bad_input(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = TwelveLabsTextEmbedder()
    with pytest.raises(BadRequestError) as refused:
        embedder.run(text=" ")
    assert refused.value.body["code"] == "parameter_invalid"
    with pytest.raises(BadRequestError) as refused:
        TwelveLabsTextEmbedder(model="no-such-model").run(text="a dog")
    assert refused.value.body["code"] == "parameter_invalid"
    with pytest.raises(BadRequestError):
        TwelveLabsDocumentEmbedder(progress_bar=False).run(documents=[Document(content="")])
    monkeypatch.setenv("TWELVELABS_API_KEY", "wrong")
    with pytest.raises(ApiError) as unknown:
        embedder.run(text="a dog")
    assert (unknown.value.status_code, unknown.value.body["code"]) == (401, "api_key_invalid")


def test_videos_become_documents(
    client: Client, recording: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The converter goes on after a source that cannot be analysed, and logs why."""
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    sources = [
        str(recording),
        "http://127.0.0.1:9/video.mp4",
        str(broken),
        str(tmp_path / "none.mp4"),
    ]
    (document,) = TwelveLabsVideoConverter().run(sources=sources)["documents"]
    assert document.content
    messages = [
        one.getMessage() for one in caplog.records if "could not analyze" in one.getMessage()
    ]
    assert len(messages) == 3
    assert "'code': 'url_not_allowed'" in messages[0]
    assert "processing failed" in messages[1]
    assert "not found" in messages[2]
    kept = {one["filename"]: one["status"] for one in client.ok("GET", "assets")["data"]}
    assert kept == {recording.name: "ready", broken.name: "failed"}


@pytest.mark.parametrize("server", [REAL], indirect=True)
def test_meaning(client: Client, corpus: Path) -> None:
    """Texts find descriptions that share no word with them, and the videos themselves."""
    manifest = json.loads((corpus / "manifest.json").read_text("utf-8"))
    by_file = {row["file"]: row["description"] for row in manifest if row["file"] in VIDEOS}
    described = filled(
        InMemoryDocumentStore(embedding_similarity_function="cosine"),
        [Document(content=text, meta={"file": file}) for file, text in by_file.items()],
    )
    store_of_pictures = InMemoryDocumentStore(embedding_similarity_function="cosine")
    for file in VIDEOS:
        store_of_pictures.write_documents(clips(client, corpus / "videos" / file))
    for store in (described, store_of_pictures):
        pipeline = questions(store)
        for file, text in VIDEOS.items():
            (best,) = found(pipeline.run({"embedder": {"text": text}}))
            assert best.meta["file"] == file, text


def clips(client: Client, recording: Path) -> list[Document]:
    """What is seen and said in a video, clip by clip."""
    with recording.open("rb") as file:
        task = client.ok(
            "POST", "embed/tasks", data={"model_name": "marengo3.0"}, files={"video_file": file}
        )["_id"]
    assert client.ended(f"embed/tasks/{task}/status")["status"] == "ready"
    params = {"embedding_option": ["visual", "transcription"]}
    ready = client.ok("GET", f"embed/tasks/{task}", params=params)["video_embedding"]
    return [
        Document(
            embedding=one["float"],
            meta={
                "file": recording.name,
                "start": one["start_offset_sec"],
                "by": one["embedding_option"],
            },
        )
        for one in ready["segments"]
    ]
