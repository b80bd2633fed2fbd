"""What an evaluation needs: videos, queries, and what is right for each query.

The own form is a folder::

    videos/           the files to index
    manifest.json     [{"file": "a.mp4", ...}]            one row per file
    queries.json      [{"id", "modality", "query", "kind", "relevant": […]}]
    query_media/      pictures, sounds and clips that queries name by relative path

where each row of ``relevant`` is ``{"file"}`` or ``{"file", "start_s", "end_s"}``. Other forms
are read by :mod:`videlicet.evaluation.public`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from videlicet.errors import InvalidInput
from videlicet.types import PartKind, Span


class CandidatePool(StrEnum):
    """Among which files a moment is looked for."""

    #: All files that hold a relevant span of any query: the file has to be found as well.
    COLLECTION = "collection"
    #: The query's own file, as published moment retrieval tables do.
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Relevance:
    """A right answer: a whole file, or with ``span`` (from the file's start) a stretch of it."""

    file: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class EvaluationQuery:
    """``value`` is the words of a text query, or the path of a picture, sound or clip."""

    id: str
    modality: PartKind
    value: str | Path
    kind: str
    relevant: tuple[Relevance, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Queries with their right answers among ``videos`` (name → path).

    ``left_out`` counts annotated queries whose video is not on this machine; only the public forms
    have any, because their videos vanish from the web one by one.
    """

    name: str
    form: str
    videos: Mapping[str, Path]
    queries: tuple[EvaluationQuery, ...]
    scope: CandidatePool = CandidatePool.COLLECTION
    left_out: int = 0


def invalid(path: Path, message: str) -> InvalidInput:
    """The error for a dataset that cannot be read, naming the file at fault."""
    return InvalidInput("dataset_invalid", f"{path.name}: {message}", subject=str(path))


def read_json(path: Path) -> Any:
    """The content of a JSON file, or an error naming it."""
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise invalid(path, "there is no such file.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise invalid(path, f"cannot be read as JSON ({error}).") from error


def read_corpus(root: Path) -> Dataset:
    """The own form. Every file and query named must be there; nothing is skipped."""
    manifest = root / "manifest.json"
    videos: dict[str, Path] = {}
    for row in read_rows(manifest, read_json(manifest)):
        name = read_text(manifest, row, "file")
        path = root / "videos" / name
        if not path.is_file():
            raise invalid(manifest, f"names {name!r}, but videos/{name} is not there.")
        videos[name] = path
    if not videos:
        raise invalid(manifest, "names no files.")
    source = root / "queries.json"
    queries = tuple(
        _query(root, source, row, videos) for row in read_rows(source, read_json(source))
    )
    return checked(Dataset(root.resolve().name, "corpus", videos, queries), source)


def _query(
    root: Path, source: Path, row: Mapping[str, Any], videos: Mapping[str, Path]
) -> EvaluationQuery:
    name = read_text(source, row, "id")
    try:
        modality = PartKind(read_text(source, row, "modality"))
    except ValueError:
        raise invalid(
            source, f"query {name!r} has the unknown modality {row['modality']!r}."
        ) from None
    value: str | Path = read_text(source, row, "query")
    if modality is not PartKind.TEXT:
        value = root / value
        if not value.is_file():
            raise invalid(source, f"query {name!r} names {row['query']!r}, which is not there.")
    found = []
    for right in read_rows(source, row.get("relevant")):
        file = read_text(source, right, "file")
        if file not in videos:
            raise invalid(source, f"query {name!r} names {file!r}, which the manifest does not.")
        span = None
        if "start_s" in right or "end_s" in right:
            span = read_span(source, name, right.get("start_s"), right.get("end_s"))
        found.append(Relevance(file, span))
    if not found:
        raise invalid(source, f"query {name!r} has no relevant file.")
    return EvaluationQuery(name, modality, value, read_text(source, row, "kind"), tuple(found))


def read_rows(path: Path, value: object) -> list[Mapping[str, Any]]:
    """``value`` as a list of JSON objects, or an error naming ``path``."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise invalid(path, "a list of objects was expected.")
    return value


def read_text(path: Path, row: Mapping[str, Any], field: str) -> str:
    """A string (or whole number, as published ids are) that must be there."""
    value = row.get(field)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise invalid(path, f"a row lacks {field!r}: {json.dumps(row)[:120]}")
    return value


def read_span(path: Path, query: str, start: object, end: object) -> Span:
    """A span in seconds from the file's start, longer than nothing."""
    if (
        isinstance(start, int | float)
        and isinstance(end, int | float)
        and 0 <= start < end < float("inf")
    ):
        return Span.of(start, end)
    raise invalid(path, f"query {query!r} has the impossible span {start!r} to {end!r}.")


def checked(dataset: Dataset, source: Path) -> Dataset:
    """``dataset`` after the checks every form shares."""
    if not dataset.queries:
        raise invalid(source, "holds no query whose video is here.")
    ids = [query.id for query in dataset.queries]
    if len(set(ids)) < len(ids):
        twice = next(i for i in ids if ids.count(i) > 1)
        raise invalid(source, f"holds two queries with the id {twice!r}.")
    return dataset
