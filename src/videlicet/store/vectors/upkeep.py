"""Building, checking and erasing the indexes over vectors."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select, update

from videlicet.store.catalog.part import Part
from videlicet.store.catalog.schema import vector_spaces
from videlicet.store.database import Database
from videlicet.store.home import Home, translated
from videlicet.store.vectors.files import building
from videlicet.store.vectors.inverted import Inverted, Sketch, build
from videlicet.store.vectors.state import State
from videlicet.store.vectors.tables import listing, read_chunks
from videlicet.types import random_id

#: Share of new rows (of those in the index) at which the index is built anew.
_STALE = 0.25
#: Wide rows are searched exactly only up to this many values: 400 MB of memory a space.
_EXACT_VALUES = 100_000_000


class Upkeep(Part):
    """What keeps the derived files in step with the rows of record."""

    def __init__(self, database: Database, *, writable: bool, home: Home, exact_rows: int) -> None:
        super().__init__(database, writable=writable)
        self._home = home
        self._exact_rows = exact_rows
        self._states: dict[int, State] = {}
        self._lock = threading.Lock()
        #: Rows put into each space since it was last looked at whether its index is due.
        self._untended: dict[int, int] = {}

    def scrub(self) -> int:
        """Make the built indexes forget what the database no longer holds, and remove files that
        belong to no index. Returns how many rows were overwritten; safe to repeat."""
        self.require_writer()
        self._states.clear()
        overwritten = 0
        wanted: set[str] = set()
        # An index under construction may hold what is to be forgotten: wait until it is there.
        with building(self._home.sketches):
            with self._reading() as connection:
                spaces = connection.execute(
                    select(vector_spaces).where(vector_spaces.c.sketch.is_not(None))
                ).all()
                for row in spaces:
                    sketch = Sketch.from_json(row.sketch)
                    try:
                        index = Inverted(self._folder(row), row.dimensions, sketch)
                    except (FileNotFoundError, ValueError):
                        # What cannot be read cannot be erased row by row: it goes as a whole.
                        continue
                    wanted.add(sketch.generation)
                    current = {slot: v for slot, v, _ in listing(connection, row.key)}
                    dead = [
                        owner
                        for owner, (slot, version) in enumerate(index.held().items())
                        if current.get(slot) != version and not index.is_erased(owner)
                    ]
                    overwritten += index.erase(np.array(dead, np.intp))
            for folder in self._home.sketches.iterdir():
                if folder.name not in wanted:
                    shutil.rmtree(folder)
        return overwritten

    def is_whole(self, space: Row[Any]) -> bool:
        """Whether the files of a space's index are all there."""
        try:
            Inverted(
                self._folder(space),
                space.dimensions,
                Sketch.from_json(space.sketch),
            )
        except (FileNotFoundError, ValueError):
            return False
        return True

    def rebuild(self, key: int) -> None:
        """Build a space's index anew."""
        self.require_writer()
        self._optimize(key, force=True)

    def _folder(self, space: Row[Any]) -> Path:
        return self._home.sketches / str(space.sketch["generation"])

    def _tend(self, key: int, rows: int) -> None:
        """Build the index of a space if it is due; looked at once for many rows."""
        untended = self._untended.get(key, self._exact_rows) + rows
        if 20 * untended >= self._exact_rows:
            self._optimize(key, force=False)
            untended = 0
        self._untended[key] = untended

    def _optimize(self, key: int, force: bool) -> Sketch | None:
        with building(self._home.sketches):
            sketch = self._build(key, force)
        if sketch is not None:
            # Removes the generation before, and rows erased while this one was built.
            self.scrub()
        return sketch

    def _build(self, key: int, force: bool) -> Sketch | None:
        with self._reading() as connection:
            space = connection.execute(
                select(vector_spaces).where(vector_spaces.c.key == key)
            ).one()
            total, fresh = self._pending(connection, space)
            exact_rows = min(self._exact_rows, _EXACT_VALUES // space.dimensions)
            due = total > exact_rows and fresh > _STALE * (total - fresh)
            if not total or not (due or force):
                return None
            generation = random_id()
            with translated(self._home.root):
                sketch = build(
                    self._home.sketches / generation,
                    lambda: read_chunks(connection, key, space.dimensions),
                    rows=total,
                    dimensions=space.dimensions,
                    generation=generation,
                    version=space.version,
                )
        with self._writing() as connection:
            connection.execute(
                update(vector_spaces)
                .where(vector_spaces.c.key == key)
                .values(sketch=sketch.to_json(), version=vector_spaces.c.version + 1)
            )
        return sketch

    def _pending(self, connection: Connection, space: Row[Any]) -> tuple[int, int]:
        """Rows in the space, and rows that its index does not cover."""
        listed = listing(connection, space.key)
        total = sum(count for _, _, count in listed)
        if space.sketch is None or not (self._folder(space)).is_dir():
            return total, total
        built = space.sketch["version"]
        return total, sum(count for _, version, count in listed if version > built)
