"""Saved searches: webhooks are notified of each match once."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from tests import samples
from tests.api.server import DOUBLES, Client, Server, hosted, served
from tests.api.test_webhooks import OPEN, Receiver, receiving
from tests.ingest import rig

from videlicet.store import open_store


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("saved-searches") / "home"
    with hosted(home, **DOUBLES, **OPEN, VIDELICET_RATE_LIMIT="10000000") as one:
        yield one


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Each shows ``TITLE`` with its number towards the end."""
    return rig.make_videos(tmp_path_factory.mktemp("videos"), 3, seconds=6)


def save(native: Client, index: str, *parts: dict[str, Any], **options: Any) -> dict[str, Any]:
    body = {"name": "one", "index_id": index, "parts": list(parts), **options}
    made: dict[str, Any] = native.ok("POST", "saved-searches", json=body)
    return made


def found(native: Client, query: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """The matches of a query once there are so many, and no more a moment later."""
    place = f"saved-searches/{query['id']}/matches"
    deadline = time.monotonic() + 300
    while len(rows := native.ok("GET", place)["data"]) < count:
        assert time.monotonic() < deadline, rows
        time.sleep(0.1)
    time.sleep(0.3)
    assert len(native.ok("GET", place)["data"]) == count
    return list(rows)


def red(folder: Path) -> Path:
    path = folder / "red.png"
    Image.fromarray(samples.picture(colour=samples.RED)).save(path)
    return path


def test_a_match_is_sent_and_kept(native: Client, client: Client, recordings: list[Path]) -> None:
    index = client.index("told")
    with receiving() as receiver:
        hook = native.ok(
            "POST", "webhooks", json={"url": receiver.url, "events": ["saved_search.matched"]}
        )
        query = save(native, index, {"text": '"title 1"'}, name="the first")
        assert query["threshold"] == 0.5
        assert query["parts"] == [{"kind": "text", "weight": 1.0, "text": '"title 1"'}]
        videos = [client.add_video(index, recording) for recording in recordings]
        (event,) = receiver.events(1)
        # Saved searches run before a video is reported ready: nothing to wait for.
        (match,) = native.ok("GET", f"saved-searches/{query['id']}/matches")["data"]
        native.ok("DELETE", f"webhooks/{hook['id']}")
    assert event["type"] == "saved_search.matched"
    data = event["data"]
    assert data["saved_search"] == {"id": query["id"], "name": "the first"}
    assert (data["index_id"], data["video_id"], data["id"]) == (index, videos[1], match["id"])
    assert (match["video_id"], match["saved_search_id"]) == (videos[1], query["id"])
    for moment in (data["moments"][0], match["moments"][0]):
        assert 3 <= moment["start"] < moment["end"] <= 6.5
        assert moment["score"] >= 0.5
        assert {one["lane"] for one in moment["evidence"]} >= {"screen-phrase"}
        assert "TITLE 1" in {one.get("text") for one in moment["evidence"]}
    (listed,) = native.ok("GET", f"saved-searches?index_id={index}")["data"]
    assert listed == query == native.ok("GET", f"saved-searches/{query['id']}")


@pytest.mark.slow
def test_what_was_there_before(native: Client, client: Client, recordings: list[Path]) -> None:
    index = client.index("before")
    old = client.add_video(index, recordings[0])
    part = {"text": "title"}
    later = save(native, index, part, name="later", threshold=0.3)
    all_of_them = save(native, index, part, name="all", threshold=0.3, include_existing=True)
    assert [one["video_id"] for one in found(native, all_of_them, 1)] == [old]
    assert found(native, later, 0) == []
    new = client.add_video(index, recordings[1])
    assert [one["video_id"] for one in found(native, all_of_them, 2)] == [new, old]
    assert [one["video_id"] for one in found(native, later, 1)] == [new]
    page = native.ok("GET", f"saved-searches/{all_of_them['id']}/matches?page=2&page_limit=1")
    assert [one["video_id"] for one in page["data"]] == [old]
    assert page["page_info"]["total_results"] == 2


@pytest.mark.slow
def test_media_and_filters(
    native: Client, client: Client, recordings: list[Path], tmp_path: Path
) -> None:
    index = client.index("media")
    picture = red(tmp_path)
    asset = client.upload(picture)
    client.ended(f"assets/{asset}")
    inline = {"base64_string": base64.b64encode(picture.read_bytes()).decode()}
    came = save(native, index, {"image": inline}, threshold=0.3)
    there = save(native, index, {"image": {"asset_id": asset}}, threshold=0.3)
    assert [part.get("asset_id") for part in came["parts"] + there["parts"]] == [None, asset]
    chosen = save(native, index, {"text": "title"}, threshold=0.2, filter={"wanted": True})
    client.add_video(index, recordings[0], {"wanted": False})  # red, then green
    assert len(found(native, came, 1)) == len(found(native, there, 1)) == 1
    found(native, chosen, 0)
    video = client.add_video(index, recordings[2], {"wanted": True})  # blue, then yellow
    assert [one["video_id"] for one in found(native, chosen, 1)] == [video]
    found(native, came, 1)
    # A query whose asset has gone says so, and keeps no other from being tried.
    client.ok("DELETE", f"assets/{asset}")
    client.add_video(index, recordings[1], {"wanted": True})
    assert len(found(native, chosen, 2)) == 2


def test_a_query_whose_asset_has_gone_says_so(
    native: Client, client: Client, recordings: list[Path], tmp_path: Path
) -> None:
    index = client.index("gone")
    asset = client.upload(red(tmp_path))
    client.ended(f"assets/{asset}")
    query = save(native, index, {"image": {"asset_id": asset}})
    client.ok("DELETE", f"assets/{asset}")
    client.add_video(index, recordings[0])
    deadline = time.monotonic() + 300
    while "error" not in (row := native.ok("GET", f"saved-searches/{query['id']}")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert row["error"]["code"] == "query_media_invalid"
    assert asset in row["error"]["message"]


@pytest.mark.slow
def test_deleting_takes_matches_along(
    native: Client, client: Client, server: Server, recordings: list[Path]
) -> None:
    index = client.index("deleting")
    with receiving() as receiver:
        hook = native.ok(
            "POST", "webhooks", json={"url": receiver.url, "events": ["saved_search.matched"]}
        )
        inline = {"base64_string": base64.b64encode(recordings[0].read_bytes()).decode()}
        one = save(native, index, {"text": '"title 0"'})
        two = save(native, index, {"video": inline}, threshold=0.3)
        other = save(native, index, {"text": "title"}, threshold=0.2)
        videos = [client.add_video(index, recording) for recording in recordings[:2]]
        found(native, one, 1)
        assert {m["video_id"] for m in found(native, other, 2)} == set(videos)
        before = deliveries(native, hook)
        assert before
        # An asset takes along what was found in it.
        client.ok("DELETE", f"indexes/{index}/videos/{videos[0]}")
        assert native.ok("GET", f"saved-searches/{one['id']}/matches")["data"] == []
        assert [m["video_id"] for m in found(native, other, 1)] == [videos[1]]
        assert {d["data"]["video_id"] for d in deliveries(native, hook)} == {videos[1]}
        # One that comes again is new.
        client.add_video(index, recordings[0])
        found(native, one, 1)
        deadline = time.monotonic() + 300
        while not (again := [d for d in deliveries(native, hook) if about(d, one)]):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert len(again) == 1
        assert again[0]["event_id"] not in {d["event_id"] for d in before}
        # A query takes its own along, with the media that came with it.
        assert blobs(server, two)
        native.ok("DELETE", f"saved-searches/{two['id']}")
        assert not blobs(server, two)
        for path in ("", "/matches"):
            assert native.get(f"saved-searches/{two['id']}{path}").status_code == 404
        assert native.delete(f"saved-searches/{two['id']}").status_code == 404
        # So does an index.
        client.ok("DELETE", f"indexes/{index}")
        assert native.get(f"saved-searches/{one['id']}").status_code == 404
        assert native.ok("GET", f"saved-searches?index_id={index}")["data"] == []
        assert deliveries(native, hook) == []
        native.ok("DELETE", f"webhooks/{hook['id']}")


def about(delivery: dict[str, Any], query: dict[str, Any]) -> bool:
    return bool(delivery["data"]["saved_search"]["id"] == query["id"])


def deliveries(native: Client, hook: dict[str, Any]) -> list[dict[str, Any]]:
    return list(native.ok("GET", f"webhooks/{hook['id']}/deliveries?page_limit=50")["data"])


def blobs(server: Server, query: dict[str, Any]) -> list[str]:
    with open_store(server.settings) as store:
        return list(store._backend.list_keys(f"queries/{query['id']}/"))


def test_another_tenants_queries(
    native: Client, client: Client, stranger: Client, server: Server, recordings: list[Path]
) -> None:
    index = client.index("mine")
    query = save(native, index, {"text": "title"}, threshold=0.2)
    with Client(server, str(stranger.headers["x-api-key"])) as theirs:
        their_index = theirs.index("theirs")
        theirs.add_video(their_index, recordings[0])
    found(native, query, 0)
    assert stranger.ok("GET", "saved-searches")["data"] == []
    assert stranger.ok("GET", f"saved-searches?index_id={index}")["data"] == []
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/matches")):
        answers = [
            stranger.request(method, f"saved-searches/{id}{path}") for id in (query["id"], "0" * 24)
        ]
        assert [one.status_code for one in answers] == [404, 404]
        assert answers[0].text.replace(query["id"], "0" * 24) == answers[1].text
    body = {"name": "x", "index_id": index, "parts": [{"text": "red"}]}
    assert stranger.post("saved-searches", json=body).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "\n"},
        {"name": "x" * 201},
        {"parts": []},
        {"parts": [{}]},
        {"parts": [{"text": " "}]},
        {"parts": [{"text": "red", "weight": -1}]},
        {"parts": [{"text": "red " * 2000}]},
        {"parts": [{"image": {"base64_string": "AAAA"}}]},
        {"parts": [{"image": {"asset_id": "0" * 24}}]},
        {"parts": [{"image": {"url": "http://10.0.0.1/"}}]},
        {"lanes": ["smell"]},
        {"modalities": ["smell"]},
        {"filter": {"x": {"like": 1}}},
        {"threshold": 1.5},
        {"index_id": "0" * 24},
    ],
)
def test_bad_queries(
    native: Client, client: Client, change: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    index = client.index(request.node.name[:150])
    body = {"name": "x", "index_id": index, "parts": [{"text": "red"}], **change}
    answer = native.post("saved-searches", json=body)
    assert answer.status_code == (404 if "0" * 24 in str(change) else 400), answer.text
    assert native.ok("GET", f"saved-searches?index_id={index}")["data"] == []


def test_queries_are_counted(native: Client, client: Client, server: Server) -> None:
    with (
        Client(server, server.key(tenant="many"), "v1") as many,
        Client(server, str(many.headers["x-api-key"])) as theirs,
    ):
        index = theirs.index("many")
        for _ in range(100):
            save(many, index, {"text": "red"})
        body = {"name": "x", "index_id": index, "parts": [{"text": "red"}]}
        answer = many.post("saved-searches", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")


def test_the_same_request_twice(native: Client, client: Client) -> None:
    body = {"name": "x", "index_id": client.index("twice"), "parts": [{"text": "red"}]}
    headers = {"Idempotency-Key": "saved-once"}
    first, again = (native.ok("POST", "saved-searches", json=body, headers=headers) for _ in "12")
    assert first == again


def test_a_reading_key_saves_nothing(server: Server, client: Client) -> None:
    index = client.index("reading")
    with Client(server, server.key(scopes=["read"]), "v1") as reader:
        body = {"name": "x", "index_id": index, "parts": [{"text": "red"}]}
        assert reader.post("saved-searches", json=body).status_code == 403
        assert reader.get("saved-searches").status_code == 200


@pytest.mark.slow
def test_once_whatever_is_killed(tmp_path: Path) -> None:
    recordings = rig.make_videos(tmp_path / "videos", 6, seconds=4)
    with (
        served(tmp_path / "home", **DOUBLES, **OPEN) as server,
        receiving() as receiver,
        Client(server, server.key()) as client,
        Client(server, str(client.headers["x-api-key"]), "v1") as native,
    ):
        native.ok(
            "POST", "webhooks", json={"url": receiver.url, "events": ["saved_search.matched"]}
        )
        index = client.index()
        queries = [
            save(native, index, {"text": "title"}, name=f"{n}", threshold=0.2) for n in range(8)
        ]
        queries.append(save(native, index, {"text": "title"}, threshold=0.2, include_existing=True))
        accepted = []
        for recording in recordings:
            asset = client.upload(recording)
            made = client.ok("POST", f"indexes/{index}/indexed-assets", json={"asset_id": asset})
            accepted.append(made["_id"])
        for pause in (0.1, 0.3, 0.6, 0.2, 0.4, 0.5, 0.3, 0.7):
            time.sleep(pause)
            for worker in server.workers():
                worker.kill()
        assert server.process is not None
        server.kill()
        server.start()
        for video in accepted:
            assert client.ended(f"indexes/{index}/indexed-assets/{video}", 120)["status"] == "ready"
        for query in queries:
            rows = found(native, query, len(recordings))
            assert {one["video_id"] for one in rows} == set(accepted)
        # An event may arrive twice when its sender is killed before it has noted that it arrived;
        # but there is one for each query and video.
        pairs = {(q["id"], video) for q in queries for video in accepted}
        events = once(receiver, len(pairs))
        assert {(e["data"]["saved_search"]["id"], e["data"]["video_id"]) for e in events} == pairs


def once(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    """The events that have come, each once, when there are so many."""
    deadline = time.monotonic() + 300
    while True:
        events = {e["id"]: e for e in (json.loads(body) for _, body in list(receiver.got))}
        if len(events) >= count:
            break
        assert time.monotonic() < deadline, len(events)
        time.sleep(0.1)
    time.sleep(0.5)
    assert len({json.loads(body)["id"] for _, body in receiver.got}) == count
    return list(events.values())


def test_the_description_names_the_event(server: Server) -> None:
    document = httpx.get(f"{server.root}/v1/openapi.json").json()
    text = str(document["components"]["schemas"]["NewWebhook"])
    assert "saved_search.matched" in text
