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
    starts = [float(atom.span.start) for atom in atoms]
    ends = [float(atom.span.end) for atom in atoms]
    ruler = _Ruler(atoms)
    for first in range(count):
        past = 0.0
        for last in range(first, count):
            seconds = ends[last] - starts[first]
            if last > first and (
                seconds > _LONGEST or not ruler.fits(first, last, 0 if first else indent)
            ):
                break
            room = max(seconds, starts[last + 1] - starts[first] if last + 1 < count else 0.0)
            cost = costs[first] + _ONE + after[last] + (_HASTY if room < _SHORTEST else 0.0) + past
            if cost < costs[last + 1]:
                costs[last + 1] = cost
                back[last + 1] = first
            past += _PAST if after[last] == _AT_SENTENCE else 0.0
    found = []
    end = count
    while end:
        found.append(atoms[back[end] : end])
        end = back[end]
    return found[::-1]


class _Ruler:
    """How long stretches of atoms are as text."""

    def __init__(self, atoms: Sequence[Atom]) -> None:
        self._leads = [0 if atom.glued else 1 for atom in atoms]
        self._until = [0]
        for atom, lead in zip(atoms, self._leads, strict=True):
            self._until.append(self._until[-1] + lead + len(atom.text))

    def _length(self, first: int, last: int) -> int:
        return self._until[last + 1] - self._until[first] - self._leads[first]

    def fits(self, first: int, last: int, indent: int) -> bool:
        """Whether the atoms fit into two lines, the first ``indent`` characters shorter."""
        upper = last
        while upper >= first and self._length(first, upper) + indent > LINE:
            upper -= 1
        return upper == last or (upper >= first and self._length(upper + 1, last) <= LINE)


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
