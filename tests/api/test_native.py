"""The native interface: any-to-any search with evidence."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.server import Client, Server
from tests.ingest import rig


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return rig.films(tmp_path_factory.mktemp("films"), 2, seconds=8)


@pytest.fixture(scope="module")
def index(client: Client) -> str:
    return client.index("native")


@pytest.fixture(scope="module")
def videos(client: Client, index: str, films: list[Path]) -> list[str]:
    return [client.film(index, film, {"number": n}) for n, film in enumerate(films)]


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
    native: Client, client: Client, index: str, videos: list[str], films: list[Path]
) -> None:
    asset = client.ok("GET", f"indexes/{index}/videos/{videos[1]}")["asset_id"]
    inline = {"base64_string": base64.b64encode(films[1].read_bytes()).decode()}
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
    ranks, page = [], None
    while True:
        found = find(native, index, part, limit=1, page=page)
        ranks += [hit["rank"] for hit in found["hits"]]
        if (page := found.get("next_page")) is None:
            break
    assert ranks == list(range(1, len(ranks) + 1))
    assert len(ranks) > 1


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
    assert {card["role"] for card in cards} >= {"text", "vision", "speech", "sound", "reader"}


@pytest.mark.parametrize(
    "body",
    [
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


def test_tenants(server: Server, index: str, videos: list[str]) -> None:
    headers = {"x-api-key": server.key(tenant="other")}
    with httpx.Client(base_url=f"{server.root}/v1", headers=headers) as stranger:
        body = {"parts": [{"text": "red"}]}
        assert stranger.post(f"indexes/{index}/search", json=body).status_code == 404
        for path in ("statistics", f"videos/{videos[0]}/observations"):
            assert stranger.get(f"indexes/{index}/{path}").status_code == 404
