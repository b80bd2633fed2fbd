"""Readers for annotation files as published with public video sets.

MSR-VTT (Xu et al., CVPR 2016), QVHighlights (Lei et al., NeurIPS 2021) and DiDeMo (Hendricks et
al., ICCV 2017). Each takes the annotation file as it is distributed and a folder with whatever
videos of the set are on this machine; queries about other videos are left out and counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from videlicet.errors import InvalidInput
from videlicet.evaluation.dataset import (
    CandidatePool,
    Dataset,
    EvaluationQuery,
    Relevance,
    checked,
    invalid,
    read_corpus,
    read_json,
    read_rows,
    read_span,
    read_text,
)
from videlicet.types import PartKind, Span

#: DiDeMo marks moments in chunks of this many seconds.
DIDEMO_CHUNK = 5


def read(path: str | PathLike[str], videos: str | PathLike[str] | None = None) -> Dataset:
    """Read the dataset at ``path`` in whichever form it is.

    ``path`` is a folder in the own form, or a folder or file of a public form. The videos of a
    public form are looked for in ``videos``, by default the folder ``videos`` beside the
    annotation file. Raises ``dataset_invalid`` where the form is unknown or a row is off.
    """
    path = Path(path)
    if not path.exists():
        raise InvalidInput("path_not_found", f"There is no dataset at {path}.", subject=str(path))
    if path.is_dir() and (path / "queries.json").is_file():
        return read_corpus(path)
    file = _annotations(path) if path.is_dir() else path
    content = _load(file)
    reader = _form(file, content)
    return reader(file, content, Path(videos) if videos else file.parent / "videos")


def _annotations(folder: Path) -> Path:
    found = sorted(p for p in folder.iterdir() if p.suffix in (".json", ".jsonl"))
    if len(found) != 1:
        raise invalid(
            folder,
            "neither queries.json nor exactly one annotation file "
            f"(*.json, *.jsonl) is in it, but {len(found)} are; name the file itself.",
        )
    return found[0]


def _load(file: Path) -> Any:
    if file.suffix != ".jsonl":
        return read_json(file)
    try:
        lines = file.read_text("utf-8-sig").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise invalid(file, f"cannot be read as JSON lines ({error}).") from error


def _form(file: Path, content: Any) -> Callable[[Path, Any, Path], Dataset]:
    if isinstance(content, dict) and "sentences" in content:
        return read_msrvtt
    first = content[0] if isinstance(content, list) and content else None
    if isinstance(first, dict):
        if {"qid", "vid", "query"} <= first.keys():
            return read_qvhighlights
        if {"annotation_id", "description", "times"} <= first.keys():
            return read_didemo
        if {"video", "caption"} <= first.keys() or {"video_id", "caption"} <= first.keys():
            return read_msrvtt
    raise invalid(file, "is in none of the forms corpus, MSR-VTT, QVHighlights, DiDeMo.")


def read_msrvtt(file: Path, content: Any, videos: Path) -> Dataset:
    """``test_videodatainfo.json`` (videos and sentences), or the flat list of the 1k-A split.

    Each caption is a query whose only right answer is the whole clip it describes.
    """
    if isinstance(content, dict):
        rows = read_rows(file, content["sentences"])
        if "videos" in content:
            test = {
                read_text(file, row, "video_id")
                for row in read_rows(file, content["videos"])
                if row.get("split", "test") == "test"
            }
            rows = [row for row in rows if row.get("video_id") in test]
    else:
        rows = read_rows(file, content)
    annotated = []
    for number, row in enumerate(rows):
        name = read_text(file, row, "video_id" if "video_id" in row else "video")
        captions = row.get("caption")
        for part, caption in enumerate(captions if isinstance(captions, list) else [captions]):
            words = read_text(file, {"caption": caption}, "caption")
            key = f"{row.get('sen_id', number)}" + (f".{part}" if part else "")
            annotated.append((key, name, words, "caption", ()))
    return _dataset("msr-vtt", file, videos, annotated, CandidatePool.COLLECTION)


def read_qvhighlights(file: Path, content: Any, videos: Path) -> Dataset:
    """``highlight_{val,test}_release.jsonl``: a query and its windows inside one 150 s video.

    The ``test`` split is published without windows, so it cannot be scored.
    """
    annotated = []
    for row in read_rows(file, content):
        key = read_text(file, row, "qid")
        windows = row.get("relevant_windows")
        if not isinstance(windows, list) or not windows:
            raise invalid(file, f"query {key!r} has no 'relevant_windows' (the test split?).")
        spans = tuple(read_span(file, key, *_pair(file, key, window)) for window in windows)
        annotated.append(
            (key, read_text(file, row, "vid"), read_text(file, row, "query"), "moment", spans)
        )
    return _dataset("qvhighlights", file, videos, annotated, CandidatePool.FILE)


def read_didemo(file: Path, content: Any, videos: Path) -> Dataset:
    """``{val,test}_data.json``: a description and where four annotators or more saw it.

    ``times`` are inclusive pairs of five-second chunks. The moment most annotators marked is
    right; where several are equally frequent, each is.
    """
    annotated = []
    for row in read_rows(file, content):
        key = read_text(file, row, "annotation_id")
        votes: dict[Span, int] = {}
        times = row.get("times")
        for mark in times if isinstance(times, list) else ():
            first, last = _pair(file, key, mark)
            if not isinstance(first, int) or not isinstance(last, int) or not 0 <= first <= last:
                raise invalid(file, f"query {key!r} has the impossible chunks {mark!r}.")
            span = Span.of(first * DIDEMO_CHUNK, (last + 1) * DIDEMO_CHUNK)
            votes[span] = votes.get(span, 0) + 1
        if not votes:
            raise invalid(file, f"query {key!r} has no 'times'.")
        spans = tuple(sorted(s for s, count in votes.items() if count == max(votes.values())))
        annotated.append(
            (
                key,
                read_text(file, row, "video"),
                read_text(file, row, "description"),
                "moment",
                spans,
            )
        )
    return _dataset("didemo", file, videos, annotated, CandidatePool.FILE)


def _pair(file: Path, key: str, value: object) -> tuple[object, object]:
    if not isinstance(value, list) or len(value) != 2:
        raise invalid(file, f"query {key!r} has {value!r} where a start and an end belong.")
    return value[0], value[1]


def _dataset(
    form: str,
    file: Path,
    videos: Path,
    annotated: Iterable[tuple[str, str, str, str, tuple[Span, ...]]],
    scope: CandidatePool,
) -> Dataset:
    if not videos.is_dir():
        raise invalid(file, f"the folder of its videos, {videos}, is not there.")
    here = _by_name(videos)
    chosen: dict[str, Path] = {}
    queries: list[EvaluationQuery] = []
    left_out = 0
    for key, name, words, kind, spans in annotated:
        path = here.get(name) or here.get(Path(name).name) or here.get(Path(name).stem)
        if path is None:
            left_out += 1
            continue
        chosen[path.name] = path
        relevant = tuple(Relevance(path.name, span) for span in spans) or (Relevance(path.name),)
        queries.append(EvaluationQuery(key, PartKind.TEXT, words, kind, relevant))
    dataset = Dataset(file.stem, form, chosen, tuple(queries), scope, left_out)
    return checked(dataset, file)


def _by_name(folder: Path) -> Mapping[str, Path]:
    """Files by full name and by name without suffix: annotations use either."""
    files = sorted(p for p in folder.iterdir() if p.is_file())
    return {p.stem: p for p in files} | {p.name: p for p in files}
