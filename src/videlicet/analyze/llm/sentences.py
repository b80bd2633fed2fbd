"""Texts to sentences."""

from __future__ import annotations

import re

#: Words before a full stop that ends no sentence.
_SHORT = frozenset(
    "mr mrs ms dr prof st sr jr vs etc e.g i.e cf fig no vol pp approx inc ltd co corp dept est "
    "gen col sgt capt rev hon u.s u.k a.m p.m jan feb mar apr jun jul aug sep sept oct nov dec "
    "z.b bzw ca nr d.h p.ex m.".split()
)
#: References in brackets belong to the sentence before them.
REFERENCES = r"(?:\s*\[\d+(?:\s*[,;]\s*\d+)*\])*"
_END = re.compile(
    rf"(?:[.!?…]+[\"'”’»)\]]*{REFERENCES}(?=\s|$)|[。！？]+[\"'”’»」』)]*{REFERENCES}|\n)\s*"
)
_LAST_WORD = re.compile(r"[\w.]+$")


def split(text: str) -> list[str]:
    """The sentences of ``text`` in order, without what is around them. A line break ends one;
    the full stops of abbreviations, initials and numbered lists do not."""
    found, start = [], 0
    for end in _END.finditer(text):
        if _goes_on(text, start, end.start()):
            continue
        if sentence := text[start : end.end()].strip():
            found.append(sentence)
        start = end.end()
    if rest := text[start:].strip():
        found.append(rest)
    return found


def _goes_on(text: str, start: int, stop: int) -> bool:
    if text[stop : stop + 1] != "." or text[stop : stop + 2] == "..":
        return False
    word = _LAST_WORD.search(text, start, stop)
    if word is None:
        return False
    name = word[0].casefold()
    initial = len(name) == 1 and name.isalpha() and word[0].isupper()
    number = name.isdigit() and not text[start : word.start()].strip()
    return name in _SHORT or initial or number
