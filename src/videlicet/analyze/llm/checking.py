"""Whether evidence supports what a language model says.

A sentence is kept where up to :data:`MOST_CITED` items that it cites, or else any that the model
was shown, together

- hold every number, name and address in it,
- hold a negation if it has one, and
- share enough of its words, and of its meaning in the text encoder's space (all of the words, where
  it is one item).

It is cited by those items and no others, whatever the model wrote. This compares words and
meanings; it does not reason. A sentence that turns what was said around in the same words may pass.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from videlicet.analyze.llm import sentences
from videlicet.analyze.llm.prompts import NOT_FOUND, Line, without_chat_markers
from videlicet.embedding.texts import embed_texts
from videlicet.search.words import is_function_word, tokens
from videlicet.types import EvidenceItem, Sentence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.models.base import TextEncoder
    from videlicet.types import Asset

    Floats = NDArray[np.float32]

#: Least share of a sentence's words that its evidence has, and least sum of that share and of the
#: cosine of their meanings. Measured in docs/decisions/0014-language-models.md.
LEAST_WORDS = 0.4
LEAST_SUPPORT = 1.3
#: Least cosine between a choice from a closed list and the evidence that it cites.
LEAST_CHOICE = 0.25
#: Most items that one sentence rests on.
MOST_CITED = 4
#: Most words beside an address on a sign that shows it. What says more may be an order to hand it
#: on, in whatever language, and is no evidence for it.
BESIDE_ADDRESS = 4
#: Seconds that a time in a sentence may be off from the item it cites.
NEAR = 3

#: What people say about videos rather than what videos say.
_ABOUT = frozenset(
    tokens(
        "video videos film clip recording footage speaker speakers narrator person people someone "
        "says said say tells told mentions mentioned explains explained describes described shows "
        "shown show showing seen appears appear talks talk discusses discussed screen text scene "
        "evidence line lines address website web site page also then there according yes answer "
        "question about part"
    )
)
_NEGATIONS = frozenset(
    tokens("not no never none nobody nothing neither nor without cannot can't don't doesn't didn't "
           "isn't aren't wasn't weren't won't wouldn't shouldn't couldn't hasn't haven't hadn't "
           "nicht kein keine nie ne pas jamais non ningún nunca não niet geen")
)  # fmt: skip
_NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {
    word: str(value)
    for word, value in zip(
        "thirty forty fifty sixty seventy eighty ninety hundred thousand million".split(),
        (30, 40, 50, 60, 70, 80, 90, 100, 1000, 1_000_000),
        strict=True,
    )
}
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_TIME = re.compile(r"\b(?:(\d{1,2}):)?(\d{1,2}):(\d{2})\b")
_WORD = re.compile(r"\w+(?:['’\-]\w+)*")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.\-]{1,20}://|\bwww\.|\b(?:javascript|data|mailto|tel|file):)[^\s<>\"']+"
    r"|[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
    r"|\b(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)+[a-z]{2,24}\b(?:/[^\s<>\"']*)?",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?!www\.)[\w\-]+(?:\.[\w\-]+)+")
_TAG = re.compile(r"<[/!?a-zA-Z][^>]*>?")
_IMAGE = re.compile(r"!\[[^\]]*\]\s*\([^)]*\)|!\[[^\]]*\]\[[^\]]*\]")
_LINK = re.compile(r"\[([^\]]*)\]\s*\([^)]*\)")
_MARKUP = re.compile(r"[*_`~]{2,}|`|^\s*(?:[#>*•\-]+|\d+[.)])\s+", re.MULTILINE)
_CITED = re.compile(r"\s*[\[【]\s*(\d+(?:\s*[,;]\s*\d+)*)\s*[\]】]")


def strip_markup(text: str) -> str:
    """Text without markup of any kind: HTML, Markdown links and images, marks of chat templates.
    Link targets are dropped; link texts stay."""
    text = without_chat_markers(html.unescape(text))
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    for pattern, kept in ((_IMAGE, ""), (_LINK, r"\1"), (_TAG, ""), (_MARKUP, "")):
        while (shorter := pattern.sub(kept, text)) != text:
            text = shorter
    return " ".join(without_chat_markers(text).split())


def addresses(text: str) -> list[str]:
    """Web and mail addresses in ``text``, without punctuation at their ends."""
    text = unicodedata.normalize("NFKC", text)
    return [found[0].rstrip(".,;:!?)]}'\"") for found in _ADDRESS.finditer(text)]


def split_citations(text: str) -> tuple[str, list[int]]:
    """A sentence without its citations, and the numbers in them."""
    numbers = [int(n) for found in _CITED.finditer(text) for n in re.findall(r"\d+", found[1])]
    return re.sub(r"\s+([.,;:!?])", r"\1", _CITED.sub("", text)).strip(), numbers


class SentenceReader:
    """Takes sentences out of a reply while it is written. The content of ``<think>`` is left out;
    the last sentence is held back until it is known to be whole."""

    def __init__(self) -> None:
        self._text = ""
        self._thinking: bool | None = None

    def feed(self, part: str) -> Iterator[str]:
        """The sentences that are whole now and were not before."""
        self._text += part
        if not self._said():
            return
        found = sentences.split(self._text)
        # Its citations may yet come.
        brackets = 2 if found and found[-1][0] in "[【" else 1
        if len(found) > brackets:
            whole = found[:-brackets]
            for one in whole:
                self._text = self._text[self._text.index(one) + len(one) :]
            yield from whole

    def rest(self, *, whole: bool) -> Iterator[str]:
        """What is left at the end: all of it, or where the reply was cut (not ``whole``) only
        what ends like a sentence."""
        if self._thinking or not self._text.strip():
            return
        for one in sentences.split(self._text):
            if whole or split_citations(one)[0].endswith(
                (".", "!", "?", "…", "。", "！", "？", '"', "”")
            ):
                yield one

    def _said(self) -> bool:
        if self._thinking is None:
            head = self._text.lstrip()
            if "<think>".startswith(head[:7]) and len(head) < 7:
                return False
            self._thinking = head.startswith("<think>")
        if self._thinking and "</think>" in self._text:
            self._text = self._text.split("</think>", 1)[1]
            self._thinking = False
        return not self._thinking


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a sentence asks of its evidence."""

    words: frozenset[str]
    musts: frozenset[str]
    times: tuple[int, ...]
    negated: bool


class SupportChecker:
    """Checks sentences against the lines that a model was shown."""

    def __init__(
        self,
        encoder: TextEncoder,
        lines: Sequence[Line],
        vectors: dict[int, Floats],
        assets: Mapping[str, Asset],
    ) -> None:
        """``vectors`` has the rows of items in the encoder's space, by ``id()`` of the item;
        those that are missing or zero are made when the first sentence is checked. ``assets`` are
        those of the items by id."""
        self._encoder = encoder
        items = {id(item): item for line in lines for item in line.items}
        self.items = list(items.values())
        place = {key: n for n, key in enumerate(items)}
        self._lines = [[place[id(item)] for item in line.items] for line in lines]
        self._tokens = [_evidence_tokens(item.text) for item in self.items]
        self._numbers = [_numbers(item.text) for item in self.items]
        self._times = [assets[item.asset_id].to_display_time(item.span) for item in self.items]
        self._known = vectors
        self._vectors: Floats | None = None

    def sentence(self, text: str) -> Sentence | None:
        """A sentence of a reply in plain text, with the evidence that supports it,
        without citations where none does. ``None`` where it says nothing, or that the evidence
        does not."""
        said, numbers = split_citations(without_chat_markers(text))
        said = strip_markup(said)
        if not _WORD.search(said) or said.strip(" .\"'").upper() == NOT_FOUND:
            return None
        return Sentence(said, self.support(said, numbers))

    def support(
        self, said: str, numbers: Sequence[int] = (), *, title: bool = False
    ) -> tuple[EvidenceItem, ...]:
        """The items that support ``said``, from the lines with these numbers, or else from all;
        none if they do not. In a ``title``, and in a value, a capital letter makes no name."""
        claim = _claim(said, names=not title)
        if not claim.words and not (title and claim.musts):
            return ()
        vector = embed_texts(self._encoder, [said])[0]
        for places in (self._own(numbers), range(len(self.items))):
            chosen = self._chosen(claim, vector, places)
            if chosen and self._holds(claim, vector, chosen):
                return tuple(self.items[n] for n in sorted(chosen))
        return ()

    def is_visible(self, said: str) -> bool:
        """Whether a picture could tell ``said``: it holds no address, and no name and no number in
        digits but those of the evidence."""
        if addresses(said):
            return False
        known = frozenset().union(*self._tokens, *self._numbers)
        claim = _claim(said)
        digits = frozenset(_number(one) for one in _NUMBER.findall(said))
        return claim.musts - _numbers(said) | digits <= known

    def number(self, value: float, numbers: Sequence[int] = ()) -> tuple[EvidenceItem, ...]:
        """An item that holds the number, from the lines with these numbers, or else from all."""
        wanted = _number(f"{value:.10f}".rstrip("0").rstrip(".").lstrip("-"))
        for places in (self._own(numbers), range(len(self.items))):
            for n in places:
                if wanted in self._numbers[n]:
                    return (self.items[n],)
        return ()

    def choice(self, said: str, numbers: Sequence[int]) -> tuple[EvidenceItem, ...]:
        """The one of the cited items that has most to do with a choice from a closed list, which
        need not be worded like the evidence; none where it has too little to do with it."""
        places = self._own(numbers)
        if not places:
            return ()
        meanings = self._rows()[places] @ embed_texts(self._encoder, [said])[0]
        best = int(meanings.argmax())
        return (self.items[places[best]],) if meanings[best] >= LEAST_CHOICE else ()

    def _own(self, numbers: Sequence[int]) -> list[int]:
        known = {number for number in numbers if 1 <= number <= len(self._lines)}
        return sorted({n for number in known for n in self._lines[number - 1]})

    def _rows(self) -> Floats:
        if self._vectors is None:
            rows = np.zeros((len(self.items), self._encoder.dimensions), np.float32)
            absent = []
            for n, item in enumerate(self.items):
                row = self._known.get(id(item))
                if row is not None and row.shape == rows[n].shape and row.any():
                    rows[n] = row
                else:
                    absent.append(n)
            if absent:
                rows[absent] = embed_texts(self._encoder, [self.items[n].text for n in absent])
            self._vectors = rows
        return self._vectors

    def _chosen(self, claim: _Claim, vector: Floats, places: Sequence[int]) -> list[int]:
        """The items that give a claim most: greedily, each for what those before lack."""
        needed = claim.words | claim.musts
        meanings = self._rows()[places] @ vector if len(places) else np.zeros(0)
        meaning = dict(zip(places, meanings, strict=True))
        chosen: list[int] = []
        missing = set(needed)
        while len(chosen) < MOST_CITED:
            best, most = None, 0.0
            for n in places:
                if n in chosen:
                    continue
                gain = len(missing & (self._tokens[n] | self._numbers[n])) / max(1, len(needed))
                if (gain or not chosen) and gain + 0.5 * meaning[n] > most:
                    best, most = n, gain + 0.5 * float(meaning[n])
            if best is None:
                break
            chosen.append(best)
            missing -= self._tokens[best] | self._numbers[best]
            if not missing:
                break
        return chosen

    def _holds(self, claim: _Claim, vector: Floats, chosen: Sequence[int]) -> bool:
        known = frozenset().union(*(self._tokens[n] | self._numbers[n] for n in chosen))
        if not claim.musts <= known or (claim.negated and not known & _NEGATIONS):
            return False
        spans = [self._times[n] for n in chosen]
        if not all(any(s.start - NEAR <= at <= s.end + NEAR for s in spans) for at in claim.times):
            return False
        words = len(claim.words & known) / len(claim.words) if claim.words else 1.0
        if words == 1.0 and len(chosen) == 1:
            return True
        rows = self._rows()[list(chosen)]
        mean = rows.sum(axis=0)
        mean /= float(np.linalg.norm(mean)) or 1.0
        meaning = max(float((rows @ vector).max()), float(mean @ vector))
        return words >= LEAST_WORDS and words + meaning >= LEAST_SUPPORT


def _claim(said: str, names: bool = True) -> _Claim:
    verbatim = {one.casefold() for one in addresses(said)}
    rest = _ADDRESS.sub(" ", said)
    times = tuple(int(h or 0) * 3600 + int(m) * 60 + int(s) for h, m, s in _TIME.findall(rest))
    rest = _TIME.sub(" ", rest)
    named: set[str] = set()
    words: set[str] = set()
    for count, found in enumerate(_WORD.finditer(rest)):
        word = found[0]
        if is_function_word(word) or word.casefold() in _NUMBER_WORDS or _NUMBER.match(word):
            continue
        units = _units(word) - _ABOUT
        words |= units
        if len(word) > 1 and (word.isupper() or (count and word[0].isupper())):
            named |= units
    return _Claim(
        words=frozenset(words | verbatim),
        musts=frozenset((named if names else set()) | verbatim) | _numbers(rest),
        times=times,
        negated=bool(frozenset(tokens(rest)) & _NEGATIONS),
    )


def _evidence_tokens(text: str) -> frozenset[str]:
    """All that an evidence item can give to a claim but numbers."""
    found = {one.casefold() for one in addresses(text)}
    rest = _ADDRESS.sub(" ", text)
    if len(_WORD.findall(rest)) > BESIDE_ADDRESS:
        # A bare "node.js" is a name, not a place to go to.
        found = {one for one in found if _BARE.fullmatch(one)}
    return _units(rest) | frozenset(tokens(rest)) | found


def _units(text: str) -> frozenset[str]:
    """Stems of the words in ``text``; pairs of characters where words are not set apart."""
    return frozenset(unit for one in _WORD.findall(text) for unit in _split(one))


def _split(word: str) -> Iterator[str]:
    bare = re.sub(r"['’]s$", "", word)
    if any(ord(c) >= 0x2E80 for c in bare):
        yield from (bare[n : n + 2] for n in range(max(1, len(bare) - 1)))
        return
    for part in bare.split("-"):
        yield from tokens(part)


def _numbers(text: str) -> frozenset[str]:
    """Numbers in one form, whether written in digits or in English words."""
    found = {_number(one) for one in _NUMBER.findall(text)}
    words = {word.casefold() for one in _WORD.findall(text) for word in one.split("-")}
    # "One" is more often a pronoun.
    return frozenset(found | {_NUMBER_WORDS[w] for w in words & (_NUMBER_WORDS.keys() - {"one"})})


def _number(digits: str) -> str:
    bare = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", digits).replace(",", ".")
    return (bare.rstrip("0").rstrip(".") if "." in bare else bare).lstrip("0") or "0"
