"""A library with the shipped model doubles, and all that stands in one, for comparing two."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from sqlalchemy import text
from tests import samples

from videlicet.ingest import Progress, ingest
from videlicet.ingest.context import IngestContext
from videlicet.jobs.context import WorkerContext
from videlicet.media.sources import find_sources
from videlicet.models import fakes
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.saved_searches.evaluator import SavedSearchEvaluator
from videlicet.settings import Settings, load
from videlicet.store import Store, open_store
from videlicet.types import Asset, AssetStatus, Index, Status

GRANT = Grant("tester", Purpose.INGEST)
INDEXING = Grant("tester", Purpose.INDEX)
CARDS = fakes.IDS
NAME = "videos"
FRAMES, RATE = 10, 16_000
_COLOURS = (samples.RED, samples.GREEN, samples.BLUE, samples.YELLOW)


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
            there = {index.name: index for index in store.catalog.indexes(store.scope(GRANT))}
            index = there.get(NAME) or store.catalog.create_index(store.scope(GRANT), NAME, CARDS)
            yield store, index

    @contextmanager
    def working(self) -> Iterator[tuple[IngestContext, Index]]:
        """A worker's context in this process, with nothing that drives it."""
        with self.writing() as (store, index):
            models = ",".join(f"{role}={id}" for role, id in CARDS.items())
            settings = load(self.settings.home, models=models)
            grant = Grant("worker", Purpose.INGEST, EVERY_TENANT)
            worker = WorkerContext(
                store.scope(grant), store, settings, lambda _: None, threading.Event(), None
            )
            context = IngestContext(worker, SavedSearchEvaluator(store, settings, worker.exclusive))
            try:
                yield context, index
            finally:
                context.close()

    def add(self, *sources: str | Path) -> dict[str, Progress]:
        """The last news of each source, by file name."""
        with self.writing() as (store, index):
            found = find_sources([str(source) for source in sources])
            news = list(ingest(store.scope(GRANT), store, self.settings, index, found))
        return {Path(one.source).name: one for one in news}

    @property
    def staged(self) -> list[Path]:
        folder = self.settings.home / "staging"
        return sorted(folder.rglob("*")) if folder.is_dir() else []

    def contents(self) -> dict[str, Any]:
        """Everything searchable, without what is random or says when it was written."""
        if self.settings.database_url:
            return self._shared_contents()
        place = f"file:{self.settings.home / 'library.sqlite'}?mode=ro"
        with closing(sqlite3.connect(place, uri=True)) as base:
            return {name: sorted(base.execute(query)) for name, query in _CONTENTS.items()}

    def _shared_contents(self) -> dict[str, Any]:
        """The same where words are read from their rows, and vectors from their objects."""
        with open_store(self.settings) as store:
            with store.database.read_transaction() as base:
                found = {
                    name: [tuple(map(_plain, row)) for row in base.execute(text(query))]
                    for name, query in {**_CONTENTS, **_SHARED_CONTENTS}.items()
                }
            found["vectors"] = [
                (*row, store.blobs.get(store.scope(GRANT), blob)) for *row, blob in found["vectors"]
            ]
        return {name: sorted(rows, key=repr) for name, rows in found.items()}

    def statuses(self) -> dict[str, Status]:
        with open_store(self.settings) as store:
            return {Path(t.source).name: t.status for t in store.catalog.tasks(store.scope(GRANT))}


def put_asset(
    store: Store, id: str, status: AssetStatus = AssetStatus.READY, **fields: Any
) -> Asset:
    """An asset of the tenant, as an upload of a video would have made it."""
    made = {"name": "video.mp4", "created_at": datetime.now(UTC), "method": "direct", **fields}
    if status is AssetStatus.READY:
        made = {"type": "video", "sha256": "0" * 64, **made}
    asset = Asset(id, status=status, **made)
    store.catalog.put_asset(store.scope(GRANT), asset)
    return asset


def _plain(value: Any) -> Any:
    """A value as a data directory holds it: JSON is text there."""
    return json.dumps(value) if isinstance(value, (dict, list)) else value


_CONTENTS = {
    "assets": "SELECT id, sha256, name, size, recording, duration FROM assets",
    "videos": "SELECT asset_id, status, notes FROM videos JOIN slots ON slots.key = slot",
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


_SHARED_CONTENTS = {
    "texts": """
        SELECT asset_id, modality, text_chunks.count, rows FROM text_chunks
        JOIN slots ON slots.key = slot JOIN text_spaces ON text_spaces.key = space""",
    "vectors": """
        SELECT asset_id, modality, vector_spaces.space, count, blob FROM vector_chunks
        JOIN slots ON slots.key = slot
        JOIN vector_spaces ON vector_spaces.key = vector_chunks.space""",
}


def make_videos(folder: Path, count: int, seconds: float = 4) -> list[Path]:
    """Videos that differ from each other: two shots, the second with text on screen, and words."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_video(folder / f"video{number:02}.mkv", number, seconds) for number in range(count)]


def _video(path: Path, number: int, seconds: float) -> Path:
    first, second = (_COLOURS[(number + step) % len(_COLOURS)] for step in (0, 1))
    words = [fakes.VOCABULARY[(7 * number + n) % 40] for n in range(6)]
    said = np.concatenate([fakes.synthesize_speech(*words[:4]), np.zeros(RATE * 2, np.float32)])
    sound = np.resize(
        np.concatenate([said, fakes.synthesize_speech(*words[4:]), said]), int(seconds * RATE)
    )
    with av.open(str(path), "w") as out:
        picture: Any = out.add_stream("libx264", rate=FRAMES, options={"preset": "ultrafast"})
        picture.width, picture.height, picture.pix_fmt = 320, 240, "yuv420p"
        track: Any = out.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for index in range(int(seconds * FRAMES)):
            late = index >= seconds * FRAMES / 2 + number
            image = samples.picture(colour=second if late else first, step=index)
            if late:
                image = fakes.draw_text(image, f"TITLE {number}")
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FRAMES)
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        track_samples = (sound * 32767).astype(np.int16)
        for at in range(0, len(track_samples), 4096):
            chunk = av.AudioFrame.from_ndarray(track_samples[None, at : at + 4096], "s16", "mono")
            chunk.sample_rate, chunk.time_base, chunk.pts = RATE, Fraction(1, RATE), at
            out.mux(track.encode(chunk))
        out.mux(track.encode(None))
    return path


def wait_for(news: Iterator[Progress], **wanted: Any) -> Progress:
    """The first news whose fields are as wanted."""
    for one in news:
        if all(getattr(one, name) == value for name, value in wanted.items()):
            return one
    raise AssertionError(f"no news of {wanted}")
