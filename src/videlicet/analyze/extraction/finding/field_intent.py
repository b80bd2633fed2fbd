"""The intent of a field, parsed from its name and description."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from videlicet.search.words import terms, tokens

#: Words that say of what kind a value is, not what it is about.
_GENERIC = frozenset(
    tokens(
        """
        name number value amount count id identifier code date time type list array text string
        video film movie clip footage recording scene shot segment section part chapter moment
        main short brief full complete overall general all any each every item entry field data
        info information detail start end begin beginning finish from until timestamp second
        minute hour day millisecond offset timecode present visible shown show display appear
        contain include heard mention timeline highlight sequence event use feature have does
        there whether true false
        if describe identify extract hh mm ss fff format
        give return provide find find list exact exactly one found state stated given what
        which evidence first last top most important key relevant short sentence word phrase single
        """
    )
)

_KINDS = {
    "money": "price cost fee amount charge fare total subtotal sum tax budget salary revenue paid",
    "any money": "price cost fee amount charge fare",
    "percent": "percent percentage",
    "year": "year",
    "phone": "phone telephone mobile tel call",
    "email": "email mail",
    "url": "url website web link site homepage address",
    "date": "date day",
    "time": "time clock",
    "person": "person people speaker host author presenter narrator guest actor reporter artist "
    "director interviewer interviewee singer player reader teacher owner",
    "code": "number id identifier code reference ref no",
}
#: Kinds that are recognised by their form.
TYPED = frozenset(("phone", "email", "url", "date", "time", "person", "code"))
#: Units that a number is to be followed by, where a field names one.
UNITS = tuple(
    frozenset(words.split())
    for words in (
        "second seconds sec secs s", "minute minutes min mins", "hour hours h hrs",
        "day days", "week weeks", "month months", "year years", "percent %", "degree degrees °c °f",
        "kg kilogram kilograms kilo kilos", "g gram grams", "km kilometer kilometers kilometre "
        "kilometres", "m meter meters metre metres", "cm centimeter centimeters", "mile miles",
        "l liter liters litre litres", "ml", "dollar dollars $", "euro euros €", "pound pounds £",
    )
)  # fmt: skip


#: Words of a description that say what the value is.
CLAUSE = 8


class Role(StrEnum):
    """What a field asks of any video whatever it is about."""

    TITLE = "title"
    SUMMARY = "summary"
    SPEECH = "speech"
    SCREEN = "screen"
    SEEN = "seen"
    QUOTE = "quote"
    TOPIC = "topic"


_ROLES = {
    Role.TITLE: "title headline heading",
    Role.SUMMARY: "summary description overview synopsis gist plot abstract content",
    Role.SPEECH: "transcript transcription dialogue dialog speech narration spoken voiceover",
    Role.SCREEN: "onscreen screen ocr text caption sign signage written lettering",
    Role.SEEN: "object visible seen visual label thing",
    Role.QUOTE: "quote quotation statement line said saying utterance",
    Role.TOPIC: "topic keyword tag hashtag theme subject",
}
_STARTS = frozenset("start begin begins beginning from in starttime startsec".split())
_ENDS = frozenset("end ends ending finish until to out endtime endsec".split())
_TIMES = frozenset(
    "time timestamp sec secs second seconds ms offset at position tc timecode".split()
)


#: Kinds of values that begin and end as well, but not in the video.
_NO_TIMES = frozenset(("money", "percent", "year", "phone", "email", "url", "date"))
#: Names of times in the video that tell what it is the time of.
_MARKED = re.compile(
    r"^(?:timestamp|timecode|offset|start (?:time )?of|begin(?:ning)? of|"
    r"(?P<end>end (?:time )?of))\b.|"
    r"\b(?:timestamp|timecode|offset|start(?:s|time)?|begin(?:s|ning)?|"
    r"(?:shown|seen|visible|appears?|said|heard|mentioned|spoken) at|"
    r"(?P<last>end(?:s|ing|time)?))"
    r"(?: (?:time|timestamp|timecode|offset|at|in|s|ms|secs?|seconds?))*$"
)
_STAMP = re.compile(r"\btime ?(?:stamp|code)s?\b|\b(?:hh?:)?mm:ss\b")
_OF_DAY = re.compile(r"\bof (?:the )?day\b|\blocal time\b|\bo'clock\b|\bdeparture\b|\barrival\b")


class Edge(StrEnum):
    """Which time of its evidence a field holds."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class FieldIntent:
    """One field. ``keys`` are the stems that evidence should hold, ``more`` those of what is said
    of it; ``text`` is what the encoder reads; ``label`` is the way to the field, for people."""

    label: str
    words: tuple[str, ...]
    description: str
    keys: tuple[str, ...]
    more: tuple[str, ...]
    text: str
    kinds: frozenset[str] = field(default_factory=frozenset)
    role: Role | None = None

    @property
    def edge(self) -> Edge | None:
        """Whether it asks for a time in the video by its name (start, end_time, timestamp,
        espresso_shown_at), or by what is said of it (``hh:mm:ss``)."""
        words = set(self.words)
        if self._timed:
            if words & _ENDS:
                return Edge.END
            return Edge.START if words & (_STARTS | _TIMES) else None
        if self.kinds & _NO_TIMES:
            return None
        if marked := _MARKED.search(" ".join(self.words)):
            return Edge.END if marked["end"] or marked["last"] else Edge.START
        if _STAMP.search(self.description) and not _OF_DAY.search(self.description):
            return Edge.END if words & _ENDS else Edge.START
        return None

    @property
    def is_segment_edge(self) -> bool:
        """Whether it is the start or end of the field beside it."""
        own = bool(set(self.words) & (_STARTS | _ENDS))
        return self.edge is not None and own and not self.is_named_time

    @property
    def is_named_time(self) -> bool:
        """Whether its name tells what it is the time of."""
        return self.edge is not None and not self._timed and bool(_content(" ".join(self.words)))

    @property
    def _timed(self) -> bool:
        """Whether its name speaks of times alone."""
        parts = {"scene", "segment", "clip", "shot"}
        return bool(self.words) and set(self.words) <= _STARTS | _ENDS | _TIMES | parts

    @property
    def is_specific(self) -> bool:
        """Whether its name tells more than the kind of the value."""
        kinds = (named for kind, named in _KINDS.items() if kind in self.kinds and kind != "money")
        generic = _GENERIC | set(tokens(" ".join(kinds)))
        return bool(set(tokens(" ".join(self.words))) & set(self.keys) - generic)

    @property
    def unit(self) -> frozenset[str] | None:
        """The spellings of the unit that the name asks for."""
        return next((unit for unit in UNITS if unit & set(self.words)), None)


@lru_cache(maxsize=8192)
def field_intent(name: str, remarks: str = "", above: FieldIntent | None = None) -> FieldIntent:
    """What a field of a name asks for, with what its schema says of it, within another field."""
    words = words_of(name)
    own = _content(" ".join(words))
    role = next((role for role, named in _ROLES.items() if set(words) & _forms(named)), None)
    keys = own - _role_stems() if role else own
    if not role:
        keys = keys or _content(remarks) or set(above.keys if above else ())
    kinds = {kind for kind, named in _KINDS.items() if set(words) & _forms(named)}
    found = FieldIntent(
        f"{above.label}.{name}" if above and above.label else name,
        words,
        remarks.lower(),
        tuple(sorted(keys)),
        tuple(sorted(_content(remarks))),
        ": ".join(part for part in (" ".join(words), remarks[:300]) if part) or "anything",
        frozenset(kinds),
        role,
    )
    return replace(found, kinds=found.kinds - {"date"}) if found.unit else found


def described_intent(asked: FieldIntent) -> FieldIntent | None:
    """The same field parsed from its description instead of its name, where it says what the
    value is about or of which kind. It keeps its text, which is announced to the encoder."""
    clause = re.split(r"[.,;:(]", asked.description)[0]
    other = field_intent(" ".join(clause.split()[:CLAUSE]), asked.description)
    if not (other.keys or other.kinds or other.role):
        return None
    own = tuple(sorted(_content(" ".join(other.words))))
    if other.role and set(own) - _role_stems():
        # Most words for roles are common ones: "price per line".
        other = replace(other, role=None, keys=own)
    return replace(other, label=asked.label, text=asked.text)


def item_intent(above: FieldIntent, remarks: str, number: int | None = None) -> FieldIntent:
    """What one item of a list asks for: what the list does."""
    label = above.label if number is None else f"{above.label}[{number}]"
    text = f"{above.text}: {remarks[:300]}" if remarks else above.text
    keys = above.keys or (() if above.role else tuple(sorted(_content(remarks))))
    return replace(above, label=label, text=text, keys=keys)


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in snake, camel or any other case, in lower case."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(word.lower() for word in re.findall(r"[^\W_]+", apart))


def _content(text: str) -> set[str]:
    """The stems that tell what something is about. ``terms`` gives back function words where there
    are no others; the word that is added is among the generic ones."""
    return set(terms(f"{text} evidence")) - _GENERIC


@lru_cache(maxsize=64)
def _forms(named: str) -> frozenset[str]:
    return frozenset(named.split()) | {f"{word}s" for word in named.split()}


@lru_cache(maxsize=1)
def _role_stems() -> frozenset[str]:
    return frozenset(tokens(" ".join(_ROLES.values())))
