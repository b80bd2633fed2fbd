"""What the v1.3 contract says beyond what the SDKs happen to try."""

from __future__ import annotations

import io
import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from tests import samples
from tests.api.server import DOUBLES, Client, Server, served
from tests.ingest import rig

from videlicet.rights import Grant, Purpose
from videlicet.settings import load
from videlicet.store import open_store
from videlicet.types import Kind

NOBODY = "0" * 24


@pytest.fixture(scope="module")
def index(client: Client) -> str:
    return client.index("contract")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return rig.make_videos(tmp_path_factory.mktemp("videos"), 2, seconds=8)


@pytest.fixture(scope="module")
def video(client: Client, index: str, recordings: list[Path]) -> str:
    return client.add_video(index, recordings[0], {"topic": "one", "n": 1, "source": "archive"})


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# -- operations -----------------------------------------------------------------------------------


def test_figures_tell_nothing_of_content(
    client: Client, server: Server, index: str, video: str
) -> None:
    form = {"index_id": index, "query_text": "zanzibar", "search_options": "visual"}
    client.ok("POST", "search", data=form)
    # Where there are two servers, each counts its own.
    text = "".join(httpx.get(f"{server.root}/metrics").text for _ in range(2))
    wanted = 'videlicet_requests_total{method="POST",route="/v1.3/search",status="200"}'
    assert wanted in text
    assert 'videlicet_tasks{status="ready"}' in text
    assert "zanzibar" not in text + server.log
    assert str(client.headers["x-api-key"]) not in text + server.log


def test_the_description_is_published(server: Server) -> None:
    found = httpx.get(f"{server.root}/openapi.json").json()
    assert "/v1.3/indexes/{index_id}/videos" in found["paths"]
    assert "HTTPValidationError" not in json.dumps(found)
    unprocessable = {path for path, row in found["paths"].items() if "422" in json.dumps(row)}
    assert unprocessable == {"/v1.3/connections:authorize", "/v1.3/connections/redirect-uris"}
    assert all(path.startswith("/v1.3/") for path in found["paths"])
    native = httpx.get(f"{server.root}/v1/openapi.json").json()
    assert "/v1/indexes/{index_id}/search" in native["paths"]
    for document in (found, native):
        schemas = document["components"]["schemas"]
        assert not [name for name in schemas if "__api__" in name], "two models have one name"
        named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
        assert named <= set(schemas)


# -- keys -----------------------------------------------------------------------------------------


def test_the_key_is_checked_before_the_path(server: Server) -> None:
    for path in ("indexes", "nothing/here", "search"):
        for headers in ({}, {"x-api-key": "wrong"}, {"x-api-key": "ü".encode()}):
            answer = httpx.get(f"{server.base}/{path}", headers=headers)
            assert code_of(answer) == (401, "api_key_invalid")
            assert answer.headers["x-api-version"] == "1.3"


def test_doubled_slashes_are_one(server: Server, client: Client) -> None:
    answer = httpx.get(
        f"{server.base}//indexes", headers={"x-api-key": client.headers["x-api-key"]}
    )
    assert answer.status_code == 200


def test_expired_and_revoked_keys(server: Server) -> None:
    old = server.key(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert httpx.get(f"{server.base}/indexes", headers={"x-api-key": old}).status_code == 401
    good = server.key()
    assert httpx.get(f"{server.base}/indexes", headers={"x-api-key": good}).status_code == 200
    grant = Grant("tests", Purpose.MANAGE)
    with open_store(load(server.home)) as store:
        kept = store.catalog.key_of(good)
        assert kept is not None
        assert good not in str(store.catalog.keys(store.scope(grant)))
        store.catalog.revoke_key(store.scope(grant), kept.id)
    deadline = time.monotonic() + 300
    while httpx.get(f"{server.base}/indexes", headers={"x-api-key": good}).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_when_a_key_was_last_used(server: Server) -> None:
    began = datetime.now(UTC)
    secret = server.key()
    for _ in range(2):
        assert httpx.get(f"{server.base}/indexes", headers={"x-api-key": secret}).is_success
    grant = Grant("tests", Purpose.MANAGE)
    deadline = time.monotonic() + 300
    with open_store(load(server.home)) as store:
        key = store.catalog.key_of(secret)
        assert key is not None
        while not (
            found := store.catalog.find_resources(store.scope(grant), Kind.KEY_USE, ids=[key.id])[0]
        ):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert began <= found[0].updated_at <= datetime.now(UTC)


def test_a_reading_key_cannot_write(server: Server, index: str) -> None:
    with Client(server, server.key(scopes=["read"])) as reader:
        assert reader.get("indexes").status_code == 200
        assert code_of(reader.delete(f"indexes/{index}")) == (403, "api_not_allowed")
        form = {"index_id": index, "query_text": "red", "search_options": "visual"}
        assert reader.post("search", data=form).status_code == 200


# -- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"indexes/{NOBODY}"),
        ("GET", "indexes/not-an-id"),
        ("DELETE", f"indexes/{NOBODY}"),
        ("GET", f"assets/{NOBODY}"),
        ("DELETE", f"assets/{NOBODY}"),
        ("GET", f"assets/{NOBODY}/transcription"),
        ("GET", f"tasks/{NOBODY}"),
        ("GET", f"embed/tasks/{NOBODY}"),
        ("GET", f"embed-v2/tasks/{NOBODY}"),
        ("GET", f"entity-collections/{NOBODY}"),
        ("GET", f"assets/multipart-uploads/{NOBODY}"),
        ("GET", "nothing"),
    ],
)
def test_what_is_not_there_is_404(client: Client, method: str, path: str) -> None:
    assert code_of(client.request(method, path)) == (404, "resource_not_exist")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("indexes", {}, "parameter_not_provided"),
        ("indexes", {"index_name": "x", "models": []}, "parameter_invalid"),
        (
            "indexes",
            {"index_name": "x", "models": [{"model_name": "gpt", "model_options": ["visual"]}]},
            "parameter_invalid",
        ),
        (
            "indexes",
            {"index_name": "x", "models": [{"model_name": "marengo3.0", "model_options": ["x"]}]},
            "parameter_invalid",
        ),
        ("entity-collections", {"name": ""}, "parameter_invalid"),
        ("embed-v2", {"input_type": "text", "model_name": "marengo3.0"}, "parameter_not_provided"),
        ("embed-v2", {"input_type": "smell", "model_name": "marengo3.0"}, "parameter_invalid"),
        (
            "assets/multipart-uploads",
            {"filename": "x", "type": "video", "total_size": 0},
            "parameter_invalid",
        ),
    ],
)
def test_bad_bodies_are_400(client: Client, path: str, body: Any, code: str) -> None:
    assert code_of(client.post(path, json=body)) == (400, code)


@pytest.mark.parametrize("bad", [r"\ud800", r"a\u0000"])
def test_what_is_no_text_is_400(client: Client, bad: str) -> None:
    for path, body in (
        ("entity-collections", f'{{"name": "x", "description": "{bad}"}}'),
        ("entity-collections", f'{{"name": "{bad}"}}'),
        ("embed-v2", f'{{"input_type": "text", "text": {{"input_text": "{bad}"}}}}'),
    ):
        headers = {"content-type": "application/json"}
        answer = client.post(path, content=body.encode(), headers=headers)
        assert code_of(answer) == (400, "parameter_invalid")


def test_broken_json_is_400(client: Client) -> None:
    answer = client.post("indexes", content=b"{", headers={"content-type": "application/json"})
    assert code_of(answer) == (400, "parameter_invalid")


@pytest.mark.parametrize(
    "form",
    [
        {"query_text": "red"},
        {"search_options": "visual"},
        {"query_text": "red", "search_options": "smell"},
        {"query_text": " ", "search_options": "visual"},
        {"query_text": "red", "search_options": "visual", "page_limit": "0"},
        {"query_text": "red", "search_options": "visual", "filter": "[1"},
        {"query_text": "red", "search_options": "visual", "filter": '{"duration": "long"}'},
        {"query_text": "red", "search_options": "visual", "filter": '{"\\ud800": "a"}'},
        {"query_text": "red", "search_options": "visual", "filter": '{"a": "\\u0000"}'},
        {"query_text": "red", "search_options": "visual", "transcription_options": "lexical"},
        {"query_media_type": "image", "search_options": "visual"},
        {"query_text": f"<@{NOBODY}>", "search_options": "visual"},
    ],
)
def test_bad_searches(client: Client, index: str, video: str, form: dict[str, str]) -> None:
    answer = client.post("search", data={"index_id": index, **form})
    assert answer.status_code in (400, 404), answer.text
    assert answer.json()["message"]


def test_a_picture_that_is_none(client: Client, index: str, video: str) -> None:
    answer = client.post(
        "search",
        data={"index_id": index, "query_media_type": "image", "search_options": "visual"},
        files={"query_media_file": ("x.jpg", b"no picture")},
    )
    assert code_of(answer) == (400, "parameter_invalid")


def test_bodies_that_are_too_large(tmp_path: Path) -> None:
    with (
        served(tmp_path / "home", **DOUBLES, VIDELICET_BODY_MAX="1000") as server,
        Client(server, server.key()) as client,
    ):
        answer = client.post("indexes", json={"index_name": "x" * 2000, "models": []})
        assert code_of(answer) == (413, "payload_too_large")
        answer = client.post("embed-v2", json={"input_type": "x" * 2000})
        assert answer.json()["error"]["code"] == "payload_too_large"


def test_too_many_requests(tmp_path: Path) -> None:
    with (
        served(tmp_path / "home", **DOUBLES, VIDELICET_RATE_LIMIT="5") as server,
        Client(server, server.key()) as client,
    ):
        answers = [client.get("indexes") for _ in range(7)]
        assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
        assert code_of(answers[-1]) == (429, "too_many_requests")
        assert answers[0].headers["x-ratelimit-remaining"] == "4"
        assert int(answers[-1].headers["retry-after"]) > 0
        # Each key has its own share.
        with Client(server, server.key()) as other:
            assert other.get("indexes").status_code == 200


# -- lists ----------------------------------------------------------------------------------------


def test_a_page_past_the_end_is_empty(client: Client, index: str, video: str) -> None:
    paths = (
        "indexes", "assets", "tasks", "embed/tasks", "embed-v2/tasks", "entity-collections",
        f"indexes/{index}/videos", f"indexes/{index}/indexed-assets", "assets/multipart-uploads",
    )  # fmt: skip
    for path in paths:
        found = client.ok("GET", path, params={"page": 1000})
        assert found["data"] == []
        assert found["page_info"]["page"] == 1000
    for wrong in ({"page": 0}, {"page_limit": 51}, {"page": "x"}):
        assert client.get("indexes", params=wrong).status_code == 400


def test_filters_of_lists(client: Client, index: str, video: str) -> None:
    path = f"indexes/{index}/videos"
    for params, count in (
        ({"topic": "one"}, 1), ({"topic": "two"}, 0), ({"n": "1"}, 1), ({"n": "1.5"}, 0),
        ({"source": "archive"}, 1), ({"duration[gte]": 5, "duration[lte]": 9}, 1),
        ({"duration": 5}, 0), ({"width": 320}, 1), ({"filename": "video00.mkv"}, 1),
        ({"filename": "other"}, 0), ({"created_at": "2020-01-01"}, 1),
        ({"created_at": "2100-01-01T00:00:00Z"}, 0), ({"user_metadata": '{"topic":"one"}'}, 1),
        ({"user_metadata[topic]": "one"}, 1),
    ):  # fmt: skip
        assert len(client.ok("GET", path, params=params)["data"]) == count, params
    assert client.get(path, params={"duration[gt]": 5}).status_code == 400
    assert client.get(path, params={"created_at": "yesterday"}).status_code == 400


# -- metadata -------------------------------------------------------------------------------------


def test_user_metadata_rules(client: Client, recording: Path) -> None:
    asset = client.upload(
        recording, user_metadata=json.dumps({"a": "", "b": [], "c": ["x"], "d": None})
    )
    client.ended(f"assets/{asset}")
    assert client.ok("GET", f"assets/{asset}")["user_metadata"] == {"c": ["x"]}
    place = f"assets/{asset}/user-metadata"
    client.ok("PATCH", place, json={"user_metadata": {"c": None, "e": 2.5, "f": True}})
    assert client.ok("GET", f"assets/{asset}")["user_metadata"] == {"e": 2.5, "f": True}
    for wrong in ({"x": {"y": 1}}, {"x": [1]}, "text", None, {"": 1}):
        answer = client.put(place, json={"user_metadata": wrong})
        assert answer.status_code == 400, wrong
    client.ok("DELETE", place)
    assert "user_metadata" not in client.ok("GET", f"assets/{asset}")
    client.ok("DELETE", f"assets/{asset}")


# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [samples.text_as_mp4, samples.truncated, samples.encrypted])
def test_files_that_cannot_be_read_fail(client: Client, tmp_path: Path, make: Any) -> None:
    asset = client.upload(make(tmp_path / "bad.mp4"))
    failed = client.ended(f"assets/{asset}")
    assert failed["status"] == "failed"
    assert failed["error"]["message"]
    index = client.index(f"failing-{make.__name__}")
    answer = client.post(f"indexes/{index}/indexed-assets", json={"asset_id": asset})
    assert answer.status_code == 400
    client.ok("DELETE", f"assets/{asset}")


def test_kinds_of_files(client: Client, tmp_path: Path) -> None:
    sound = samples.sound(tmp_path / "tone.wav", samples.Tone())
    picture = samples.image(tmp_path / "picture.jpg")
    note = tmp_path / "note.md"
    note.write_text("# Note\n")
    wanted = {sound: "audio/wav", picture: "image/jpeg", note: "text/markdown"}
    for path, kind in wanted.items():
        asset = client.upload(path)
        assert client.ended(f"assets/{asset}")["file_type"] == kind
    kinds = {"asset_types": ["audio", "document"]}
    found = client.ok("GET", "assets", params={**kinds, "filename": "t"})["data"]
    assert {row["filename"] for row in found} == {"tone.wav", "note.md"}


def test_names_of_files(client: Client, recording: Path) -> None:
    made = client.ok(
        "POST", "assets", data={"method": "direct", "filename": "ü 🎬 ../../x.mp4"},
        files={"file": ("a.mp4", recording.read_bytes())},
    )  # fmt: skip
    assert client.ended(f"assets/{made['_id']}")["filename"] == "ü 🎬 ../../x.mp4"


def test_chunks(client: Client, server: Server, recording: Path) -> None:
    data = recording.read_bytes() + b"\x00\x00\x00\x08free" * (1024 * 1024)
    begun = client.ok(
        "POST", "assets/multipart-uploads",
        json={"filename": "large.mp4", "type": "video", "total_size": len(data)},
    )  # fmt: skip
    size, place = begun["chunk_size"], f"assets/multipart-uploads/{begun['upload_id']}"
    assert begun["total_chunks"] == len(begun["upload_urls"]) == 2
    first, second = (row["url"] for row in begun["upload_urls"])
    assert httpx.put(first, content=data[: size - 1]).status_code == 400
    assert httpx.put(first.replace("/1?", "/2?"), content=data[:size]).status_code == 403
    sent = httpx.put(first, content=data[:size])
    done = {"chunk_index": 1, "proof": sent.headers["etag"].strip('"'), "chunk_size": size}
    wrong = {"completed_chunks": [{**done, "proof": "x"}]}
    assert client.post(place, json=wrong).status_code == 400
    answer = client.ok("POST", place, json={"completed_chunks": [done]})
    assert (answer["processed_chunks"], answer["total_completed"]) == (1, 1)
    # The upload is given up for a while: the server is killed, and knows where it stood.
    server.kill()
    server.start()
    states = client.ok("GET", place)
    assert [row["status"] for row in states["uploaded_chunks"]] == ["completed", "pending"]
    etag = httpx.put(second, content=data[size:]).headers["etag"].strip('"')
    last = {"chunk_index": 2, "proof": etag, "chunk_size": len(data) - size}
    answer = client.ok("POST", place, json={"completed_chunks": [done, last]})
    assert answer["duplicate_chunks"] == 1
    assert answer["url"].endswith(begun["asset_id"])
    asset = client.ended(f"assets/{begun['asset_id']}")
    assert (asset["status"], asset["size"]) == ("ready", len(data))
    assert client.ok("GET", place)["status"] == "completed"


def test_the_same_asset_twice_is_one_video(client: Client, index: str, video: str) -> None:
    row = client.ok("GET", f"indexes/{index}/indexed-assets/{video}")
    again = client.ok("POST", f"indexes/{index}/indexed-assets", json={"asset_id": row["asset_id"]})
    assert again["_id"] == video


# -- media ----------------------------------------------------------------------------------------


def test_videos_play_without_a_key(client: Client, server: Server, index: str, video: str) -> None:
    hls = client.ok("GET", f"indexes/{index}/videos/{video}")["hls"]
    playlist = httpx.get(hls["video_url"])
    assert playlist.headers["content-type"] == "application/vnd.apple.mpegurl"
    parts = [line for line in playlist.text.splitlines() if line.startswith("/media/")]
    seconds = 0.0
    for part in parts:
        with av.open(io.BytesIO(httpx.get(server.root + part).content)) as one:
            frames = sum(1 for _ in one.decode(video=0))
            seconds += frames / rig.FRAMES
    assert seconds == pytest.approx(8, abs=0.2)
    for wrong in (
        hls["video_url"].partition("?")[0],
        hls["video_url"].replace("signature=", "signature=0"),
        hls["video_url"].replace("expires=1", "expires=2"),
    ):
        assert httpx.get(wrong).status_code == 403


# -- tenants --------------------------------------------------------------------------------------


def test_tenants_never_see_each_other(
    server: Server, client: Client, index: str, video: str, recordings: list[Path]
) -> None:
    asset = client.ok("GET", f"indexes/{index}/indexed-assets/{video}")["asset_id"]
    task = client.ok("GET", "tasks")["data"][0]["_id"]
    people = client.ok("POST", "entity-collections", json={"name": "People"})["_id"]
    upload = client.ok(
        "POST", "assets/multipart-uploads",
        json={"filename": "x", "type": "video", "total_size": 10},
    )["upload_id"]  # fmt: skip
    with Client(server, server.key(tenant="other")) as stranger:
        for method, path in (
            ("GET", f"indexes/{index}"), ("PUT", f"indexes/{index}"),
            ("DELETE", f"indexes/{index}"), ("GET", f"indexes/{index}/videos"),
            ("GET", f"indexes/{index}/videos/{video}"),
            ("PATCH", f"indexes/{index}/videos/{video}"),
            ("DELETE", f"indexes/{index}/videos/{video}"),
            ("GET", f"indexes/{index}/indexed-assets"), ("GET", f"assets/{asset}"),
            ("DELETE", f"assets/{asset}"), ("GET", f"assets/{asset}/transcription"),
            ("GET", f"assets/{asset}/indexed-assets"), ("GET", f"assets/{asset}/entities"),
            ("DELETE", f"assets/{asset}/user-metadata"), ("GET", f"tasks/{task}"),
            ("DELETE", f"tasks/{task}"), ("GET", f"entity-collections/{people}"),
            ("DELETE", f"entity-collections/{people}"),
            ("GET", f"entity-collections/{people}/entities"),
            ("GET", f"assets/multipart-uploads/{upload}"),
        ):  # fmt: skip
            body = {"index_name": "stolen"} if method == "PUT" else {}
            mine = stranger.request(method, path, json=body)
            real = {index, video, asset, task, people, upload} & set(path.split("/"))
            unknown = path
            for id in real:
                unknown = unknown.replace(id, NOBODY)
            other = stranger.request(method, unknown, json=body)
            assert mine.status_code == other.status_code == 404, (method, path, mine.text)
            assert mine.json()["code"] == other.json()["code"]
        form = {"index_id": index, "query_text": "red", "search_options": "visual"}
        assert stranger.post("search", data=form).status_code == 404
        for path in ("indexes", "assets", "tasks", "entity-collections", "embed/tasks"):
            assert stranger.ok("GET", path)["page_info"]["total_results"] == 0
        answer = stranger.post(
            f"indexes/{stranger.index('own')}/indexed-assets", json={"asset_id": asset}
        )
        assert answer.status_code == 404
        # A name is free in another tenant, and the same bytes are another asset.
        stranger.index("contract")
        own = stranger.add_video(stranger.index("mine"), recordings[0])
        assert own != video
        stranger.ok("DELETE", f"assets/{stranger.ok('GET', 'assets')['data'][0]['_id']}?force=true")
    assert client.ok("GET", f"indexes/{index}/videos/{video}")["_id"] == video


# -- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.mp4", "http://localhost/x.mp4", "http://2130706433/x.mp4",
        "http://0x7f.1/x.mp4", "http://127.1/x.mp4", "http://[::ffff:127.0.0.1]/x.mp4",
        "http://[64:ff9b::7f00:1]/x.mp4", "http://0.0.0.0/x.mp4", "gopher://127.0.0.1/x",
        "file:///etc/passwd", "http://user:word@example.org/x", "http://169.254.169.254/latest",
    ],
)  # fmt: skip
def test_addresses_inside_are_refused(client: Client, index: str, url: str) -> None:
    answer = client.post("assets", data={"method": "url", "url": url})
    assert code_of(answer) == (400, "url_not_allowed")
    answer = client.post("tasks", data={"index_id": index, "video_url": url})
    assert code_of(answer) == (400, "url_not_allowed")
    answer = client.post("embed", data={"model_name": "marengo3.0", "image_url": url})
    assert code_of(answer) == (400, "url_not_allowed")
    body = {
        "input_type": "image",
        "model_name": "marengo3.0",
        "image": {"media_source": {"url": url}},
    }
    assert code_of(client.post("embed-v2", json=body)) == (400, "url_not_allowed")
