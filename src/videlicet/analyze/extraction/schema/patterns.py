"""Regular expressions that can neither hang nor surprise.

A pattern becomes an automaton (Thompson, *Regular Expression Search Algorithm*, 1968) whose sets of
states are kept as they are met (Cox, *Regular Expression Matching Can Be Simple And Fast*, 2007).
It matches in time linear in the text, and it can be walked to make a text that matches. Where
Python and ECMA-262 differ (digits and letters beyond ASCII, ``$`` before a last line feed), only
what both accept is a match.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

#: Longest pattern, and most states of its automaton: a counted repetition takes one for each.
LONGEST, STATES = 1_000, 2_000
#: States that are stepped from in the search for a text that matches.
STEPS = 400_000
#: Transitions that are remembered.
KEPT = 50_000

States: TypeAlias = frozenset[int]


class Unsupported(ValueError):
    """A pattern that no automaton stands for, or one too large."""


def _narrow(kind: str, char: str) -> bool:
    """In the class for Python and ECMA-262 alike."""
    match kind:
        case "digit":
            return "0" <= char <= "9"
        case "word":
            return char.isascii() and (char.isalnum() or char == "_")
        case "space":
            return char in " \t\n\r\f\v"
        case _:
            return not _wide(kind.removeprefix("not_"), char)


def _wide(kind: str, char: str) -> bool:
    """In the class for one of them."""
    match kind:
        case "digit":
            return char.isdecimal()
        case "word":
            return char.isalnum() or char == "_"
        case "space":
            return char.isspace() or char == "\ufeff"
        case _:
            return not _narrow(kind.removeprefix("not_"), char)


@dataclass(frozen=True, slots=True)
class Chars:
    """Some characters: ranges of code points and classes, or all but these."""

    ranges: tuple[tuple[int, int], ...] = ()
    kinds: tuple[str, ...] = ()
    negated: bool = False

    def has(self, char: str) -> bool:
        if any(first <= ord(char) <= last for first, last in self.ranges):
            return not self.negated
        if self.negated:
            return not any(_wide(kind, char) for kind in self.kinds)
        return any(_narrow(kind, char) for kind in self.kinds)


_ANY = Chars(negated=True)
_LINE = Chars(tuple((ord(c), ord(c)) for c in "\n\r\u2028\u2029"), negated=True)


class Pattern:
    """One regular expression, found anywhere in a text as JSON schema has it.

    Raises:
        Unsupported: it looks around, refers back, sets flags, or is too large or malformed.
    """

    def __init__(self, source: str) -> None:
        if len(source) > LONGEST:
            raise Unsupported(f"it is longer than {LONGEST} characters")
        self._steps: list[tuple[Chars, int] | None] = []
        self._free: list[list[tuple[str, int]]] = []
        self._kept: dict[tuple[States, str, str], States] = {}
        try:
            # The parser of the standard library itself: what it reads is what Python matches.
            parsed: Any = re._parser.parse(source)  # type: ignore[attr-defined]
            if parsed.state.flags & ~re.UNICODE:
                raise Unsupported("it sets flags")
            first = self._state()
            self._steps[first] = (_ANY, first)
            begin = self._state()
            self._free[first].append(("", begin))
            self._last = self._sequence(parsed, begin)
        except (re.error, OverflowError, RecursionError) as error:
            raise Unsupported(f"it cannot be read: {error}") from error
        self._steps[self._last] = (_ANY, self._last)
        self.start: States = frozenset((first,))

    @property
    def chars(self) -> set[Chars]:
        return {step[0] for step in self._steps if step is not None}

    def matches(self, text: str) -> bool:
        states, before = self.start, ""
        for char in text:
            states, before = self.step(states, before, char), char
            if not states:
                return False
        return self.accepts(states, before)

    def step(self, states: States, before: str, char: str) -> States:
        """The states after ``char``, which follows ``before`` (empty at the beginning)."""
        key = (states, _side(before), char)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            reached = (self._steps[state] for state in self._closed(states, before, char))
            found = frozenset(step[1] for step in reached if step and step[0].has(char))
            self._kept[key] = found
        return found

    def accepts(self, states: States, before: str) -> bool:
        """Whether the text may end here."""
        return self._last in self._closed(states, before, "")

    def _closed(self, states: States, before: str, after: str) -> set[int]:
        seen, todo = set(states), list(states)
        while todo:
            for guard, state in self._free[todo.pop()]:
                if state not in seen and _holds(guard, before, after):
                    seen.add(state)
                    todo.append(state)
        return seen

    def _state(self) -> int:
        if len(self._steps) >= STATES:
            raise Unsupported("its repetitions count too far")
        self._steps.append(None)
        self._free.append([])
        return len(self._steps) - 1

    def _after(self, state: int, guard: str = "") -> int:
        new = self._state()
        self._free[state].append((guard, new))
        return new

    def _sequence(self, parsed: Any, state: int) -> int:
        for operator, argument in parsed:
            state = self._one(str(operator), argument, state)
        return state

    def _one(self, operator: str, argument: Any, state: int) -> int:
        match operator:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                new = self._state()
                self._steps[state] = (_chars(operator, argument), new)
                # A state steps once: what goes on from the next may be free as well.
                return self._after(new)
            case "BRANCH":
                end = self._state()
                for one in argument[1]:
                    self._free[self._sequence(one, self._after(state))].append(("", end))
                return end
            case "SUBPATTERN":
                _, added, taken, inner = argument
                if added or taken:
                    raise Unsupported("it sets flags")
                return self._sequence(inner, state)
            case "MAX_REPEAT" | "MIN_REPEAT":
                fewest, most, inner = argument
                return self._repeat(fewest, most, inner, state)
            case "AT" if str(argument) in _GUARDS:
                return self._after(state, _GUARDS[str(argument)])
            case _:
                raise Unsupported("it looks around, refers back or is possessive")

    def _repeat(self, fewest: Any, most: Any, inner: Any, state: int) -> int:
        for _ in range(int(fewest)):
            state = self._after(self._sequence(inner, state))
        if str(most) == "MAXREPEAT":
            begin = self._after(state)
            self._free[self._sequence(inner, self._after(begin))].append(("", begin))
            return self._after(begin)
        end = self._state()
        for _ in range(int(most) - int(fewest)):
            self._free[state].append(("", end))
            state = self._sequence(inner, self._after(state))
        self._free[state].append(("", end))
        return end


_GUARDS = {"AT_BEGINNING": "^", "AT_END": "$", "AT_BOUNDARY": "b", "AT_NON_BOUNDARY": "B"}


def _holds(guard: str, before: str, after: str) -> bool:
    match guard:
        case "^":
            return not before
        case "$":
            return not after
        case "b":
            return _edge(_narrow, before, after) and _edge(_wide, before, after)
        case "B":
            edges = _edge(_narrow, before, after) or _edge(_wide, before, after)
            return bool(before or after) and not edges
        case _:
            return True


def _edge(test: Callable[[str, str], bool], before: str, after: str) -> bool:
    return (bool(before) and test("word", before)) != (bool(after) and test("word", after))


def _side(before: str) -> str:
    """All that matters of the character before: one like it."""
    if not before:
        return ""
    return "a" if _narrow("word", before) else "é" if _wide("word", before) else " "


def _chars(operator: str, argument: Any) -> Chars:
    if operator == "ANY":
        return _LINE
    if operator in ("LITERAL", "NOT_LITERAL"):
        return Chars(((argument, argument),), negated=operator == "NOT_LITERAL")
    ranges: list[tuple[int, int]] = []
    kinds: list[str] = []
    negated = False
    for kind, value in argument:
        match str(kind):
            case "NEGATE":
                negated = True
            case "LITERAL":
                ranges.append((value, value))
            case "RANGE":
                ranges.append((value[0], value[1]))
            case _:
                kinds.append(str(value).removeprefix("CATEGORY_").lower())
    return Chars(tuple(ranges), tuple(kinds), negated)


@lru_cache(maxsize=512)
def compiled(source: str) -> Pattern:
    """The pattern of a source, made once. Raises ``Unsupported`` like :class:`Pattern`."""
    return Pattern(source)


def texts(
    patterns: Sequence[Pattern], shortest: int, longest: int | None, many: int = 1
) -> Iterator[str]:
    """Texts that match all patterns, shortest first: a walk through all automata at once.

    About ``many`` different ones, fewer where the walk takes more than :data:`STEPS`.
    """
    alphabet = _alphabet(patterns)
    begin = tuple(pattern.start for pattern in patterns)
    todo: deque[tuple[tuple[States, ...], str]] = deque([(begin, "")])
    visits: dict[tuple[tuple[States, ...], str, int], int] = {}
    steps = 0
    while todo and steps < STEPS:
        states, text = todo.popleft()
        before = text[-1:]
        if len(text) >= shortest and all(
            pattern.accepts(one, before) for pattern, one in zip(patterns, states, strict=True)
        ):
            yield text
        if longest is not None and len(text) >= longest:
            continue
        for char in alphabet:
            steps += sum(map(len, states))
            following = tuple(
                pattern.step(one, before, char)
                for pattern, one in zip(patterns, states, strict=True)
            )
            if not all(following):
                continue
            key = (following, _side(char), min(len(text) + 1, shortest))
            if visits.get(key, 0) < many:
                visits[key] = visits.get(key, 0) + 1
                todo.append((following, text + char))


def _alphabet(patterns: Sequence[Pattern]) -> list[str]:
    """Characters that tell all sets in the patterns apart: the ends of each range with their
    neighbours, and some of each class; digits and letters first, nothing that cannot be written."""
    points = {ord(char) for char in "09AZaz_ -.:/@é"}
    for chars in set().union(*(pattern.chars for pattern in patterns)):
        for first, last in chars.ranges:
            points |= {first - 1, first, last, last + 1}
    written = (
        chr(point) for point in points if 0 < point < 0x110000 and not 0xD800 <= point <= 0xDFFF
    )
    return sorted(written, key=lambda c: (not c.isprintable(), not c.isascii(), not c.isalnum(), c))
