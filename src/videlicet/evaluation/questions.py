"""Questions about videos, with what is right: the form of ``videlicet evaluate QUESTIONS.json``.

::

    {
      "name": "development",
      "files": {"a.mp4": "sha-256 of its bytes, or null to go by the name"},
      "questions": [{"id", "question", "kind", "files", "gold": […], "accepted": […], "split"}],
      "chapters":  [{"file", "starts_s": [0, 8.5, …]}],
      "summaries": [{"file", "facts": ["…", …]}]
    }

``files`` of a question are those it is asked of; without them it is asked of the whole index. Each
row of ``gold`` is a stretch that shows the answer, ``{"file", "start_s", "end_s"}``; without any,
the videos do not answer the question. ``accepted`` and ``facts`` are words that have to occur, or
a regular expression between slashes; capitals do not count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from videlicet.errors import InvalidInput
from videlicet.evaluation.dataset import (
    Relevance,
    invalid,
    read_json,
    read_rows,
    read_span,
    read_text,
)
from videlicet.types import Instant, instant

#: Kinds whose answer is quoted: a citation has to contain it as well.
QUOTED = frozenset({"spoken", "written"})


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """One question. ``files`` is ``None`` where all of the index is asked."""

    id: str
    question: str
    kind: str
    split: str
    files: tuple[str, ...] | None
    gold: tuple[Relevance, ...]
    accepted: tuple[str, ...]

    @property
    def answerable(self) -> bool:
        return bool(self.gold)


@dataclass(frozen=True, slots=True)
class GoldChapters:
    """Where the parts of a file start."""

    file: str
    starts: tuple[Instant, ...]


@dataclass(frozen=True, slots=True)
class GoldSummary:
    """What a summary of a file should say."""

    file: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """``files`` maps each file to the SHA-256 of its bytes, or to ``None``."""

    name: str
    files: Mapping[str, str | None]
    questions: tuple[GoldQuestion, ...]
    chapters: tuple[GoldChapters, ...]
    summaries: tuple[GoldSummary, ...]


def contains_answer(wanted: Collection[str], said: str) -> bool:
    """Whether any of ``wanted`` occurs in ``said``: words between word boundaries, or a regular
    expression between slashes."""
    plain = " ".join(said.split())
    return any(_pattern(one).search(plain) for one in wanted)


@lru_cache(maxsize=4096)
def _pattern(wanted: str) -> re.Pattern[str]:
    if len(wanted) > 2 and wanted[0] == wanted[-1] == "/":
        return re.compile(wanted[1:-1], re.IGNORECASE)
    words = r"\s+".join(re.escape(word) for word in wanted.split())
    # Endings may follow: "bottle" accepts bottles.
    return re.compile(rf"(?<!\w){words}", re.IGNORECASE)


def is_question_file(path: Path) -> bool:
    """Whether the file at ``path`` is in this form: an object with ``questions``."""
    if path.suffix != ".json" or not path.is_file():
        return False
    content = read_json(path)
    return isinstance(content, dict) and "questions" in content


def read_questions(path: Path) -> QuestionSet:
    """Read and check a file of questions.

    Raises:
        InvalidInput: ``path_not_found``; or ``dataset_invalid``, naming the row at fault.
    """
    if not path.is_file():
        raise InvalidInput("path_not_found", f"There is no file {path}.", subject=str(path))
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("files"), dict):
        raise invalid(path, "an object with 'files' and 'questions' was expected.")
    files = content["files"]
    for name, sha256 in files.items():
        if sha256 is not None and not re.fullmatch("[0-9a-f]{64}", str(sha256)):
            raise invalid(path, f"gives {name!r} {sha256!r} where a SHA-256 or null belongs.")
    questions = tuple(_question(path, row, files) for row in read_rows(path, content["questions"]))
    ids = [one.id for one in questions]
    if not ids:
        raise invalid(path, "holds no question.")
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise invalid(path, f"holds two questions with the id {twice!r}.")
    return QuestionSet(
        name=read_text(path, content, "name") if "name" in content else path.stem,
        files=files,
        questions=questions,
        chapters=tuple(
            GoldChapters(_file(path, row, files), _starts(path, row))
            for row in read_rows(path, content.get("chapters", []))
        ),
        summaries=tuple(
            GoldSummary(_file(path, row, files), _accepted(path, row, "facts"))
            for row in read_rows(path, content.get("summaries", []))
        ),
    )


def _question(path: Path, row: Mapping[str, Any], files: Mapping[str, object]) -> GoldQuestion:
    name = read_text(path, row, "id")
    asked = row.get("files")
    if asked is not None and (not isinstance(asked, list) or not asked):
        raise invalid(path, f"question {name!r} has {asked!r} where a list of files belongs.")
    for file in asked or ():
        if file not in files:
            raise invalid(path, f"question {name!r} names {file!r}, which 'files' does not.")
    gold = []
    for right in read_rows(path, row.get("gold")):
        file = _file(path, right, files)
        if asked is not None and file not in asked:
            raise invalid(path, f"question {name!r} is not asked of {file!r}, which answers it.")
        gold.append(
            Relevance(file, read_span(path, name, right.get("start_s"), right.get("end_s")))
        )
    accepted = _accepted(path, row, "accepted") if gold else ()
    if not gold and row.get("accepted"):
        raise invalid(path, f"question {name!r} has accepted answers, but no gold.")
    return GoldQuestion(
        id=name,
        question=read_text(path, row, "question"),
        kind=read_text(path, row, "kind"),
        split=read_text(path, row, "split") if "split" in row else "all",
        files=None if asked is None else tuple(asked),
        gold=tuple(gold),
        accepted=accepted,
    )


def _file(path: Path, row: Mapping[str, Any], files: Mapping[str, object]) -> str:
    name = read_text(path, row, "file")
    if name not in files:
        raise invalid(path, f"a row names {name!r}, which 'files' does not.")
    return name


def _starts(path: Path, row: Mapping[str, Any]) -> tuple[Instant, ...]:
    starts = row.get("starts_s")
    if (
        not isinstance(starts, list)
        or not starts
        or not all(isinstance(s, int | float) and 0 <= s < float("inf") for s in starts)
        or any(later <= earlier for earlier, later in pairwise(starts))
    ):
        raise invalid(path, f"'starts_s' has to be seconds in order: {json.dumps(starts)[:80]}")
    return tuple(instant(start) for start in starts)


def _accepted(path: Path, row: Mapping[str, Any], field: str) -> tuple[str, ...]:
    found = row.get(field)
    if not isinstance(found, list) or not found or not all(isinstance(x, str) and x for x in found):
        raise invalid(path, f"{field!r} has to be a list of words: {json.dumps(row)[:120]}")
    for one in found:
        try:
            _pattern(one)
        except re.error as error:
            raise invalid(path, f"{one!r} is no regular expression ({error}).") from None
    return tuple(found)
