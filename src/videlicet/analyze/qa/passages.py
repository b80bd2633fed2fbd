"""Sentences as they can be quoted: parts of one piece of evidence, or a few pieces in a row."""

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
#: Seconds that a line on the screen stands at least.
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
    """A quotable text with the pieces it is from, all of one asset and modality. ``place`` is that
    of the piece it was found by."""

    material: int
    place: int
    text: str
    pieces: tuple[EvidenceItem, ...]

    @property
    def modality(self) -> Modality:
        return self.pieces[0].modality

    @property
    def span(self) -> Span:
        return Span(min(p.span.start for p in self.pieces), max(p.span.end for p in self.pieces))


def passages(all_evidence: list[AssetEvidence], found: Iterable[tuple[int, int]]) -> list[Passage]:
    """The sentences around the pieces at the given places (material, piece), each once."""
    unique: dict[tuple[int, str, tuple[str, ...]], Passage] = {}
    for number, place in found:
        for passage in _around(all_evidence[number], number, place):
            key = (number, passage.text, tuple(piece.id for piece in passage.pieces))
            unique.setdefault(key, passage)
    return list(unique.values())


def next_passage(all_evidence: list[AssetEvidence], passage: Passage) -> Passage | None:
    """What is said with the sentence after it, where one is said at once."""
    if passage.modality is not Modality.SPEECH:
        return None
    material = all_evidence[passage.material]
    pieces = passage.pieces
    said = " ".join(piece.text for piece in pieces)
    after = said.partition(passage.text)[2].strip()
    if not after:
        spoken = material.indices_of(Modality.SPEECH)
        at = next(n for n, place in enumerate(spoken) if material.items[place] == pieces[-1]) + 1
        if at == len(spoken) or material.items[spoken[at]].span.start - passage.span.end > PAUSE:
            return None
        row = _phrases(material, spoken[at])
        after = " ".join(piece.text for piece in row)
        pieces = (*pieces, *row)
    return replace(passage, text=f"{passage.text} {sentences(after)[0]}", pieces=pieces)


def _around(evidence: AssetEvidence, number: int, place: int) -> Iterable[Passage]:
    piece = evidence.items[place]
    if piece.modality is not Modality.SPEECH:
        yield Passage(number, place, piece.text, (piece,))
        if piece.modality is Modality.TEXT and (lines := _beside(evidence, piece)):
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
        if piece in own:
            yield _with_antecedent(evidence, Passage(number, place, sentence, own), text[:begins])


def _with_antecedent(evidence: AssetEvidence, passage: Passage, said: str) -> Passage:
    """A sentence that begins with a pronoun, after the one that tells what it stands for.
    ``said`` is what comes before it in the same pieces."""
    if not _POINTS.search(passage.text):
        return passage
    before, pieces = said, passage.pieces
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
    return replace(passage, text=text, pieces=pieces)


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
    """The piece with what continues its sentence before and after it."""
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


def _beside(evidence: AssetEvidence, piece: EvidenceItem) -> tuple[EvidenceItem, ...]:
    """The lines that stand on the screen with a line, where there are a few."""
    near = _shown(piece)
    lines = [
        evidence.items[n]
        for n in evidence.indices_of(Modality.TEXT)
        if _shown(evidence.items[n]).overlap(near)
    ]
    return tuple(lines) if 1 < len(lines) <= 4 else ()


def _shown(line: EvidenceItem) -> Span:
    """When a line may have stood there: one that was read in a single frame, a little longer."""
    if line.span.duration > TOGETHER:
        return line.span
    return Span(line.span.start - TOGETHER, line.span.end + TOGETHER)
