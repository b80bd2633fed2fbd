"""What can be said: sentences of speech, texts on the screen, and what is seen, ready to be read.

A statement is never worded anew. Speech keeps its words (only its first letter and its full stop
are repaired), a text from the screen is quoted, and class names fill one fixed template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from videlicet.embedding.texts import normalize
from videlicet.search.words import is_function_word, tokens
from videlicet.types import EvidenceItem, Instant, Modality, Sentence, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence

    Floats = NDArray[np.float32]

#: Seconds of silence over which a sentence may go on.
PAUSE = Fraction(3, 2)
#: Words after which an unfinished sentence ends where its phrase does.
RAMBLING = 45
#: Lines of text that are quoted together where they stand on the screen together.
LINES = 4
#: Names, and occurrences of each, that one sentence about the picture cites.
NAMES, SIGHTINGS = 4, 3

_END = re.compile(r"[.!?…。！？]+[\"”’)\]]*(?=\s|$)|[。！？]")
#: A full stop after one of these ends no sentence.
_SHORT = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|No|vs|etc|e\.g|i\.e|Fig|approx|Inc|Ltd|Co)|\b[A-Z])\.$"
)
#: Where a recogniser left out the full stop: a new clause with a capital in the middle.
_UNMARKED = re.compile(
    r"(?<=[a-z]{2}) (?=(?:It|We|You|They|There|He|She|This|These|Those|Now|So|But|And)"
    r"(?:'s|'re|'ll)? [a-z]{2})"
)
_WORD = re.compile(r"\w+(?:[-'’.:]\w+)*")
#: What a sentence cannot begin with.
_DASHES = "-–—,;: "


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence with the items it is made of. ``vector`` (d,) is its meaning, from theirs;
    ``stems`` are those of its words that carry meaning."""

    text: str
    span: Span
    modality: Modality
    items: tuple[EvidenceItem, ...]
    vector: Floats
    stems: frozenset[str]
    #: Whether the speaker ended it, as far as the recogniser could tell.
    whole: bool = True
    #: Whether it begins with a capital, or in letters that have none.
    begun: bool = True

    @property
    def asset_id(self) -> str:
        return self.items[0].asset_id

    @property
    def confidence(self) -> float:
        return sum(item.confidence for item in self.items) / len(self.items)

    def sentence(self) -> Sentence:
        return Sentence(self.text, self.items)


def stems_of(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning; empty where none does."""
    words = (word for word in _WORD.findall(text) if not is_function_word(word))
    return frozenset(stem for word in words for stem in tokens(word))


def spoken(evidence: AssetEvidence) -> list[Statement]:
    """The sentences that were said, in the order of time. One that goes on over several items
    cites them all; its times are those of its words where they are known, else in proportion to
    its letters."""
    found: list[Statement] = []
    for run in _runs(evidence):
        text, starts = "", []
        for number in run:
            text += " " if text else ""
            starts.append(len(text))
            text += evidence.items[number].text
        bounds = [*starts, len(text) + 1]
        for first, last in _sentences(text):
            own = [
                n for k, n in enumerate(run) if bounds[k] < last and first < bounds[k + 1] - 1
            ]  # fmt: skip
            shares = [
                min(last, bounds[k + 1] - 1) - max(first, bounds[k])
                for k, n in enumerate(run)
                if n in own
            ]
            raw = text[first:last]
            vector = normalize(np.array(shares, np.float32) @ evidence.vectors[own])
            items = tuple(evidence.items[n] for n in own)
            start = _instant(items[0], first - bounds[run.index(own[0])], end=False)
            end = _instant(items[-1], last - bounds[run.index(own[-1])], end=True)
            found.append(
                Statement(
                    _mended(raw), Span(start, max(start, end)), Modality.SPEECH, items, vector,
                    stems_of(raw), bool(_END.search(raw)) and not raw.endswith(("...", "…")),
                    _opens(raw.lstrip(_DASHES)),
                )
            )  # fmt: skip
    return found


def screens(evidence: AssetEvidence) -> list[Statement]:
    """The texts on the screen; lines that stand there together are quoted together."""
    groups: list[list[int]] = []
    for number in evidence.indices_of(Modality.TEXT):
        last = groups[-1] if groups else []
        if (
            last
            and len(last) < LINES
            and _together(evidence.items[last[0]].span, evidence.items[number].span)
        ):
            last.append(number)
        else:
            groups.append([number])
    return [_quoted(evidence, group) for group in groups]


def seen(
    evidence: AssetEvidence, within: Span | None = None, weights: Mapping[str, float] | None = None
) -> Statement | None:
    """The things that are seen most in a stretch as one sentence, in the order in which they are
    first seen; ``None`` where nothing is. ``weights`` make names (by id of an item) more or less
    welcome."""
    whole = within or evidence.span
    occurrences: dict[str, list[int]] = {}
    for number in evidence.indices_of(Modality.VISUAL):
        if _shared(evidence.items[number].span, whole) > 0:
            occurrences.setdefault(evidence.items[number].text, []).append(number)
    if not occurrences:
        return None

    def weight(number: int) -> float:
        item = evidence.items[number]
        extra = 1.0 if weights is None else weights.get(item.id, 1.0)
        return _shared(item.span, whole) * item.confidence * extra

    merit = {name: sum(map(weight, rows)) for name, rows in occurrences.items()}
    best = sorted(merit, key=lambda name: -merit[name])[:NAMES]
    # What is hardly seen beside the rest says little.
    names = [name for name in best if merit[name] >= merit[best[0]] / 8]
    names.sort(key=lambda name: occurrences[name][0])
    own = sorted(n for name in names for n in sorted(occurrences[name], key=weight)[-SIGHTINGS:])
    items = tuple(evidence.items[n] for n in own)
    times = np.array([weight(n) for n in own], np.float32)
    return Statement(
        f"Seen: {', '.join(names)}.",
        Span(items[0].span.start, max(item.span.end for item in items)).clamp(whole),
        Modality.VISUAL,
        items,
        normalize(times @ evidence.vectors[own]),
        stems_of(" ".join(names)),
    )


def depths(statements: Sequence[Statement]) -> Callable[[Instant], float]:
    """How many seconds an instant lies inside of one of ``statements``, 0 where in none. For many
    instants: floats are exact enough, and a hundred times faster."""
    starts = np.array([float(one.span.start) for one in statements])
    ends = np.array([float(one.span.end) for one in statements])

    def depth(at: Instant) -> float:
        inside = np.minimum(float(at) - starts, ends - float(at))
        return max(0.0, float(inside.max(initial=0.0)))

    return depth


def _runs(evidence: AssetEvidence) -> Iterator[list[int]]:
    """Items of speech in which sentences may go on from one to the next."""
    run: list[int] = []
    for number in evidence.indices_of(Modality.SPEECH):
        if run and not _goes_on(evidence, run, number):
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _goes_on(evidence: AssetEvidence, run: Sequence[int], number: int) -> bool:
    last, following = evidence.items[run[-1]], evidence.items[number]
    if following.speaker != last.speaker or following.span.start - last.span.end > PAUSE:
        return False
    if _END.search(last.text[-2:]) and not last.text.endswith(("...", "…")):
        return False
    # A name at the start of a phrase has a capital too; it follows on a word that needs another.
    open_ended = is_function_word(last.text.split()[-1])
    return (following.text[:1].islower() or open_ended) and _words(evidence, run) <= RAMBLING


def _words(evidence: AssetEvidence, run: Sequence[int]) -> int:
    return sum(evidence.items[n].text.count(" ") + 1 for n in run)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where each sentence of ``text`` starts and ends, in characters."""
    cuts = [
        mark.end()
        for mark in _END.finditer(text)
        if not _SHORT.search(text[: mark.end()]) and _opens(text[mark.end() :])
    ]
    cuts += [gap.start() for gap in _UNMARKED.finditer(text)]
    edges = [0, *sorted(set(cuts)), len(text)]
    for first, last in pairwise(edges):
        part = text[first:last]
        if _WORD.search(part):
            yield first + len(part) - len(part.lstrip()), first + len(part.rstrip())


def _opens(rest: str) -> bool:
    """Whether a new sentence can begin so: not with a small letter."""
    first = rest.lstrip()[:1]
    return not first or not first.islower()


def _mended(raw: str) -> str:
    """A sentence with a capital and an end."""
    text = raw.strip().lstrip(_DASHES)
    text = text[:1].upper() + text[1:]
    if _END.search(text[-3:]):
        return text
    return text.rstrip(",;:-–— ") + "."


def _instant(item: EvidenceItem, letters: int, *, end: bool) -> Instant:
    """When the letter at a place in an item is said."""
    letters = min(max(letters, 0), len(item.text))
    if item.words:
        place = item.text[:letters].count(" ") if letters else 0
        word = item.words[min(place, len(item.words) - 1)]
        return (word.span.end if end else word.span.start).limit_denominator(1_000_000)
    share = Fraction(letters, len(item.text))
    return item.span.start + item.span.duration * share


def _together(one: Span, other: Span) -> bool:
    if one.start == one.end or other.start == other.end:
        return one.start <= other.start <= one.end
    return one.overlap(other) * 2 > max(one.duration, other.duration)


def _quoted(evidence: AssetEvidence, group: Sequence[int]) -> Statement:
    items = tuple(evidence.items[n] for n in group)
    lines = ", ".join(f'"{item.text}"' for item in items)
    span = items[0].span
    for item in items:
        span = span.hull(item.span)
    return Statement(
        f"On screen: {lines}.", span, Modality.TEXT, items,
        normalize(evidence.vectors[list(group)].sum(axis=0)),
        stems_of(" ".join(item.text for item in items)),
    )  # fmt: skip


def _shared(span: Span, whole: Span) -> float:
    """Seconds of a span in another; an instant counts like the shortest stretch there is."""
    shared = min(float(span.end), float(whole.end)) - max(float(span.start), float(whole.start))
    if span.start == span.end and whole.start <= span.start <= whole.end:
        return 1e-3
    return max(0.0, shared)
