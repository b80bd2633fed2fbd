"""Indexing tasks at the native interface: looking, calling off, trying again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from tests import samples
from tests.api.server import Client, Server
from tests.ingest import rig


@pytest.fixture(scope="module")
def index(client: Client) -> str:
    return client.index("tasks")


def begin(client: Client, index: str, recording: Path) -> dict[str, Any]:
    with recording.open("rb") as file:
        made: dict[str, Any] = client.ok(
            "POST", "tasks", data={"index_id": index}, files={"video_file": (recording.name, file)}
        )
    return made


def until(native: Client, task_id: str, *statuses: str, stage: str | None = None) -> dict[str, Any]:
    deadline = time.monotonic() + 300
    while True:
        task: dict[str, Any] = native.ok("GET", f"tasks/{task_id}")
        if task["status"] in statuses and (stage is None or task.get("stage") == stage):
            return task
        assert time.monotonic() < deadline, task
        time.sleep(0.02)


@pytest.fixture(scope="module")
def task(native: Client, client: Client, index: str, recording: Path) -> dict[str, Any]:
    return until(native, begin(client, index, recording)["_id"], "ready")


def test_a_finished_task(native: Client, index: str, task: dict[str, Any]) -> None:
    assert task["name"] == "colours.mp4"
    assert task["index_id"] == index
    assert task["done_s"] == task["total_s"] == pytest.approx(6, abs=0.1)
    assert task["attempts"] == 1
    assert "error" not in task
    assert native.ok("GET", f"tasks?index_id={index}&status=ready")["data"] == [task]
    assert native.ok("GET", f"tasks?index_id={index}&status=failed")["data"] == []
    assert native.ok("GET", "tasks?index_id=unknown")["page_info"]["total_results"] == 0
    assert native.get("tasks?status=strange").status_code == 400
    for action, code in (("cancel", "task_not_cancellable"), ("retry", "task_not_retryable")):
        answer = native.post(f"tasks/{task['id']}/{action}")
        assert (answer.status_code, answer.json()["code"]) == (409, code)


def test_another_tenants_task_is_unknown(stranger: Client, task: dict[str, Any]) -> None:
    assert stranger.ok("GET", "tasks")["data"] == []
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/retry")):
        theirs = stranger.request(method, f"tasks/{task['id']}{path}")
        nobodys = stranger.request(method, f"tasks/{'0' * 24}{path}")
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.text.replace(task["id"], "0" * 24) == nobodys.text


def test_cancelling_at_work_and_trying_again(
    native: Client, client: Client, index: str, tmp_path: Path
) -> None:
    (recording,) = rig.make_videos(tmp_path, 1, seconds=90)
    made = begin(client, index, recording)
    running = until(native, made["_id"], "running", stage="observe")
    assert running["total_s"] == pytest.approx(90, abs=1)
    cancelled = native.ok("POST", f"tasks/{made['_id']}/cancel")
    assert cancelled["status"] == "cancelled"
    again = native.post(f"tasks/{made['_id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "task_not_cancellable")
    # Pollers of v1.3 know only ready and failed, and are told at once.
    theirs = client.ok("GET", f"tasks/{made['_id']}")
    assert theirs["status"] == "failed"
    assert theirs["error"]["code"] == "cancelled"
    place = f"indexes/{index}/indexed-assets/{made['video_id']}"
    video = client.ok("GET", place)
    assert (video["status"], video["error"]["code"]) == ("failed", "cancelled")
    assert made["video_id"] not in {
        row["_id"] for row in client.ok("GET", f"indexes/{index}/videos")["data"]
    }
    once_more = native.ok("POST", f"tasks/{made['_id']}/retry")
    assert (once_more["status"], once_more["attempts"]) == ("queued", 2)
    assert client.ok("GET", f"tasks/{made['_id']}")["status"] not in ("failed", "ready")
    ended = until(native, made["_id"], "ready", "failed", "cancelled")
    assert ended["status"] == "ready", ended
    assert client.ended(place)["status"] == "ready"
    assert "error" not in client.ok("GET", place)


def test_cancelling_what_waits(native: Client, client: Client, index: str, tmp_path: Path) -> None:
    recordings = rig.make_videos(tmp_path, 4, seconds=30)
    made = [begin(client, index, recording) for recording in recordings]
    last = made[-1]
    assert native.ok("POST", f"tasks/{last['_id']}/cancel")["status"] == "cancelled"
    place = f"indexes/{index}/indexed-assets/{last['video_id']}"
    assert client.ok("GET", place)["status"] == "failed"
    # Taken up again while its first turn still waits: it is done once.
    native.ok("POST", f"tasks/{last['_id']}/retry")
    assert client.ok("GET", place)["status"] == "queued"
    seen = set()
    while (ended := client.ok("GET", place)["status"]) != "ready":
        seen.add(ended)
        time.sleep(0.05)
    assert "failed" not in seen
    for one in made:
        assert until(native, one["_id"], "ready", "failed")["status"] == "ready"


def test_a_failure_has_a_reason(native: Client, client: Client, index: str, tmp_path: Path) -> None:
    made = begin(client, index, samples.text_as_mp4(tmp_path / "broken.mp4"))
    failed = until(native, made["_id"], "failed")
    assert failed["error"]["code"].startswith("media_")
    assert failed["error"]["remedy"]
    native.ok("POST", f"tasks/{made['_id']}/retry")
    again = until(native, made["_id"], "failed")
    assert again["attempts"] == 2


def test_reading_keys_change_nothing(server: Server, task: dict[str, Any]) -> None:
    with Client(server, server.key(scopes=["read"]), "v1") as reader:
        assert reader.ok("GET", f"tasks/{task['id']}") == task
        assert reader.post(f"tasks/{task['id']}/retry").status_code == 403


@pytest.mark.slow
def test_a_tenant_with_much_to_do_does_not_hold_up_another(
    native: Client, client: Client, index: str, server: Server, recording: Path, tmp_path: Path
) -> None:
    at_once = 4 if server.front else 2
    recordings = rig.make_videos(tmp_path, 3 * at_once, seconds=60)
    busy = [begin(client, index, one)["_id"] for one in recordings]
    most = 0
    with Client(server, server.key(tenant="small")) as small:
        made = begin(small, small.index(), recording)
        while (theirs := small.ok("GET", f"tasks/{made['_id']}")["status"]) != "ready":
            assert theirs != "failed"
            most = max(most, len(native.ok("GET", "tasks?status=running")["data"]))
            time.sleep(0.02)
        waiting = native.ok("GET", "tasks?status=queued")["data"]
    # Whole videos of the busy tenant still wait, and no more than two were at work in a worker.
    assert waiting
    assert most == at_once
    for task_id in busy:
        native.post(f"tasks/{task_id}/cancel")
    for task_id in busy:
        until(native, task_id, "ready", "cancelled")
