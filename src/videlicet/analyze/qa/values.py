"""What kind of thing a question wants to know, and where a text holds one.

A text that holds no value of the wanted kind cannot be the answer, however alike it is; this is
the answer typing of question answering by retrieval (Li and Roth, *Learning Question Classifiers*,
2002).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum

from videlicet.search.words import FUNCTION_WORDS, tokens


class AnswerType(StrEnum):
    """The kinds of answers that are recognised by their form."""

    ANYTHING = "anything"
    NAME = "name"
    CLOCK = "clock"
    DAY = "day"
    DATE = "date"
    YEAR = "year"
    WHEN = "when"
    DURATION = "duration"
    PLACE = "place"
    PRICE = "price"
    PHONE = "phone"
    EMAIL = "email"
    LINK = "link"
    NUMBER = "number"
    COUNT = "count"
    COLOUR = "colour"


_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
#: Words for numbers, as digits.
NUMERALS = {word: str(value) for value, word in enumerate(_SMALL)} | {
    word: str(10 * value) for value, word in enumerate(_TENS, 2)
}

_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_MONTHS = (
    "january february march april may june july august september october november december"
).split()
_COLOURS = (
    "red orange yellow green blue purple violet pink brown black white grey gray silver gold "
    "golden beige turquoise crimson scarlet"
).split()
_UNITS = "second minute hour day week month year".split()


def _any(words: Collection[str], after: str = "") -> str:
    return rf"\b(?:{'|'.join(words)}){after}\b"


_NUMBER = rf"(?:\d+(?:[.,]\d+)*|{_any([*NUMERALS, 'hundred', 'thousand', 'million'])})"
_CLOCK = (
    r"\b(?:[01]?\d|2[0-4]):[0-5]\d\b|"
    rf"{_NUMBER}\s?(?:[ap]\.?m\b\.?|o['’]clock)|\b(?:noon|midnight)\b"
)
# "May" is a month only beside a day or a year; everything else may be said alone.
_DATE = (
    rf"{_any([m for m in _MONTHS if m != 'may'])}|\bmay\s+\d|\d(?:st|nd|rd|th)?\s+(?:of\s+)?may\b|"
    r"\b\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b"
)
_DAY = rf"{_any(_DAYS, 's?')}|{_any('today tonight tomorrow yesterday'.split())}"
_YEAR = r"\b(?:1[0-9]|20)\d\d\b"
_DURATION = rf"{_NUMBER}[\s-]+(?:more |whole )?{_any(_UNITS, 's?')}"
_PATTERNS = {
    AnswerType.CLOCK: _CLOCK,
    AnswerType.DAY: _DAY,
    AnswerType.DATE: rf"{_DATE}|{_DAY}",
    AnswerType.YEAR: _YEAR,
    AnswerType.DURATION: _DURATION,
    AnswerType.WHEN: (
        rf"{_CLOCK}|{_DATE}|{_any(_DAYS, 's?')}|{_YEAR}|{_DURATION}|\btomorrow\b|"
        r"\b(?:this|next|last|every|in the) (?:morning|afternoon|evening|night|week|month|year)\b"
    ),
    AnswerType.PLACE: (
        r"\b(?:in|at|near|on|from|between|under|behind|beside|inside|outside|above|below|along|"
        r"across|opposite)\s+\w|\b(?:everywhere|home)\b"
    ),
    AnswerType.PRICE: (
        r"[$€£¥₹]\s?\d|\d\s?[$€£¥₹]|\b\d+[.,]\d\d\b(?![:.,]?\d)|"
        rf"{_NUMBER}\s+{_any('dollar euro pound cent penny pence yen rupee franc'.split(), 's?')}|"
        r"\bfree of charge\b|\bfor free\b"
    ),
    AnswerType.PHONE: (
        r"(?<!\d)\+?\(?\d{2,}(?:[-\s/.()]{1,2}\d{2,})+(?!\d)|(?<!\d)\+?\d{7,15}(?!\d)"
    ),
    AnswerType.EMAIL: r"\b[\w.+-]+@[\w-]+\.\w+",
    AnswerType.LINK: r"\bhttps?://|\bwww\.|\b[\w-]+\.(?:com|org|net|io|edu|gov|info|[a-z]{2})\b",
    AnswerType.NUMBER: _NUMBER,
    AnswerType.COLOUR: _any(_COLOURS),
}
_VALUES = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _PATTERNS.items()}

_LENGTH = re.compile(
    rf"(?:{_DURATION})(?!\s+(?:ago|earlier|before|later|after|old)\b)", re.IGNORECASE
)

_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,:\-]\d+)*")
_NAME = re.compile(r"[^\W\d_][\w’'-]*")
_STARTS = re.compile(r"(?:^|[.!?:…\"“(])\s*$")
_NAMED = re.compile(r"(?:\b(?:by|from|with|named|called|starring)\b|:)\s+([^\W\d].*)", re.I)
_NO_NAMES = frozenset([*_DAYS, *_MONTHS, "i", "i'm", "i'll", "i've", "i'd", "ok", "mr", "mrs"])


def stems(text: str) -> list[str]:
    """The stems of the words in ``text``, in order: possessives without their ending, words for
    numbers as digits, and words that punctuation joins apart."""
    plain = re.sub(r"['’]s\b", "", text)
    return [
        NUMERALS.get(word.lower(), stem)
        for word in _WORD.findall(plain)
        for stem in tokens(word)[:1]
    ]


def contains_answer(intent: AnswerType, text: str, asked: Collection[str]) -> bool:
    """Whether ``text`` holds a value of the wanted kind that is news to who asks: one whose words
    are not all among the stems ``asked``. Counts and anything at all are always held."""
    known = FUNCTION_WORDS | set(asked)
    if intent is AnswerType.NAME:
        return any(set(stems(name)) - FUNCTION_WORDS - known for name in names(text))
    pattern = _VALUES.get(intent)
    if pattern is None:
        return True
    found = pattern.finditer(text)
    return any(intent is AnswerType.PLACE or not set(stems(one.group())) <= known for one in found)


def text_after(text: str, asked: Collection[str]) -> bool:
    """Whether ``text`` holds a time when something was: a length of time alone (``within thirty
    days``) is none, but ``thirty days ago`` is."""
    return contains_answer(AnswerType.WHEN, _LENGTH.sub(" ", text), asked)


def is_counted(text: str, counted: Collection[str]) -> bool:
    """Whether a number is at most two words before one of the things counted."""
    row = stems(text)
    numbers = [n for n, stem in enumerate(row) if stem[0].isdigit()]
    return any(set(counted) & set(row[n + 1 : n + 4]) for n in numbers)


def states_value(text: str, head: Collection[str]) -> bool:
    """Whether a word that means something is right before one of ``head`` (``white wine``)."""
    row = stems(text)
    return any(
        row[n] in head and row[n - 1] not in FUNCTION_WORDS and row[n - 1] not in head
        for n in range(1, len(row))
    )


def subjects(text: str, verbs: Collection[str]) -> list[str]:
    """Who does what ``verbs`` says: the word right before it."""
    row = stems(text)
    return [
        row[n - 1]
        for n in range(1, len(row))
        if row[n] in verbs and row[n - 1] not in FUNCTION_WORDS
    ]


def names(text: str) -> list[str]:
    """What is written like a name: with a capital where no sentence begins.

    Where most words have one, as on screens, letters tell little: a name is then what follows
    ``by``, ``from`` or a colon, or one of several lines (parted by `` / ``) of a few words.
    """
    found = [m for m in _NAME.finditer(text) if m.group().lower() not in _NO_NAMES]
    capital = [m for m in found if m.group()[0].isupper()]
    if len(capital) <= 0.6 * len(found):
        return [m.group() for m in capital if not _STARTS.search(text[: m.start()])]
    lines = text.split(" / ")
    if len(lines) > 1:
        return [line for line in lines if len(line.split()) <= 5 and not re.search(r"\d", line)]
    return [found.group(1) for found in _NAMED.finditer(text)]
