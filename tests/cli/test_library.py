"""The verbs on a library that holds three short videos, indexed with the fake models."""

from __future__ import annotations

import json
import shutil
import webbrowser
from pathlib import Path

import pytest
from tests import samples
from tests.cli.conftest import DOG, EMOJI
from tests.samples import RED, Scene, Tone

import videlicet as vl
from videlicet.errors import MediaError
from videlicet.models.fakes import IDS
from videlicet.rights import Grant, Purpose
from videlicet.types import Status, Task

SAFE = "caf\\xe9.mp4"


def found(done):
    return [hit["asset_name"] for hit in done.json["hits"]]


def test_list(videlicet, home):
    done = videlicet("list", "--json")
    assert done.code == 0
    assert {row["asset"]["name"] for row in done.json} == {"slide.mp4", EMOJI, SAFE}
    assert all(row["status"] == ["ready"] for row in done.json)
    table = videlicet("list").out
    assert all(row["asset"]["id"][:12] in table for row in done.json)
    assert "0:00:02.0" in table
    assert "320×240" in table


def test_what_is_in_a_hidden_index_is_not_listed(videlicet, home, tmp_path):
    """As what a server has observed to analyse it."""
    recording = samples.video(tmp_path / "apart.mp4", [Scene(RED, 1)])
    with vl.open(home) as library:
        store = library._write()
        store.catalog.create_index(
            store.scope(Grant("t", Purpose.INDEX)), "~apart", IDS, {"hidden": True}
        )
        library.add(recording, index="~apart")
    assert [row["name"] for row in videlicet("list", "--indexes", "--json").json] == ["default"]
    names = {row["asset"]["name"] for row in videlicet("list", "--json").json}
    assert names == {"slide.mp4", EMOJI, SAFE}


def test_list_indexes(videlicet, home):
    assert [row["name"] for row in videlicet("list", "--indexes", "--json").json] == ["default"]
    assert "default" in videlicet("list", "--indexes").out


def test_search_for_words(videlicet, home):
    done = videlicet("search", "green", "--json")
    assert done.code == 0
    hit = done.json["hits"][0]
    assert hit["asset_name"] == EMOJI
    assert hit["span"] == {"start": 0.0, "end": 2.0}
    assert 0 < hit["score"] <= 1
    assert hit["evidence"][0]["lane"] == "scene"
    assert done.json["cards"]


def test_search_says_why_for_people(videlicet, home):
    done = videlicet("search", "the", "invoice")
    assert done.code == 0
    assert "slide.mp4" in done.out
    assert "The invoice is due" in done.out
    assert "0:00:00.0–0:00:02.0" in done.out


def test_search_one_modality(videlicet, home):
    assert found(videlicet("search", "dog", "--modality", "speech", "--json")) == ["slide.mp4"]
    assert found(videlicet("search", "dog", "--modality", "text", "--json")) == []
    assert "Nothing matches." in videlicet("search", "dog", "--modality", "text").out
    done = videlicet("search", "dog", "--modality", "smell", "--json")
    assert (done.code, done.error["code"]) == (2, "modality_not_indexed")


def test_search_with_media(videlicet, home, tmp_path):
    picture = samples.image(tmp_path / "p.png")
    samples.video(tmp_path / "clip.mp4", [Scene(samples.GREEN, 1)])
    samples.sound(tmp_path / "tone.wav", Tone(DOG, 2))
    assert videlicet("search", "--image", picture, "--json").code == 0
    assert found(videlicet("search", "--video", tmp_path / "clip.mp4", "--json"))[0] == EMOJI
    assert found(videlicet("search", "--audio", tmp_path / "tone.wav", "--json"))[0] == "slide.mp4"
    done = videlicet("search", "green", "--image", picture, "--not", "black", "--json")
    assert found(done)[0] == EMOJI


def test_search_with_filters(videlicet, home):
    assert found(videlicet("search", "green", "--filter", f"name={EMOJI}", "--json")) == [EMOJI]
    assert found(videlicet("search", "green", "--filter", "has_audio=true", "--json")) == []
    for row in ('{"has_audio": ', "nothing"):
        done = videlicet("search", "green", "--filter", row, "--json")
        assert (done.code, done.error["code"]) == (2, "filter_invalid")


def test_search_by_pages_groups_and_threshold(videlicet, home):
    everything = videlicet("search", "green blue black", "--modality", "visual", "--json").json
    assert everything["total"] > 1
    names, token = [], []
    for _ in range(everything["total"]):
        done = videlicet(
            "search", "green blue black", "--modality", "visual", "-n", "1", *token, "--json"
        )
        names += found(done)
        token = ["--page", done.json["next_page"] or ""]
    assert names == [hit["asset_name"] for hit in everything["hits"]]
    assert done.json["next_page"] is None
    assert (
        "--page" in videlicet("search", "green blue black", "--modality", "visual", "-n", "1").err
    )
    best = everything["hits"][0]["score"]
    few = videlicet("search", "green blue black", "--threshold", f"{best}", "--json").json
    assert 1 <= few["total"] < everything["total"]
    grouped = videlicet("search", "green", "--group-by", "asset", "--json").json
    assert grouped["hits"][0]["moments"]
    done = videlicet("search", "green", "--page", "nonsense", "--json")
    assert (done.code, done.error["code"]) == (2, "page_token_invalid")


def test_the_page_is_written_and_opened(videlicet, home, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    out = tmp_path / "found.html"
    done = videlicet("search", "green", "--html", out)
    assert (done.code, opened) == (0, [])
    assert str(out) in done.err
    assert "data:image/jpeg;base64," in out.read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    assert videlicet("search", "green", "--open", "--json").json["hits"]
    assert opened == [(tmp_path / "videlicet-results.html").as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    assert "no browser" in videlicet("search", "green", "--open").err
    done = videlicet("search", "green", "--html", tmp_path / "no/folder.html", "--json")
    assert done.code == 2


@pytest.mark.parametrize("name", ["slide.mp4", EMOJI, SAFE])
def test_show_by_name(videlicet, home, name):
    done = videlicet("show", name, "--json")
    assert done.json["asset"]["name"] == name
    kinds = [row["modality"] for row in done.json["observations"]]
    assert "visual" in kinds
    assert all("vector" not in row["payload"] for row in done.json["observations"])
    assert name in videlicet("show", name).out


def test_show_by_id_and_modality(videlicet, home):
    ids = {r["asset"]["name"]: r["asset"]["id"] for r in videlicet("list", "--json").json}
    slide = ids["slide.mp4"]
    for name in (slide, slide[:12], slide[:4]):
        assert videlicet("show", name, "--json").json["asset"]["id"] == slide
    rows = videlicet("show", slide, "--modality", "speech", "--json").json["observations"]
    assert [row["payload"]["text"] for row in rows] == ["dog"]
    for name in (slide[:3], "nobody.mp4", ""):
        done = videlicet("show", name, "--json")
        assert (done.code, done.error["code"]) == (3, "asset_not_found")


def test_a_name_that_fits_several_is_refused(videlicet, home, tmp_path):
    with vl.open(home) as library:
        library.create_index("other", IDS)
    samples.video(tmp_path / "slide.mp4", [Scene(RED, 1)])
    assert videlicet("add", tmp_path / "slide.mp4", "-i", "other").code == 0
    done = videlicet("show", "slide.mp4", "--json")
    assert (done.code, done.error["code"]) == (2, "invalid_argument")
    assert done.error["message"].count("slide.mp4") == 3
    assert videlicet("remove", "slide.mp4").code == 2
    assert len(videlicet("list", "--json").json) == 4


def test_values_to_filter_by(videlicet, home):
    done = videlicet("show", "slide.mp4", "--set", "year=1999", "--set", "by=Ada L.", "--json")
    assert done.json["asset"]["metadata"] == {"year": 1999, "by": "Ada L."}
    assert "year=1999" in videlicet("show", "slide.mp4").out
    assert found(videlicet("search", "dog", "--filter", "year=1999", "--json")) == ["slide.mp4"]
    assert found(videlicet("search", "dog", "--filter", "year=2000", "--json")) == []
    done = videlicet("show", "slide.mp4", "--set", "year=", "--json")
    assert done.json["asset"]["metadata"] == {"by": "Ada L."}
    assert videlicet("show", "slide.mp4", "--set", "year").code == 2


def test_remove_leaves_the_file_and_nothing_else(videlicet, home, filled):
    done = videlicet("remove", "slide.mp4", "nobody.mp4", "--json")
    assert (done.code, done.error["code"]) == (3, "asset_not_found")
    assert len(videlicet("list", "--json").json) == 3
    done = videlicet("remove", "slide.mp4", SAFE, "--json")
    assert len(done.json["removed"]) == 2
    assert [row["asset"]["name"] for row in videlicet("list", "--json").json] == [EMOJI]
    assert found(videlicet("search", "invoice dog", "--json")) == []
    assert (filled / "videos/slide.mp4").is_file()
    assert "Removed" in videlicet("remove", EMOJI).err
    assert "Nothing added yet." in videlicet("list").out
    assert videlicet("remove").code == 2


def test_a_whole_index(videlicet, home, filled):
    recording = filled / "videos/slide.mp4"
    done = videlicet("add", recording, "--index", "talks", "--json")
    assert (done.code, done.error["code"]) == (3, "index_not_found")
    for words in (["--all"], ["--all", "slide.mp4", "-i", "default"]):
        assert videlicet("remove", *words).code == 2
    with vl.open(home) as library:
        library.create_index("talks", IDS)
    assert videlicet("add", recording, "--index", "talks", "--create").code == 0
    assert found(videlicet("search", "dog", "--index", "talks", "--json")) == ["slide.mp4"]
    assert videlicet("remove", "--all", "--index", "talks", "--json").json == {
        "removed_index": "talks"
    }
    assert videlicet("search", "dog", "--index", "talks").code == 3
    assert found(videlicet("search", "dog", "--json")) == ["slide.mp4"]
    assert videlicet("add", "nowhere.mp4", "--index", "new", "--create").code == 2
    names = {row["name"] for row in videlicet("list", "--indexes", "--json").json}
    assert names == {"default", "new"}
    assert "Removed the index new." in videlicet("remove", "--all", "--index", "new").err


def test_the_same_again_changes_nothing(videlicet, home, filled):
    before = videlicet("list", "--json").json
    done = videlicet("add", filled / "videos")
    assert done.code == 0
    assert "3 of 3 ready, 3 of them already in the index." in done.err
    assert videlicet("list", "--json").json == before


def test_status_and_retry(videlicet, home, tmp_path):
    broken = samples.text_as_mp4(tmp_path / "broken.mp4")
    assert videlicet("add", broken).code == 2
    done = videlicet("status", "--json")
    failed = next(row for row in done.json if row["status"] == "failed")
    assert failed["error"]["code"] == "media_not_recognised"
    assert len(done.json) == 4
    table = videlicet("status").out
    assert "[media_not_recognised]" in table
    one = videlicet("status", failed["id"][:8], "--json").json
    assert [row["id"] for row in one] == [failed["id"]]
    assert videlicet("status", "--retry").code == 2
    samples.video(broken, [Scene(RED, 1)])
    done = videlicet("status", failed["id"][:8], "--retry", "--json")
    assert done.code == 0
    assert done.lines[-1]["status"] == "ready"
    assert found(videlicet("search", "red", "--json"))[0] == "broken.mp4"
    ready = next(row for row in videlicet("status", "--json").json if row["status"] == "ready")
    done = videlicet("status", ready["id"], "--retry", "--json")
    assert (done.code, done.error["code"]) == (5, "task_not_retryable")
    done = videlicet("status", "--cancel", ready["id"], "--json")
    assert (done.code, done.error["code"]) == (5, "task_not_cancellable")
    done = videlicet("status", "--cancel", "nobody", "--json")
    assert (done.code, done.error["code"]) == (3, "task_not_found")


def test_cancel(videlicet, home):
    from datetime import UTC, datetime

    from videlicet.rights import Grant, Purpose
    from videlicet.settings import load
    from videlicet.store import open_store

    grant, now = Grant("tester", Purpose.INGEST), datetime.now(UTC)
    with open_store(load(home), write=True) as store:
        index = store.catalog.index(store.scope(grant), "default")
        for number, status in enumerate((Status.QUEUED, Status.RUNNING)):
            task = Task(
                f"{number}" * 24, index.id, f"/videos/{number}.mp4", status, now, now,
                stage="observe" if number else None, done_s=1.5, total_s=3.0 if number else None,
            )  # fmt: skip
            store.catalog.put_task(store.scope(grant), task)
    assert "observe, 0:00:01.5 of 0:00:03.0" in videlicet("status").out
    assert videlicet("status", "--cancel", "0000", "--json").json["status"] == "cancelled"
    assert "Cancelled /videos/1.mp4." in videlicet("status", "--cancel", "1111").err


def test_progress_is_lines_of_json(videlicet, home, tmp_path):
    good = samples.video(tmp_path / "good.mp4", [Scene(RED, 2)])
    bad = samples.text_as_mp4(tmp_path / "bad.mp4")
    done = videlicet("add", good, bad, tmp_path / "gone.mp4", "--json")
    assert done.code == 1
    last = {Path(row["source"]).name: row for row in done.lines}
    assert {name: row["status"] for name, row in last.items()} == {
        "good.mp4": "ready",
        "bad.mp4": "failed",
        "gone.mp4": "failed",
    }
    assert last["gone.mp4"]["error"]["code"] == "path_not_found"
    assert last["good.mp4"]["done_s"] == pytest.approx(2)
    people = videlicet("add", good, bad)
    assert people.code == 1
    assert "1 of 2 ready, 1 of them already in the index." in people.err
    assert "[media_not_recognised]" in people.err


@pytest.mark.embedded("a folder holds everything")
def test_a_copy_of_the_directory_is_a_backup(videlicet, home, tmp_path):
    shutil.copytree(home, tmp_path / "backup")
    done = videlicet("--home", tmp_path / "backup", "search", "dog", "--json")
    assert found(done) == ["slide.mp4"]


def test_doctor(videlicet, home):
    done = videlicet("doctor", "--json")
    assert (done.code, done.json) == (0, [])
    assert "Nothing is wrong." in videlicet("doctor").out
    (home / "videlicet.json").write_text("{")
    done = videlicet("doctor", "--json")
    assert done.code == 1
    assert any(row["level"] == "error" and row["remedy"] for row in done.json)


def test_evaluate(videlicet, home, filled, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(filled / "videos", data / "videos")
    relevant = [{"file": "slide.mp4", "start_s": 0.0, "end_s": 2.0}]
    row = {"id": "q1", "modality": "text", "query": "dog", "kind": "speech", "relevant": relevant}
    (data / "manifest.json").write_text(json.dumps([{"file": "slide.mp4"}]))
    (data / "queries.json").write_text(json.dumps([row]))
    done = videlicet("evaluate", data, "--index", "default", "--queries", "--json")
    assert done.code == 0
    assert done.json["by_asset"]["text"]["speech"]["recall@1"] == 1.0
    assert len(done.json["queries"]) == 1
    assert "speech" in videlicet("evaluate", data, "--index", "default").out
    done = videlicet("evaluate", tmp_path / "none", "--json")
    assert done.code == 2


@pytest.mark.embedded("the original is read where it is")
def test_an_original_that_is_gone_is_reported_on_the_page(videlicet, home, tmp_path):
    recording = samples.video(tmp_path / "video.mp4", [Scene(RED, 2)])
    assert videlicet("add", recording).code == 0
    recording.unlink()
    out = tmp_path / "found.html"
    assert videlicet("search", "red", "--html", out).code == 0
    assert "is gone" in out.read_text("utf-8")
    with vl.open(home) as library, pytest.raises(MediaError):
        library.thumbnail(library.search("red").hits[0])
