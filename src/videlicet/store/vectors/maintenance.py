"""Building, checking and erasing the indexes over vectors."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select, update

from videlicet.caching import ByteCache
from videlicet.errors import NotFound
from videlicet.rights import OPEN, Policy
from videlicet.store.blobs import BlobBackend
from videlicet.store.catalog.expressions import is_any_of
from videlicet.store.catalog.repository import Repository
from videlicet.store.catalog.schema import indexes, vector_spaces
from videlicet.store.database import Database
from videlicet.store.home import Home, translated_errors
from videlicet.store.records import RUN_FIX, Finding, Level
from videlicet.store.vectors.ivf import RECALL, IvfIndex, IvfMetadata, build, discard, stage
from videlicet.store.vectors.mapped_files import build_lock
from videlicet.store.vectors.space_snapshot import SpaceSnapshot
from videlicet.store.vectors.tables import chunk_versions, read_chunks
from videlicet.types import random_id

#: Share of new rows (of those in the index) at which the index is built anew.
_REBUILD_SHARE = 0.25
#: Wide rows are searched exactly only up to this many values: 400 MB of memory a space.
_EXACT_VALUES = 100_000_000


#: The name of the lock among machines, and of the folder of indexes that are kept as objects.
ANN = "ann"


class VectorMaintenance(Repository):
    """What keeps the derived files in step with the rows of record."""

    def __init__(
        self,
        database: Database,
        *,
        writable: bool,
        home: Home,
        blobs: BlobBackend,
        threshold_rows: int,
        cache_bytes: int,
        policy: Policy = OPEN,
    ) -> None:
        super().__init__(database, writable=writable, policy=policy)
        self._home = home
        self._blobs = blobs
        self._threshold_rows = threshold_rows
        self._states: ByteCache[int, SpaceSnapshot] = ByteCache(
            cache_bytes, lambda state: state.nbytes
        )
        #: Rows put into each space since it was last looked at whether its index is due.
        self._unindexed_rows: dict[int, int] = {}

    def purge_deleted(self) -> int:
        """Make the built indexes forget what the database no longer holds, and remove files that
        belong to no index. Returns how many rows were overwritten; safe to repeat.

        Of an index that is kept as objects none is overwritten: it goes as a whole where anything
        in it is to be forgotten, and is built anew (:meth:`build_due_indexes`)."""
        self.require_writer()
        # Their centroids are in memory, and made of rows that are to be forgotten.
        self._states.discard(lambda state: state.inverted is not None)
        if self._blobs.remote:
            with self._database.advisory_lock(ANN):
                self._drop_stale_indexes()
            self.evict_stale_copies()
            return 0
        overwritten = 0
        wanted: set[str] = set()
        # An index under construction may hold what is to be forgotten: wait until it is there.
        with build_lock(self._home.ann):
            for row, current in self._indexed_spaces():
                metadata = IvfMetadata.from_json(row.ann_index)
                try:
                    index = IvfIndex(self._folder(row), row.dimensions, metadata)
                except (FileNotFoundError, ValueError):
                    # What cannot be read cannot be erased row by row: it goes as a whole.
                    continue
                wanted.add(metadata.generation)
                dead = [
                    owner
                    for owner, (slot, version) in enumerate(index.versions_by_slot().items())
                    if current.get(slot) != version and not index.is_erased(owner)
                ]
                overwritten += index.erase(np.array(dead, np.intp))
            for folder in self._home.ann.iterdir():
                if folder.name not in wanted:
                    shutil.rmtree(folder)
        return overwritten

    def evict_stale_copies(self) -> None:
        """Remove this machine's copies of indexes that hold no more."""
        if not self._blobs.remote:
            return
        with build_lock(self._home.ann):
            with self._read_transaction() as connection:
                wanted = {str(row.ann_index["generation"]) for row in _built(connection)}
            for folder in self._home.ann.iterdir():
                if folder.name not in wanted:
                    shutil.rmtree(folder)

    def build_due_indexes(self) -> None:
        """Build every index that is due, such as those that an erasure has taken back."""
        self.require_writer()
        with self._read_transaction() as connection:
            keys = list(connection.execute(select(vector_spaces.c.key)).scalars())
        for key in keys:
            self._optimize(key, force=False)

    def _drop_stale_indexes(self) -> None:
        """Take back the indexes that hold what the database no longer does, and erase the objects
        of those that are no more."""
        # Objects are read outside of any transaction; nobody builds an index meanwhile, and whoever
        # erases more comes here afterwards.
        built = self._indexed_spaces()
        stale = [row.key for row, current in built if self._has_deleted_rows(row, current)]
        if stale:
            with self._write_transaction() as connection:
                connection.execute(
                    update(vector_spaces)
                    .where(is_any_of(vector_spaces.c.key, stale))
                    .values(ann_index=None, version=vector_spaces.c.version + 1)
                )
        wanted = {str(row.ann_index["generation"]) for row, _ in built if row.key not in stale}
        there = {key.split("/")[1] for key in self._blobs.list_keys(f"{ANN}/")}
        self._blobs.erase([f"{ANN}/{generation}/" for generation in there - wanted])

    def _indexed_spaces(self) -> list[tuple[Row[Any], dict[int, int]]]:
        """The spaces that have an index, each with the version of every slot it now holds."""
        with self._database.read_transaction(fresh=True) as connection:
            return [
                (row, {slot: version for slot, version, _ in chunk_versions(connection, row.key)})
                for row in _built(connection)
            ]

    def _has_deleted_rows(self, space: Row[Any], current: Mapping[int, int]) -> bool:
        key = f"{ANN}/{space.ann_index['generation']}/slots.i64"
        try:
            (data,) = self._blobs.get_many([key])
        except NotFound:
            return True
        table = np.frombuffer(data, "<i8").reshape(-1, 3)
        return any(current.get(slot) != version for slot, version, _ in table.tolist())

    def _is_there(self, space: Row[Any]) -> bool:
        return self._blobs.remote or self._folder(space).is_dir()

    def _local_folder(self, space: Row[Any]) -> Path:
        """The folder of a space's index, copied to this machine where it is kept as objects.

        Raises:
            NotFound: ``blob_not_found``, if it was replaced meanwhile.
        """
        folder = self._folder(space)
        if not self._blobs.remote or folder.is_dir():
            return folder
        with build_lock(self._home.ann):
            if not folder.is_dir():
                partial = folder.with_name(folder.name + ".partial")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir(parents=True)
                with translated_errors(self._home.root):
                    for key in self._blobs.list_keys(f"{ANN}/{folder.name}/"):
                        self._blobs.read_into(key, partial / key.rpartition("/")[2])
                partial.rename(folder)
        return folder

    def is_whole(self, space: Row[Any]) -> bool:
        """Whether the files of a space's index are all there."""
        try:
            IvfIndex(
                self._local_folder(space),
                space.dimensions,
                IvfMetadata.from_json(space.ann_index),
            )
        except (FileNotFoundError, NotFound, ValueError):
            return False
        return True

    def check(self, fix: bool) -> Iterator[Finding]:
        """What is wrong with the approximate indexes, and how good they were measured."""
        with self._database.read_transaction() as connection:
            spaces = connection.execute(
                select(vector_spaces, indexes.c.name.label("index_name"))
                .join(indexes, indexes.c.id == vector_spaces.c.index_id)
                .where(vector_spaces.c.ann_index.is_not(None))
            ).all()
        wanted = {row.ann_index["generation"] for row in spaces}
        stray = [path for path in self._home.ann.glob("*") if path.name not in wanted]
        for row in spaces:
            yield self._check_index(row, fix)
        # Copies of what is kept as objects come and go by themselves.
        if stray and not self._blobs.remote:
            if fix:
                self.purge_deleted()
            yield Finding(
                Level.WARNING, self._home.ann.name, f"{len(stray)} folders belong to no index.",
                RUN_FIX, fixed=fix,
            )  # fmt: skip

    def _check_index(self, row: Row[Any], fix: bool) -> Finding:
        subject = f"{row.index_name} {row.modality}/{row.space}"
        if not self.is_whole(row):
            if fix:
                self.rebuild(row.key)
            return Finding(
                Level.WARNING, subject, "Its index is not whole: search is exact, but slow.",
                RUN_FIX, fixed=fix,
            )  # fmt: skip
        built = IvfMetadata.from_json(row.ann_index)
        good = built.recall_at_10 >= RECALL
        return Finding(
            Level.INFO if good else Level.WARNING, subject,
            f"Approximate over {built.rows} rows, measured recall@10 {built.recall_at_10:.3f} "
            f"(@100 {built.recall_at_100:.3f}), {built.nprobe} of {built.nlist} lists searched.",
            "Nothing to do." if good else RUN_FIX,
        )  # fmt: skip

    def rebuild(self, key: int) -> None:
        """Build a space's index anew."""
        self.require_writer()
        self._optimize(key, force=True)

    def _folder(self, space: Row[Any]) -> Path:
        return self._home.ann / str(space.ann_index["generation"])

    def _build_if_due(self, key: int, rows: int) -> None:
        """Build the index of a space if it is due; looked at once for many rows."""
        untended = self._unindexed_rows.get(key, self._threshold_rows) + rows
        if 20 * untended >= self._threshold_rows:
            self._optimize(key, force=False)
            untended = 0
        self._unindexed_rows[key] = untended

    def _optimize(self, key: int, force: bool) -> IvfMetadata | None:
        # The lock before the folder's: in this order everywhere.
        with self._database.advisory_lock(ANN), build_lock(self._home.ann):
            metadata = self._build(key, force)
        if metadata is not None:
            # Removes the generation before, and rows erased while this one was built.
            self.purge_deleted()
        return metadata

    def _build(self, key: int, force: bool) -> IvfMetadata | None:
        folder = self._home.ann / random_id()
        try:
            with translated_errors(self._home.root):
                return self._build_in(folder, key, force)
        except BaseException:
            discard(folder)
            raise

    def _build_in(self, folder: Path, key: int, force: bool) -> IvfMetadata | None:
        with self._database.read_transaction(fresh=True) as connection:
            space = connection.execute(
                select(vector_spaces).where(vector_spaces.c.key == key)
            ).first()
            if space is None:
                return None
            total, fresh = self._pending(connection, space)
            threshold_rows = min(self._threshold_rows, _EXACT_VALUES // space.dimensions)
            due = total > threshold_rows and fresh > _REBUILD_SHARE * (total - fresh)
            if not total or not (due or force):
                return None
            chunks = read_chunks(connection, self._blobs, key, space.dimensions)
            table = stage(folder, chunks, rows=total, dimensions=space.dimensions)
        # Whatever changes from here on is searched beside the index, or passed over in it.
        metadata = build(
            folder,
            table,
            rows=total,
            dimensions=space.dimensions,
            generation=folder.name,
            version=space.version,
        )
        if self._blobs.remote:
            for file in sorted(folder.iterdir()):
                self._blobs.write(f"{ANN}/{folder.name}/{file.name}", file)
        with self._write_transaction() as connection:
            connection.execute(
                update(vector_spaces)
                .where(vector_spaces.c.key == key)
                .values(ann_index=metadata.to_json(), version=vector_spaces.c.version + 1)
            )
        return metadata

    def _pending(self, connection: Connection, space: Row[Any]) -> tuple[int, int]:
        """Rows in the space, and rows that its index does not cover."""
        listed = chunk_versions(connection, space.key)
        total = sum(count for _, _, count in listed)
        if space.ann_index is None or not self._is_there(space):
            return total, total
        built = space.ann_index["version"]
        return total, sum(count for _, version, count in listed if version > built)


def _built(connection: Connection) -> Sequence[Row[Any]]:
    """The spaces that have an index."""
    return connection.execute(
        select(vector_spaces).where(vector_spaces.c.ann_index.is_not(None))
    ).all()
