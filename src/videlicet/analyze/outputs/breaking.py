"""Where running words are broken: into subtitles, and each into lines.

Both are the cheapest of all ways to break, found by dynamic programming (Knuth and Plass,
*Breaking Paragraphs into Lines*, 1981). What costs is what the style guides of subtitling advise
against: a break inside a phrase, a subtitle too short to be read, lines of very different length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from videlicet.types import Span

#: Characters of one line.
LINE = 42

_SENTENCE = (".", "!", "?", "…", "。", "！", "？", "。")
_CLAUSE = (",", ";", ":", "，", "；", "：", "、", "–", "—")
_CLOSING = "\"'”’»)]}"
_PAUSE = 0.4
_LONGEST = 7.0
_SHORTEST = 5 / 6
#: What one more subtitle costs, and what a break costs where it comes.
_ONE = 2.0
_AT_SENTENCE, _AT_PAUSE, _AT_CLAUSE, _INSIDE = 0.0, 1.0, 1.5, 6.0
#: What going on past the end of a sentence costs: each sentence its own subtitle, if long enough.
_PAST = 1.0
_HASTY = 3.0


@dataclass(frozen=True, slots=True)
class Atom:
    """A word that is never broken. ``glued`` joins it to the one before without a space; ``ends``
    tells that a phrase ends with it, whatever its last character."""

    text: str
    span: Span
    glued: bool = False
    ends: bool = False


def blocks(atoms: Sequence[Atom], indent: int = 0) -> list[Sequence[Atom]]:
    """The atoms in order as subtitles of at most two lines of :data:`LINE` characters each, and of
    at most seven seconds unless one word alone is longer. The first line of the first one is
    ``indent`` characters shorter."""
    count = len(atoms)
    costs = [0.0] + [float("inf")] * count
    back = [0] * (count + 1)
    after = [_cost_after(atoms, n) for n in range(count)]
    for first in range(count):
        for last in range(first, count):
            block = atoms[first : last + 1]
            if last > first and (
                _fit(block, 0 if first else indent) is None
                or float(block[-1].span.end - block[0].span.start) > _LONGEST
            ):
                break
            seconds = float(block[-1].span.end - block[0].span.start)
            room = seconds
            if last + 1 < count:
                room = max(room, float(atoms[last + 1].span.start - block[0].span.start))
            cost = _ONE + after[last] + (_HASTY if room < _SHORTEST else 0.0)
            cost += sum(_PAST for n in range(first, last) if after[n] == _AT_SENTENCE)
            if costs[first] + cost < costs[last + 1]:
                costs[last + 1] = costs[first] + cost
                back[last + 1] = first
    found = []
    end = count
    while end:
        found.append(atoms[back[end] : end])
        end = back[end]
    return found[::-1]


def layout(block: Sequence[Atom], indent: int = 0) -> tuple[str, ...]:
    """The lines of one subtitle: one where it fits, else two, broken at the end of a phrase where
    there is one, the upper no longer than need be."""
    return _fit(block, indent) or (_text(block),)


def _fit(block: Sequence[Atom], indent: int) -> tuple[str, ...] | None:
    whole = _text(block)
    if len(whole) + indent <= LINE:
        return (whole,)
    if len(whole) > 2 * LINE + 1 - indent:
        return None
    best: tuple[float, tuple[str, ...]] | None = None
    for number in range(1, len(block)):
        upper, lower = _text(block[:number]), _text(block[number:])
        if len(upper) + indent > LINE or len(lower) > LINE:
            continue
        cost = 3 * _cost_after(block, number - 1) + abs(len(upper) + indent - len(lower)) / 2
        cost += 0 if len(upper) <= len(lower) else 1
        if best is None or cost < best[0]:
            best = cost, (upper, lower)
    return None if best is None else best[1]


def _cost_after(atoms: Sequence[Atom], number: int) -> float:
    atom = atoms[number]
    end = atom.text.rstrip(_CLOSING) or atom.text
    if end.endswith(_SENTENCE):
        return _AT_SENTENCE
    if number + 1 < len(atoms):
        pause = atoms[number + 1].span.start - atom.span.end
        if pause >= Fraction(_PAUSE):
            return _AT_PAUSE
    else:
        return _AT_SENTENCE
    if atom.ends or end.endswith(_CLAUSE):
        return _AT_CLAUSE
    return _INSIDE


def _text(block: Sequence[Atom]) -> str:
    parts = [block[0].text]
    for atom in block[1:]:
        parts.append(atom.text if atom.glued else f" {atom.text}")
    return "".join(parts)
