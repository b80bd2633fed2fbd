"""Evaluations at the native interface."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.api.server import Client, Server
from tests.ingest import rig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return rig.make_videos(tmp_path_factory.mktemp("videos"), 2, seconds=8)


@pytest.fixture(scope="module")
def index(client: Client) -> str:
    return client.index("measured")


@pytest.fixture(scope="module")
def videos(client: Client, index: str, recordings: list[Path]) -> list[str]:
    return [client.add_video(index, recording) for recording in recordings]


@pytest.fixture(scope="module")
def queries(client: Client, native: Client, index: str, videos: list[str]) -> list[dict[str, Any]]:
    """What is said in each video and where that is found, each video itself, and a wrong answer."""
    found: list[dict[str, Any]] = []
    for video in videos:
        said = client.ok("GET", f"indexes/{index}/videos/{video}?transcription=true")
        words = said["transcription"][0]["value"]
        body = {"parts": [{"text": words}], "videos": [video]}
        hit = native.ok("POST", f"indexes/{index}/search", json=body)["hits"][0]
        right = {"video_id": video, "start": hit["start"], "end": hit["end"]}
        found.append({"text": words, "kind": "said", "relevant": [right]})
        found.append({"video": said["asset_id"], "relevant": [{"video_id": video}]})
    wrong = {"video_id": videos[0]}
    return [*found, {"id": "wrong", "video": found[-1]["video"], "relevant": [wrong]}]


def test_a_report(
    native: Client, index: str, videos: list[str], queries: list[dict[str, Any]]
) -> None:
    body = {"index_id": index, "name": "said", "queries": queries, "resamples": 200}
    headers = {"Idempotency-Key": "evaluation"}
    made = native.ok("POST", "evaluations", json=body, headers=headers)
    assert (made["status"], made["total"]) == ("processing", 5)
    assert native.ok("POST", "evaluations", json=body, headers=headers) == made
    ended = native.ended(f"evaluations/{made['id']}", 180)
    assert ended["status"] == "ready", ended
    assert ended["done"] == 5
    report = ended["report"]
    words = report["by_asset"]["text"]["said"]
    assert (words["n"], words["recall@1"], words["mrr"]) == (2, 1, 1)
    assert words["ndcg@10_ci"] == [1, 1]
    clips = report["by_asset"]["video"]["all"]
    assert clips["recall@1"] == pytest.approx(2 / 3, abs=1e-5)
    low, high = clips["recall@1_ci"]
    assert 0 <= low <= clips["recall@1"] <= high <= 1
    assert report["by_moment"]["text"]["all"]["recall@5_iou0.7"] == 1
    assert set(report["by_moment"]) == {"text"}
    assert report["baselines"]["speech_bm25"]["by_asset"]["text"]["all"]["n"] == 2
    assert report["models"]
    assert report["unindexed"] == []
    outcomes = {one["id"]: one for one in report["outcomes"]}
    assert outcomes["0"]["rank"] == 1
    assert outcomes["0"]["iou"] > 0.7
    assert outcomes["wrong"].get("rank") != 1
    listed = native.ok("GET", f"evaluations?index_id={index}")["data"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert "report" not in listed[0]
    assert native.ok("GET", "evaluations?index_id=x")["data"] == []
    native.ok("DELETE", f"evaluations/{made['id']}")
    assert native.get(f"evaluations/{made['id']}").status_code == 404


def test_what_cannot_be_measured_says_why(
    native: Client, client: Client, index: str, videos: list[str], recording: Path
) -> None:
    passing = client.index("passing")
    video = client.add_video(passing, recording)
    asset = client.ok("GET", f"indexes/{passing}/indexed-assets/{video}")["asset_id"]
    query = {"audio": asset, "relevant": [{"video_id": video}]}
    made = native.ok("POST", "evaluations", json={"index_id": passing, "queries": [query]})
    ended = native.ended(f"evaluations/{made['id']}", 120)
    # Six seconds of colours without a sound.
    assert (ended["status"], ended["error"]["code"]) == ("failed", "query_media_invalid")


def test_it_begins_anew_with_the_next_server(
    server: Server, native: Client, index: str, queries: list[dict[str, Any]]
) -> None:
    many = [{**queries[0], "id": str(n)} for n in range(200)]
    made = native.ok("POST", "evaluations", json={"index_id": index, "queries": many})
    assert server.stop() == 0
    server.start()
    there = native.ok("GET", f"evaluations/{made['id']}")
    # Where there are two servers, the other may have gone through with it.
    assert there["status"] == "processing" or server.front
    assert native.ended(f"evaluations/{made['id']}", 300)["report"]["by_asset"]["text"]["all"]


def test_another_tenants_evaluation_is_unknown(
    native: Client, stranger: Client, index: str, queries: list[dict[str, Any]]
) -> None:
    body = {"index_id": index, "queries": queries[:1]}
    assert stranger.post("evaluations", json=body).status_code == 404
    made = native.ok("POST", "evaluations", json=body)
    assert stranger.ok("GET", "evaluations")["data"] == []
    for method in ("GET", "DELETE"):
        theirs = stranger.request(method, f"evaluations/{made['id']}")
        nobodys = stranger.request(method, f"evaluations/{'0' * 24}")
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.text.replace(made["id"], "0" * 24) == nobodys.text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"relevant": []}, 400),
        ({"relevant": [{"video_id": "x"}]}, 400),
        ({"text": None}, 400),
        ({"text": "?!"}, 400),
        ({"image": "x"}, 400),
        ({"text": None, "image": "x"}, 404),
        ({"kind": "all"}, 400),
        ({"kind": "A b"}, 400),
        ({"start": 1.0}, 400),
        ({"start": 2.0, "end": 1.0}, 400),
        ({"end": float("inf")}, 400),
    ],
)
def test_bad_evaluations(
    native: Client, index: str, videos: list[str], change: dict[str, Any], status: int
) -> None:
    times = {name: change[name] for name in ("start", "end") if name in change}
    query = {"text": "red", "relevant": [{"video_id": videos[0], **times}], **change}
    content = json.dumps({"index_id": index, "queries": [query]})
    answer = native.post(
        "evaluations", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status, answer.text


def test_two_queries_of_one_name(native: Client, index: str, videos: list[str]) -> None:
    query = {"id": "a", "text": "red", "relevant": [{"video_id": videos[0]}]}
    body = {"index_id": index, "queries": [query, query]}
    assert native.post("evaluations", json=body).status_code == 400
