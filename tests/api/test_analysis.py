"""Analysis over HTTP: at once, streamed, as tasks and in batches, of what is observed for it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from tests import samples
from tests.api.server import DOUBLES, Client, Server, published, served
from tests.samples import GREEN, Tone

from videlicet.models.fakes import VOCABULARY, draw_text

#: The pitch that the double of speech recognition hears as "dog".
DOG = 500 + 40 * VOCABULARY.index("dog")
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": ["string", "null"], "description": "What is written"}},
    "required": ["text"],
}
SEGMENTS = [
    {
        "id": "pages",
        "description": "a page about an invoice",
        "fields": [{"name": "text", "type": "string", "description": "What is written"}],
    }
]


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a page, while somebody says "dog"; then four of green. Its timeline begins
    after an hour."""
    folder = tmp_path_factory.mktemp("slide")
    page = draw_text(np.zeros((240, 320, 3), np.uint8), "The invoice is due")
    green = np.full((240, 320, 3), GREEN, np.uint8)
    return samples.video(
        folder / "slide.ts", pictures=[page] * 50 + [green] * 100,
        tones=[Tone(DOG, 2, start=3600)], start=3600,
    )  # fmt: skip


@pytest.fixture(scope="module")
def asset(client: Client, slide: Path) -> str:
    made = client.upload(slide)
    assert client.ended(f"assets/{made}")["status"] == "ready"
    return made


@pytest.fixture(scope="module")
def ask(asset: str) -> dict[str, Any]:
    return {
        "video": {"type": "asset_id", "asset_id": asset},
        "prompt": "What is written about the invoice?",
    }


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.text.endswith("\n")
    assert answer.text.isascii()
    return [json.loads(line) for line in answer.text.splitlines()]


def ended(client: Client, task_id: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        found = client.ok("GET", f"analyze/tasks/{task_id}")
        if found["status"] in ("ready", "failed", "canceled"):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_an_answer_with_citations(client: Client, ask: dict[str, Any], asset: str) -> None:
    answer = client.ok("POST", "analyze", json={**ask, "stream": False})
    assert "invoice is due" in answer["data"].lower()
    assert answer["finish_reason"] == "stop"
    assert answer["usage"]["output_tokens"] > 0
    assert answer["model"] == "pegasus1.5"
    (first, *_) = answer["citations"]
    cited = answer["data"][first["start_index"] : first["end_index"]]
    assert "invoice is due" in cited.lower()
    # The sound begins a little before the pictures.
    assert (first["modality"], first["start_time"]) == ("text", pytest.approx(0, abs=0.05))
    assert 0 < first["end_time"] < 6
    # What was observed for it is in no list of indexes, tasks or videos.
    assert client.ok("GET", "indexes")["data"] == []
    assert client.ok("GET", "tasks")["data"] == []
    assert client.ok("GET", f"assets/{asset}/indexed-assets")["data"] == []
    said = client.ok("GET", f"assets/{asset}/transcription")
    assert [word["value"] for word in said["words"]] == ["dog"]


def test_what_is_not_there_is_not_found(client: Client, ask: dict[str, Any]) -> None:
    body = {**ask, "prompt": "What is the telephone number of the dentist?", "stream": False}
    answer = client.ok("POST", "analyze", json=body)
    assert "not found" in answer["data"].lower()
    assert answer["citations"] == []


def test_a_stream_says_the_same(client: Client, ask: dict[str, Any]) -> None:
    whole = client.ok("POST", "analyze", json={**ask, "stream": False})
    # Without the field it is streamed.
    start, *texts, end = lines(client.post("analyze", json=ask))
    assert start["event_type"] == "stream_start"
    assert {one["event_type"] for one in texts} == {"text_generation"}
    assert "".join(one["text"] for one in texts) == whole["data"]
    assert [c for one in texts for c in one["citations"]] == whole["citations"]
    assert (end["event_type"], end["finish_reason"]) == ("stream_end", "stop")
    assert end["metadata"]["generation_id"] == start["metadata"]["generation_id"]
    assert end["metadata"]["usage"]["output_tokens"] == whole["usage"]["output_tokens"]


def test_data_of_a_schema(client: Client, ask: dict[str, Any]) -> None:
    form = {"type": "json_schema", "json_schema": SCHEMA}
    body = {**ask, "response_format": form}
    answer = client.ok("POST", "analyze", json={**body, "stream": False})
    assert "invoice" in json.loads(answer["data"])["text"].lower()
    _, *texts, _ = lines(client.post("analyze", json=body))
    assert json.loads("".join(one["text"] for one in texts)) == json.loads(answer["data"])


def test_a_part_of_a_video(client: Client, ask: dict[str, Any]) -> None:
    early = {**ask, "start_time": 0, "end_time": 2, "stream": False}
    late = {**ask, "start_time": 3, "end_time": 6, "stream": False}
    assert "invoice" in client.ok("POST", "analyze", json=early)["data"].lower()
    assert "not found" in client.ok("POST", "analyze", json=late)["data"].lower()
    beyond = client.post("analyze", json={**ask, "start_time": 100, "stream": False})
    assert (beyond.status_code, beyond.json()["code"]) == (400, "parameter_invalid")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"prompt": None}, "parameter_not_provided"),
        ({"prompt_v2": {"input_text": "x"}}, "parameter_invalid"),
        ({"video": None}, "parameter_not_provided"),
        ({"video": {"type": "url"}}, "parameter_invalid"),
        ({"video": {"type": "url", "url": "http://127.0.0.1:9/x.mp4"}}, "url_not_allowed"),
        ({"video": {"type": "base64_string", "base64_string": "?"}}, "parameter_invalid"),
        ({"image": [{"name": "a", "url": "https://a.invalid"}]}, "parameter_invalid"),
        ({"model_name": "marengo3.0"}, "parameter_invalid"),
        ({"temperature": 2}, "parameter_invalid"),
        ({"max_tokens": 1}, "parameter_invalid"),
        ({"start_time": 5, "end_time": 5.5}, "parameter_invalid"),
        ({"response_format": {"type": "json_schema"}}, "parameter_not_provided"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"type": "animal"}}},
            "schema_invalid",
        ),
    ],
)
def test_refusals(client: Client, ask: dict[str, Any], change: dict[str, Any], code: str) -> None:
    body = {name: value for name, value in {**ask, **change}.items() if value is not None}
    for place in ("analyze", "analyze/tasks"):
        answer = client.post(place, json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text


def test_an_unknown_asset(client: Client, ask: dict[str, Any]) -> None:
    body = {**ask, "video": {"type": "asset_id", "asset_id": "0" * 24}}
    for place in ("analyze", "analyze/tasks"):
        answer = client.post(place, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "resource_not_exist")


def test_an_asset_that_is_no_video(client: Client, ask: dict[str, Any], tmp_path: Path) -> None:
    broken = client.upload(samples.text_as_mp4(tmp_path / "broken.mp4"))
    assert client.ended(f"assets/{broken}")["status"] == "failed"
    image = client.upload(samples.image(tmp_path / "picture.png"))
    assert client.ended(f"assets/{image}")["status"] == "ready"
    for asset_id, code in ((broken, "asset_not_ready"), (image, "asset_type_not_supported")):
        body = {**ask, "video": {"type": "asset_id", "asset_id": asset_id}}
        answer = client.post("analyze", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, code)


# -- what comes with a request ------------------------------------------------------------------


@pytest.fixture(scope="module")
def web(slide: Path) -> Iterator[str]:
    with published(slide.parent) as address:
        yield address


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may fetch from this machine."""
    home = tmp_path_factory.mktemp("open") / "home"
    with served(home, **DOUBLES, VIDELICET_FETCH_ALLOWLIST="127.0.0.1/32") as one:
        yield one


@pytest.mark.slow
def test_what_comes_with_a_request_goes_with_it(open_server: Server, web: str, slide: Path) -> None:
    encoded = base64.b64encode(slide.read_bytes()).decode()
    sources: list[dict[str, str]] = [
        {"type": "url", "url": f"{web}/slide.ts"},
        {"type": "base64_string", "base64_string": encoded},
    ]
    with Client(open_server, open_server.key()) as client:
        for source in sources:
            body = {"video": source, "prompt": "What is written about the invoice?"}
            answer = client.ok("POST", "analyze", json={**body, "stream": False})
            assert "invoice" in answer["data"].lower()
            _, *texts, _ = lines(client.post("analyze", json=body))
            assert "invoice" in "".join(one["text"] for one in texts).lower()
            made = client.ok("POST", "analyze/tasks", json=body)
            done = ended(client, made["task_id"])
            assert done["status"] == "ready", done
            assert encoded not in json.dumps(done)
        assert client.ok("GET", "assets")["data"] == []
        assert client.ok("GET", "indexes")["data"] == []
        deadline = time.monotonic() + 300
        while left := [p for p in (open_server.home / "blobs").rglob("*") if p.is_file()]:
            assert time.monotonic() < deadline, left
            time.sleep(0.1)


@pytest.mark.slow
def test_an_address_without_a_video(open_server: Server, web: str) -> None:
    with Client(open_server, open_server.key()) as client:
        body = {"video": {"type": "url", "url": f"{web}/none.mp4"}, "prompt": "What is it?"}
        answer = client.post("analyze", json=body)
        assert answer.status_code == 400
        done = ended(client, client.ok("POST", "analyze/tasks", json=body)["task_id"])
        assert done["status"] == "failed"
        assert done["error"]["message"]


def test_pictures(client: Client, ask: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "page.png"
    Image.fromarray(draw_text(np.zeros((240, 320, 3), np.uint8), "INVOICE 7")).save(page)
    encoded = base64.b64encode(page.read_bytes()).decode()
    body: dict[str, Any] = {
        "model_name": "pegasus1.6",
        "image": [{"name": "page", "base64_string": encoded}],
        "prompt": "What is written in <@page>?",
        "stream": False,
    }
    at_once = client.ok("POST", "analyze", json=body)
    assert "INVOICE 7" in at_once["data"]
    made = client.ok("POST", "analyze/tasks", json=body)
    done = ended(client, made["task_id"])
    assert done["result"]["data"] == at_once["data"]
    assert done["request_params"]["image"] == [{"name": "page", "media_type": "image"}]
    named = {"name": "page-1 of 2", "media_type": "image", "base64_string": encoded}
    prompt = {"input_text": "Is <@page-1 of 2> seen?", "media_sources": [named]}
    asked = {**ask, "prompt": None, "prompt_v2": prompt, "stream": False}
    assert client.ok("POST", "analyze", json=asked)["data"]
    segments = {"analysis_mode": "time_based_metadata", "prompt": None}
    assert client.post("analyze/tasks", json={**body, **segments}).status_code == 400
    for change in (
        {"model_name": "pegasus1.5"},
        {"prompt": "<@other>"},
        {"image": body["image"] * 2},
        {"image": [{"name": "page", "base64_string": "AAAA"}]},
        {"prompt": None, "prompt_v2": {"input_text": "What is it?"}},
    ):
        assert client.post("analyze", json={**body, **change}).status_code == 400


# -- who may ------------------------------------------------------------------------------------


def test_keys_and_tenants(
    server: Server, client: Client, ask: dict[str, Any], tmp_path: Path
) -> None:
    body = {**ask, "stream": False}
    new = client.upload(samples.video(tmp_path / "new.mp4", samples.THREE))
    assert client.ended(f"assets/{new}")["status"] == "ready"
    with Client(server, server.key(scopes=["read"])) as reader:
        assert reader.post("analyze", json=body).status_code == 200
        unseen = {**body, "video": {"type": "asset_id", "asset_id": new}}
        assert reader.post("analyze", json=unseen).status_code == 403
        assert reader.post("analyze/tasks", json=body).status_code == 403
    made = client.ok("POST", "analyze/tasks", json=ask)["task_id"]
    with Client(server, server.key(tenant="third")) as stranger:
        assert stranger.post("analyze", json=body).status_code == 404
        assert stranger.get(f"analyze/tasks/{made}").status_code == 404
        assert stranger.ok("GET", "analyze/tasks")["data"] == []


# -- tasks --------------------------------------------------------------------------------------


def test_a_task(client: Client, ask: dict[str, Any], asset: str) -> None:
    body = {**ask, "custom_id": "mine-1", "temperature": 0.1, "max_tokens": 1000}
    answer = client.post("analyze/tasks", json=body)
    assert answer.status_code == 202
    made = answer.json()
    assert made["status"] in ("queued", "pending", "processing")
    done = ended(client, made["task_id"])
    assert done["status"] == "ready", done
    at_once = client.ok("POST", "analyze", json={**ask, "stream": False})
    assert done["result"]["data"] == at_once["data"]
    assert done["result"]["citations"] == at_once["citations"]
    assert done["result"]["usage"]["output_tokens"] > 0
    assert done["custom_id"] == "mine-1"
    assert done["created_at"] <= done["completed_at"]
    assert done["video_source"]["asset_id"] == asset
    assert done["video_source"]["system_metadata"]["duration"] == pytest.approx(6, abs=0.5)
    assert done["request_params"] == {
        "analysis_mode": "general", "prompt": ask["prompt"], "temperature": 0.1,
        "max_tokens": 1000,
    }  # fmt: skip
    listed = client.ok("GET", f"analyze/tasks?status=ready&asset_id={asset}&page_limit=1")
    assert listed["data"][0]["task_id"] == made["task_id"]
    assert client.ok("GET", "analyze/tasks?page=99")["data"] == []
    assert client.ok("GET", "analyze/tasks?analysis_mode=time_based_metadata")["data"] == []
    assert client.post(f"analyze/tasks/{made['task_id']}/cancel").status_code == 409
    assert client.delete(f"analyze/tasks/{made['task_id']}").status_code == 200
    assert client.get(f"analyze/tasks/{made['task_id']}").status_code == 404


def test_segments(client: Client, ask: dict[str, Any]) -> None:
    body = {
        "video": ask["video"],
        "analysis_mode": "time_based_metadata",
        "response_format": {"type": "segment_definitions", "segment_definitions": SEGMENTS},
    }
    done = ended(client, client.ok("POST", "analyze/tasks", json=body)["task_id"])
    assert done["status"] == "ready", done
    found = json.loads(done["result"]["data"])["pages"]
    assert found
    assert all(0 <= one["start_time"] < one["end_time"] <= 6.5 for one in found)
    assert {"text"} == set(found[0]["metadata"])
    for change in (
        {"prompt": "What is it?"},
        {"response_format": {"type": "json_schema", "json_schema": SCHEMA}},
        {"min_segment_duration": 9, "max_segment_duration": 3},
        {"response_format": {"type": "segment_definitions", "segment_definitions": [{"id": "a"}]}},
        {"max_tokens": "unlimited"},
    ):
        answer = client.post("analyze/tasks", json={**body, **change})
        assert answer.status_code == 400, change
    unlimited = {**body, "max_tokens": "unlimited", "model_name": "pegasus1.6"}
    assert client.post("analyze/tasks", json=unlimited).status_code == 202
    ranged = [{**SEGMENTS[0], "time_ranges": [{"start_time": 0, "end_time": 4}]}]
    body["response_format"] = {"type": "segment_definitions", "segment_definitions": ranged}
    assert client.post("analyze/tasks", json=body).status_code == 202
    for change in (
        {"start_time": 1}, {"end_time": 5}, {"min_segment_duration": 2},
        {"max_segment_duration": 3},
    ):  # fmt: skip
        answer = client.post("analyze/tasks", json={**body, **change})
        assert answer.status_code == 400, change
    general = {"video": ask["video"], "prompt": "What is it?"}
    for change in ({"max_tokens": "unlimited"}, {"min_segment_duration": 2}):
        answer = client.post("analyze/tasks", json={**general, **change})
        assert answer.status_code == 400, change


def test_canceling_what_waits(client: Client, tmp_path: Path) -> None:
    recording = samples.video(tmp_path / "long.mp4", [samples.Scene(GREEN, 60)])
    asset_id = client.upload(recording)
    body = {"video": {"type": "asset_id", "asset_id": asset_id}, "prompt": "What is it?"}
    made = client.ok("POST", "analyze/tasks", json=body)["task_id"]
    assert client.ok("POST", f"analyze/tasks/{made}/cancel") == {
        "task_id": made, "status": "canceled",
    }  # fmt: skip
    assert ended(client, made)["status"] == "canceled"
    assert client.delete(f"analyze/tasks/{made}").status_code == 200
    # An asset goes although it is being observed for an analysis.
    assert client.delete(f"assets/{asset_id}").status_code == 200


# -- batches ------------------------------------------------------------------------------------


def test_a_batch(client: Client, asset: str) -> None:
    video = {"type": "asset_id", "asset_id": asset}
    form = {"type": "json_schema", "json_schema": SCHEMA}
    body = {
        "model_name": "pegasus1.5",
        "analysis_mode": "general",
        "defaults": {"prompt": {"input_text": "What is written about the invoice?"}},
        "requests": [
            {"video": video, "custom_id": "a"},
            {"video": video, "prompt": {"input_text": "Which animal is named?"}},
            {"video": video, "custom_id": "c", "response_format": form},
        ],
    }
    answer = client.post("analyze/batches", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["total_items"] == len(made["items"]) == 3
    assert [one.get("custom_id") for one in made["items"]] == ["a", None, "c"]
    place = f"analyze/batches/{made['batch_id']}"
    deadline = time.monotonic() + 300
    while (batch := client.ok("GET", place))["status"] != "completed":
        assert batch["status"] in ("pending", "processing")
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (batch["ready_items"], batch["failed_items"], batch["queued_items"]) == (3, 0, 0)
    rows = lines(client.get(f"{place}/results"))
    assert [row["task_id"] for row in rows] == [one["task_id"] for one in made["items"]]
    assert all(row["status"] == "ready" for row in rows)
    assert "invoice" in rows[0]["data"]["data"].lower()
    assert json.loads(rows[2]["data"]["data"]).keys() == {"text"}
    task = client.ok("GET", f"analyze/tasks/{rows[0]['task_id']}")
    assert task["batch_id"] == made["batch_id"]
    found = client.ok("GET", "analyze/batches?status=completed&analysis_mode=general")["data"]
    assert found[0]["batch_id"] == made["batch_id"]
    assert client.post(f"{place}/cancel").status_code == 409
    assert client.delete(place).status_code == 200
    assert client.get(place).status_code == 404
    assert client.get(f"analyze/tasks/{rows[0]['task_id']}").status_code == 404


def test_a_batch_is_taken_whole_or_not_at_all(client: Client, asset: str) -> None:
    video = {"type": "asset_id", "asset_id": asset}
    before = client.ok("GET", "analyze/tasks")["page_info"]["total_results"]
    body: dict[str, Any] = {"model_name": "pegasus1.5", "analysis_mode": "general"}
    good = {"video": video, "prompt": {"input_text": "x"}}
    for requests, status in (
        ([good, {"video": video}], 400),
        ([good, {**good, "video": {"type": "asset_id", "asset_id": "0" * 24}}], 404),
        ([], 400),
        ([good] * 1001, 400),
        ([{**good, "custom_id": "a"}] * 3, 400),
    ):
        answer = client.post("analyze/batches", json={**body, "requests": requests})
        assert answer.status_code == status
        if len(requests) == 2:
            assert "requests.1" in answer.json()["message"]
    assert client.ok("GET", "analyze/tasks")["page_info"]["total_results"] == before
    assert client.ok("GET", "analyze/batches")["data"] == []


@pytest.mark.slow
def test_a_batch_outlives_its_workers(server: Server, client: Client, asset: str) -> None:
    video = {"type": "asset_id", "asset_id": asset}
    body = {
        "model_name": "pegasus1.5",
        "analysis_mode": "general",
        "defaults": {"prompt": {"input_text": "Summarize this video."}},
        "requests": [{"video": video}] * 30,
    }
    made = client.ok("POST", "analyze/batches", json=body)
    place = f"analyze/batches/{made['batch_id']}"
    for _ in range(2):
        time.sleep(0.3)
        for worker in server.workers():
            worker.kill()
    deadline = time.monotonic() + 300
    while (batch := client.ok("GET", place))["status"] != "completed":
        assert time.monotonic() < deadline, batch
        time.sleep(0.2)
    assert batch["ready_items"] == 30
    ids = [row["task_id"] for row in lines(client.get(f"{place}/results"))]
    assert ids == [one["task_id"] for one in made["items"]]


# -- earlier forms ------------------------------------------------------------------------------


def test_gist_and_summarize(client: Client, slide: Path) -> None:
    index = client.index("earlier")
    video = client.add_video(index, slide)
    gist = client.ok(
        "POST", "gist", json={"video_id": video, "types": ["title", "topic", "hashtag"]}
    )
    assert gist["title"]
    assert gist["topics"]
    assert all(not one.startswith("#") for one in gist["hashtags"])
    assert set(client.ok("POST", "gist", json={"video_id": video, "types": ["title"]})) == {
        "id", "title", "usage",
    }  # fmt: skip
    summary = client.ok("POST", "summarize", json={"video_id": video, "type": "summary"})
    assert summary["summarize_type"] == "summary"
    assert "invoice" in summary["summary"].lower()
    chapters = client.ok("POST", "summarize", json={"video_id": video, "type": "chapter"})
    spans = [(one["start_sec"], one["end_sec"]) for one in chapters["chapters"]]
    assert spans[0][0] == 0
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
    highlights = client.ok("POST", "summarize", json={"video_id": video, "type": "highlight"})
    assert all(one["highlight"] for one in highlights["highlights"])
    assert client.post("gist", json={"video_id": "0" * 24, "types": ["title"]}).status_code == 404
    assert client.post("gist", json={"video_id": video, "types": []}).status_code == 400
    assert client.post("summarize", json={"video_id": video, "type": "x"}).status_code == 400
    client.ok("DELETE", f"indexes/{index}")
