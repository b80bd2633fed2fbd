"""``videlicet saved-search``: searches that run on every new asset of an index."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import samples
from tests.api.server import DOUBLES, served
from tests.cli.conftest import Run
from tests.samples import BLUE, GREEN, RED, Scene

import videlicet as vl
from videlicet.errors import InvalidInput, InvalidQuery, NotFound
from videlicet.models.fakes import IDS
from videlicet.types import Query


def test_from_saving_to_removing(videlicet: Run, home: Path, tmp_path: Path) -> None:
    made = videlicet(
        "saved-search", "add", "red", "--name", "reds", "--threshold", "0.3", "--json"
    ).json
    assert (made["name"], made["threshold"], made["matches"]) == ("reds", 0.3, 0)
    assert "No matches yet." in videlicet("saved-search", "matches").out
    for name, colour in (("sunset", RED), ("meadow", GREEN)):
        recording = samples.video(tmp_path / f"{name}.mp4", [Scene(colour, 2)])
        assert videlicet("add", recording).code == 0
    (match,) = videlicet("saved-search", "matches", "reds", "--json").json
    assert (match["asset_name"], match["saved_search_id"]) == ("sunset.mp4", made["id"])
    assert match["moments"][0]["evidence"][0]["lane"] == "scene"
    table = videlicet("saved-search", "matches").out
    assert "sunset.mp4" in table
    assert "meadow" not in table
    (row,) = videlicet("saved-search", "list", "--json").json
    assert (row["index"], row["matches"], row["error"]) == ("default", 1, None)
    assert "reds" in videlicet("saved-search", "list").out
    assert videlicet("saved-search", "remove", "reds").code == 0
    assert videlicet("saved-search", "list", "--json").json == []
    assert videlicet("saved-search", "matches", "--json").json == []
    gone = videlicet("saved-search", "remove", "reds", "--json")
    assert (gone.code, gone.error["code"]) == (3, "resource_not_found")


@pytest.mark.embedded("on a shared store a worker tries them, and none runs here")
def test_what_is_there_already(videlicet: Run, home: Path) -> None:
    options = ("--name", "greens", "--threshold", "0.3", "--json")
    assert videlicet("saved-search", "add", "green", *options).json["matches"] == 0
    made = videlicet("saved-search", "add", "green", "--backfill", *options).json
    assert made["matches"] == 1
    both = videlicet("saved-search", "matches", "greens", "--json")
    assert both.error["code"] == "invalid_argument"
    assert made["id"] in both.error["message"]
    assert len(videlicet("saved-search", "matches", made["id"], "--json").json) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("saved-search", "add", "red", "--name", "\n"), "invalid_argument"),
        (("saved-search", "add", "...", "--name", "x"), "query_empty"),
        (("saved-search", "add", "red", "--name", "x", "--filter", "{"), "filter_invalid"),
        (
            ("saved-search", "add", "red", "--name", "x", "--modality", "smell"),
            "modality_not_indexed",
        ),
        (("saved-search", "add", "red", "--name", "x", "--threshold", "2"), "invalid_argument"),
        (("saved-search", "add", "red", "--name", "x", "--index", "none"), "index_not_found"),
        (("saved-search", "add", "red"), "invalid_argument"),
        (("saved-search", "matches", "none"), "resource_not_found"),
    ],
)
def test_bad_input(videlicet: Run, home: Path, words: tuple[str, ...], code: str) -> None:
    assert videlicet(*words, "--json").error["code"] == code


@pytest.mark.slow
@pytest.mark.embedded("there is no writer's lock on a shared store")
def test_beside_a_server(
    videlicet: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's worker tries what is saved, and what was found goes with the query."""
    with served(home, **DOUBLES):
        options = ("--name", "greens", "--threshold", "0.3", "--backfill", "--json")
        made = videlicet("saved-search", "add", "green", *options).json
        for _ in range(200):
            if found := videlicet("saved-search", "matches", made["id"], "--json").json:
                break
        assert len(found) == 1
        assert videlicet("saved-search", "remove", "greens").code == 0
        assert videlicet("saved-search", "matches", "--json").json == []


@pytest.mark.embedded("on a shared store a worker tries them, and none runs here")
def test_the_library(home: Path, tmp_path: Path) -> None:
    picture = samples.video(tmp_path / "blue.mp4", [Scene(BLUE, 1)])
    with vl.open(home) as library:
        (blue,) = (a for a in library.assets() if a.media.video and "caf" in a.name)
        saved = library.save_search("blues", video=picture, threshold=0.4, include_existing=True)
        (match,) = library.matches("blues")
        assert match.asset_id == blue.id
        assert match.moments[0].score >= 0.4
        assert library.thumbnail(match.moments[0]).startswith(b"\xff\xd8")
        assert library.saved_searches() == library.saved_searches("default") == [saved]
        library.remove(blue.id)
        assert library.matches("blues") == []
        with pytest.raises(InvalidQuery):
            library.save_search("nothing", Query(()))
        with pytest.raises(InvalidInput):
            library.save_search("", "red")
        library.create_index("other", IDS)
        other = library.save_search("red", "red", index="other")
        library.delete_index("other")
        with pytest.raises(NotFound):
            library.matches(other.id)
        library.delete_saved_search(saved.id)
        assert library.saved_searches() == []
    assert not list((home / "blobs").rglob("queries/*"))
