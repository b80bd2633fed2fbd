"""Questions × videos: every question asked of every video, and never twice of the same evidence."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from videlicet.analyze.backend import AnalysisBackend
from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.errors import Conflict, InvalidInput, StoreError, not_written
from videlicet.types import (
    Answer,
    EvidenceItem,
    Finish,
    Instant,
    Modality,
    Sentence,
    Span,
    Usage,
    derived_id,
)

_VERSION = 1
#: How every line begins.
_HEAD = b'{"version": 1, "key": "'


@dataclass(frozen=True, slots=True)
class Cell:
    """The answer to one question from one asset. ``key`` is derived from both, from who answered,
    and from the evidence, so what is answered once need not be asked again until one of them
    changes."""

    question: str
    asset_id: str
    key: str
    answer: Answer

    def to_json(self) -> dict[str, Any]:
        return {
            "question": self.question,
            "asset_id": self.asset_id,
            "answer": self.answer.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Matrix:
    """Questions as rows, assets as columns. ``names`` are those of the assets by id, ``begins``
    where their timelines begin; ``cells`` are in the order of rows, then of columns, one for each
    pair."""

    questions: tuple[str, ...]
    asset_ids: tuple[str, ...]
    names: Mapping[str, str]
    begins: Mapping[str, Instant]
    cells: tuple[Cell, ...]

    def row(self, question: str) -> tuple[Cell, ...]:
        """The cells of one question, one for each asset."""
        first = self.questions.index(question) * len(self.asset_ids)
        return self.cells[first : first + len(self.asset_ids)]

    def to_json(self) -> dict[str, Any]:
        return {
            "questions": list(self.questions),
            "assets": [{"id": id, "name": self.names[id]} for id in self.asset_ids],
            "cells": [cell.to_json() for cell in self.cells],
        }


class MatrixStore:
    """Finished cells in a file: one line of JSON each, on the disk before the next is begun.

    Whoever is killed while writing leaves at most a last line that is cut short; it is dropped when
    the file is opened again. One process at a time may have it open. Use :func:`open_matrix_store`.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file
        self._cells: dict[str, Cell] = {}
        #: Where the last line that is whole ends.
        self._end = 0
        self._read()

    def get(self, key: str) -> Cell | None:
        """The cell of that key, if it is finished."""
        return self._cells.get(key)

    def put(self, cell: Cell) -> None:
        """Keep a finished cell; it is on the disk when this returns.

        Raises :class:`StoreError` ``disk_full`` or ``store_not_writable``.
        """
        line = json.dumps(_cell_to_row(cell), ensure_ascii=False).encode(
            "utf-8", "backslashreplace"
        )
        try:
            # What an earlier put could not take back goes first.
            self._file.truncate(self._end)
            view = memoryview(line + b"\n")
            while view:
                view = view[self._file.write(view) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._end)
            raise not_written(self._path, error) from error
        self._end += len(line) + 1
        self._cells[cell.key] = cell

    def _read(self) -> None:
        self._file.seek(0)
        for number, line in enumerate(self._file.read().splitlines(keepends=True), 1):
            try:
                if not line.endswith(b"\n") and _torn(line):
                    break
                cell = _cell_from_row(json.loads(line))
            except (ValueError, LookupError, TypeError) as error:
                raise StoreError(
                    "database_corrupt",
                    f"Line {number} of {self._path} is not a cell of a matrix.",
                    subject=str(self._path),
                    remedy="Name another file, or remove the line.",
                ) from error
            self._cells[cell.key] = cell
            self._end += len(line)
        self._file.truncate(self._end)


@contextmanager
def open_matrix_store(path: str | os.PathLike[str]) -> Iterator[MatrixStore]:
    """The finished cells in the file at ``path``, which is made if it is not there.

    Raises:
        Conflict: ``database_locked``, another process has it open.
        StoreError: ``database_corrupt`` if it holds something else; ``store_not_writable``.
    """
    import fcntl

    target = Path(path)
    try:
        file = open(target, "a+b", buffering=0)  # noqa: SIM115 (closed below)
    except OSError as error:
        raise not_written(target, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(
                "database_locked",
                f"Another process is filling {target}.",
                subject=str(target),
                remedy="Wait for it to finish, or name another file.",
            ) from error
        except OSError as error:
            raise StoreError(
                "store_not_writable",
                f"{target} cannot be locked: {error.strerror}.",
                subject=str(target),
                remedy="Name a file on a disk that keeps locks.",
            ) from error
        try:
            _sync_folder(target.absolute().parent)
        except OSError as error:
            raise not_written(target, error) from error
        yield MatrixStore(target, file)


def run_matrix(
    load: Callable[[str], AssetEvidence],
    backend: AnalysisBackend,
    questions: Sequence[str],
    asset_ids: Sequence[str],
    kept: MatrixStore,
    on_cell: Callable[[Cell, bool], None] = lambda cell, fresh: None,
) -> Matrix:
    """Ask every question of every asset, and keep each answer as soon as it is there.

    ``load`` gathers the evidence of one asset; only one asset's is held at a time. What
    ``kept`` already holds for the same question, asset, backend and evidence is not asked again.
    ``on_cell`` is called with each finished cell, and whether it was asked now.

    Raises :class:`InvalidInput` ``invalid_argument`` without a question or an asset; whatever
    ``load`` and the backend raise. What was finished before that is kept.
    """
    rows = tuple(dict.fromkeys(map(_asked, questions)))
    columns = tuple(dict.fromkeys(asset_ids))
    if not rows or not all(rows):
        raise InvalidInput("invalid_argument", "A matrix needs questions, none of them empty.")
    if not columns:
        raise InvalidInput("invalid_argument", "A matrix needs at least one video.")
    found: dict[tuple[str, str], Cell] = {}
    names: dict[str, str] = {}
    begins: dict[str, Instant] = {}
    for asset_id in columns:
        evidence = load(asset_id)
        names[asset_id] = evidence.asset.name
        begins[asset_id] = evidence.asset.media.span.start
        seen = evidence_hash(evidence)
        for question in rows:
            key = derived_id("cell", question, asset_id, backend.id, seen)
            cell = kept.get(key)
            fresh = cell is None
            if cell is None:
                cell = Cell(question, asset_id, key, backend.ask([evidence], question))
                kept.put(cell)
            found[question, asset_id] = cell
            on_cell(cell, fresh)
    cells = tuple(found[question, asset_id] for question in rows for asset_id in columns)
    return Matrix(rows, columns, names, begins, cells)


def _asked(question: str) -> str:
    """A question on one line, as text that can be stored."""
    return " ".join(question.encode("utf-8", "replace").decode("utf-8").split())


def evidence_hash(evidence: AssetEvidence) -> str:
    """Changes with anything that an answer may rest on: the items, who said so, and the models."""
    items = ("\0".join((item.id, *item.cards, item.speaker or "")) for item in evidence.items)
    cards = (f"{role}={card}" for role, card in sorted(evidence.index.cards.items()))
    span = evidence.asset.to_display_time(evidence.span)
    return derived_id("evidence", *span.to_json(), *cards, "", *items)


def _torn(line: bytes) -> bool:
    """Whether it is what was being written when the process died: never cut off what somebody else
    wrote."""
    begun = line.rstrip(b"\0")  # a file may grow before its bytes arrive
    return begun.startswith(_HEAD) or _HEAD.startswith(begun)


# -- as lines of a file -------------------------------------------------------------------------


def _cell_to_row(cell: Cell) -> dict[str, Any]:
    items = {item.id: item for item in cell.answer.citations}
    answer = cell.answer.to_json()
    answer["sentences"] = [
        {"text": sentence.text, "citations": [item.id for item in sentence.citations]}
        for sentence in cell.answer.sentences
    ]
    return {
        "version": _VERSION,
        "key": cell.key,
        "question": cell.question,
        "asset_id": cell.asset_id,
        "answer": answer,
        "pieces": {
            id: {
                "asset_id": item.asset_id,
                "span": item.span.to_json(),
                "modality": item.modality.value,
                "text": item.text,
                "cards": list(item.cards),
                "speaker": item.speaker,
                "confidence": item.confidence,
            }
            for id, item in items.items()
        },
    }


def _cell_from_row(row: Mapping[str, Any]) -> Cell:
    if row["version"] != _VERSION:
        raise ValueError("another version")
    items = {
        id: EvidenceItem(
            one["asset_id"],
            Span.from_json(one["span"]),
            Modality(one["modality"]),
            one["text"],
            tuple(one["cards"]),
            one["speaker"],
            one["confidence"],
        )
        for id, one in row["pieces"].items()
    }
    answer = row["answer"]
    return Cell(
        row["question"],
        row["asset_id"],
        row["key"],
        Answer(
            tuple(
                Sentence(one["text"], tuple(items[id] for id in one["citations"]))
                for one in answer["sentences"]
            ),
            answer["found"],
            # Files of earlier versions have the old key.
            answer["analysis_backend" if "analysis_backend" in answer else "analyst"],
            answer["value"],
            Usage(answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]),
            Finish(answer["finish"]),
            answer["dropped"],
            answer["untrusted_instructions"],
        ),
    )


def _sync_folder(folder: Path) -> None:
    """So that the file's own name is on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
