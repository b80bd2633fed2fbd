"""Values that say nothing and are valid all the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, islice
from typing import Any

from videlicet.analyze.extraction.schema.checking import same
from videlicet.analyze.extraction.schema.formats import FORMATS, WALKED
from videlicet.analyze.extraction.schema.patterns import compiled, texts
from videlicet.analyze.extraction.schema.shapes import (
    Array,
    Fixed,
    Flag,
    Form,
    Null,
    Number,
    Record,
    Text,
)

_NOTHING = object()
#: Values that are tried for one form before it is given up.
TRIES = 200
#: Longest string and array that are made up to reach a lower bound.
LONGEST_TEXT, LONGEST_ARRAY = 10_000, 1_000
#: Values within values that are made up.
LARGEST = 10_000
#: Choices that mean that something is not known, welcome where something must be said.
UNKNOWN = ("", "unknown", "none", "n/a", "not found", "not mentioned", "unspecified", "other")


def values(form: Form, many: int = 1) -> Iterator[Any]:
    """Values of a form, the emptiest first; about ``many`` different ones where there are as many.

    They keep to what the form says; whether oneOf and the like allow them is for
    :attr:`~videlicet.analyze.extraction.schema.shapes.Node.valid` to say.
    """
    match form:
        case Null():
            return iter((None,))
        case Flag(choices=choices) | Fixed(choices=choices):
            return iter(choices)
        case Text():
            return _texts(form, many)
        case Number():
            return _numbers(form, many)
        case Array():
            return _arrays(form)
        case Record():
            return _records(form)


def unknown(choice: str) -> bool:
    """Whether a choice means that something is not known."""
    return choice.casefold().replace("_", " ").replace("-", " ").strip() in UNKNOWN


def _texts(form: Text, many: int) -> Iterator[str]:
    if form.choices is not None:
        yield from sorted(form.choices, key=lambda choice: not unknown(choice))
        return
    if form.shortest > LONGEST_TEXT:
        return
    format = form.format and FORMATS.get(form.format)
    if format:
        fixed: Iterable[str] = format.none
    else:
        plain = "-" * form.shortest
        fixed = chain((plain,), (plain[: -len(end)] + end for end in map(str, range(1, many))))
    patterns = [compiled(source) for source in form.patterns]
    for text in fixed:
        if _fits(form, text) and all(pattern.matches(text) for pattern in patterns):
            yield text
    walked = [*patterns, *([compiled(WALKED[form.format])] if format and form.format else [])]
    if walked:
        yield from texts(walked, form.shortest, form.longest, many)


def _fits(form: Text, text: str) -> bool:
    return form.shortest <= len(text) <= (len(text) if form.longest is None else form.longest)


def _numbers(form: Number, many: int) -> Iterator[int | float]:
    if form.choices is not None:
        yield from form.choices
        return
    grid = _grid(form)
    found = _on_grid(form, grid, many) if grid else _between(form, many)
    for value in found:
        whole = value.denominator == 1
        yield int(value) if whole else float(value)


def _grid(form: Number) -> Fraction | None:
    """Of what every value has to be a multiple."""
    steps = [*form.steps, *([Fraction(1)] if form.whole else [])]
    if not steps:
        return None
    return Fraction(
        math.lcm(*(step.numerator for step in steps)),
        math.gcd(*(step.denominator for step in steps)),
    )


def _on_grid(form: Number, grid: Fraction, many: int) -> Iterator[Fraction]:
    """Multiples from that nearest to zero outwards."""
    first = 0
    if form.low is not None and form.low >= 0:
        first = math.ceil(form.low / grid)
    elif form.high is not None and form.high <= 0:
        first = math.floor(form.high / grid)
    for number in range(many + 2):
        for value in dict.fromkeys(((first + number) * grid, (first - number) * grid)):
            if _inside(form, value):
                yield value


def _between(form: Number, many: int) -> Iterator[Fraction]:
    low, high = form.low, form.high
    yield from filter(lambda value: _inside(form, value), _whole_near(low, high, many))
    if low is not None and high is not None:
        ends = [low, high, *(low + (high - low) * Fraction(n, 64) for n in range(1, 64))]
    else:
        end = low if low is not None else high or Fraction(0)
        sign = 1 if low is not None else -1
        ends = [end, *(end + sign * Fraction(1, 2**n) for n in range(1, 40))]
    yield from (value for value in ends if _inside(form, Fraction(float(value))))


def _whole_near(low: Fraction | None, high: Fraction | None, many: int) -> Iterator[Fraction]:
    start = 0
    if low is not None and low > 0:
        start = math.ceil(low)
    elif high is not None and high < 0:
        start = math.floor(high)
    for number in range(many + 8):
        yield from dict.fromkeys((Fraction(start + number), Fraction(start - number)))


def _inside(form: Number, value: Fraction) -> bool:
    low, high = form.low, form.high
    above = low is None or value > low or (value == low and not form.low_open)
    below = high is None or value < high or (value == high and not form.high_open)
    return above and below


def _arrays(form: Array) -> Iterator[list[Any]]:
    if form.fewest > LONGEST_ARRAY:
        return
    most = form.fewest + TRIES if form.most is None else form.most
    for length in range(form.fewest, most + 1):
        nodes = [*form.first[:length]]
        if len(nodes) < length:
            if form.rest is None:
                return
            nodes += [form.rest] * (length - len(nodes))
        sizes = {id(node): _size(node.empty) for node in nodes}
        if sum(sizes[id(node)] for node in nodes) > LARGEST:
            return
        if not form.distinct:
            yield [node.empty for node in nodes]
            continue
        items: list[Any] = []
        for node in nodes:
            tried = (
                value
                for one in node.forms
                for value in islice(values(one, length + 2), length + TRIES)
                if node.valid(value) and not _among(value, items)
            )
            empty = [] if _among(node.empty, items) else [node.empty]
            chosen = next(chain(empty, tried), _NOTHING)
            if chosen is _NOTHING:
                return
            items.append(chosen)
        yield items


def _among(value: Any, items: list[Any]) -> bool:
    return any(same(value, item) for item in items)


def _size(value: Any) -> int:
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1


def _records(form: Record) -> Iterator[dict[str, Any]]:
    least = {field.name: field.node.empty for field in form.fields if field.required}
    if _size(least) > LARGEST:
        return
    yield dict(least)
    for field in form.fields:
        if not field.required:
            yield {
                one.name: one.node.empty
                for one in form.fields
                if one.required or one.name == field.name
            }
    for field in form.fields:
        for one in field.node.forms:
            for value in islice(values(one, 8), 8):
                if field.node.valid(value) and not same(value, field.node.empty):
                    yield {**least, field.name: value}
