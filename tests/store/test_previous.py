"""A data directory of an earlier version opens, finds and answers as it did.

``scripts/make_previous_data_directory.py`` made both files in ``previous/``.
"""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from tests.api.server import DOUBLES, Client, served

import videlicet
from videlicet.settings import load
from videlicet.store import Level
from videlicet.store.doctor import doctor

PREVIOUS = Path(__file__).parent / "previous"
VERSIONS = sorted(path.name.removesuffix(".tar.gz") for path in PREVIOUS.glob("*.tar.gz"))
#: What a signed URL ends in, and differs each time.
SIGNATURE = re.compile(r"\?expires=[^\"]*")

pytestmark = [
    pytest.mark.embedded("a data directory of an earlier version"),
    pytest.mark.parametrize("version", VERSIONS),
]


#: Names of today by those of the earlier version: keys, paths and events.
RENAMED = {
    "reader": "ocr",
    "analyst": "analysis_backend",
    "query_id": "saved_search_id",
    "/v1/queries": "/v1/saved-searches",
    "query.matched": "saved_search.matched",
}


def still(answer: Any) -> Any:
    """An answer without the state of webhooks, which are tried again meanwhile, and with today's
    names. Ids of citations are derived from the id of the asset, which is that of the file
    now also for files that were sent over HTTP."""
    if isinstance(answer, dict):
        is_citation = "evidence_sha256" in answer
        return {
            RENAMED.get(key, key): still(value)
            for key, value in answer.items()
            if key != "webhooks" and not (is_citation and key in ("id", "asset_id"))
        }
    if isinstance(answer, list):
        return [still(one) for one in answer]
    return RENAMED.get(answer, answer) if isinstance(answer, str) else answer


def today(path: str) -> str:
    """A path under its name of today."""
    for old, new in RENAMED.items():
        if old.startswith("/"):
            path = path.replace(old, new)
    return path


@pytest.fixture
def home(version: str, tmp_path: Path) -> Path:
    with tarfile.open(PREVIOUS / f"{version}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "home"


@pytest.fixture
def golden(version: str) -> dict[str, Any]:
    text = (PREVIOUS / f"{version}.json").read_text("utf-8")
    return json.loads(SIGNATURE.sub("", text))  # type: ignore[no-any-return]


def test_the_python_interface_finds_and_answers_as_before(
    home: Path, golden: dict[str, Any]
) -> None:
    expected = golden["python"]
    with videlicet.open(home) as library:
        # A file that was sent over HTTP had an asset for each index; those are its videos now.
        videos = {one.asset_id: one.id for one in library.videos("films")}
        assert sorted(index.name for index in library.indexes()) == expected["indexes"]
        assets = library.assets("films")
        assert sorted([videos[one.id], one.name] for one in assets) == expected["assets"]
        tasks = library.tasks("films")
        assert sorted([one.id, str(one.status)] for one in tasks) == expected["tasks"]
        for row in expected["searches"]:
            page = library.search(row["text"], index="films", modalities=row["modalities"])
            found = [
                {
                    "asset": videos[hit.asset_id],
                    "start": float(hit.span.start),
                    "end": float(hit.span.end),
                    "score": pytest.approx(hit.score),
                    "evidence": sorted(str(one.modality) for one in hit.evidence),
                }
                # Equal scores are in the order of asset ids.
                for hit in sorted(page.hits, key=lambda h: (-h.score, videos[h.asset_id], h.span))
            ]
            hits = sorted(row["hits"], key=lambda h: (-h["score"], h["asset"], h["start"]))
            assert found == hits, row["text"]
        answer = library.ask(expected["question"], index="films").to_json()
        assert still(answer) == still(expected["answer"])


def test_the_http_interface_answers_as_before(home: Path, golden: dict[str, Any]) -> None:
    with served(home, **DOUBLES) as server, Client(server, golden["key"], "") as client:
        found = {}
        for path in golden["answers"]:
            answer = client.get(today(path))
            assert answer.status_code == 200, f"{path}: {answer.text}"
            found[path] = json.loads(SIGNATURE.sub("", answer.text.replace(server.root, "")))
    expected = golden["answers"]
    assert [path for path in expected if still(found[path]) != still(expected[path])] == []


def test_more_can_be_added_and_nothing_is_wrong(home: Path, golden: dict[str, Any]) -> None:
    with videlicet.open(home) as library:
        (asset, *_) = library.assets("films")
        library.set_metadata(asset.id, {"topic": "another"})
        (hit, *_) = library.search("red", index="films", filter={"topic": "another"}).hits
        assert hit.asset_id == asset.id
    assert [found for found in doctor(load(home)) if found.level is Level.ERROR] == []
