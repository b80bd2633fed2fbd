"""A library that nothing was added to: lists are empty, and what is named is not found."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import videlicet
from videlicet import Hit, Library, NotFound, Span
from videlicet.errors import VidelicetError

pytestmark = pytest.mark.embedded("a data directory that is not there")

NAME = "0123456789abcdef01234567"
SPAN = Span(Fraction(0), Fraction(1))
HIT = Hit(NAME, NAME, "a.mp4", SPAN, 1.0, 1, ())

#: What lists, and what it says.
EMPTY: dict[str, Callable[[Library], Any]] = {
    "assets": lambda library: library.assets(),
    "videos": lambda library: library.videos(),
    "indexes": lambda library: library.indexes(),
    "matches": lambda library: library.matches(),
    "saved_searches": lambda library: library.saved_searches(),
    "retry": lambda library: list(library.retry()),
    "search": lambda library: list(library.search("a dog").hits),
    "tasks": lambda library: library.tasks(),
}
#: What needs something that is there.
NAMED: dict[str, Callable[[Library], Any]] = {
    "ask": lambda library: library.ask("Who?"),
    "asset": lambda library: library.asset(NAME),
    "assets": lambda library: library.assets("none"),
    "cancel": lambda library: library.cancel(NAME),
    "chapters": lambda library: library.chapters(NAME),
    "classify": lambda library: library.classify({"a": ["a"], "b": ["b"]}),
    "clip": lambda library: library.clip(HIT, "/nowhere/clip.mp4"),
    "compare": lambda library: library.compare(NAME, NAME),
    "delete_index": lambda library: library.delete_index("none"),
    "delete_saved_search": lambda library: library.delete_saved_search("none"),
    "export": lambda library: library.export("subtitles.srt", NAME),
    "extract": lambda library: library.extract({"type": "object"}, NAME),
    "gist": lambda library: library.gist(NAME),
    "highlights": lambda library: library.highlights(NAME),
    "index": lambda library: library.index(),
    "matches": lambda library: library.matches("none"),
    "matrix": lambda library: library.matrix(["Who?"], kept="/nowhere/m.jsonl"),
    "observations": lambda library: library.observations(NAME),
    "saved_searches": lambda library: library.saved_searches("none"),
    "remove": lambda library: library.remove(NAME),
    "save_search": lambda library: library.save_search("dogs", "a dog"),
    "search": lambda library: library.search("a dog", index="none"),
    "set_metadata": lambda library: library.set_metadata(NAME, {"a": 1}),
    "summarize": lambda library: library.summarize(NAME),
    "tasks": lambda library: library.tasks("none"),
}
#: What makes a library, asks nothing of it, or has its own tests.
OTHERS = {"add", "close", "create_index", "doctor", "ingest", "original", "thumbnail"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "fresh"


@pytest.fixture
def library(home: Path) -> Iterator[Library]:
    with videlicet.open(home) as one:
        yield one


def test_every_method_is_here() -> None:
    public = {
        name
        for name, member in inspect.getmembers(Library, inspect.isfunction)
        if not name.startswith("_")
    }
    assert public == EMPTY.keys() | NAMED.keys() | OTHERS


@pytest.mark.parametrize("name", EMPTY)
def test_lists_are_empty(name: str, library: Library, home: Path) -> None:
    assert EMPTY[name](library) == []
    assert not home.exists()


@pytest.mark.parametrize("name", NAMED)
def test_what_is_named_is_not_found(name: str, library: Library, home: Path) -> None:
    with pytest.raises(NotFound) as caught:
        NAMED[name](library)
    assert isinstance(caught.value, VidelicetError)
    assert not home.exists()


def test_what_is_added_by_another_is_seen(library: Library, home: Path) -> None:
    assert library.indexes() == []
    with videlicet.open(home) as other:
        other.create_index("videos")
    assert [index.name for index in library.indexes()] == ["videos"]


def test_what_it_adds_itself_is_seen(library: Library) -> None:
    assert library.indexes() == []
    library.create_index("videos")
    assert [index.name for index in library.indexes()] == ["videos"]
    assert library.assets("videos") == []
