"""Title, topics and hashtags: phrases that stand in the evidence, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import PurePath
from typing import TYPE_CHECKING

from videlicet.analyze.evidence.statements import stems_of
from videlicet.analyze.qa.phrases import (
    FIGURE,
    Phrase,
    is_lone_verb,
    is_remainder,
    key_phrases,
    title_line,
)
from videlicet.search.words import is_function_word
from videlicet.types import EvidenceItem, Gist, Modality, Sentence, Span, merge

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder

TOPICS, HASHTAGS = 5, 5
#: A title card is at the beginning (a share of the time, and seconds), or for most of the time.
EARLY, SOON, LATEST = Fraction(1, 10), Fraction(3), Fraction(20)
#: A phrase of which less of the time tells is not what it is all about.
PREVAILING = Fraction(1, 4)
#: Less sure than this, and a text is no title.
LEGIBLE = 0.8
#: Most items that one phrase cites.
CITED = 5

_WORD = re.compile(r"\w+(?:['’]\w+)?")


def gist(evidence: AssetEvidence, encoder: TextEncoder) -> Gist:
    """What one asset is about. Without any evidence its title is its file's own name, which cites
    nothing, and there are no topics."""
    found = key_phrases(evidence.items, evidence.vectors, encoder, max(TOPICS, HASHTAGS))
    found = [phrase for phrase in found if not is_remainder(phrase)] or found
    title = make_title(evidence.items, evidence.span, found)
    topics = tuple(_cited(headline(one.text), one) for one in found[:TOPICS])
    tags = tuple(
        _cited(tag, one) for one in found[:HASHTAGS] if (tag := hashtag(one.text)) is not None
    )
    if title is None:
        title = Sentence(PurePath(evidence.asset.name).stem or evidence.asset.name)
    return Gist(title, topics, tags)


def make_title(
    items: Iterable[EvidenceItem], span: Span, found: Sequence[Phrase], names: int = 3
) -> Sentence | None:
    """A title for a stretch: its title card where it shows one, else the first of the phrases
    ``found`` in it, of at most ``names``; ``None`` where there is nothing."""
    card = _card(list(items), span)
    if card is not None:
        return card
    if not found:
        return None
    found = [phrase for phrase in found if not is_remainder(phrase)] or found
    chosen = list(found[:1])
    # One word alone is seldom a title, nor is what only a small part is about.
    for phrase in found[1:names]:
        if is_lone_verb(phrase):
            continue
        covered = merge(item.span.clamp(span) for one in chosen for item in one.items)
        prevails = sum(one.duration for one in covered) >= span.duration * PREVAILING
        if prevails and (len(chosen) > 1 or " " in chosen[0].text):
            break
        chosen.append(phrase)
    texts = [headline(one.text) for one in chosen]
    texts = [texts[0][:1].upper() + texts[0][1:], *texts[1:]]
    joined = " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
    cited = tuple(dict.fromkeys(p for one in chosen for p in _most_telling(one)))
    return Sentence(joined, cited)


def headline(text: str) -> str:
    """Words written in capitals throughout as a headline: short words small, the others with a
    capital. Other words stay as they are."""
    if not text.isupper() or (len(text) <= 4 and " " not in text):
        return text
    words = re.sub(r"(?<=[^\W\d])([:;,!?])(?=\w)|(?<=\d)([:;,])(?=[^\W\d])", r"\1\2 ", text).split()
    inner = range(1, len(words) - 1)
    return " ".join(
        word.lower() if n in inner and is_function_word(word) else word.capitalize()
        for n, word in enumerate(words)
    )


def hashtag(text: str) -> str | None:
    """A phrase as one word without prices and times, each of its words with a capital; ``None``
    where it has no letter."""
    words = _WORD.findall(FIGURE.sub(" ", text).replace("-", " "))
    if not any(letter.isalpha() for word in words for letter in word):
        return None
    return "#" + "".join(re.sub(r"['’]", "", word[:1].upper() + word[1:].lower()) for word in words)


def _card(items: Sequence[EvidenceItem], span: Span) -> Sentence | None:
    """What the first or longest legible line on the screen says, if it is worded like a title."""
    said = [stems_of(item.text) for item in items if item.modality is Modality.SPEECH]
    best: tuple[float, EvidenceItem, str] | None = None
    for item in items:
        if item.modality is not Modality.TEXT or item.confidence < LEGIBLE:
            continue
        text = title_line(item.text)
        visible = item.span.clamp(span)
        share = visible.duration / span.duration if span.duration else Fraction(1)
        early = visible.start - span.start <= min(max(span.duration * EARLY, SOON), LATEST)
        if text is None or not (early or share >= Fraction(1, 2)):
            continue
        stems = stems_of(text)
        if len(text.split()) > 4 and any(stems <= one for one in said):
            continue  # a caption: it says what is said
        merit = float(share) + min(len(stems), 4) / 4
        if best is None or merit > best[0]:
            best = (merit, item, text)
    return None if best is None else Sentence(headline(best[2]), (best[1],))


def _cited(text: str, phrase: Phrase) -> Sentence:
    return Sentence(text, _most_telling(phrase))


def _most_telling(phrase: Phrase) -> tuple[EvidenceItem, ...]:
    """The surest items that say a phrase, in the order of time."""
    surest = sorted(phrase.items, key=lambda item: -item.confidence)[:CITED]
    return tuple(sorted(surest, key=lambda item: item.span))
