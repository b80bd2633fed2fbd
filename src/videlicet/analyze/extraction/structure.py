"""Segment definitions that describe how a video is made rather than what it is about: each scene,
every camera cut, one slide after another, whenever somebody else speaks.

A definition is structural where its words are only names of units (scene, slide), of what they
differ in (the camera, the speaker) and words for dividing (each, distinct, next). Whatever else it
says is a topic, and the definition is about that. The segments are what was detected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from videlicet.analyze.evidence.topics import topic_spans
from videlicet.analyze.extraction.segmentation import merged_segments
from videlicet.embedding.texts import embed_texts
from videlicet.search.words import is_function_word, tokens
from videlicet.types import Modality, Span

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder


class Structure(StrEnum):
    """What a video is divided by; of several that a definition names the first counts."""

    TURN = "speaker turn"
    SLIDE = "slide"
    SHOT = "shot"
    SCENE = "scene"
    CHAPTER = "chapter"


def _stems(words: str) -> frozenset[str]:
    return frozenset(tokens(words))


#: Names of the units.
_UNITS: Mapping[Structure, frozenset[str]] = {
    Structure.TURN: _stems("turn utterance"),
    Structure.SLIDE: _stems("slide page card titlecard"),
    Structure.SHOT: _stems("shot take cut"),
    Structure.SCENE: _stems("scene sequence"),
    Structure.CHAPTER: _stems("chapter section act"),
}
#: What units differ in. It names a unit where it changes, or where there is one for each of it.
_DIMENSIONS: Mapping[Structure, frozenset[str]] = {
    Structure.TURN: _stems("speaker voice speak spoke spoken talk"),
    Structure.SLIDE: _stems("text lettering writing caption"),
    Structure.SHOT: _stems("camera angle view viewpoint perspective picture image frame"),
    Structure.SCENE: _stems("location place setting background scenery surroundings"),
    Structure.CHAPTER: _stems("topic subject theme idea matter"),
}
#: Words that go with a unit without saying what it is about.
_COMPANIONS: Mapping[Structure, frozenset[str]] = {
    Structure.TURN: _stems("speaker speak talk person people participant party conversation"),
    Structure.SLIDE: _stems("title deck powerpoint text presenter"),
    Structure.SHOT: _stems("camera editing edited editor picture"),
    Structure.SCENE: _stems("picture"),
    Structure.CHAPTER: _stems(
        "topic theme subject discuss discussion cover presenter speaker host"
    ),
}
_CHANGE = _stems(
    "change changing switch differ different another new next else same one single constant stay "
    "remain keep kept begin start turn replace move shift transition"
)
_FOR_EACH = _stems("each every all per individual distinct separate different")
#: Words for dividing, and for the whole that is divided.
_DIVIDING = (
    _CHANGE
    | _FOR_EACH
    | _stems(
        """
        any discrete unique own consecutive successive contiguous continuous continuously unbroken
        uninterrupted seamless adjacent complete entire whole full coherent self contained logical
        visual visually visible thematic narrative major main various particular boundary break
        edge end finish divide split detected present moment point stretch segment part portion
        passage period interval block piece clip range span between until from when whenever while
        during throughout show shown appear display screen onscreen video film movie recording
        after upon along footage content presentation talk lecture last first other others
        take happen occur go
        come follow about cover time somebody someone introduce devote dedicate
        """
    )
)
#: Words of parts that are not of any one kind.
_PARTS = _stems("part segment portion stretch clip passage piece block")
#: From which cosine on a word means as much as one of those for dividing. With the starter text
#: encoder "contiguous" is at .60, "discrete" at .49, "product" at .43 and "outdoor" at .33.
ALIKE = 0.46
_DIVIDING_WORDS = (
    "distinct", "separate", "individual", "different", "new", "single", "each", "continuous",
    "complete", "successive", "adjacent", "self-contained", "coherent",
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")

#: Seconds of silence within one voice's turn, and within a turn where speakers are not separated.
SAME_VOICE, PAUSE = Fraction(5), Fraction(3, 2)
#: Seconds that a slide stays at least, and the share of words that make two pictures one slide.
STAYS, ALIKE_WORDS = Fraction(1), 0.5
#: The most stretches that a video is cut into.
MOST_SHOTS, MOST_SCENES = 400, 100


def structure_of(description: str, encoder: TextEncoder) -> Structure | None:
    """What a definition divides a video by, or ``None`` where it is about something."""
    words = list(dict.fromkeys(word.casefold() for word in _WORD.findall(description)))
    named = frozenset().union(*map(_stems, words))
    changing, each = bool(named & _CHANGE), bool(named & _FOR_EACH)
    units = [kind for kind in Structure if named & _UNITS[kind]]
    dimensions = [kind for kind in Structure if named & _DIMENSIONS[kind]]
    neutral = _DIVIDING.union(*_UNITS.values())
    if dimensions and (changing or (each and not units)):
        found = dimensions[0]
        neutral = neutral.union(*_DIMENSIONS.values())
    elif units:
        found = units[0]
    elif named & _PARTS:
        found = Structure.SCENE
    else:
        return None
    neutral |= _COMPANIONS[found]
    rest = [word for word in words if not is_function_word(word) and not _stems(word) <= neutral]
    return found if _divide(rest, encoder) else None


def _divide(words: Sequence[str], encoder: TextEncoder) -> bool:
    """Whether words mean no more than that something is divided."""
    if not words:
        return True
    rows = embed_texts(encoder, [*_DIVIDING_WORDS, *words])
    known, asked = rows[: len(_DIVIDING_WORDS)], rows[len(_DIVIDING_WORDS) :]
    return bool(((asked @ known.T).max(axis=1) >= ALIKE).all())


def detected_spans(evidence: AssetEvidence, structure: Structure) -> list[Span]:
    """The stretches that a video was found to be divided into, in the order of time; none where
    there is nothing of the kind in it."""
    match structure:
        case Structure.SHOT:
            return _shots(evidence)
        case Structure.SCENE:
            return merged_segments(evidence, MOST_SCENES)
        case Structure.CHAPTER:
            return topic_spans(evidence)
        case Structure.SLIDE:
            return _slides(evidence)
        case Structure.TURN:
            return _turns(evidence)


def _shots(evidence: AssetEvidence) -> list[Span]:
    """The shots, neighbours joined where there are too many."""
    clamped = (shot.intersect(evidence.span) for shot in evidence.shots)
    found = sorted(shot for shot in clamped if shot is not None)
    while len(found) > MOST_SHOTS:
        found = [
            one.hull(found[n + 1]) if n + 1 < len(found) else one
            for n, one in enumerate(found)
            if n % 2 == 0
        ]
    return found


def _slides(evidence: AssetEvidence) -> list[Span]:
    """The stretches over which the text on the screen stays or is only added to."""
    lines = [evidence.items[n] for n in evidence.indices_of(Modality.TEXT)]
    edges = sorted({at for line in lines for at in (line.span.start, line.span.end)})
    found: list[Span] = []
    known: frozenset[str] = frozenset()
    for start, end in pairwise(edges):
        inside = [line for line in lines if line.span.start <= start and end <= line.span.end]
        words = frozenset().union(*(_stems(line.text) for line in inside))
        if words and known and _is_same_slide(known, words):
            found[-1] = found[-1].hull(Span(start, end))
            known |= words
        elif words:
            found.append(Span(start, end))
            known = words
        else:
            known = frozenset()
    return [slide for slide in found if slide.duration >= STAYS]


def _is_same_slide(before: frozenset[str], now: frozenset[str]) -> bool:
    shared = len(before & now)
    return before <= now or now <= before or shared / len(before | now) >= ALIKE_WORDS


def _turns(evidence: AssetEvidence) -> list[Span]:
    """What one voice says without a long silence; where speakers are not separated, what is said
    without a pause."""
    said = [evidence.items[n] for n in evidence.indices_of(Modality.SPEECH)]
    named = any(item.speaker for item in said)
    found: list[Span] = []
    voice: str | None = None
    for item in said:
        pause = item.span.start - found[-1].end if found else Fraction(0)
        goes_on = item.speaker == voice and pause < (SAME_VOICE if named else PAUSE)
        if found and goes_on:
            found[-1] = found[-1].hull(item.span)
        else:
            found.append(item.span)
        voice = item.speaker
    return found
