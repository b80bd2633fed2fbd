"""The native interface: any-to-any search with evidence."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from tests.api.server import Client, Server
from tests.ingest import rig

from videlicet.store import open_store


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return rig.make_videos(tmp_path_factory.mktemp("videos"), 2, seconds=8)


@pytest.fixture(scope="module")
def index(client: Client) -> str:
    return client.index("native")


@pytest.fixture(scope="module")
def videos(client: Client, index: str, recordings: list[Path]) -> list[str]:
    return [
        client.add_video(index, recording, {"number": n}) for n, recording in enumerate(recordings)
    ]


def find(native: Client, index: str, *parts: dict[str, Any], **options: Any) -> dict[str, Any]:
    body = {"parts": list(parts), **options}
    found: dict[str, Any] = native.ok("POST", f"indexes/{index}/search", json=body)
    return found


def test_words_with_evidence(native: Client, client: Client, index: str, videos: list[str]) -> None:
    said = client.ok("GET", f"indexes/{index}/videos/{videos[0]}?transcription=true")
    words = said["transcription"][0]["value"]
    found = find(native, index, {"text": words}, modalities=["speech"])
    first = found["hits"][0]
    assert first["video_id"] == videos[0]
    assert found["cards"]
    assert sum(one["contribution"] for one in first["evidence"]) == pytest.approx(first["score"])
    assert words in {one.get("text") for one in first["evidence"]}
    assert httpx.get(first["thumbnail_url"]).content.startswith(b"\xff\xd8\xff")
    only = find(native, index, {"text": words}, lanes=["speech-words"])
    assert {one["lane"] for hit in only["hits"] for one in hit["evidence"]} == {"speech-words"}


def test_media_of_every_kind(
    native: Client, client: Client, index: str, videos: list[str], recordings: list[Path]
) -> None:
    asset = client.ok("GET", f"indexes/{index}/videos/{videos[1]}")["asset_id"]
    inline = {"base64_string": base64.b64encode(recordings[1].read_bytes()).decode()}
    for source in ({"asset_id": asset}, inline):
        for kind in ("video", "audio"):
            found = find(native, index, {kind: source}, group_by="video")
            assert found["hits"][0]["video_id"] == videos[1], kind
            assert found["hits"][0]["moments"]
    thumbnail = find(native, index, {"video": inline})["hits"][0]["thumbnail_url"]
    picture = base64.b64encode(httpx.get(thumbnail).content).decode()
    seen = find(native, index, {"image": {"base64_string": picture}})
    assert seen["hits"][0]["video_id"] == videos[1]


def test_weights_and_negatives(native: Client, index: str, videos: list[str]) -> None:
    plain = {h["video_id"]: h["score"] for h in find(native, index, {"text": "red"})["hits"]}
    less = find(native, index, {"text": "red"}, {"text": "red", "weight": -1})["hits"]
    assert plain
    assert max((h["score"] for h in less), default=0) < max(plain.values())


def test_filters_and_pages(native: Client, index: str, videos: list[str]) -> None:
    part = {"text": "red green blue yellow"}
    chosen = find(native, index, part, filter={"number": {"gte": 1}})["hits"]
    assert {hit["video_id"] for hit in chosen} == {videos[1]}
    assert {h["video_id"] for h in find(native, index, part, videos=[videos[0]])["hits"]} == {
        videos[0]
    }


def test_pages_know_their_search(native: Client, index: str, videos: list[str]) -> None:
    whole = find(native, index, {"text": "red green blue yellow"}, limit=50)["hits"]
    assert len(whole) > 2
    first = find(native, index, {"text": "red green blue yellow"}, limit=1)
    assert "prev_page" not in first
    assert first["page_expires_at"].endswith("Z")
    pages = [first]
    while (token := pages[-1].get("next_page")) is not None:
        found = native.ok("GET", f"search/{token}")
        assert native.ok("POST", f"indexes/{index}/search", json={"page": token}) == found
        pages.append(found)
    hits = [hit for page in pages for hit in page["hits"]]
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))
    assert [place(hit) for hit in hits] == [place(hit) for hit in whole]
    back = native.ok("GET", f"search/{pages[1]['prev_page']}")
    assert [place(hit) for hit in back["hits"]] == [place(hit) for hit in first["hits"]]


def place(hit: dict[str, Any]) -> tuple[str, float, float]:
    return hit["video_id"], hit["start"], hit["end"]


def test_tokens_that_are_none(
    native: Client, client: Client, stranger: Client, server: Server, index: str, videos: list[str]
) -> None:
    token = find(native, index, {"text": "red green blue yellow"}, limit=1)["next_page"]
    form = {
        "index_id": index, "search_options": ["visual", "transcription"], "page_limit": "1",
        "query_text": "red green blue yellow",
    }  # fmt: skip
    theirs = client.ok("POST", "search", data=form)["page_info"]["next_page_token"]
    for junk in ("x", f"{token}0000000", f"{'0' * 24}-2", theirs):
        for answer in (
            native.get(f"search/{junk}"),
            native.post(f"indexes/{index}/search", json={"page": junk}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid"), junk
    assert client.get(f"search/{token}").status_code == 400
    assert stranger.get(f"search/{token}").status_code == 400
    other = client.index("elsewhere")
    assert native.post(f"indexes/{other}/search", json={"page": token}).status_code == 400
    # Nothing comes beside a token, not even what it holds.
    both = {"page": token, "parts": [{"text": "red"}]}
    assert native.post(f"indexes/{index}/search", json=both).status_code == 400
    change = text("UPDATE resources SET expires_at = created_at WHERE kind = 'search'")
    with open_store(server.settings) as store, store.database.write_transaction() as base:
        base.execute(change)
    late = native.get(f"search/{token}")
    assert (late.status_code, late.json()["message"]) == (400, "The page token has expired.")


def test_what_the_models_said(native: Client, index: str, videos: list[str]) -> None:
    place = f"indexes/{index}/videos/{videos[0]}/observations"
    rows = native.ok("GET", place)["observations"]
    assert {row["modality"] for row in rows} >= {"visual", "speech", "text", "shot"}
    early = native.ok("GET", place, params={"modality": "speech", "start": 0, "end": 1})
    assert 0 < len(early["observations"]) < len(rows)
    assert all(row["start"] < 1 for row in early["observations"])
    assert native.get(place, params={"start": 3, "end": 1}).status_code == 400
    counts = native.ok("GET", f"indexes/{index}/statistics")
    assert counts["texts"]["speech"] > 0
    assert all(space["rows"] > 0 for space in counts["vectors"])


def test_models(native: Client) -> None:
    cards = native.ok("GET", "models")["models"]
    assert {card["role"] for card in cards} >= {"text", "vision", "speech", "sound", "ocr"}
    for card in cards:
        for file in card["files"]:
            assert len(file["sha256"]) == 64
            assert file["sources"][0]["parts"][0]["package"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"parts": []},
        {"parts": [{}]},
        {"parts": [{"text": "a", "image": {"asset_id": "x"}}]},
        {"parts": [{"text": "red", "weight": -1}]},
        {"parts": [{"text": "red"}], "lanes": ["smell"]},
        {"parts": [{"text": "red"}], "filter": {"x": {"like": 1}}},
        {"parts": [{"text": "red"}], "filter": {"a\x00": 1}},
        {"parts": [{"text": "red"}], "page": "x"},
        {"parts": [{"image": {"base64_string": "!"}}]},
        {"parts": [{"image": {"url": "http://127.0.0.1/"}}]},
    ],
)
def test_bad_bodies(native: Client, index: str, body: dict[str, Any]) -> None:
    answer = native.post(f"indexes/{index}/search", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"]


def test_tenants(stranger: Client, index: str, videos: list[str]) -> None:
    body = {"parts": [{"text": "red"}]}
    assert stranger.post(f"indexes/{index}/search", json=body).status_code == 404
    for path in ("statistics", f"videos/{videos[0]}/observations"):
        assert stranger.get(f"indexes/{index}/{path}").status_code == 404


def test_everything_at_once(
    native: Client, client: Client, index: str, videos: list[str], recordings: list[Path]
) -> None:
    asset = client.ok("GET", f"indexes/{index}/videos/{videos[1]}")["asset_id"]
    inline = {"base64_string": base64.b64encode(recordings[1].read_bytes()).decode()}
    thumbnail = find(native, index, {"video": inline})["hits"][0]["thumbnail_url"]
    picture = {"base64_string": base64.b64encode(httpx.get(thumbnail).content).decode()}
    parts = [
        {"text": "red", "weight": 0.5},
        {"text": "green", "weight": -0.5},
        {"image": picture, "weight": 2},
        {"audio": {"asset_id": asset}},
        {"video": inline, "weight": 1.5},
    ]
    found = find(native, index, *parts, limit=1)
    assert found["hits"][0]["video_id"] == videos[1]
    assert len({one["lane"] for one in found["hits"][0]["evidence"]}) > 1
    # The picture, the clip and the asset are there for the second page too.
    second = native.ok("GET", f"search/{found['next_page']}")
    whole = find(native, index, *parts, limit=50)["hits"]
    assert [place(hit) for hit in second["hits"]] == [place(whole[1])]
    assert second["hits"][0]["score"] == pytest.approx(whole[1]["score"])
    lanes = find(native, index, *parts, lanes=["frames", "scene"], limit=50)["hits"]
    used = {one["lane"] for hit in lanes for one in hit["evidence"]}
    assert used <= {"frames", "scene"}
    client.ok("DELETE", f"indexes/{index}/videos/{videos[1]}")
    after = native.ok("GET", f"search/{found['next_page']}")
    assert videos[1] not in {hit["video_id"] for hit in after["hits"]}
    client.ok("DELETE", f"assets/{asset}")
    gone = native.get(f"search/{found['next_page']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "resource_not_exist")
