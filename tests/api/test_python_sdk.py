"""The official Python SDK as the client: with the shipped doubles, and with the real models on a
real recording where both are at hand."""

from __future__ import annotations

import base64
import inspect
import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests import papers, samples
from tests.api.sdk import Watched, ended, require_status, sdk
from tests.api.server import DOUBLES, Server, hosted
from tests.ingest import rig
from twelvelabs import TwelveLabs, types
from twelvelabs.assets.client import AssetsClient
from twelvelabs.errors import BadRequestError, NotFoundError
from twelvelabs.indexes import IndexesCreateRequestModelsItem
from twelvelabs.types import (
    AudioInputRequest,
    BatchItemRequest,
    CompletedChunk,
    ImageInputRequest,
    MediaSource,
    MultiInputRequest,
    SyncResponseFormat,
    TextImageInputRequest,
    TextInputRequest,
    VideoContext_AssetId,
    VideoInputRequest,
)

MODEL = "marengo3.0"
#: The minor version before the newest cannot force the deletion of an asset.
OLDER = "force" not in inspect.signature(AssetsClient.delete).parameters


@pytest.fixture(
    scope="module",
    params=[
        "doubles",
        pytest.param("real", marks=[pytest.mark.weights, pytest.mark.corpus, pytest.mark.slow]),
    ],
)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = DOUBLES if kind == "doubles" else {}
    with hosted(tmp_path_factory.mktemp("sdk") / "home", **environment) as one:
        yield one


@pytest.fixture(scope="module")
def watched(server: Server) -> Iterator[Watched]:
    with sdk(server, server.key()) as one:
        yield Watched(one)


@pytest.fixture(scope="module")
def client(watched: Watched) -> TwelveLabs:
    return watched.client


@pytest.fixture(scope="module")
def talk(kind: str, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video with pictures and somebody speaking."""
    folder = tmp_path_factory.mktemp("talk")
    if kind == "doubles":
        return rig.make_videos(folder, 1, seconds=8)[0].rename(folder / "talk.mp4")
    manifest = json.loads((corpus / "manifest.json").read_text("utf-8"))
    chosen = next(row for row in manifest if row["speech"] and row["width"] == 640)
    return Path(shutil.copy(corpus / "videos" / chosen["file"], folder / "talk.mp4"))


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.image(tmp_path_factory.mktemp("picture") / "picture.png")


@pytest.fixture(scope="module")
def index(client: TwelveLabs) -> str:
    made = client.indexes.create(
        index_name="videos",
        models=[
            IndexesCreateRequestModelsItem(model_name=MODEL, model_options=["visual", "audio"])
        ],
        addons=["thumbnail"],
    )
    assert made.id is not None
    return made.id


@pytest.fixture(scope="module")
def asset(client: TwelveLabs, talk: Path) -> Any:
    with talk.open("rb") as file:
        made = client.assets.create(
            method="direct", file=file, user_metadata=json.dumps({"kind": "talk", "year": 2026})
        )
    assert made.status == "processing"
    return ended(lambda: client.assets.retrieve(made.id))


@pytest.fixture(scope="module")
def video(client: TwelveLabs, index: str, asset: Any) -> Any:
    made = client.indexes.indexed_assets.create(
        index, asset_id=asset.id, enable_video_stream=True,
        user_metadata={"topic": "speech", "seen": True, "tags": ["a", "b"]},
    )  # fmt: skip
    found = ended(lambda: client.indexes.indexed_assets.retrieve(index, made.id))
    assert found.status == "ready"
    return found


@pytest.fixture(scope="module")
def image_asset(client: TwelveLabs, picture: Path) -> Any:
    with picture.open("rb") as file:
        made = client.assets.create(method="direct", file=file)
    return ended(lambda: client.assets.retrieve(made.id))


def test_indexes(client: TwelveLabs, index: str) -> None:
    found = client.indexes.retrieve(index)
    assert (found.index_name, found.addons) == ("videos", ["thumbnail"])
    other = client.indexes.create(
        index_name="other",
        models=[IndexesCreateRequestModelsItem(model_name=MODEL, model_options=["visual"])],
    )
    client.indexes.update(other.id, index_name="renamed")
    names = [one.index_name for one in client.indexes.list(page_limit=1)]
    assert names == ["renamed", "videos"]
    assert [i.id for i in client.indexes.list(model_options="audio")] == [index]
    with pytest.raises(BadRequestError) as caught:
        client.indexes.create(
            index_name="videos",
            models=[IndexesCreateRequestModelsItem(model_name=MODEL, model_options=["visual"])],
        )
    assert caught.value.body["code"] == "index_name_already_exists"
    client.indexes.delete(other.id)
    require_status(404, lambda: client.indexes.retrieve(other.id))


def test_assets(client: TwelveLabs, asset: Any, talk: Path) -> None:
    assert (asset.status, asset.filename, asset.method) == ("ready", talk.name, "direct")
    assert asset.user_metadata == {"kind": "talk", "year": 2026}
    assert asset.size == talk.stat().st_size
    assert asset.duration == pytest.approx(asset.technical_metadata.video_duration_seconds)
    assert asset.technical_metadata.has_audio
    assert httpx.get(asset.thumbnail.representative_url).content.startswith(b"\xff\xd8\xff")
    assert httpx.get(asset.hls.manifest_url).text.startswith("#EXTM3U")
    assert [a.id for a in client.assets.list(filename="TALK", asset_types=["video"])] == [asset.id]
    client.assets.update_user_metadata(asset.id, user_metadata={"year": None, "more": 1.5})
    assert client.assets.retrieve(asset.id).user_metadata == {"kind": "talk", "more": 1.5}
    client.assets.replace_user_metadata(asset.id, user_metadata={"a": True})
    assert client.assets.retrieve(asset.id).user_metadata == {"a": True}
    client.assets.delete_user_metadata(asset.id)
    assert not client.assets.retrieve(asset.id).user_metadata
    require_status(404, lambda: client.assets.retrieve("0" * 24))


def test_indexed_assets_and_videos(client: TwelveLabs, index: str, asset: Any, video: Any) -> None:
    listed = list(client.indexes.indexed_assets.list(index, status=["ready"]))
    assert [one.id for one in listed] == [video.id]
    found = list(client.indexes.indexed_assets.list(index, user_metadata={"topic": "speech"}))
    assert [one.id for one in found] == [video.id]
    assert not list(client.indexes.indexed_assets.list(index, user_metadata={"topic": "x"}))
    assert [v.id for v in client.indexes.videos.list(index, user_metadata={"seen": True})] == [
        video.id
    ]
    assert not list(client.indexes.videos.list(index, duration={"gte": 1000}))  # type: ignore[arg-type]
    by_asset = list(client.indexes.indexed_assets.list_by_asset(asset.id))
    assert [(one.id, one.index.id) for one in by_asset] == [(video.id, index)]
    whole = client.indexes.videos.retrieve(
        index, video.id, embedding_option=["visual", "audio", "transcription"], transcription=True
    )
    assert " ".join(one.value for one in whole.transcription).strip()
    segments = whole.embedding.video_embedding.segments
    assert {s.embedding_option for s in segments} >= {"visual", "transcription"}
    assert {len(s.float_) for s in segments} == {512}
    assert whole.hls.status == "COMPLETE"
    client.indexes.videos.update(index, video.id, user_metadata={"topic": "talk", "seen": None})
    assert client.indexes.videos.retrieve(index, video.id).user_metadata == {
        "topic": "talk", "tags": ["a", "b"],
    }  # fmt: skip
    client.indexes.indexed_assets.update(index, video.id, user_metadata={"topic": "speech"})


@pytest.mark.skipif(not hasattr(AssetsClient, "retrieve_transcription"), reason="new in 1.3")
def test_transcription(client: TwelveLabs, asset: Any, video: Any) -> None:
    said = client.assets.retrieve_transcription(
        asset.id, include=["words", "sentences", "utterances"]
    )
    assert said.status == "ready"
    assert said.words
    assert said.words[0].start < said.words[0].end
    assert len(said.words) >= len(said.sentences) > 0
    assert len(said.words) >= len(said.utterances) > 0


def test_search_by_words(client: TwelveLabs, index: str, asset: Any, video: Any) -> None:
    words = client.indexes.videos.retrieve(index, video.id, transcription=True).transcription
    query = " ".join(words[0].value.split()[:6])
    hits = list(
        client.search.query(
            index_id=index, query_text=query, search_options=["visual", "audio", "transcription"],
            include_user_metadata=True,
        )
    )  # fmt: skip
    first = hits[0]
    assert (first.video_id, first.rank) == (video.id, 1)
    assert first.start <= words[0].end
    assert first.user_metadata["topic"] == "speech"
    assert httpx.get(first.thumbnail_url).content.startswith(b"\xff\xd8\xff")
    grouped = client.search.create(
        index_id=index, query_text=query, search_options=["transcription"], group_by="video",
        transcription_options=["lexical"],
    )  # fmt: skip
    assert grouped.data[0].id == video.id
    assert grouped.data[0].clips
    assert grouped.search_pool.total_count == 1
    for condition, count in (
        ({"topic": "speech"}, 1),
        ({"topic": "x"}, 0),
        ({"id": [video.id]}, 1),
    ):
        found = client.search.create(
            index_id=index, query_text=query, search_options=["transcription"], group_by="video",
            filter=json.dumps(condition),
        )  # fmt: skip
        assert len(found.data) == count


def test_search_by_pictures(
    client: TwelveLabs, server: Server, index: str, video: Any, picture: Path
) -> None:
    thumbnail = httpx.get(
        client.indexes.videos.retrieve(index, video.id).hls.thumbnail_urls[0]
    ).content
    one = client.search.create(
        index_id=index, query_media_type="image", query_media_file=("frame.jpg", thumbnail),
        search_options=["visual"],
    )  # fmt: skip
    assert one.data[0].video_id == video.id
    hits = list(
        client.search.query(
            index_id=index, query_media_type="image", query_text="somebody speaks",
            query_media_files=[("a.jpg", thumbnail), ("b.png", picture.read_bytes())],
            search_options=["visual"], operator="and",
        )
    )  # fmt: skip
    assert hits[0].video_id == video.id


def test_search_pages(client: TwelveLabs, index: str, video: Any, tmp_path: Path) -> None:
    others = [
        samples.video(tmp_path / f"{n}.mp4", samples.THREE, tones=[samples.Tone(220 * n, 6)])
        for n in (1, 2, 3)
    ]
    made = client.tasks.create_bulk(
        index_id=index, video_files=[(path.name, path.read_bytes()) for path in others]
    )
    assert len(made) == 3
    for one in made:
        assert client.tasks.wait_for_done(one.id, sleep_interval=0.2).status == "ready"
        client.indexes.videos.update(index, one.video_id, user_metadata={"kind": "colours"})
    thumbnail = httpx.get(client.tasks.retrieve(made[0].id).hls.thumbnail_urls[0]).content
    query: dict[str, Any] = {
        "index_id": index, "query_media_type": "image", "query_media_file": ("x.jpg", thumbnail),
        "search_options": ["visual"], "include_user_metadata": True,
    }  # fmt: skip
    whole = client.search.create(**query, page_limit=50)
    assert whole.page_info.total_results == len(whole.data) > 3
    assert whole.page_info.next_page_token is None
    hits = list(client.search.query(**query, page_limit=2))
    assert [(h.video_id, h.start, h.end, h.rank) for h in hits] == [
        (h.video_id, h.start, h.end, h.rank) for h in whole.data
    ]
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert all(hit.user_metadata for hit in hits)
    first = client.search.create(**query, page_limit=2)
    second = client.search.retrieve(first.page_info.next_page_token)
    assert [hit.rank for hit in second.data] == [3, 4]
    assert second.page_info.total_results == whole.page_info.total_results
    assert datetime.fromisoformat(second.page_info.page_expires_at) > datetime.now(UTC)
    again = client.search.retrieve(second.page_info.prev_page_token, include_user_metadata=True)
    assert [hit.rank for hit in again.data] == [1, 2]
    videos = client.search.create(**query, group_by="video", page_limit=1)
    assert videos.page_info.total_results == len({hit.video_id for hit in whole.data})
    assert videos.page_info.total_inner_matches == len(whole.data)
    groups = list(client.search.query(**query, group_by="video", page_limit=1))
    assert [one.rank for one in groups] == list(range(1, videos.page_info.total_results + 1))
    assert sum(len(one.clips) for one in groups) == len(whole.data)
    with pytest.raises(BadRequestError):
        client.search.retrieve("nonsense")
    for one in made:
        client.indexes.indexed_assets.delete(index, one.video_id)


def test_tasks(client: TwelveLabs, index: str, tmp_path: Path) -> None:
    recording = samples.video(tmp_path / "colours.mp4", samples.THREE)
    with recording.open("rb") as file:
        made = client.tasks.create(
            index_id=index, video_file=file, user_metadata=json.dumps({"n": 1})
        )
    done = client.tasks.wait_for_done(made.id, sleep_interval=0.2)
    assert (done.status, done.video_id) == ("ready", made.video_id)
    assert done.system_metadata.filename == "colours.mp4"
    assert made.id in [one.id for one in client.tasks.list(index_id=index, status=["ready"])]
    with pytest.raises(BadRequestError):
        client.tasks.delete(made.id)
    client.indexes.videos.delete(index, made.video_id)
    # A task outlives its video, and can be deleted then.
    assert client.tasks.retrieve(made.id).status == "ready"
    assert made.id in [one.id for one in client.tasks.list(index_id=index, status=["ready"])]
    client.tasks.delete(made.id)
    require_status(404, lambda: client.tasks.retrieve(made.id))
    broken = samples.text_as_mp4(tmp_path / "broken.mp4")
    with broken.open("rb") as file:
        bad = client.tasks.create(index_id=index, video_file=file)
    assert client.tasks.wait_for_done(bad.id, sleep_interval=0.2).status == "failed"
    client.tasks.delete(bad.id)


def test_embeddings(client: TwelveLabs, talk: Path, picture: Path, tmp_path: Path) -> None:
    words = client.embed.create(model_name=MODEL, text="a dog on a beach")
    assert len(words.text_embedding.segments[0].float_) == 512
    with picture.open("rb") as file:
        seen = client.embed.create(model_name=MODEL, image_file=file)
    assert len(seen.image_embedding.segments[0].float_) == 512
    with samples.sound(tmp_path / "tone.wav", samples.Tone()).open("rb") as file:
        heard = client.embed.create(model_name=MODEL, audio_file=file)
    assert len(heard.audio_embedding.segments[0].float_) == 512
    with talk.open("rb") as file:
        made = client.embed.tasks.create(
            model_name=MODEL, video_file=file, video_embedding_scope=["clip", "video"]
        )
    assert client.embed.tasks.wait_for_done(made.id, sleep_interval=0.2).status == "ready"
    found = client.embed.tasks.retrieve(made.id, embedding_option=["visual"])
    segments = found.video_embedding.segments
    assert {s.embedding_scope for s in segments} == {"clip", "video"}
    assert {s.embedding_option for s in segments} == {"visual"}
    assert made.id in [one.id for one in client.embed.tasks.list()]
    assert client.embed.tasks.status(made.id).video_embedding.metadata.duration > 0
    (bulk,) = client.embed.tasks.create_bulk(
        model_name="Marengo-retrieval-2.7",
        videos=[{"video_file": ("talk.mp4", talk.read_bytes()), "video_clip_length": 4}],
    )
    ready = client.embed.tasks.wait_for_done(bulk.id, sleep_interval=0.2)
    assert ready.video_embedding.metadata.video_clip_length == 4


def test_embeddings_v2(client: TwelveLabs, asset: Any, image_asset: Any, tmp_path: Path) -> None:
    create = client.embed.v_2.create
    words = create(input_type="text", model_name=MODEL, text=TextInputRequest(input_text="a dog"))
    assert len(words.data[0].embedding) == 512
    source = MediaSource(asset_id=image_asset.id)
    seen = create(
        input_type="image", model_name=MODEL, image=ImageInputRequest(media_source=source)
    )
    assert seen.metadata.input_type == "image"
    both = create(
        input_type="text_image", model_name=MODEL,
        text_image=TextImageInputRequest(media_source=source, input_text="a white corner"),
    )  # fmt: skip
    assert len(both.data) == 1
    recording = create(
        input_type="video", model_name=MODEL,
        video=VideoInputRequest(media_source=MediaSource(asset_id=asset.id)),
    )  # fmt: skip
    assert {d.embedding_scope for d in recording.data} == {"clip", "asset"}
    assert recording.metadata.duration == pytest.approx(asset.duration, abs=0.1)
    heard = create(
        input_type="audio", model_name=MODEL,
        audio=AudioInputRequest(media_source=MediaSource(asset_id=asset.id)),
    )  # fmt: skip
    assert heard.metadata.input_type == "audio"
    mixed = create(
        input_type="multi_input", model_name="marengo3.5",
        multi_input=MultiInputRequest.model_validate(
            {
                "input_text": "something like <@corner>",
                "media_sources": [
                    {"name": "corner", "media_type": "image", "asset_id": image_asset.id}
                ],
            }
        ),
    )  # fmt: skip
    assert len(mixed.data) == 1
    made = client.embed.v_2.tasks.create(
        input_type="video", model_name=MODEL,
        video=VideoInputRequest(media_source=MediaSource(asset_id=asset.id)),  # type: ignore[arg-type]
    )  # fmt: skip
    done = ended(lambda: client.embed.v_2.tasks.retrieve(made.id))
    assert done.status == "ready"
    assert len(done.data[0].embedding) == 512
    assert made.id in [one.id for one in client.embed.v_2.tasks.list()]
    if hasattr(types, "AsyncDocumentInputRequest"):  # the version before has no documents
        embed_a_document(client)


def embed_a_document(client: TwelveLabs) -> None:
    from twelvelabs.types import (
        AsyncDocumentInputRequest,
        DocumentSegmentation,
        DocumentSpatialSegmentation,
    )

    paper = MediaSource(base64_string=base64.b64encode(papers.pdf(papers.Sheet())).decode())
    plan = DocumentSegmentation(spatial=DocumentSpatialSegmentation(strategy="quadrants"))
    made = client.embed.v_2.tasks.create(
        input_type="document", model_name="marengo3.5",
        document=AsyncDocumentInputRequest(media_source=paper, segmentation=plan),
    )  # fmt: skip
    done = ended(lambda: client.embed.v_2.tasks.retrieve(made.id))
    assert [(d.embedding_scope, d.start_page_number) for d in done.data] == [("page", 1)] * 5
    assert [d.quadrant for d in done.data][::4] == [None, "bottom_right"]


def test_multipart_upload(client: TwelveLabs, talk: Path, tmp_path: Path) -> None:
    source = Path(shutil.copy(talk, tmp_path / "large.mp4"))
    # Bytes after the last box do not harm a video, and make it several chunks long.
    with source.open("ab") as file:
        file.write(b"\x00\x00\x00\x08free" * (9 * 1024 * 1024 // 8))
    result = client.multipart_upload.upload_file(str(source), batch_size=1)
    assert ended(lambda: client.assets.retrieve(result.asset_id)).status == "ready"
    assert client.assets.retrieve(result.asset_id).size == source.stat().st_size
    data = source.read_bytes()
    whole = client.multipart_upload.create(
        filename="own.mp4", type="video", total_size=len(data), user_metadata={"from": "parts"}
    )
    size = whole.chunk_size
    reports = []
    for one in whole.upload_urls:
        start = (one.chunk_index - 1) * size
        sent = httpx.put(
            one.url, content=data[start : start + size],
            headers={"content-type": "application/octet-stream"},
        )  # fmt: skip
        reports.append(
            CompletedChunk(
                chunk_index=one.chunk_index, proof=sent.headers["etag"].strip('"'),
                proof_type="etag", chunk_size=len(data[start : start + size]),
            )
        )  # fmt: skip
    report = client.multipart_upload.report_chunk_batch
    wrong = reports[0].model_copy(update={"proof": "0" * 32})
    with pytest.raises(BadRequestError):
        report(whole.upload_id, completed_chunks=[wrong])
    first = report(whole.upload_id, completed_chunks=reports[:1])
    assert (first.processed_chunks, first.duplicate_chunks, first.url) == (1, 0, None)
    last = report(whole.upload_id, completed_chunks=reports)
    assert (last.duplicate_chunks, last.total_completed) == (1, whole.total_chunks)
    assert last.url
    client.multipart_upload.wait_for_upload_completion(whole.upload_id, sleep_interval=0.1)
    found = ended(lambda: client.assets.retrieve(whole.asset_id))
    assert (found.status, found.size, found.method) == ("ready", len(data), "multipart")
    assert found.user_metadata == {"from": "parts"}
    half = client.multipart_upload.create(filename="x.mp4", type="video", total_size=20_000_000)
    assert half.total_chunks == len(half.upload_urls)
    assert half.upload_id in [
        one.upload_id for one in client.multipart_upload.list_incomplete_uploads()
    ]
    assert client.multipart_upload.get_additional_presigned_urls(
        half.upload_id, start=1, count=2
    ).upload_urls
    states = list(client.multipart_upload.get_status(half.upload_id))
    assert {one.status for one in states} == {"pending"}


def test_entities(
    client: TwelveLabs, index: str, video: Any, image_asset: Any, tmp_path: Path
) -> None:
    collections = client.entity_collections
    people = collections.create(name="People", description="Those who speak")
    assert collections.retrieve(people.id).name == "People"
    assert collections.update(people.id, name="Folk").name == "Folk"
    assert [one.id for one in collections.list(name="fol")] == [people.id]
    anna = collections.entities.create(
        people.id, name="Anna", asset_ids=[image_asset.id], metadata={"age": 40}
    )
    assert anna.status == "ready"
    bulk = collections.entities.create_bulk(
        people.id,
        entities=[
            {"name": "Berta", "asset_ids": [image_asset.id]},  # type: ignore[list-item]
            {"name": "Nobody", "asset_ids": ["0" * 24]},  # type: ignore[list-item]
        ],
    )
    assert (bulk.success_count, bulk.failed_count) == (1, 1)
    assert bulk.errors[0].entity_index == 1
    names = [one.name for one in collections.entities.list(people.id, sort_by="name")]
    assert sorted(names) == ["Anna", "Berta"]
    assert len(list(collections.entities.list_by_asset(image_asset.id))) == 2
    changed = collections.entities.update(people.id, anna.id, description="A friend")
    assert changed.description == "A friend"
    with pytest.raises(BadRequestError):
        collections.entities.delete_assets(people.id, anna.id, asset_ids=[image_asset.id])
    more = tmp_path / "more.png"
    samples.image(more)
    other = client.assets.create(method="direct", file=(more.name, more.read_bytes()))
    assert ended(lambda: client.assets.retrieve(other.id)).status == "ready"
    both = collections.entities.create_assets(people.id, anna.id, asset_ids=[other.id])
    assert both.asset_ids == [image_asset.id, other.id]
    collections.entities.delete_assets(people.id, anna.id, asset_ids=[other.id])
    assert collections.entities.retrieve(people.id, anna.id).asset_ids == [image_asset.id]
    found = client.search.create(
        index_id=index, query_text=f"<@{anna.id}> speaks", search_options=["visual"]
    )
    assert found.data is not None
    collections.entities.delete(people.id, anna.id)
    collections.delete(people.id)
    require_status(404, lambda: collections.retrieve(people.id))


def test_analysis(client: TwelveLabs, asset: Any) -> None:
    video = VideoContext_AssetId(asset_id=asset.id)
    prompt = "Summarize this video."
    answer = client.analyze(video=video, prompt=prompt, temperature=0.1, max_tokens=1000)
    assert answer.data
    assert answer.finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.output_tokens > 0
    events = list(client.analyze_stream(video=video, prompt=prompt))
    kinds = [one.event_type for one in events]
    assert (kinds[0], kinds[-1]) == ("stream_start", "stream_end")
    assert "".join(one.text or "" for one in events[1:-1]) == answer.data
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    form = SyncResponseFormat(type="json_schema", json_schema=schema)
    analysis = client.analyze(video=video, prompt="The title.", response_format=form)
    assert isinstance(json.loads(analysis.data or "")["title"], str)
    with pytest.raises(NotFoundError):
        client.analyze(video=VideoContext_AssetId(asset_id="0" * 24), prompt=prompt)
    with pytest.raises(BadRequestError) as refused:
        list(client.analyze_stream(video=video))
    assert refused.value.body["code"] == "parameter_not_provided"


def test_analysis_tasks(client: TwelveLabs, asset: Any, image_asset: Any) -> None:
    tasks = client.analyze_async.tasks
    video = VideoContext_AssetId(asset_id=asset.id)
    made = tasks.create(video=video, prompt="Summarize this video.", custom_id="one")
    done = ended(lambda: tasks.retrieve(made.task_id))
    assert (done.status, done.custom_id) == ("ready", "one")
    assert done.result is not None
    assert done.result.data
    assert done.created_at <= done.completed_at
    found = tasks.list(status="ready", asset_id=asset.id)
    assert [one.task_id for one in found.data] == [made.task_id]
    if hasattr(tasks, "cancel"):
        require_status(409, lambda: tasks.cancel(made.task_id))
    tasks.delete(made.task_id)
    require_status(404, lambda: tasks.retrieve(made.task_id))
    if hasattr(types, "AnalyzeImageInput"):  # the version before has no pictures
        pictures = [types.AnalyzeImageInput(name="corner", asset_id=image_asset.id)]
        made = tasks.create(model_name="pegasus1.6", image=pictures, prompt="What is seen?")
        done = ended(lambda: tasks.retrieve(made.task_id))
        assert done.status == "ready"
        assert [one.name for one in done.request_params.image] == ["corner"]
        assert [one.task_id for one in tasks.list().data] == [made.task_id]
        tasks.delete(made.task_id)


def test_analysis_batches(client: TwelveLabs, asset: Any) -> None:
    batches = client.analyze_async.batches
    row = {
        "video": {"type": "asset_id", "asset_id": asset.id},
        "prompt": {"input_text": "Summarize this video."},
    }
    requests = [BatchItemRequest.model_validate({**row, "custom_id": name}) for name in ("a", "b")]
    made = batches.create(model_name="pegasus1.5", analysis_mode="general", requests=requests)
    assert made.total_items == 2
    deadline = time.monotonic() + 300
    while (batch := batches.retrieve(made.batch_id)).status != "completed":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert batch.ready_items == 2
    results = list(batches.results(made.batch_id))
    assert [one.custom_id for one in results] == ["a", "b"]
    assert all(one.data is not None and one.data.data for one in results)
    assert [one.batch_id for one in batches.list()] == [made.batch_id]
    require_status(409, lambda: batches.cancel(made.batch_id))
    batches.delete(made.batch_id)
    require_status(404, lambda: batches.retrieve(made.batch_id))


def test_deleting(client: TwelveLabs, index: str, asset: Any, video: Any) -> None:
    require_status(409, lambda: client.assets.delete(asset.id))
    if OLDER:
        client.indexes.videos.delete(index, video.id)
        client.assets.delete(asset.id)
    else:
        client.assets.delete(asset.id, force=True)
    require_status(404, lambda: client.assets.retrieve(asset.id))
    require_status(404, lambda: client.indexes.videos.retrieve(index, video.id))


def test_wrong_key(server: Server) -> None:
    with sdk(server, "wrong") as stranger:
        refused = require_status(401, lambda: next(iter(stranger.indexes.list())))
    assert refused["code"] == "api_key_invalid"


@pytest.mark.skipif(find_spec("twelvelabs.data_connectors") is None, reason="new in 1.3")
def test_connectors(client: TwelveLabs) -> None:
    assert client.data_connectors.list_connections().data == []
    assert client.data_connectors.list_redirect_uris().data == []
    require_status(404, lambda: client.data_connectors.retrieve_connection("0" * 24))
    require_status(404, lambda: client.imports.list_imports("0" * 24))
    register = client.data_connectors.create_redirect_uri
    require_status(422, lambda: register(redirect_uri="https://host.invalid/back"))
    require_status(404, lambda: client.data_connectors.delete_redirect_uri("0" * 24))


def test_every_method_was_called(watched: Watched) -> None:
    """The last test: it needs those before it."""
    assert watched.forgotten == set()
    assert len(watched.called) > 60
