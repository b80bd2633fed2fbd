"""What a text is about, in its own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from videlicet.search.words import terms

#: Function words that ``terms`` takes for content.
_LINKS = frozenset(
    """
    above across after again against along among around because before behind below beneath beside
    between beyond despite during except inside just may might must near onto outside over please
    shall should since through throughout toward towards under until upon very while within without
    """.split()
)
#: Words of one phrase at most.
LONGEST = 3
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\S")


def phrases(texts: Sequence[tuple[str, int]]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Phrases of up to three words between function words, numbers and marks, with the place of
    the text each is from first; those of words that stand in many and long ones come first (RAKE:
    Rose et al., *Automatic Keyword Extraction from Individual Documents*, 2010)."""
    found: dict[str, tuple[str, int]] = {}
    often: Counter[str] = Counter()
    degree: Counter[str] = Counter()
    for text, place in texts:
        for run in _runs(text):
            phrase = " ".join(run)
            found.setdefault(phrase.casefold(), (phrase, place))
            for word in run:
                often[word.casefold()] += 1
                degree[word.casefold()] += len(run)

    def score(phrase: str) -> float:
        return sum(degree[word] / often[word] * (1 + often[word]) for word in phrase.split())

    for key in sorted(found, key=lambda key: -score(key)):
        phrase, place = found[key]
        yield phrase, (place,)


def _runs(text: str) -> Iterator[list[str]]:
    run: list[str] = []
    end = 0
    for match in _WORD.finditer(text):
        word = match[0]
        apart = text[end : match.start()] != " "
        end = match.end()
        content = word[0].isalpha() and len(word) > 2 and bool(_content(word))
        if run and (apart or not content):
            if len(run) <= LONGEST:
                yield run
            run = []
        if content:
            run.append(word)
    if run and len(run) <= LONGEST:
        yield run


def _content(word: str) -> bool:
    """Whether a word is no function word: ``terms`` keeps none of those beside another word."""
    if word.casefold() in _LINKS:
        return False
    return len(terms(f"{word} evidence")) > 1 or word.casefold() == "evidence"
