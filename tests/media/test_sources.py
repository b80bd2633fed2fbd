from __future__ import annotations

import os
from pathlib import Path

import pytest

from videlicet.media import find_sources, sources
from videlicet.media.sources import SourceItem
from videlicet.registry import Registry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.MKV", "notes.txt", ".hidden.mp4", "deep/er/c.wav", "deep/d.webm"):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "videos"


def names(sources):
    return [source.path.name for source in sources if source.path is not None]


def codes(sources):
    return [source.error.code for source in sources if source.error is not None]


def test_a_folder_is_searched_to_the_bottom_in_order(folder):
    found = find_sources([str(folder)])
    assert names(found) == ["a.MKV", "b.mp4", "d.webm", "c.wav"]
    assert all(source.path.is_absolute() for source in found)
    assert codes(found) == []


def test_a_file_named_itself_is_taken_whatever_it_is_called(folder):
    assert names(find_sources([folder / "notes.txt"])) == ["notes.txt"]
    assert names(find_sources([str(folder / ".hidden.mp4")])) == [".hidden.mp4"]


def test_globs(folder):
    assert names(find_sources([f"{folder}/*.mp4"])) == ["b.mp4"]
    assert names(find_sources([f"{folder}/**/*.w*"])) == ["d.webm", "c.wav"]
    assert names(find_sources([f"{folder}/dee?"])) == ["d.webm", "c.wav"]
    assert codes(find_sources([f"{folder}/*.avi"])) == ["path_not_found"]


def test_a_name_with_brackets_is_a_name_first(folder):
    (folder / "take [1].mp4").write_bytes(b"x")
    assert names(find_sources([f"{folder}/take [1].mp4"])) == ["take [1].mp4"]


def test_each_file_only_once(folder):
    found = find_sources([folder / "b.mp4", folder, f"{folder}/*.mp4", f"{folder}/deep/../b.mp4"])
    assert sorted(names(found)) == ["a.MKV", "b.mp4", "c.wav", "d.webm"]


def test_paths_with_dots_and_links(folder, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(folder / "deep")
    assert names(find_sources([f"{tmp_path}/link/../b.mp4"])) == ["b.mp4"]
    monkeypatch.chdir(folder / "deep")
    assert names(find_sources(["../b.mp4", "er"])) == ["b.mp4", "c.wav"]
    monkeypatch.setenv("HOME", str(folder))
    assert names(find_sources(["~/b.mp4"])) == ["b.mp4"]


def test_a_link_back_is_reported_and_does_not_stop_the_rest(folder):
    (folder / "deep" / "again").symlink_to(folder)
    found = find_sources([folder])
    assert names(found) == ["a.MKV", "b.mp4", "d.webm", "c.wav"]
    assert codes(found) == ["path_not_allowed"]


def test_a_loop_of_links_is_reported(folder):
    (folder / "one").symlink_to(folder / "two")
    (folder / "two").symlink_to(folder / "one")
    assert codes(find_sources([folder / "one"])) == ["path_not_allowed"]
    found = find_sources([folder])
    assert names(found) == ["a.MKV", "b.mp4", "d.webm", "c.wav"]
    assert codes(found) == ["path_not_allowed", "path_not_allowed"]


def test_a_dangling_link_is_reported(folder):
    (folder / "gone.mp4").symlink_to(folder / "nowhere.mp4")
    found = find_sources([folder])
    assert codes(found) == ["path_not_found"]
    assert len(names(found)) == 4


def test_an_unreadable_folder_is_reported(folder, monkeypatch):
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)  # a superuser may read any folder
    found = find_sources([folder])
    assert names(found) == ["a.MKV", "b.mp4"]
    assert codes(found) == ["path_not_readable"]


@pytest.mark.skipif(os.geteuid() == 0, reason="a superuser may read any folder")
def test_a_folder_without_permission_is_reported(folder):
    (folder / "deep").chmod(0)
    try:
        assert codes(find_sources([folder])) == ["path_not_readable"]
    finally:
        (folder / "deep").chmod(0o755)


def test_what_does_not_exist_and_what_is_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    found = find_sources([tmp_path / "empty", tmp_path / "missing.mp4", "", "a\0b", "x" * 5000])
    assert codes(found) == ["nothing_to_add"] + ["path_not_found"] * 4
    assert all(source.path is None for source in found)


def test_any_name_can_be_printed(tmp_path):
    for name in (b"caf\xe9\xff.mp4", "🎬 naïve.mp4".encode(), b"-rf.mp4", b"a\nb.mp4"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"x")
    found = find_sources([tmp_path])
    assert len(found) == 4
    for source in found:
        source.name.encode()
        assert source.path is not None
        assert source.path.exists()


def test_addresses():
    found = find_sources(["https://example.org/a.mp4", "HTTP://example.org/b.mp4"])
    assert [source.url for source in found] == [
        "https://example.org/a.mp4",
        "HTTP://example.org/b.mp4",
    ]
    assert (
        codes(find_sources(["ftp://example.org/a", "file:///etc/passwd", "gopher://x"]))
        == ["url_not_allowed"] * 3
    )


class Bucket:
    """Files under a prefix, as a package may add them."""

    def expand(self, address):
        return [
            SourceItem(f"{address}{name}", url=f"{address}{name}") for name in ("a.mp4", "b.mp4")
        ]

    def fetch(self, address, into, settings, *, progress):
        progress(0, None)
        into.write_text(address)


def test_a_scheme_of_another_package_names_files_and_brings_them(tmp_path, monkeypatch):
    registry = Registry("videlicet.sources.of_this_test", "source scheme")
    registry.add("s3", Bucket())
    monkeypatch.setattr(sources, "SOURCES", registry)
    found = find_sources(["S3://bucket/", "s3://bucket/"])
    assert [one.url for one in found] == [
        "S3://bucket/a.mp4", "S3://bucket/b.mp4", "s3://bucket/a.mp4", "s3://bucket/b.mp4",
    ]  # fmt: skip
    asked = []
    sources.fetch_source(found[0].url, tmp_path / "a", None, lambda: asked.append(1))
    assert (tmp_path / "a").read_text() == "S3://bucket/a.mp4"
    assert asked == [1]
