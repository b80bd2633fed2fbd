"""Segments that follow what was detected in a video, through the official SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.knowledge_stores.shelf import upload
from tests.api.sdk import ended, sdk
from tests.api.server import Server
from twelvelabs import TwelveLabs
from twelvelabs.types import AsyncResponseFormat, SegmentDefinition, VideoContext_AssetId


@pytest.fixture(scope="module")
def user(server: Server) -> Iterator[TwelveLabs]:
    with sdk(server, server.key()) as one:
        yield one


@pytest.mark.parametrize("description", ["Each distinct scene or shot", "every shot"])
def test_a_definition_of_shots_gives_the_shots(
    user: TwelveLabs, recording: Path, description: str
) -> None:
    made = user.analyze_async.tasks.create(
        video=VideoContext_AssetId(asset_id=upload(user, recording)),
        analysis_mode="time_based_metadata",
        response_format=AsyncResponseFormat(
            type="segment_definitions",
            segment_definitions=[SegmentDefinition(id="shots", description=description)],
        ),
    )
    task = ended(lambda: user.analyze_async.tasks.retrieve(str(made.task_id)))
    assert task.status == "ready", task
    assert task.result is not None
    found: dict[str, list[dict[str, Any]]] = json.loads(str(task.result.data))
    # Three colours, two seconds each.
    starts = [round(one["start_time"]) for one in found["shots"]]
    assert starts == [0, 2, 4]
