"""Bad input: a clear error, an exit code other than 0, nothing lost, nothing half-written."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests import samples
from tests.cli.conftest import EMOJI, LATIN
from tests.samples import RED, YELLOW, Scene

from videlicet.models.fakes import IDS
from videlicet.settings import load
from videlicet.store import open_store

COMMAND = [sys.executable, "-m", "videlicet"]

HOSTILE = [
    ("empty.mp4", lambda path: path.touch(), "media_empty"),
    ("text.mp4", samples.text_as_mp4, "media_not_recognised"),
    ("no-moov.mp4", lambda p: samples.truncated(p, header_first=False), "media_truncated"),
    ("cut.mp4", lambda path: samples.truncated(path, keep=0.7), "media_truncated"),
    ("nought.mp4", samples.zero_duration, "media_zero_duration"),
    ("huge.avi", samples.huge_header, "media_too_large"),
    ("ten-hours.mp4", samples.long_header, "media_duration_implausible"),
    ("strange.mp4", samples.unsupported_codec, "media_codec_unsupported"),
    ("locked.mp4", samples.encrypted, "media_encrypted"),
    ("hollow.mp4", samples.no_stream, "media_no_stream"),
    ("list.mp4", lambda p: samples.playlist_as_mp4(p, "/etc/passwd"), "media_not_recognised"),
]


def contents(videlicet):
    """All that can be seen of a library."""
    assets = videlicet("list", "--json").json
    details = [videlicet("show", row["asset"]["id"], "--json").json for row in assets]
    return sorted(json.dumps(row, sort_keys=True) for row in details)


@pytest.mark.slow
def test_hostile_files_in_a_folder(videlicet, home, tmp_path):
    before = contents(videlicet)
    folder = tmp_path / "videos"
    folder.mkdir()
    for name, make, _ in HOSTILE:
        make(folder / name)
    done = videlicet("add", folder, "--json")
    last = {Path(row["source"]).name: row for row in done.lines}
    codes = {name: row["error"]["code"] for name, row in last.items()}
    assert codes == {name: code for name, _, code in HOSTILE}
    assert all(row["error"]["remedy"] for row in last.values())
    assert done.code == 2
    assert contents(videlicet) == before
    # With a good video beside them that one is found, and the others are reported again.
    good = samples.video(folder / "good.mp4", [Scene(RED, 1)])
    people = videlicet("add", good, *(folder / name for name, _, _ in HOSTILE[:3]))
    assert people.code == 1
    assert "1 of 4 ready." in people.err
    for name, _, code in HOSTILE[:3]:
        assert str(folder / name) in people.err
        assert f"[{code}]" in people.err
    assert len(contents(videlicet)) == len(before) + 1


def test_damage_in_the_middle(videlicet, home, tmp_path):
    recording = samples.corrupt_packets(tmp_path / "scratched.mp4")
    done = videlicet("add", recording, "--json")
    assert done.code == 0
    assert any("2.0–3.5" in note for note in done.lines[-1]["notes"])
    details = videlicet("show", "scratched.mp4", "--json").json
    assert details["notes"] == done.lines[-1]["notes"]
    assert details["observations"]
    assert "damaged" in videlicet("show", "scratched.mp4").err


def test_a_folder_that_cannot_be_read(videlicet, home, filled, tmp_path, monkeypatch):
    folder = tmp_path / "videos"
    shutil.copytree(filled / "videos", folder / "open")
    (folder / "closed").mkdir()
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)  # a superuser may read any folder
    done = videlicet("add", folder, "--json")
    failed = [row for row in done.lines if row["status"] == "failed"]
    assert done.code == 1
    assert [row["error"]["code"] for row in failed] == ["path_not_readable"]
    assert videlicet("add", folder / "closed").code == 2


def test_names_of_every_kind(videlicet, home, tmp_path, monkeypatch):
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "loop").symlink_to(folder)
    names = [LATIN, EMOJI, "-rf.mp4", "a\nb.mp4", "'; DROP TABLE assets; --.mp4", "[1]*?.mp4"]
    for number, name in enumerate(names):
        samples.video(folder / name, [Scene(YELLOW, 1 + number / 10)])
    done = videlicet("add", folder, "--json")
    failed = [row for row in done.lines if row["status"] == "failed"]
    assert [row["error"]["code"] for row in failed] == ["path_not_allowed"]
    assert done.code == 1
    assets = [row["asset"]["name"] for row in videlicet("list", "--json").json]
    for name in ("caf\\xe9.mp4", EMOJI, "-rf.mp4", names[4], names[5]):
        assert name in assets
    table = videlicet("list").out
    assert table.isprintable() is False  # line ends
    assert all(line.isprintable() for line in table.splitlines())
    monkeypatch.chdir(folder)
    assert videlicet("add", "--", "-rf.mp4", f"../videos/loop/../videos/{EMOJI}").code == 0
    assert len(videlicet("list", "--json").json) == len(assets)


def test_names_are_printed_where_the_locale_has_no_such_signs(home):
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    for words in (["list"], ["list", "--json"], ["search", "green"]):
        done = subprocess.run([*COMMAND, *words], env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr
        done.stdout.decode("ascii")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nowhere.mp4", "path_not_found"),
        ("*.mp4", "path_not_found"),
        ("", "path_not_found"),
        (".", "nothing_to_add"),
        ("ftp://example.org/a.mp4", "url_not_allowed"),
        ("http://127.0.0.1:9/a.mp4", "url_not_allowed"),
    ],
)
def test_sources_that_are_none(videlicet, home, tmp_path, monkeypatch, name, code):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    before = contents(videlicet)
    done = videlicet("add", name, "--json")
    assert (done.code, done.lines[-1]["error"]["code"]) == (2, code)
    assert contents(videlicet) == before


@pytest.mark.parametrize(
    ("words", "number", "code"),
    [
        ([], 2, "query_empty"),
        ([""], 2, "query_empty"),
        (["  \n "], 2, "query_empty"),
        (['""'], 2, "query_empty"),
        (["--not", "rain"], 2, "query_empty"),
        (["word " * 999], 2, "query_too_long"),
        (["--image", "{text}"], 2, "query_media_invalid"),
        (["--image", "{nothing}"], 2, "path_not_found"),
        (["--audio", "{text}"], 2, "query_media_invalid"),
        (["--video", "{text}"], 2, "query_media_invalid"),
        (["a dog", "--index", "nobody"], 3, "index_not_found"),
        (["a dog", "--filter", '{"a": {"like": 1}}'], 2, "filter_invalid"),
    ],
)
def test_searches_that_cannot_be_run(videlicet, home, tmp_path, words, number, code):
    text = tmp_path / "text.jpg"
    text.write_text("This is not a picture.")
    named = [word.format(text=text, nothing=tmp_path / "no.jpg") if "{t" in word or "{n" in word
             else word for word in words]  # fmt: skip
    done = videlicet("search", *named, "--json")
    assert (done.code, done.out) == (number, "")
    assert done.error["code"] == code
    assert done.error["remedy"] in videlicet("search", *named).err


@pytest.mark.embedded("one process writes")
def test_a_second_writer_is_refused_and_readers_are_not(videlicet, home, filled):
    with open_store(load(home), write=True):
        done = videlicet("add", filled / "videos", "--json")
        assert (done.code, done.error["code"]) == (5, "database_locked")
        assert str(os.getpid()) in done.error["message"]
        assert videlicet("remove", "slide.mp4").code == 5
        assert videlicet("search", "dog", "--json").json["hits"]
        assert len(videlicet("list", "--json").json) == 3


def test_a_newer_data_directory_is_left_alone(videlicet, home, filled):
    (home / "videlicet.json").write_text('{"format": 999}')
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    for words in (["list"], ["add", filled / "videos"], ["search", "dog"], ["remove", "slide.mp4"]):
        done = videlicet(*words, "--json")
        assert (done.code, done.error["code"]) == (6, "schema_too_new")
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
    assert videlicet("doctor").code == 1


#: Runs in a mount namespace of its own, where anybody may make a small disk.
SMALL_DISK = """
mount -t tmpfs -o size="$SIZE"k tmpfs "$DISK" && cp -a "$HOME_DIR" "$DISK/home" || exit 99
run() { "$PYTHON" -m videlicet --home "$DISK/home" "$@"; }
run add "$VIDEO" --json >"$OUT/add" 2>"$OUT/errors"; echo $? >"$OUT/code"
run search dog --json >"$OUT/search"
mount -o remount,size=16m "$DISK"
run add "$VIDEO" >"$OUT/again" 2>&1 || run status --retry >>"$OUT/again" 2>&1
run doctor --json >"$OUT/doctor"
run list --json >"$OUT/list"
"""


@pytest.mark.slow
@pytest.mark.embedded("the disk of a data directory")
def test_a_full_disk(home, tmp_path):
    recording = samples.video(tmp_path / "video.mp4", [Scene(RED, 2)])
    used = sum(path.stat().st_blocks // 2 for path in home.rglob("*"))
    out, disk = tmp_path / "out", tmp_path / "disk"
    out.mkdir()
    disk.mkdir()
    named = {
        "DISK": disk,
        "HOME_DIR": home,
        "VIDEO": recording,
        "OUT": out,
        "PYTHON": sys.executable,
    }
    environment = os.environ | {name: str(path) for name, path in named.items()}
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("there is no `unshare` to make a small disk with")
    done = subprocess.run(
        [unshare, "--map-root-user", "--mount", "sh", "-c", SMALL_DISK],
        env=environment | {"SIZE": str(used + 150)},
        capture_output=True,
        text=True,
    )
    if "unshare" in done.stderr or done.returncode == 99:
        pytest.skip(f"a small disk cannot be made here: {done.stderr}")
    said = {path.name: path.read_text() for path in out.iterdir()}
    assert said["code"] == "6\n", said
    assert '"disk_full"' in said["add"] + said["errors"]
    assert "Traceback" not in said["errors"]
    assert [hit["asset_name"] for hit in json.loads(said["search"])["hits"]] == ["slide.mp4"]
    states = {row["asset"]["name"]: row["status"] for row in json.loads(said["list"])}
    names = {"slide.mp4", EMOJI, "caf\\xe9.mp4", "video.mp4"}
    assert states == {name: ["ready"] for name in names}, said["again"]
    assert json.loads(said["doctor"]) == []


def test_a_page_that_does_not_fit_on_the_disk(videlicet, home, tmp_path, monkeypatch):
    out = tmp_path / "found.html"
    out.write_text("mine")

    def full(self, *_):
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        done = videlicet("search", "dog", "--html", out)
    assert done.code == 6
    assert "[disk_full]" in done.err
    assert out.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["found.html"]


def test_settings_that_are_none(videlicet, home):
    (home / "videlicet.toml").write_text("threads = 'many'")
    done = videlicet("list", "--json")
    assert (done.code, done.error["code"]) == (2, "invalid_argument")
    (home / "videlicet.toml").write_text("thread")
    assert videlicet("list").code == 2


def test_the_stand_ins_need_no_weights():
    assert set(IDS) == {"text", "vision", "ocr", "speech", "sound"}
