"""Sentences as they can be quoted: parts of one evidence item, or a few items in a row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from videlicet.types import EvidenceItem, Modality, Span

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence

#: Seconds of silence inside of one sentence.
PAUSE = Fraction(1)
#: Least seconds that a line is on the screen.
TOGETHER = Fraction(1)
#: Words of a sentence that is put together from phrases.
LONGEST = 40

_END = re.compile(r"[.!?…][\"”'’)]*$")
_BREAK = re.compile(r"[.!?…][\"”'’)]*(?=\s)")
_POINTS = re.compile(
    r"^(?:it|he|she|they|this|these|those)\b(?! (?:is|was) (?:the|an?)\b)", re.IGNORECASE
)
_SHORTENED = re.compile(r"(?:\b(?:mr|mrs|ms|dr|st|prof|vs|no|e\.g|i\.e)|\b[a-z])\.$", re.I)


@dataclass(frozen=True, slots=True)
class Passage:
    """A quotable text with the items it is from, all of one asset and modality. ``place`` is that
    of the item it was found by."""

    asset_number: int
    place: int
    text: str
    items: tuple[EvidenceItem, ...]

    @property
    def modality(self) -> Modality:
        return self.items[0].modality

    @property
    def span(self) -> Span:
        return Span(min(p.span.start for p in self.items), max(p.span.end for p in self.items))


def passages(all_evidence: list[AssetEvidence], found: Iterable[tuple[int, int]]) -> list[Passage]:
    """The sentences around the items at the given places (asset, item), each once."""
    unique: dict[tuple[int, str, tuple[str, ...]], Passage] = {}
    for number, place in found:
        for passage in _around(all_evidence[number], number, place):
            key = (number, passage.text, tuple(item.id for item in passage.items))
            unique.setdefault(key, passage)
    return list(unique.values())


def next_passage(all_evidence: list[AssetEvidence], passage: Passage) -> Passage | None:
    """What is said with the sentence after it, where one is said at once."""
    if passage.modality is not Modality.SPEECH:
        return None
    evidence = all_evidence[passage.asset_number]
    pieces = passage.items
    said = " ".join(item.text for item in pieces)
    after = said.partition(passage.text)[2].strip()
    if not after:
        spoken = evidence.indices_of(Modality.SPEECH)
        at = next(n for n, place in enumerate(spoken) if evidence.items[place] == pieces[-1]) + 1
        if at == len(spoken) or evidence.items[spoken[at]].span.start - passage.span.end > PAUSE:
            return None
        row = _phrases(evidence, spoken[at])
        after = " ".join(item.text for item in row)
        pieces = (*pieces, *row)
    return replace(passage, text=f"{passage.text} {sentences(after)[0]}", items=pieces)


def _around(evidence: AssetEvidence, number: int, place: int) -> Iterable[Passage]:
    item = evidence.items[place]
    if item.modality is not Modality.SPEECH:
        yield Passage(number, place, item.text, (item,))
        if item.modality is Modality.TEXT and (lines := _beside(evidence, item)):
            yield Passage(number, place, " / ".join(line.text for line in lines), lines)
        return
    row = _phrases(evidence, place)
    text = ""
    ends: list[tuple[int, EvidenceItem]] = []
    for one in row:
        text = f"{text} {one.text}".strip()
        ends.append((len(text), one))
    start = 0
    for sentence in sentences(text):
        begins = text.index(sentence, start)
        start = begins + len(sentence)
        own = tuple(
            one
            for (end, one), first in zip(ends, [0, *(end for end, _ in ends)], strict=False)
            if first < start and end > begins
        )
        if item in own:
            yield _with_antecedent(evidence, Passage(number, place, sentence, own), text[:begins])


def _with_antecedent(evidence: AssetEvidence, passage: Passage, said: str) -> Passage:
    """A sentence that begins with a pronoun, after the one with its antecedent.
    ``said`` is what comes before it in the same items."""
    if not _POINTS.search(passage.text):
        return passage
    before, pieces = said, passage.items
    if not before:
        spoken = evidence.indices_of(Modality.SPEECH)
        at = next(n for n, place in enumerate(spoken) if evidence.items[place] == pieces[0])
        if not at or pieces[0].span.start - evidence.items[spoken[at - 1]].span.end > PAUSE:
            return passage
        pieces = (evidence.items[spoken[at - 1]], *pieces)
        before = pieces[0].text
    text = f"{sentences(before)[-1]} {passage.text}"
    if len(text.split()) > LONGEST:
        return passage
    return replace(passage, text=text, items=pieces)


def sentences(text: str) -> list[str]:
    """A text cut where sentences end; a full stop after an abbreviation ends none."""
    found, start = [], 0
    for end in _BREAK.finditer(text):
        part = text[start : end.end()].strip()
        if not _SHORTENED.search(part):
            found.append(part)
            start = end.end()
    rest = text[start:].strip()
    return [*found, rest] if rest else found


def _phrases(evidence: AssetEvidence, place: int) -> list[EvidenceItem]:
    """The item with what continues its sentence before and after it."""
    spoken = evidence.indices_of(Modality.SPEECH)
    here = spoken.index(place)
    row = [evidence.items[place]]
    words = len(row[0].text.split())
    for step in (-1, 1):
        at = here + step
        while 0 <= at < len(spoken):
            other = evidence.items[spoken[at]]
            first, second = (other, row[0]) if step < 0 else (row[-1], other)
            words += len(other.text.split())
            if (
                _END.search(first.text)
                or second.span.start - first.span.end > PAUSE
                or other.speaker != row[0].speaker
                or words > LONGEST
            ):
                break
            row.insert(0 if step < 0 else len(row), other)
            at += step
    return row


def _beside(evidence: AssetEvidence, item: EvidenceItem) -> tuple[EvidenceItem, ...]:
    """The lines that stand on the screen with a line, where there are a few."""
    near = _visible_span(item)
    lines = [
        evidence.items[n]
        for n in evidence.indices_of(Modality.TEXT)
        if _visible_span(evidence.items[n]).overlap(near)
    ]
    return tuple(lines) if 1 < len(lines) <= 4 else ()


def _visible_span(line: EvidenceItem) -> Span:
    """When a line may have stood there: one that was read in a single frame, a little longer."""
    if line.span.duration > TOGETHER:
        return line.span
    return Span(line.span.start - TOGETHER, line.span.end + TOGETHER)
