"""Strings, numbers and booleans from evidence. Each function gives what could be the value, best
first, with the places of the items that say so; whoever asks takes the first that is valid."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from videlicet.analyze.extraction.finding import literals
from videlicet.analyze.extraction.finding.field_intent import FieldIntent, Role, words_of
from videlicet.analyze.extraction.finding.literals import LiteralMatch
from videlicet.analyze.extraction.finding.phrases import phrases
from videlicet.analyze.extraction.finding.sources import same_word
from videlicet.analyze.schema.reader import is_unknown
from videlicet.analyze.schema.shapes import Flag, Number, Text
from videlicet.search.words import tokens
from videlicet.types import Modality

if TYPE_CHECKING:
    from videlicet.analyze.extraction.finding.sources import Places, Sources

#: From here on an item is near enough in meaning to stand for a field.
MIN_SIMILARITY = 0.35
#: The same for a name of a thing seen: two nouns are soon near each other.
MIN_LABEL_SIMILARITY = 0.45
#: From here on a choice is what an item says; its lead over the next one.
MIN_CHOICE, MIN_LEAD = 0.4, 0.04
#: The share of a field's words that an item has to hold.
MIN_COVERAGE = 0.5
#: Words between a number and the words that say what it counts.
REACH = 6
#: The nearness of a number of another kind than is asked for.
UNFIT = -1.0
#: Items that are looked at for a pattern, and words in a row that are tried.
SEARCHED, ROW = 12, 6

#: Something that could be the value, and the items that say so.
Candidate: TypeAlias = tuple[Any, tuple[int, ...]]

_READERS: dict[str, Callable[[str], Iterator[LiteralMatch]]] = {
    "date": literals.dates,
    "time": literals.times,
    "date-time": literals.moments,
    "email": literals.emails,
    "uri": literals.addresses,
    "phone": literals.phones,
    "url": literals.addresses,
    "person": literals.names,
}
#: Where a role looks.
MODALITIES: Mapping[Role | None, tuple[Modality, ...]] = {
    Role.SPEECH: (Modality.SPEECH,),
    Role.QUOTE: (Modality.SPEECH,),
    Role.SCREEN: (Modality.TEXT,),
    Role.SEEN: (Modality.VISUAL,),
}
_NOT = frozenset(
    "no not never without none nobody nothing cannot don't doesn't isn't aren't".split()
)
_SEPARATOR = re.compile(r"\s*[:=–—|]\s*|\s+-\s+")


def strings(sources: Sources, intent: FieldIntent, form: Text, view: Places) -> Iterator[Candidate]:
    """What a string could be."""
    if form.choices is not None:
        yield from choices(sources, intent, form.choices, view)
        return
    if form.format:
        yield from _formatted(sources, intent, form.format, view)
        return
    if form.pattern:
        yield from _matching(sources, intent, form, view)
        return
    for text, places in _plain(sources, intent, view):
        yield _cut(text, form.longest), places


def choices(
    sources: Sources, intent: FieldIntent, names: tuple[str, ...], view: Places
) -> Iterator[Candidate]:
    """The choices that the evidence is like, likest first: by the words of a choice where an item
    holds them all, else by its meaning, where one leads."""
    scored: list[tuple[float, str, int]] = []
    for name in names:
        if is_unknown(name) or not view.size:
            continue
        keys = tuple(tokens(choice_text(name)))
        scores = sources.cosine(choice_text(name))[view]
        if keys and not set(keys) <= _YES_NO:
            scores = np.maximum(scores, sources.coverage(keys)[view] >= 0.999)
        best = int(np.argmax(scores + 1e-3 * sources.relevance(intent)[view]))
        scored.append((float(scores[best]), name, int(view[best])))
    scored.sort(key=lambda row: -row[0])
    flags = {name.casefold(): name for name in names}
    if flags.keys() & _YES_NO:
        for flag, places in booleans(sources, intent, Flag(), view):
            if said := flags.get("yes" if flag else "no") or flags.get(str(flag).lower()):
                yield said, places
        return
    for number, (score, name, place) in enumerate(scored):
        following = scored[number + 1][0] if number + 1 < len(scored) else 0.0
        if score >= MIN_CHOICE and (score >= 0.999 or score - following >= MIN_LEAD):
            yield name, (place,)


_YES_NO = frozenset(("yes", "no", "true", "false"))


def choice_text(name: str) -> str:
    """A choice as the encoder reads it."""
    return " ".join(words_of(name)) or name


def booleans(
    sources: Sources, intent: FieldIntent, form: Flag, view: Places
) -> Iterator[Candidate]:
    """Whether the evidence says so: every word of the field in one item; false where a word of
    denial goes before one of them. Speech, text and things seen are there where there is any."""
    if intent.role in MODALITIES and not intent.keys:
        found = [int(n) for n in view if sources.items[n].modality in MODALITIES[intent.role]]
        if found and True in form.choices:
            yield True, tuple(found[:3])
        return
    if not intent.keys:
        return
    covered = sources.coverage(intent.keys)[view]
    relevance = sources.relevance(intent)[view]
    for row in np.lexsort((-relevance, -covered)):
        if covered[row] < 0.999:
            return
        place = int(view[row])
        said = not _denied(sources.words[place], intent.keys)
        if said in form.choices:
            yield said, (place,)


def _denied(words: list[str], keys: tuple[str, ...]) -> bool:
    first = min(n for n, word in enumerate(words) if any(same_word(key, word) for key in keys))
    return any(word in _NOT for word in words[max(0, first - 3) : first + len(keys)])


def numbers(
    sources: Sources, intent: FieldIntent, form: Number, view: Places
) -> Iterator[Candidate]:
    """Numbers near the words of the field, nearest first: one after such a word is nearer than one
    before it. Where the field names a unit, that follows; prices look like prices."""
    scored: list[tuple[float, int, int, Any]] = []
    anywhere = bool({"any money", "percent", "year"} & intent.kinds) and not intent.is_specific
    near = view if anywhere else view[sources.coverage(intent.keys)[view] > 0]
    for place in (int(n) for n in near):
        item = sources.items[place]
        if item.modality is Modality.VISUAL:
            continue
        for found in sources.read(place, literals.numbers):
            if form.whole and isinstance(found.value, float) and not found.value.is_integer():
                continue
            score = _nearness(sources, intent, place, found)
            if score == 0 and anywhere and (found.money or "any money" not in intent.kinds):
                score = 1e-3 * (1 + float(sources.relevance(intent)[place]))
            if score > 0:
                scored.append((-score, place, found.start, found.value))
    for _, place, _, value in sorted(scored):
        yield (int(value) if form.whole else value), (place,)


def _nearness(sources: Sources, intent: FieldIntent, place: int, found: LiteralMatch) -> float:
    """How near the words of the field are to a number, 0..1; less where it is of another kind."""
    text = sources.items[place].text
    unit = intent.unit
    after = tokens(text[found.end : found.end + 40])
    if unit and not (found.percent and "%" in unit):
        spelt = {stem for word in unit for stem in tokens(word)}
        if not after or after[0] not in spelt:
            return UNFIT
    if "percent" in intent.kinds and not (found.percent or after[:1] == tokens("percent")):
        return UNFIT
    year = isinstance(found.value, int) and 1000 <= found.value <= 2100
    if "year" in intent.kinds and not year:
        return UNFIT
    before = tokens(text[: found.start])
    total = 0.0
    for key in intent.keys:
        back = next((n for n, word in enumerate(reversed(before), 1) if same_word(key, word)), None)
        ahead = next((n for n, word in enumerate(after, 1) if same_word(key, word)), None)
        costs = [*([back] if back else []), *([ahead + 0.5] if ahead else [])]
        if costs and min(costs) <= REACH:
            total += sources.weight(key) / min(costs)
    return total / (sum(sources.weight(key) for key in intent.keys) or 1.0)


def _formatted(
    sources: Sources, intent: FieldIntent, format: str, view: Places
) -> Iterator[Candidate]:
    reader = _READERS.get(format)
    if reader is None:
        yield from _rows_of_words(sources, intent, view)
        return
    for value, places in _typed(sources, intent, reader, view):
        if format in ("time", "date-time") and not re.search(r"(?:Z|[+-]\d\d:\d\d)$", value):
            # RFC 3339 wants an offset; Z says that the local one is not known (RFC 9557, 2.2).
            value = f"{value}Z"
        yield value, places


def _typed(
    sources: Sources,
    intent: FieldIntent,
    reader: Callable[[str], Iterator[LiteralMatch]],
    view: Places,
    as_written: bool = False,
) -> Iterator[Candidate]:
    """What a reader finds in items that have to do with the field; anywhere, where the field
    names nothing but the kind."""
    relevance = sources.relevance(intent)
    covered, named = sources.share(intent), intent.is_specific
    for place in (int(n) for n in view[np.argsort(-relevance[view], kind="stable")]):
        if named and relevance[place] < MIN_SIMILARITY and covered[place] < MIN_COVERAGE:
            continue
        found = sources.read(place, reader)
        text = sources.items[place].text
        for one in sorted(found, key=lambda one: -_closeness(sources, intent, place, one)):
            yield (text[one.start : one.end] if as_written else one.value), (place,)


def _closeness(sources: Sources, intent: FieldIntent, place: int, found: LiteralMatch) -> float:
    before = tokens(sources.items[place].text[: found.start])
    costs = (
        next((n for n, word in enumerate(reversed(before), 1) if same_word(key, word)), 99)
        for key in intent.keys
    )
    return sum(1 / cost for cost in costs)


def _matching(
    sources: Sources, intent: FieldIntent, form: Text, view: Places
) -> Iterator[Candidate]:
    yield from _plain(sources, intent, view)
    yield from _rows_of_words(sources, intent, view)


def _rows_of_words(sources: Sources, intent: FieldIntent, view: Places) -> Iterator[Candidate]:
    """Words in a row from the items that have most to do with a field, for who looks for a form
    that few of them have."""
    relevance = sources.relevance(intent)[view]
    order = np.argsort(-relevance, kind="stable")
    for row in order[:SEARCHED]:
        place = int(view[row])
        words = sources.items[place].text[:500].split()
        for length in range(1, min(ROW, len(words)) + 1):
            for first in range(len(words) - length + 1):
                text = " ".join(words[first : first + length])
                yield text, (place,)
                if (bare := text.strip(".,;:!?()[]\"'")) not in (text, ""):
                    yield bare, (place,)


def _plain(sources: Sources, intent: FieldIntent, view: Places) -> Iterator[Candidate]:
    """A part of an item, or all of it, or several in the order of time."""
    for kind in ("phone", "email", "url", "date", "time", "person"):
        if kind in intent.kinds:
            yield from _typed(sources, intent, _READERS[kind], view, as_written=True)
            if kind in ("phone", "email", "date", "time") or "url" in intent.words:
                return
    if "person" in intent.kinds and not intent.keys:
        yield from ((one, (n,)) for n in map(int, view) if (one := sources.items[n].speaker))
        return
    if intent.role is not None and not intent.keys:
        yield from _by_role(sources, intent, view)
        return
    relevance, covered = sources.relevance(intent), sources.share(intent)
    modalities = MODALITIES.get(intent.role)
    for place in (int(n) for n in view[np.argsort(-relevance[view], kind="stable")]):
        item = sources.items[place]
        if relevance[place] < MIN_SIMILARITY and covered[place] < MIN_COVERAGE:
            return
        if (
            item.modality is Modality.VISUAL
            and max(covered[place], relevance[place]) < MIN_LABEL_SIMILARITY
        ):
            continue
        if modalities and item.modality not in modalities:
            continue
        part = _part(sources, intent, place)
        if part:
            yield part, (place,)


def _part(sources: Sources, intent: FieldIntent, place: int) -> str:
    """What follows the words of the field where an item names it: ``Total: 48.20``, ``PLATFORM 9``.
    Else all that it says; nothing where a number is asked for that is not there."""
    text = sources.items[place].text
    ends = [
        match.end()
        for match in re.finditer(r"\w+(?:['’-]\w+)*", text[:2_000])
        if any(same_word(key, stem) for key in intent.keys for stem in tokens(match[0]))
    ]
    if ends and sources.items[place].modality is not Modality.VISUAL:
        rest = text[ends[-1] :]
        if follows := re.match(
            r"[\s:=#№.-]*(?:(?:no|nr|number|is)\b[.:\s]*)?((?=\S*\d)[^\s,;]+)", rest, re.I
        ):
            return follows[1].rstrip(".!?")
        if split := _SEPARATOR.match(rest):
            return rest[split.end() :].strip()
    if "code" in intent.kinds:
        near = {
            text[one.start : one.end]: _nearness(sources, intent, place, one)
            for one in sources.read(place, literals.numbers)
            if text[one.start].isdigit()
        }
        best = max(near, key=lambda digits: near[digits], default="")
        return best if best and near[best] > 0 else ""
    return text


def _by_role(sources: Sources, intent: FieldIntent, view: Places) -> Iterator[Candidate]:
    """What is asked of any video: how it is titled, what is said, written and seen in it."""
    items = sources.items
    said = [int(n) for n in view if items[n].modality is Modality.SPEECH]
    written = [int(n) for n in view if items[n].modality is Modality.TEXT]
    seen = [int(n) for n in view if items[n].modality is Modality.VISUAL]
    seen.sort(key=lambda n: -items[n].confidence * float(items[n].span.duration))
    match intent.role:
        case Role.TITLE:
            longest = sorted(written, key=lambda n: -_weight(sources, n))
            yield from ((items[n].text, (n,)) for n in longest)
            yield from ((items[n].text, (n,)) for n in (*_typical(sources, said), *seen))
        case Role.SUMMARY:
            spoken = sorted(_typical(sources, said)[:3]) or sorted((*written, *seen)[:3])
            yield from _joined(sources, spoken)
        case Role.SPEECH:
            yield from _joined(sources, said)
        case Role.SCREEN:
            yield from _joined(sources, written)
        case Role.SEEN:
            yield from ((items[n].text, (n,)) for n in seen)
        case Role.QUOTE:
            yield from ((items[n].text, (n,)) for n in _typical(sources, said))
        case Role.TOPIC:
            yield from ((items[n].text, (n,)) for n in seen)
            yield from phrases([(items[n].text, n) for n in (*written, *said)])


def _weight(sources: Sources, place: int) -> float:
    """How much a line of text looks like a heading: letters that stay."""
    item = sources.items[place]
    letters = sum(char.isalpha() for char in item.text)
    return min(letters, 40) * item.confidence * math.sqrt(item.span.duration + 1)


def _typical(sources: Sources, places: list[int]) -> list[int]:
    """Those that are nearest to the middle of all, nearest first."""
    if not places:
        return []
    rows = sources.vectors[places]
    order = np.argsort(-(rows @ rows.mean(axis=0)), kind="stable")
    return [places[n] for n in order]


def _joined(sources: Sources, places: list[int]) -> Iterator[Candidate]:
    if places:
        yield " ".join(sources.items[n].text for n in places), tuple(places)
        yield from ((sources.items[n].text, (n,)) for n in places)


def _cut(text: str, longest: int | None) -> str:
    """The words of a text that fit; all of it where not even one does."""
    if longest is None or len(text) <= longest:
        return text
    end = text.rfind(" ", 0, longest + 1)
    return text[:end].rstrip(",;: ") if end > 0 else text
