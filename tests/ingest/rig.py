"""A library with the shipped model doubles, and all that stands in one, for comparing two."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests import samples
from tests.samples import Scene, Tone

from videlicet.ingest import Progress, ingest
from videlicet.media.sources import find_sources
from videlicet.rights import Grant, Purpose
from videlicet.settings import Settings, load
from videlicet.store import Store, open_store
from videlicet.types import Index, Status

GRANT = Grant("tester", Purpose.INGEST)
INDEXING = Grant("tester", Purpose.INDEX)
CARDS = {
    "text": "double-text",
    "vision": "double-vision",
    "reader": "double-reader",
    "speech": "double-speech",
    "sound": "double-sound",
}
NAME = "films"


@dataclass(frozen=True)
class Rig:
    """One data directory."""

    settings: Settings

    @classmethod
    def at(cls, home: Path, **settings: Any) -> Rig:
        return cls(load(home, **settings))

    @contextmanager
    def writing(self) -> Iterator[tuple[Store, Index]]:
        with open_store(self.settings, write=True, create=True) as store:
            there = {index.name: index for index in store.catalog.indexes(GRANT)}
            index = there.get(NAME) or store.catalog.create_index(GRANT, NAME, CARDS)
            yield store, index

    def add(self, *sources: str | Path) -> dict[str, Progress]:
        """The last news of each source, by file name."""
        with self.writing() as (store, index):
            found = find_sources([str(source) for source in sources])
            news = list(ingest(GRANT, store, self.settings, index, found))
        return {Path(one.source).name: one for one in news}

    @property
    def staged(self) -> list[Path]:
        folder = self.settings.home / "staging"
        return sorted(folder.rglob("*")) if folder.is_dir() else []

    def contents(self) -> dict[str, Any]:
        """Everything searchable, without what is random or says when it was written."""
        place = f"file:{self.settings.home / 'library.sqlite'}?mode=ro"
        with closing(sqlite3.connect(place, uri=True)) as base:
            return {name: sorted(base.execute(query)) for name, query in _CONTENTS.items()}

    def statuses(self) -> dict[str, Status]:
        with open_store(self.settings) as store:
            return {Path(t.source).name: t.status for t in store.catalog.tasks(GRANT)}


_CONTENTS = {
    "assets": "SELECT id, sha256, name, size, media, duration FROM assets",
    "indexed": "SELECT asset_id, status, notes FROM indexed_assets JOIN slots ON slots.key = slot",
    "observations": """
        SELECT asset_id, id, modality, card, span, payload
        FROM observations JOIN slots ON slots.key = slot""",
    "texts": """
        SELECT asset_id, modality, text_rows.id, span, text FROM text_rows
        JOIN slots ON slots.key = slot JOIN text_spaces ON text_spaces.key = space""",
    "vectors": """
        SELECT asset_id, modality, vector_spaces.space, count, ids, spans, vectors
        FROM vector_chunks JOIN slots ON slots.key = slot
        JOIN vector_spaces ON vector_spaces.key = vector_chunks.space""",
}


def films(folder: Path, count: int, seconds: float = 4) -> list[Path]:
    """Films that differ from each other, with sound, cuts and text on screen."""
    folder.mkdir(parents=True, exist_ok=True)
    colours = (samples.RED, samples.GREEN, samples.BLUE, samples.YELLOW)
    made = []
    for number in range(count):
        first, second = colours[number % 4], colours[(number + 1) % 4]
        scenes = (
            Scene(first, seconds / 2),
            Scene(second, seconds / 2 + number / 10, text=f"TITLE {number}"),
        )
        length = float(sum(Fraction(str(scene.seconds)) for scene in scenes))
        tones = [Tone(300 + 50 * number, length)]
        path = folder / f"film{number:02}.mp4"
        made.append(samples.video(path, scenes, size=(320, 240), rate=10, tones=tones))
    return made


def wait_for(news: Iterator[Progress], **wanted: Any) -> Progress:
    """The first news whose fields are as wanted."""
    for one in news:
        if all(getattr(one, name) == value for name, value in wanted.items()):
            return one
    raise AssertionError(f"no news of {wanted}")


def named(sources: Sequence[Path]) -> list[Any]:
    return list(find_sources([str(source) for source in sources]))
