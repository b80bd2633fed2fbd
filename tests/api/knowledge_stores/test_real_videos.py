"""A knowledge store of real recordings, read by the real models: found, asked, and cited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.knowledge_stores.shelf import add, upload
from tests.api.sdk import sdk
from tests.api.server import Server, hosted
from twelvelabs import KnowledgeStoreSearchQuery, ResponseInputItem, TwelveLabs

pytestmark = [pytest.mark.slow, pytest.mark.weights, pytest.mark.corpus]

QUESTIONS = Path(__file__).parents[3] / "bench" / "questions" / "development.json"
VIDEOS = ("d25.mp4", "d14.mp4", "d11.mp4")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with hosted(tmp_path_factory.mktemp("real") / "home") as one:
        yield one


@pytest.fixture(scope="module")
def user(server: Server) -> Iterator[TwelveLabs]:
    with sdk(server, server.key()) as one:
        yield one


@pytest.fixture(scope="module")
def items(user: TwelveLabs, corpus: Path) -> tuple[str, dict[str, str]]:
    """The store, and its items by the file they are of."""
    store = user.knowledge_stores.create(name="Real videos").id
    assert store is not None
    assets = {file: upload(user, corpus / "videos" / file) for file in VIDEOS}
    return store, {file: add(user, store, asset) for file, asset in assets.items()}


def spoken() -> list[dict[str, Any]]:
    rows = json.loads(QUESTIONS.read_text("utf-8"))["questions"]
    return [row for row in rows if row["kind"] == "spoken" and row["files"][0] in VIDEOS]


def answer(user: TwelveLabs, store: str, question: str) -> Any:
    said = [ResponseInputItem(type="message", role="user", content=question)]
    response = user.responses.create(knowledge_store_id=store, input=said)
    return response.output[-1].content[0]


def test_questions_are_answered_by_the_video_that_says_so(
    user: TwelveLabs, items: tuple[str, dict[str, str]]
) -> None:
    store, by_file = items
    asked = [row for row in spoken() if row["gold"]]
    right = 0
    for row in asked:
        part = answer(user, store, row["question"])
        (gold,) = row["gold"]
        cited = [
            one
            for one in part.annotations
            if one.item_id == by_file[gold["file"]]
            and one.start_sec < gold["end_s"]
            and one.end_sec > gold["start_s"]
        ]
        right += bool(cited)
    assert len(asked) >= 6
    assert right >= 0.75 * len(asked)


def test_what_no_video_says_is_not_made_up(
    user: TwelveLabs, items: tuple[str, dict[str, str]]
) -> None:
    store, _ = items
    asked = [row["question"] for row in spoken() if not row["gold"]]
    assert asked
    assert [answer(user, store, one).annotations for one in asked] == [[]] * len(asked)


def test_search_finds_the_video_by_what_it_shows_and_says(
    user: TwelveLabs, items: tuple[str, dict[str, str]], corpus: Path
) -> None:
    store, by_file = items
    manifest = json.loads((corpus / "manifest.json").read_text("utf-8"))
    described = {row["file"]: row for row in manifest}
    for file, item in by_file.items():
        query = KnowledgeStoreSearchQuery(text=described[file]["speech"])
        found = user.knowledge_stores.search(store, query=query)
        assert found.data[0].item_id == item
