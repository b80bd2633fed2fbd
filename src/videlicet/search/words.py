"""What the words of a query ask for: quoted phrases, and the terms that carry meaning."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_QUOTED = re.compile(r'"([^"]+)"|“([^”]+)”|«([^»]+)»')
_TERM = re.compile(r"\w+(?:[.:,'’\-]\w+)*")

#: Function words of English: they say nothing about what is wanted.
FUNCTION_WORDS = frozenset(
    """
    a about an and are as at be been but by can did do does for from had has have he her him
    his how i if in into is it its me my no not of on or our she so some someone something
    than that the their them then there these they this those to was we were what when where
    which who whom why will with would you your
    """.split()
)


@dataclass(frozen=True, slots=True)
class Words:
    """A text query taken apart. ``phrases`` must be matched exactly; ``text`` is all the words
    without their quotation marks."""

    text: str
    phrases: tuple[str, ...]
    terms: tuple[str, ...]


def parse(query: str) -> Words:
    """Take a text query apart; unbalanced quotation marks are ordinary characters."""
    phrases = tuple(
        phrase.strip() for groups in _QUOTED.findall(query) for phrase in groups if phrase.strip()
    )
    text = " ".join(_QUOTED.sub(lambda m: next(g for g in m.groups() if g), query).split())
    return Words(text, phrases, terms(text))


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    if not word.isalpha():
        return word
    import snowballstemmer

    return str(snowballstemmer.stemmer("english").stemWord(word))


def tokens(text: str) -> list[str]:
    """Lower-case stems of the words in ``text``, in order."""
    return [_stem(word.lower().replace("’", "'")) for word in _TERM.findall(text)]


def terms(text: str) -> tuple[str, ...]:
    """The distinct stems worth matching; all of them where every word is a function word."""
    found = dict.fromkeys(
        _stem(word)
        for raw in _TERM.findall(text)
        if (word := raw.lower().replace("’", "'")) not in FUNCTION_WORDS
    )
    return tuple(found) or tuple(dict.fromkeys(tokens(text)))


def is_function_word(word: str) -> bool:
    """Whether a word says nothing by itself, as "the" and "of" do."""
    return word.lower().replace("’", "'") in FUNCTION_WORDS


def inverse_frequency(matching: int, total: int) -> float:
    """Robertson and Spärck Jones's weight of a term that ``matching`` of ``total`` rows hold."""
    return math.log(1.0 + (total - matching + 0.5) / (matching + 0.5))


def coverage(wanted: Sequence[str], text: str, weights: Mapping[str, float]) -> float:
    """The share, by weight, of the wanted stems that ``text`` holds, 0..1."""
    total = sum(weights[term] for term in wanted)
    if not total:
        return 0.0
    present = set(tokens(text))
    return sum(weights[term] for term in wanted if term in present) / total
