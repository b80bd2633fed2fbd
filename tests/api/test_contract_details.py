"""Single sentences of the v1.3 contract."""

from __future__ import annotations

import io
import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from tests import samples
from tests.api.server import Client, Server
from tests.ingest import rig

MODEL = "marengo3.0"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return rig.make_videos(tmp_path_factory.mktemp("videos"), 4, seconds=10)


@pytest.fixture(scope="module")
def index(client: Client) -> str:
    return client.index("details")


@pytest.fixture(scope="module")
def videos(client: Client, index: str, recordings: list[Path]) -> list[str]:
    return [
        client.add_video(index, recording, {"n": n, "odd": n % 2 == 1, "tags": ["a", "b"]})
        for n, recording in enumerate(recordings)
    ]


def task(client: Client, index: str, recording: Path, **fields: str) -> dict[str, Any]:
    with recording.open("rb") as file:
        made: dict[str, Any] = client.ok(
            "POST", "tasks", data={"index_id": index, **fields},
            files={"video_file": (recording.name, file)},
        )  # fmt: skip
    return made


# -- tasks ----------------------------------------------------------------------------------------


def test_a_task_outlives_its_video(client: Client, index: str, recordings: list[Path]) -> None:
    made = task(client, index, recordings[0])
    path = f"tasks/{made['_id']}"
    assert client.ok("GET", path)["hls"] == {"status": "PROCESSING"}
    assert client.ended(path)["hls"]["status"] == "COMPLETE"
    assert client.delete(path).status_code == 400
    client.ok("DELETE", f"indexes/{index}/videos/{made['video_id']}")
    after = client.ok("GET", path)
    assert (after["status"], after["video_id"]) == ("ready", made["video_id"])
    listed = client.ok("GET", "tasks", params={"index_id": index, "status": "ready"})["data"]
    assert made["_id"] in [row["_id"] for row in listed]
    client.ok("DELETE", path)
    assert client.get(path).status_code == 404


def test_a_task_whose_video_is_deleted_meanwhile_fails(
    client: Client, index: str, recordings: list[Path]
) -> None:
    made = task(client, index, recordings[1])
    client.ok("DELETE", f"indexes/{index}/videos/{made['video_id']}")
    # A client that waits for it must come to an end.
    assert client.ok("GET", f"tasks/{made['_id']}")["status"] == "failed"
    time.sleep(1)
    assert client.ok("GET", f"tasks/{made['_id']}")["status"] == "failed"
    client.ok("DELETE", f"tasks/{made['_id']}")


def test_a_failed_task_forgets_the_name_of_its_video(
    client: Client, index: str, tmp_path: Path
) -> None:
    made = task(client, index, samples.text_as_mp4(tmp_path / "zanzibar.mp4"))
    failed = client.ended(f"tasks/{made['_id']}")
    assert "zanzibar.mp4" in failed["error"]["message"]
    assert "/" not in failed["error"]["message"]
    client.ok("DELETE", f"indexes/{index}/indexed-assets/{made['video_id']}")
    after = client.ok("GET", f"tasks/{made['_id']}")
    assert (after["status"], after["error"]["code"]) == ("failed", failed["error"]["code"])
    assert "zanzibar" not in json.dumps(after)


def test_filters_of_tasks(
    client: Client, index: str, videos: list[str], recordings: list[Path]
) -> None:
    made = task(client, index, recordings[2], enable_video_stream="false")
    done = client.ended(f"tasks/{made['_id']}")
    assert "hls" not in done
    facts = done["system_metadata"]
    for params, there in (
        ({"width": facts["width"], "height": facts["height"]}, True),
        ({"width": 1}, False),
        ({"duration": facts["duration"]}, True),
        ({"filename": "VIDEO02"}, True),
        ({"filename": "video03"}, False),
        ({"status": ["ready", "failed"]}, True),
        ({"status": "failed"}, False),
        ({"created_at": done["created_at"]}, True),
        ({"created_at": "2100-01-01"}, False),
        ({"index_id": "0" * 24}, False),
    ):
        found = client.ok("GET", "tasks", params={"index_id": index, **params})["data"]
        assert (made["_id"] in [row["_id"] for row in found]) == there, params
    client.ok("DELETE", f"indexes/{index}/videos/{made['video_id']}")


# -- lists of videos ------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["videos", "indexed-assets"])
def test_filters_and_order_of_videos(
    client: Client, index: str, videos: list[str], view: str
) -> None:
    for params, wanted in (
        ({"user_metadata[n]": "2.0"}, [2]),
        ({"user_metadata[odd]": "true", "sort_option": "asc"}, [1, 3]),
        ({"user_metadata": '{"n": 3, "odd": true}'}, [3]),
        ({"user_metadata[tags]": "c"}, []),
        ({"filename": "EO01"}, [1]),
        ({"duration[gte]": 9, "fps[lte]": 10, "width[gte]": 320}, [3, 2, 1, 0]),
        ({"size[gte]": 10**9}, []),
        ({"sort_by": "filename", "sort_option": "asc"}, [0, 1, 2, 3]),
        ({"page": 2, "page_limit": 3}, [0]),
    ):
        found = client.ok("GET", f"indexes/{index}/{view}", params=params)["data"]
        assert [row["_id"] for row in found] == [videos[n] for n in wanted], params
    by_size = client.ok("GET", f"indexes/{index}/{view}", params={"sort_by": "size"})["data"]
    sizes = [row["system_metadata"]["size"] for row in by_size]
    assert sizes == sorted(sizes, reverse=True)
    at = client.ok("GET", f"indexes/{index}/indexed-assets/{videos[2]}")["created_at"]
    since = client.ok("GET", f"indexes/{index}/{view}", params={"created_at": at})["data"]
    assert [row["_id"] for row in since] == [videos[3], videos[2]]
    for wrong in ({"user_metadata": "x"}, {"user_metadata": '["x"]'}, {"sort_by": "colour"}):
        assert client.get(f"indexes/{index}/{view}", params=wrong).status_code == 400


# -- search ---------------------------------------------------------------------------------------


def thumbnail(client: Client, index: str, video: str) -> bytes:
    hls = client.ok("GET", f"indexes/{index}/videos/{video}")["hls"]
    return httpx.get(hls["thumbnail_urls"][0]).content


def test_pages_are_cut_from_one_list(client: Client, index: str, videos: list[str]) -> None:
    picture = thumbnail(client, index, videos[0])
    form = {"index_id": index, "query_media_type": "image", "search_options": "visual"}

    def search(**more: Any) -> Any:
        files = {"query_media_file": ("x.jpg", picture)}
        return client.ok("POST", "search", data={**form, **more}, files=files)

    whole = search(page_limit=50)
    assert "next_page_token" not in whole["page_info"]
    first = search(page_limit=1, include_user_metadata="true")
    token = first["page_info"]["next_page_token"]
    extra = client.add_video(
        index, samples_of(client, index, videos[0])
    )  # changes no list made before
    pages = [first]
    while token:
        pages.append(client.ok("GET", f"search/{token}"))
        token = pages[-1]["page_info"].get("next_page_token")
    hits = [hit for page in pages for hit in page["data"]]
    assert [(h["video_id"], h["start"], h["rank"]) for h in hits] == [
        (h["video_id"], h["start"], h["rank"]) for h in whole["data"]
    ]
    assert all("user_metadata" in hit for hit in hits)
    assert {page["page_info"]["total_results"] for page in pages} == {len(whole["data"])}
    # Videos that are deleted meanwhile are passed over, and the others keep their ranks.
    client.ok("DELETE", f"indexes/{index}/videos/{extra}")
    gone = hits[-1]["rank"]
    for wrong in (pages[1]["page_info"]["prev_page_token"][:-1] + str(gone + 1), "0" * 24 + "-1"):
        answer = client.get(f"search/{wrong}")
        assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")


def samples_of(client: Client, index: str, video: str) -> Path:
    """The video of a video, downloaded."""
    import tempfile

    asset = client.ok("GET", f"indexes/{index}/videos/{video}")["asset_id"]
    url = client.ok("GET", f"assets/{asset}")["original"]["url"]
    path = Path(tempfile.mkdtemp()) / "again.mkv"
    path.write_bytes(httpx.get(url).content)
    return path


def test_what_older_clients_ask_for(client: Client, index: str, videos: list[str]) -> None:
    for option in ("conversation", "text_in_video", "logo"):
        form = {
            "index_id": index, "query_text": "red", "search_options": option,
            "threshold": "low", "sort_option": "score", "adjust_confidence_level": "0.5",
        }  # fmt: skip
        client.ok("POST", "search", data=form)
    seen = client.index("seen", ("visual",))
    for option, status in (("audio", 400), ("transcription", 400), ("visual", 200)):
        form = {"index_id": seen, "query_text": "red", "search_options": option}
        assert client.post("search", data=form).status_code == status


def test_pages_after_a_deletion(client: Client, recordings: list[Path]) -> None:
    index = client.index("pages")
    made = [client.add_video(index, recording) for recording in recordings[:3]]
    picture = thumbnail(client, index, made[0])
    form = {
        "index_id": index, "query_media_type": "image", "search_options": "visual",
        "group_by": "video", "page_limit": "1",
    }  # fmt: skip
    files = {"query_media_file": ("x.jpg", picture)}
    first = client.ok("POST", "search", data=form, files=files)
    assert first["page_info"]["total_results"] >= 2
    token = first["page_info"]["next_page_token"]
    second = client.ok("GET", f"search/{token}")["data"][0]["id"]
    client.ok("DELETE", f"indexes/{index}/videos/{second}")
    found = client.ok("GET", f"search/{token}")
    assert second not in json.dumps(found)
    client.ok("DELETE", f"indexes/{index}")
    assert client.get(f"search/{token}").status_code == 400


# -- transcripts ----------------------------------------------------------------------------------


def test_where_a_transcript_stands(client: Client, index: str, recordings: list[Path]) -> None:
    asset = client.upload(recordings[3], filename="spoken.mkv")
    path = f"assets/{asset}/transcription"
    made = client.ok("POST", f"indexes/{index}/indexed-assets", json={"asset_id": asset})
    assert client.ok("GET", path)["status"] in ("pending", "processing", "ready")
    assert "hls" not in client.ended(f"indexes/{index}/indexed-assets/{made['_id']}")
    assert set(client.ok("GET", path)) == {"status", "words"}
    both = client.ok("GET", path, params={"include": "sentences,utterances"})
    assert set(both) == {"status", "sentences", "utterances"}
    assert both["sentences"]
    assert client.get(path, params={"include": "rhymes"}).status_code == 400
    client.ok("DELETE", f"assets/{asset}?force=true")


def test_an_asset_in_no_index_is_transcribed_on_demand(
    server: Server, client: Client, index: str, recordings: list[Path]
) -> None:
    asset = client.upload(recordings[3], filename="spoken.mkv")
    client.ended(f"assets/{asset}")
    path = f"assets/{asset}/transcription"
    with Client(server, server.key(scopes=["read"])) as reader:
        refused = reader.get(path)
        assert (refused.status_code, refused.json()["code"]) == (403, "api_not_allowed")
    assert client.ok("GET", path)["status"] == "pending"
    transcript = client.ended(path)
    assert transcript["status"] == "ready"
    assert transcript["words"]
    # What it is derived in is in no list, and asking again begins nothing.
    assert client.ok("GET", f"assets/{asset}/indexed-assets")["data"] == []
    assert client.ok("GET", path) == transcript
    # It does not keep the asset from being deleted, and goes with it.
    client.ok("DELETE", f"assets/{asset}")
    assert client.get(path).status_code == 404


def test_there_is_no_transcript_of_a_picture(client: Client, tmp_path: Path) -> None:
    asset = client.upload(samples.image(tmp_path / "picture.png"))
    client.ended(f"assets/{asset}")
    assert client.get(f"assets/{asset}/transcription").status_code == 404


# -- files ----------------------------------------------------------------------------------------


def test_what_is_known_of_a_video(client: Client, tmp_path: Path) -> None:
    recording = samples.video(tmp_path / "video.mp4", samples.THREE, tones=[samples.Tone(440, 6)])
    asset = client.ended(f"assets/{client.upload(recording)}")
    facts = asset["technical_metadata"]
    (picture,), (sound,) = facts["video_streams"], facts["audio_streams"]
    assert (picture["width"], picture["height"]) == (facts["video_width"], facts["video_height"])
    assert picture["scan_type"] == "progressive"
    assert picture["pixel_format"] == "yuv420p"
    assert picture["bit_depth"] == 8
    assert picture["pixel_aspect_ratio"] == "1:1"
    assert picture["display_aspect_ratio"] == "4:3"
    assert picture["avg_fps"] == pytest.approx(facts["video_fps"])
    assert facts["video_duration_seconds"] == pytest.approx(6, abs=0.1)
    assert facts["storage_aspect_ratio"] == pytest.approx(4 / 3)
    assert (facts["total_video_streams"], facts["total_audio_streams"]) == (1, 1)
    assert sound["codec_long"].startswith("AAC")
    assert sound["channel_layout"] in ("mono", "stereo")
    assert sound["duration_seconds"] == pytest.approx(6, abs=0.2)


def test_what_is_known_of_a_picture(client: Client, tmp_path: Path) -> None:
    lying = tmp_path / "lying.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 32), "red").save(lying, exif=exif)
    facts = client.ended(f"assets/{client.upload(lying)}")["technical_metadata"]
    assert (facts["image_width"], facts["image_height"]) == (32, 64)
    assert (facts["image_format"], facts["image_orientation"]) == ("jpeg", 6)
    assert (facts["image_color_space"], facts["image_bit_depth"]) == ("rgb", 8)
    moving = tmp_path / "moving.gif"
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    first.save(moving, save_all=True, append_images=[second])
    assert client.ended(f"assets/{client.upload(moving)}")["technical_metadata"]["is_animated"]


def test_a_sound_has_no_pictures(client: Client, index: str, tmp_path: Path) -> None:
    tone = samples.sound(tmp_path / "tone.wav", samples.Tone(440, 4))
    video = client.ok("GET", f"indexes/{index}/videos/{client.add_video(index, tone)}")
    assert video["hls"]["thumbnail_urls"] == []
    asset = client.ok("GET", f"assets/{video['asset_id']}")
    assert "thumbnail" not in asset
    assert asset["technical_metadata"]["audio_streams"][0]["bit_depth"] == 16
    client.ok("DELETE", f"indexes/{index}/videos/{video['_id']}")


def test_a_report_counts_as_a_whole_or_not_at_all(client: Client, recordings: list[Path]) -> None:
    data = recordings[0].read_bytes() + bytes(9 * 1024 * 1024)
    begun = client.ok(
        "POST", "assets/multipart-uploads",
        json={"filename": "x.mkv", "type": "video", "total_size": len(data)},
    )  # fmt: skip
    size, path = begun["chunk_size"], f"assets/multipart-uploads/{begun['upload_id']}"
    done = []
    for row in begun["upload_urls"]:
        part = data[(row["chunk_index"] - 1) * size : row["chunk_index"] * size]
        proof = httpx.put(row["url"], content=part).headers["etag"].strip('"')
        done.append({"chunk_index": row["chunk_index"], "proof": proof, "chunk_size": len(part)})
    bad = [done[0], {**done[1], "proof": "x"}]
    assert client.post(path, json={"completed_chunks": bad}).status_code == 400
    assert client.ok("GET", path)["chunks_completed"] == 0
    once = client.ok("POST", path, json={"completed_chunks": [done[0], done[0]]})
    assert (once["processed_chunks"], once["duplicate_chunks"]) == (1, 1)
    assert "url" not in once


# -- embeddings -----------------------------------------------------------------------------------


def embedded(client: Client, recording: Path, **fields: Any) -> Any:
    with recording.open("rb") as file:
        made = client.ok(
            "POST", "embed/tasks", data={"model_name": MODEL, **fields},
            files={"video_file": (recording.name, file)},
        )  # fmt: skip
    client.ended(f"embed/tasks/{made['_id']}/status")
    return client.ok("GET", f"embed/tasks/{made['_id']}")


def test_clips_are_as_long_as_asked(client: Client, recordings: list[Path]) -> None:
    for fields, wanted in (
        ({}, [(0, 6), (6, 10)]),
        ({"video_clip_length": 3}, [(0, 3), (3, 6), (6, 10)]),
        ({"video_start_offset_sec": 2, "video_end_offset_sec": 9}, [(2, 9)]),
        ({"video_embedding_scope": "video"}, [(0, 10)]),
    ):
        found = embedded(client, recordings[0], **fields)["video_embedding"]["segments"]
        seen = [one for one in found if one["embedding_option"] == "visual"]
        assert [(s["start_offset_sec"], s["end_offset_sec"]) for s in seen] == wanted, fields


def test_a_start_beyond_the_end_fails(client: Client, recordings: list[Path]) -> None:
    failed = embedded(client, recordings[0], video_start_offset_sec=20, video_end_offset_sec=30)
    assert failed["status"] == "failed"
    assert failed["error"]["message"]


def test_tasks_of_the_second_form(client: Client, recordings: list[Path], tmp_path: Path) -> None:
    picture = client.upload(samples.image(tmp_path / "picture.png"))
    recording = client.upload(recordings[0])
    for asset in (picture, recording):
        client.ended(f"assets/{asset}")
    source = {"media_source": {"asset_id": picture}}
    body = {"input_type": "image", "model_name": "marengo3.5", "image": source}
    made = client.ok("POST", "embed-v2/tasks", json=body)["_id"]
    (datum,) = client.ended(f"embed-v2/tasks/{made}")["data"]
    assert (len(datum["embedding"]), datum["embedding_scope"]) == (512, "asset")
    assert datum.get("start_sec") is None
    body = {
        "input_type": "video", "model_name": MODEL,
        "video": {
            "media_source": {"asset_id": recording}, "start_sec": 1, "embedding_option": ["visual"],
            "segmentation": {"strategy": "fixed", "fixed": {"duration_sec": 4}},
        },
    }  # fmt: skip
    made = client.ok("POST", "embed-v2/tasks", json=body)["_id"]
    done = client.ended(f"embed-v2/tasks/{made}")
    assert [(d["start_sec"], d["end_sec"]) for d in done["data"]] == [(1, 5), (5, 10), (1, 10)]
    body["video"]["segmentation"] = {"strategy": "dynamic", "dynamic": {"min_duration_sec": 2}}
    made = client.ok("POST", "embed-v2/tasks", json=body)["_id"]
    dynamic = client.ended(f"embed-v2/tasks/{made}")
    assert "clip_length" not in dynamic["metadata"]
    clips = [(d["start_sec"], d["end_sec"]) for d in dynamic["data"]][:-1]
    assert (clips[0][0], clips[-1][1]) == (1, 10)
    assert len(clips) > 1
    assert all(a[1] == b[0] and b[1] - b[0] >= 2 for a, b in pairwise(clips))
    facts = done["metadata"]
    assert (facts["clip_length"], facts["start_offset_sec"], facts["duration"]) == (4, 1, 10)
    _, first, second = client.ok("GET", "embed-v2/tasks")["data"][:3]
    assert first["video_embedding"]["metadata"]["video_embedding_option"] == ["visual"]
    assert second["image_embedding"]["metadata"]["input_filename"] == "picture.png"
    assert "video_embedding" not in second


def test_shorter_vectors_are_the_beginnings_of_longer_ones(
    client: Client, recordings: list[Path]
) -> None:
    def asked(**fields: Any) -> Any:
        text = {"input_text": "a dog on a beach"}
        body = {"input_type": "multi_input", "model_name": "marengo3.5", "multi_input": text}
        return client.post("embed-v2", json={**body, **fields})

    whole = asked().json()
    assert whole["metadata"]["embedding_dimension"] == 512
    short = asked(embedding_dimension=64).json()
    assert short["data"][0]["embedding"] == whole["data"][0]["embedding"][:64]
    assert short["metadata"]["embedding_dimension"] == 64
    for wrong in (
        {"embedding_dimension": 0}, {"embedding_dimension": 513}, {"embedding_uncertainty": True},
        {"embedding_dimension": 64, "model_name": "marengo3.0"},
    ):  # fmt: skip
        assert asked(**wrong).status_code == 400, wrong
    recording = client.upload(recordings[0])
    client.ended(f"assets/{recording}")
    video = {"media_source": {"asset_id": recording}, "embedding_option": ["visual", "audio"]}
    body = {"input_type": "video", "model_name": "marengo3.5", "embedding_dimension": 128}
    made = client.ok("POST", "embed-v2/tasks", json={**body, "video": video})["_id"]
    done = client.ended(f"embed-v2/tasks/{made}")
    assert {len(one["embedding"]) for one in done["data"]} == {128}
    # Of sounds alone there is something in the beginning, too.
    assert all(any(one["embedding"]) for one in done["data"])
    assert done["metadata"]["embedding_dimension"] == 128


def test_what_a_caller_says_goes_into_fused_vectors_alone(
    client: Client, recordings: list[Path]
) -> None:
    recording = client.upload(recordings[0])
    client.ended(f"assets/{recording}")
    video = {
        "media_source": {"asset_id": recording}, "embedding_option": ["visual", "audio"],
        "embedding_type": ["separate_embedding", "fused_embedding"],
        "segmentation": {"temporal": {"strategy": "fixed", "fixed": {"duration_sec": 5}}},
    }  # fmt: skip

    def rows(**fields: Any) -> dict[tuple[Any, ...], Any]:
        body = {"input_type": "video", "model_name": "marengo3.5", "video": {**video, **fields}}
        made = client.ok("POST", "embed-v2/tasks", json=body)["_id"]
        found = client.ended(f"embed-v2/tasks/{made}")["data"]
        return {(d["embedding_option"], d["start_sec"], d["end_sec"]): d for d in found}

    plain = rows()
    noted = rows(time_based_metadata=[{"start": 6, "end": 6, "text": "A dog enters."}])
    assert plain.keys() == noted.keys()
    changed = {key for key in plain if plain[key]["embedding"] != noted[key]["embedding"]}
    assert changed == {("fused", 5.0, 10.0), ("fused", 0.0, 10.0)}
    entry = {"start": 6, "end": 5, "text": "A dog enters."}
    for wrong in (
        {
            "model_name": "marengo3.0",
            "video": {**video, "time_based_metadata": [{**entry, "end": 7}]},
        },
        {"video": {**video, "time_based_metadata": [entry]}},
        {"video": {**video, "embedding_type": None, "time_based_metadata": [{**entry, "end": 7}]}},
    ):
        body = {"input_type": "video", "model_name": "marengo3.5", **wrong}
        assert client.post("embed-v2/tasks", json=body).status_code == 400


def test_what_is_too_long_to_wait_for_is_reported_before_it_is_read(
    client: Client, tmp_path: Path
) -> None:
    long = samples.video(tmp_path / "long.mp4", [samples.Scene(samples.RED, 660)], rate=1)
    asset = client.upload(long)
    client.ended(f"assets/{asset}")
    source = {"media_source": {"asset_id": asset}}
    body = {"input_type": "video", "model_name": "marengo3.0", "video": source}
    answer = client.post("embed-v2", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "video_duration_too_long")
    several = {"media_sources": [{"media_type": "video", "asset_id": asset}]}
    body = {"input_type": "multi_input", "model_name": "marengo3.5", "multi_input": several}
    answer = client.post("embed-v2", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "video_duration_too_long")


def test_errors_do_not_tell_where_files_are(client: Client, tmp_path: Path) -> None:
    picture = client.upload(samples.image(tmp_path / "picture.png"))
    client.ended(f"assets/{picture}")
    source = {"media_source": {"asset_id": picture}}
    body = {"input_type": "video", "model_name": MODEL, "video": source}
    answer = client.post("embed-v2", json=body)
    assert answer.status_code == 400
    assert "picture.png" in answer.json()["message"]
    assert "files/" not in answer.text
    broken = client.upload(samples.text_as_mp4(tmp_path / "broken.mp4"))
    message = client.ended(f"assets/{broken}")["error"]["message"]
    assert message.startswith("broken.mp4")
    found = embedded(client, samples.text_as_mp4(tmp_path / "other.mp4"))
    assert found["error"]["message"].startswith("other.mp4")


def test_spellings_of_models(client: Client) -> None:
    for name in ("marengo3.0", "marengo2.7", "Marengo-retrieval-2.7"):
        body = {"input_type": "text", "model_name": name, "text": {"input_text": "a dog"}}
        assert len(client.ok("POST", "embed-v2", json=body)["data"][0]["embedding"]) == 512
    answer = client.post("embed", data={"model_name": "other", "text": "a dog"})
    assert answer.status_code == 400


def test_webm_is_no_matroska(client: Client) -> None:
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for n in range(10):
            frame = av.VideoFrame(64, 64, "rgb24")
            frame.pts = n
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    made = client.ok(
        "POST", "assets", data={"method": "direct"}, files={"file": ("x", out.getvalue())}
    )
    assert client.ended(f"assets/{made['_id']}")["file_type"] == "video/webm"
