"""Key phrases: the words in which items say what they are about.

Candidates are the words between function words and marks (Rose et al., *Automatic Keyword
Extraction from Individual Documents*, 2010: RAKE). What recurs, in several items and several
modalities, counts for more (Campos et al., *YAKE!*, 2020). Of the best by that count, those whose
meaning is nearest to that of all items come first (Grootendorst, *KeyBERT*, 2020), each unlike
those before it (Carbonell and Goldstein, 1998). What tells one part from the others is weighed by
class-based tf-idf (Grootendorst, *BERTopic*, 2022).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from videlicet.embedding.texts import embed_texts, normalize
from videlicet.search.words import is_function_word, tokens
from videlicet.types import EvidenceItem, Modality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.models.base import TextEncoder

    Floats = NDArray[np.float32]

#: Longest phrase, in words.
LONGEST = 4
#: Longest line on the screen that is a phrase as a whole.
TITLE = 7
#: Candidates whose meaning is looked at.
SHORTLIST = 30
#: How much likeness to a phrase already chosen counts against one.
ALIKE = 0.5

#: Words that are about nothing, though they are no function words: what people say to keep
#: talking, to address each other, or to point.
_EMPTY = frozenset(
    """
    able actually add again ago ahead all almost along already also always am any anybody anyone
    anything anyway anywhere around ask asked asking asks attention away back bad basically
    because become been before begin being believe better between bit both bring call called came
    cannot case certain certainly change choose come comes coming could couple course day days
    definitely did didn't different do does doesn't doing don't done down during each easy either
    else end enough especially etc even ever every everybody everyone everything exactly example
    fact far feel few finally find first full further gave get gets getting give given gives
    giving go goes going gone gonna good got great guess guy guys had half happen happened happens
    hard hello help here here's herself hey hi high himself hmm i'd i'll i'm i've idea important
    isn't it'd it'll it's itself just keep keeps kept kind kinda knew know known knows large last
    later learn least leave left less let let's like likely little ll long look looking looks lot
    lots low made main make makes making many matter may maybe mean means meant meanwhile might
    mind mm mm-hmm more morning most much must my myself near nearly need needs never new next
    nice nobody nothing now number obviously oh ok okay old once one ones only other others
    ourselves out over own part particular people perhaps place please point possible pretty
    probably put quite rather re ready real really right run said same saw say saying says second
    see seem seems seen send sent set several shall should show shown side simply since small
    somebody something sometimes somewhere soon sort start started still stuff such sure take
    taken takes taking talk tell ten thank thanks that's themselves there's thing things think
    third though thought three through thus time times today together told tomorrow tonight too
    took toward tried tries true try trying turn two type uh um under understand until up upon us
    use used using usually ve very want wanted wants was wasn't way ways we'd we'll we're we've
    week well went what's whatever where's whether while who's whole why within without won't
    wonderful work world would wow yeah year years yep yes yesterday yet you'd you'll you're
    you've yourself
    """.split()
)  # fmt: skip
_WORD = re.compile(r"\w+(?:[-'’.]\w+)*")
#: Prices, times and the like: no part of a phrase.
FIGURE = re.compile(r"\S*\d+(?:[.:,/-]\d+)+\S*")
_MARK = re.compile(r"[^\w\s'’.\-]|[.](?=\s|$)|\s[-–—]\s")
_SOURCE_WEIGHT = {Modality.SPEECH: 1.0, Modality.TEXT: 1.5, Modality.VISUAL: 1.0}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase as written in the evidence. ``items`` are those that contain it; ``weight`` is how
    much it is said."""

    text: str
    stems: tuple[str, ...]
    items: tuple[EvidenceItem, ...]
    weight: float


def phrases(items: Sequence[EvidenceItem]) -> list[Phrase]:
    """Every candidate in ``items``, weightiest first.

    The weight grows with how often its words occur and with how many they are (their degree, as
    RAKE has it), and with how sure the models were.
    """
    forms: dict[tuple[str, ...], Counter[str]] = {}
    owners: dict[tuple[str, ...], dict[str, EvidenceItem]] = {}
    worth: dict[tuple[str, ...], float] = {}
    common: Counter[str] = Counter()
    for item in items:
        sure = _SOURCE_WEIGHT.get(item.modality, 1.0) * item.confidence
        for text in _candidates(item):
            stems = tuple(tokens(_bare(text)))
            forms.setdefault(stems, Counter())[text] += 1
            owners.setdefault(stems, {})[item.id] = item
            worth[stems] = worth.get(stems, 0.0) + sure
            common.update(set(stems))
    # A phrase is said where a longer one holds it, too.
    alone = dict(worth)
    for stems in forms:
        for part in _within(stems):
            if part in forms:
                owners[part] |= owners[stems]
                worth[part] += alone[stems] if len(part) > 1 else 0.0
    found = []
    for stems, texts in forms.items():
        often = sum(math.log1p(common[stem]) for stem in stems) / len(stems) ** 0.5
        weight = often * math.log1p(worth[stems])
        text = min(texts, key=lambda text: (-texts[text], text.isupper(), text))
        own = sorted(owners[stems].values(), key=lambda item: item.span)
        found.append(Phrase(text, stems, tuple(own), weight))
    return sorted(found, key=lambda one: (-one.weight, one.items[0].span, one.text))


def key_phrases(
    items: Sequence[EvidenceItem], vectors: Floats, encoder: TextEncoder, count: int = 5
) -> list[Phrase]:
    """The ``count`` phrases that say best what items with ``vectors`` (n, d) are about, best
    first; fewer where there are no more."""
    return central(phrases(items), vectors, encoder, count)


def central(
    candidates: Sequence[Phrase], vectors: Floats, encoder: TextEncoder, count: int
) -> list[Phrase]:
    """Of candidates, weightiest first, those that are nearest to the middle of ``vectors``."""
    shortlist = list(candidates[:SHORTLIST])
    if not shortlist:
        return []
    rows = embed_texts(encoder, [_bare(one.text).lower() or one.text for one in shortlist])
    middle = normalize(vectors.mean(axis=0))
    near = rows @ middle if rows.shape[1] == len(middle) else np.zeros(len(rows), np.float32)
    heaviest = max(one.weight for one in shortlist) or 1.0
    weights = np.array([one.weight / heaviest for one in shortlist], np.float32)
    merit = np.maximum(near, 0.0) + 0.5 * weights + [_form(one.text) for one in shortlist]
    chosen: list[int] = []
    alike = np.zeros(len(rows), np.float32)
    for _ in range(min(count, len(rows))):
        order = np.argsort(-(merit - ALIKE * alike), kind="stable")
        best = next(
            (int(n) for n in order if n not in chosen and _is_new(shortlist, chosen, n)), -1
        )
        if best < 0:
            break
        chosen.append(best)
        np.maximum(alike, rows @ rows[best], out=alike)
    return [shortlist[n] for n in chosen]


def specific(parts: Sequence[Sequence[EvidenceItem]]) -> list[list[Phrase]]:
    """The phrases of each part that distinguish it from the others, most specific first.

    The weight of a phrase in a part times log(1 + A / f), with A the mean weight of all phrases in
    a part and f how much all parts together say it (class-based tf-idf).
    """
    found = [phrases(part) for part in parts]
    everywhere: Counter[str] = Counter()
    for own in found:
        for phrase in own:
            for stem in set(phrase.stems):
                everywhere[stem] += 1
    many = len(parts)
    ranked = []
    for own in found:
        scored = [
            (phrase.weight * _rare(phrase.stems, everywhere, many), number, phrase)
            for number, phrase in enumerate(own)
        ]
        ranked.append(
            [phrase for _, _, phrase in sorted(scored, key=lambda row: (-row[0], row[1]))]
        )
    return ranked


def is_filler(text: str) -> bool:
    """Whether a text has no word that is about something: a greeting, a scrap, a figure."""
    return not any(_says(word) and not is_filler_word(word) for word in _WORD.findall(text))


def is_filler_word(word: str) -> bool:
    """Whether a word is about nothing by itself."""
    plain = word.lower().replace("’", "'")
    return is_function_word(plain) or plain in _EMPTY or len(plain) < 2


def _rare(stems: Sequence[str], everywhere: Mapping[str, int], many: int) -> float:
    return sum(math.log1p(many / everywhere[stem]) for stem in stems) / len(stems)


def _form(text: str) -> float:
    """Several words say more than one; a lone participle or adverb says least."""
    if " " in text or "-" in text:
        return 0.1
    return -0.15 if text.lower().endswith(("ed", "ing", "ly")) else 0.0


def _is_new(shortlist: Sequence[Phrase], chosen: Sequence[int], number: int) -> bool:
    """Whether a phrase says more than the words of one that is chosen already."""
    own = set(shortlist[number].stems)
    return not any(own <= set(shortlist[n].stems) or own >= set(shortlist[n].stems) for n in chosen)


def _candidates(item: EvidenceItem) -> Iterator[str]:
    if item.modality is Modality.VISUAL:
        yield item.text
        return
    line = title_line(item.text) if item.modality is Modality.TEXT else None
    if line is not None:
        yield line
    bare = None if line is None else _bare(line)
    for part in _MARK.split(FIGURE.sub(" | ", item.text)):
        run: list[str] = []
        for word in [*_WORD.findall(part), ""]:
            if word and not is_filler_word(word) and (run or not word.isdigit()):
                run.append(word)
                continue
            if run and any(_says(one) for one in run):
                # A line that is whole with its figure is not said again without it.
                yield from [line] if line and " ".join(run) == bare else _stretches(run)
            run = []


def title_line(text: str) -> str | None:
    """A line from the screen, if it is worded like a title: unchanged where it ends with a
    number and is short ("Platform 9 departs 14:05"), else without its numbers."""
    plain = _bare(text)
    if plain != text:
        # What is left of "… - call 555-0139" leads nowhere.
        cut = re.sub(r"\s[-–—|•·]\s+\w+$", "", plain)
        whole = _trimmed(text)
        last = whole.split()[-1:]
        ends = cut == plain and len(whole.split()) <= TITLE and any(map(FIGURE.fullmatch, last))
        line, plain = (whole, plain) if ends else (cut, cut)
    else:
        line = plain
    words = _WORD.findall(plain)
    letters = sum(letter.isalpha() for letter in plain)
    wordy = 2 <= len(words) <= TITLE and letters * 3 >= 2 * len(plain.replace(" ", ""))
    return (
        line if wordy and any(_says(word) and not is_filler_word(word) for word in words) else None
    )


def _bare(text: str) -> str:
    """A phrase without trailing numbers: they say nothing about its topic."""
    return _trimmed(FIGURE.sub(" ", text))


def _trimmed(text: str) -> str:
    return " ".join(text.split()).strip(" -–—|•·:;,.")


def is_remainder(phrase: Phrase) -> bool:
    """Whether a phrase is a word in small letters that is alone on a line of the screen: the
    end of what the line above says ("The Blender Foundation / presents")."""
    return phrase.text.islower() and all(
        item.modality is Modality.TEXT and item.text.strip() == phrase.text for item in phrase.items
    )


def is_lone_verb(phrase: Phrase) -> bool:
    """Whether a phrase is one word that by its form is a participle or an adverb."""
    return _form(phrase.text) < 0


def _within(stems: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Every shorter run of words in a phrase."""
    many = len(stems)
    runs = {stems[a:b] for a in range(many) for b in range(a + 1, many + 1)}
    return runs - {stems}


def _stretches(run: Sequence[str]) -> Iterator[str]:
    """A run of words whole, or where it is too long, each stretch of it."""
    if len(run) <= LONGEST:
        yield " ".join(run)
        return
    for first in range(0, len(run), LONGEST - 1):
        part = run[first : first + LONGEST - 1]
        if any(_says(one) for one in part):
            yield " ".join(part)


def _says(word: str) -> bool:
    """Whether a word is one by its letters: neither a number nor a scrap."""
    letters = [letter for letter in word if letter.isalpha()]
    # Letters of two scripts in one word are misread.
    mixed = any(one.isascii() for one in letters) and any(one >= "\u2e80" for one in letters)
    least = 1 if letters and letters[0] >= "\u2e80" else 3
    return len(letters) >= least and not mixed
