"""Classification at the native interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests import samples
from tests.api.server import Client, Server
from tests.samples import BLUE, GREEN, RED, Scene

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def index(client: Client) -> str:
    return client.index("classify")


@pytest.fixture(scope="module")
def videos(client: Client, index: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    root = tmp_path_factory.mktemp("videos")
    made = []
    for number, colour in enumerate((RED, GREEN, BLUE, RED, GREEN)):
        scenes = [Scene(colour, 2 + number)]
        made.append(client.add_video(index, samples.video(root / f"{number}.mp4", scenes, start=5)))
    return made


def ask(native: Client, index: str, page: str = "", **body: Any) -> list[dict[str, Any]]:
    found: dict[str, Any] = native.ok("POST", f"indexes/{index}/classify{page}", json=body)
    return list(found["data"])


@pytest.mark.slow
def test_by_description(native: Client, index: str, videos: list[str]) -> None:
    labels = [{"name": "red"}, {"name": "blue", "description": "blue"}]
    rows = ask(native, index, labels=labels)
    assert [row["video_id"] for row in rows] == videos
    assert [row["label"] for row in rows] == ["red", "none", "blue", "red", "none"]
    first = rows[0]
    assert first["start"] == 0
    assert 2 <= first["end"] < 2.5
    assert set(first["scores"]) == {"red", "blue"}
    assert "red" in first["citations"][0]["text"]
    assert 0 <= first["citations"][0]["start"] <= first["citations"][0]["end"] <= first["end"]
    assert rows[1]["citations"] == []
    second = ask(native, index, "?page=2&page_limit=2", labels=labels)
    assert [row["video_id"] for row in second] == videos[2:4]
    strict = ask(native, index, labels=[{"name": "red", "threshold": 1}], videos=videos[:1])
    assert strict[0]["label"] == "none"
    shots = ask(native, index, labels=labels, videos=[videos[2]], per="shot")
    assert {row["label"] for row in shots} == {"blue"}


def test_from_examples(native: Client, index: str, videos: list[str]) -> None:
    labels = [
        {"name": "alpha", "examples": [{"video_id": videos[0]}] * 2},
        {
            "name": "beta",
            "examples": [{"video_id": videos[1]}, {"video_id": videos[1], "start": 0, "end": 1}],
        },
    ]
    rows = ask(native, index, labels=labels, videos=videos[3:], none=[{"video_id": videos[2]}])
    assert [row["label"] for row in rows] == ["alpha", "beta"]


@pytest.mark.parametrize(
    "change",
    [
        {"labels": []},
        {"labels": [{"name": ""}]},
        {"labels": [{"name": "none"}]},
        {"labels": [{"name": "a"}, {"name": "a"}]},
        {"labels": [{"name": "a", "threshold": 2}]},
        {"labels": [{"name": "a", "examples": [{"video_id": "VIDEO"}]}]},
        {"labels": [{"name": "a", "examples": [{"video_id": "VIDEO"}] * 2}]},
        {"labels": [{"name": "a", "examples": [{"video_id": "VIDEO", "start": 1}] * 2}]},
        {"none": [{"video_id": "VIDEO", "start": 2, "end": 1}]},
        {"none": [{"video_id": "VIDEO"}]},
        {"threshold": -1},
        {"videos": []},
        {"per": "frame"},
    ],
)
def test_bad_bodies(native: Client, index: str, videos: list[str], change: dict[str, Any]) -> None:
    def known(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: known(item) for key, item in value.items()}
        if isinstance(value, list):
            return [known(item) for item in value]
        return videos[0] if value == "VIDEO" else value

    body = known({"labels": [{"name": "red"}], **change})
    answer = native.post(f"indexes/{index}/classify", json=body)
    assert answer.status_code == 400, answer.text


def test_who_may(
    native: Client, stranger: Client, server: Server, index: str, videos: list[str], recording: Path
) -> None:
    body = {"labels": [{"name": "red"}]}
    assert stranger.post(f"indexes/{index}/classify", json=body).status_code == 404
    with Client(server, server.key(scopes=["read"]), "v1") as reader:
        assert reader.post(f"indexes/{index}/classify", json=body).status_code == 200
    with Client(server, str(stranger.headers["x-api-key"])) as theirs:
        own = theirs.index("own")
        theirs.add_video(own, recording)
    for stolen in ({"videos": videos[:1]}, {"none": [{"video_id": videos[0]}]}):
        answer = stranger.post(f"indexes/{own}/classify", json={**body, **stolen})
        assert answer.status_code == 404
