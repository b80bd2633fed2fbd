"""How well passages of evidence support a question: by what they mean, and by their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from videlicet.analyze.evidence.pack import centrality
from videlicet.analyze.qa.label_kinds import kinds
from videlicet.analyze.qa.lexicon import OF_KIND
from videlicet.analyze.qa.passages import Passage, passages
from videlicet.analyze.qa.questions import ParsedQuestion
from videlicet.analyze.qa.values import AnswerType, contains_answer, stems
from videlicet.embedding.texts import embed_texts
from videlicet.search.words import FUNCTION_WORDS, inverse_frequency
from videlicet.types import Modality, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder

    Floats = NDArray[np.float32]

#: Items that are looked at closely: the nearest in meaning, and the richest in words.
CLOSE = 12
#: Cosine of two words from which one substitutes the other, and how much that counts.
ALIKE, HALF = 0.68, 0.8
#: The weight of a word that only occurs beside the passage, at the same time.
BESIDE = 0.8
#: Seconds around a passage that are at the same time.
AROUND = Fraction(2)
#: Seconds around a passage in which its subject may have been named.
NEARBY = Fraction(30)
#: Letters two spellings of one name may differ by, as a similarity in percent.
SPELT = 85
#: Kinds of values of which a video has few: any of them may be the one that is meant. Names and
#: numbers are not such.
_WHICHEVER = frozenset(OF_KIND) - {
    AnswerType.NAME,
    AnswerType.DURATION,
    AnswerType.COUNT,
    AnswerType.NUMBER,
}
#: Items that a question after everything seen, read or heard gets.
PROMINENT = 3


@dataclass
class PassageIndex:
    """The evidence for one question. ``tokens`` counts what the encoder read."""

    all_evidence: list[AssetEvidence]
    question: ParsedQuestion
    encoder: TextEncoder
    vectors: Floats
    tokens: int = 0
    _words: dict[str, Floats] = field(default_factory=dict)
    _meant: dict[str, float] = field(default_factory=dict)
    _weights: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls, all_evidence: list[AssetEvidence], question: ParsedQuestion, encoder: TextEncoder
    ) -> PassageIndex:
        found = cls(all_evidence, question, encoder, np.zeros((0, 0), np.float32))
        found.vectors = found._encoded([question.text, question.phrase])
        return found

    def about(self, question: ParsedQuestion) -> PassageIndex:
        """The same evidence for another reading of the same question."""
        return replace(self, question=question)

    def passages(self) -> list[Passage]:
        """The passages that deserve a close look."""
        rows = [
            (number, place)
            for number, evidence in enumerate(self.all_evidence)
            for place in evidence.indices_of(*self.question.modalities)
        ]
        if not rows:
            return []
        meaning = np.concatenate(
            [
                evidence.vectors[places] @ self._fitted(evidence).T
                for evidence in self.all_evidence
                if (places := evidence.indices_of(*self.question.modalities))
            ]
        ).max(axis=1)
        shared, self._weights = self._frequencies(rows)
        order = np.argsort(-meaning, kind="stable").tolist()
        near = list(islice((n for n in order if self._tells(*rows[n])), CLOSE))
        rich = [n for n in np.argsort(-shared, kind="stable")[:CLOSE].tolist() if shared[n] > 0]
        found = passages(self.all_evidence, [rows[n] for n in dict.fromkeys(near + rich)])
        self._mean(found)
        return found

    def prominent(self) -> list[Passage]:
        """What a question after everything that one sense perceived gets: what was seen and read
        longest and surest, or what is typical of what was said."""
        found: list[tuple[float, int, int]] = []
        for number, evidence in enumerate(self.all_evidence):
            places = evidence.indices_of(*self.question.modalities)
            spoken = Modality.SPEECH in self.question.modalities
            merits = centrality(evidence.vectors[places]) if spoken and places else ()
            for at, place in enumerate(places):
                item = evidence.items[place]
                long = float(item.span.duration) * item.confidence
                found.append((float(merits[at]) if spoken else long, number, place))
        found.sort(key=lambda row: (-row[0], row[1:]))
        chosen: dict[str, tuple[int, int]] = {}
        for _, number, place in found:
            chosen.setdefault(
                self.all_evidence[number].items[place].text.casefold(), (number, place)
            )
        firsts: dict[tuple[int, int], Passage] = {}
        for passage in passages(self.all_evidence, sorted(list(chosen.values())[:PROMINENT])):
            firsts.setdefault((passage.asset_number, passage.place), passage)
        return list(firsts.values())

    def support(self, passage: Passage, least: float = 0.0) -> float:
        """How well a passage supports the question, 0..1; 0 where it cannot be meant, or where it
        is certain to stay under ``least``."""
        evidence = self.all_evidence[passage.asset_number]
        meaning = self._meant[passage.text]
        if passage.modality is Modality.VISUAL:
            if self.question.entities - set(stems(passage.text)):
                # No picture tells whom or which one it shows.
                return 0.0
            if self.question.asks_presence:
                label = self._label_score(passage.text)
                return 0.5 * max(0.0, meaning) + 0.5 * label if label else 0.0
            row = evidence.vectors[passage.place]
            # "What animal is seen?": one that is an animal, however near the words are.
            terms = set(self.question.terms)
            known = bool(terms) and terms <= self.question.head & kinds(passage.text)
            near = float((self._fitted(evidence) @ row).max())
            return max(meaning, near, 0.5 if known else 0.0)
        meaning = max(0.0, meaning)
        if 0.5 * meaning + 0.5 < least or not self._named(passage, evidence):
            return 0.0
        support = 0.5 * meaning + 0.5 * self.coverage(passage)
        return support if support >= least and self._known(passage, evidence) else 0.0

    def _mean(self, found: Sequence[Passage]) -> None:
        """Learn how near each passage is to the question. Whole items have vectors already; what
        a picture's has is the look of it, not its name."""
        for passage in found:
            evidence = self.all_evidence[passage.asset_number]
            whole = passage.text == evidence.items[passage.place].text
            if whole and passage.modality is not Modality.VISUAL:
                row = evidence.vectors[passage.place]
                self._meant[passage.text] = float((self._fitted(evidence) @ row).max())
        new = list(dict.fromkeys(p.text for p in found if p.text not in self._meant))
        likeness = self._encoded(new) @ self.vectors.T
        self._meant |= dict(zip(new, likeness.max(axis=1).tolist(), strict=True))

    def coverage(self, passage: Passage) -> float:
        """The share of the question's content words that the passage holds, by weight. A word
        that means the same counts less, and so does one that only occurs beside it."""
        terms = self.question.terms
        total = sum(self._weights[term] for term in terms)
        own = set(stems(passage.text))
        # The word for the value itself ("my name is") says that it is the one.
        bonus = (
            1.0
            if own & self.question.asked & OF_KIND.get(self.question.answer_type, set())
            else 0.0
        )
        if not total:
            # "What is the phone number?": whichever there is.
            return float(self.question.answer_type in _WHICHEVER)
        beside = self._beside(passage)
        reached = 0.0
        for term, word in terms.items():
            share = 1.0 if term in own else 0.0
            if not share and term not in self.question.entities:
                share = HALF * self._alike(word, passage.text)
            if share < BESIDE and term in beside:
                share = BESIDE
            reached += share * self._weights[term]
        return min(1.0, (reached + bonus) / total)

    def _label_score(self, label: str) -> float:
        """Whether a picture's label names what is looked for: all of it, in its words, as its
        kind or in words that mean the same. What is merely near in meaning is another thing of
        the same kind."""
        own = set(stems(label)) | kinds(label)
        words = self.question.terms
        return min(
            (
                1.0 if stem in own else HALF * self._alike(words[stem], label)
                for stem in self.question.subject
            ),
            default=0.0,
        )

    def _beside(self, passage: Passage) -> set[str]:
        """The stems of what is said while the passage is read, or read while it is said, where a
        value is wanted: it may stand on the screen while somebody says what it is of. A passage
        with words of its own that are not asked about is of something else. Names and colours are
        no such values: there are too many."""
        wanted = self.question.answer_type
        if wanted not in OF_KIND or wanted in (
            AnswerType.NAME,
            AnswerType.COUNT,
            AnswerType.COLOUR,
        ):
            return set()
        own = {stem for stem in stems(passage.text) if stem.isalpha()} - FUNCTION_WORDS
        if own - OF_KIND[wanted] and not any(
            stem in own or self._alike(word, passage.text)
            for stem, word in self.question.terms.items()
        ):
            return set()
        around = Span(passage.span.start - AROUND, passage.span.end + AROUND)
        return {
            stem
            for item in self.all_evidence[passage.asset_number].items
            if item.modality not in (passage.modality, Modality.VISUAL)
            and item.span.overlap(around)
            for stem in stems(item.text)
        }

    def _named(self, passage: Passage, evidence: AssetEvidence) -> bool:
        """Whether the names of the question occur in the same video, and its numbers in the
        passage or beside it."""
        from rapidfuzz import fuzz

        own = set(stems(passage.text)) | self._beside(passage)
        for entity in self.question.entities - own:
            if entity[0].isdigit():
                return False
            if not any(
                fuzz.ratio(entity, stem) >= SPELT
                for item in evidence.items
                for stem in stems(item.text)
            ):
                return False
        return True

    def _known(self, passage: Passage, evidence: AssetEvidence) -> bool:
        """Whether everything that the question takes as known is spoken of in the passage or near
        it: who asks after the bus does not want the train."""
        near = Span(passage.span.start - NEARBY, passage.span.end + NEARBY)
        text = " ".join([passage.text, *(p.text for p in evidence.items if p.span.overlap(near))])
        own = set(stems(text))
        words = self.question.terms
        return all(
            any(stem in own or self._alike(words[stem], passage.text) for stem in thing)
            for thing in self.question.things
        )

    def _alike(self, word: str, text: str) -> float:
        """1 where a word of ``text`` means the same as ``word``, else 0."""
        plain = [w for w in _plain(text) if w not in FUNCTION_WORDS]
        own, others = _both([word.lower()]), _both(plain)
        self._learn(own + others)
        if not others:
            return 0.0
        likeness = (
            np.stack([self._words[w] for w in own]) @ np.stack([self._words[w] for w in others]).T
        )
        return float(likeness.max() >= ALIKE)

    def _learn(self, words: Iterable[str]) -> None:
        new = [word for word in dict.fromkeys(words) if word not in self._words]
        self._words |= dict(zip(new, self._encoded(new), strict=True))

    def _frequencies(self, rows: Sequence[tuple[int, int]]) -> tuple[Floats, dict[str, float]]:
        """How many of the question's terms each item holds, by weight, and the weights: the rarer
        a term is among the items, the more it says."""
        terms = self.question.terms
        counts = dict.fromkeys(terms, 0)
        stems_of: list[set[str]] = []
        # Stemming is slow; only what shares the start of a word with a term can hold it.
        starts = {term: term[:3] for term in terms}
        for number, place in rows:
            text = self.all_evidence[number].items[place].text
            lower = text.casefold()
            maybe = [term for term in terms if term[0].isdigit() or starts[term] in lower]
            found = set(stems(text)) & set(maybe) if maybe else set()
            stems_of.append(found)
            for term in found:
                counts[term] += 1
        weights = {term: 1 + inverse_frequency(counts[term], len(rows)) / 4 for term in terms}
        shared = [sum(weights[term] for term in found) for found in stems_of]
        return np.array(shared, np.float32), weights

    def _tells(self, number: int, place: int) -> bool:
        """Whether an item holds a value of the wanted kind; a name may stand on another line."""
        wanted = self.question.answer_type
        text = self.all_evidence[number].items[place].text
        return wanted is AnswerType.NAME or contains_answer(wanted, text, self.question.asked)

    def _fitted(self, evidence: AssetEvidence) -> Floats:
        """The question's rows, as wide as an asset's."""
        wide = evidence.vectors.shape[1]
        if wide == self.vectors.shape[1]:
            return self.vectors
        return np.zeros((len(self.vectors), wide), np.float32)

    def _encoded(self, texts: Sequence[str]) -> Floats:
        self.tokens += sum(self.encoder.count_tokens(text) for text in texts)
        return embed_texts(self.encoder, texts)


def _both(words: Sequence[str]) -> list[str]:
    """Words as they stand, and their stems: forms of a word differ more than they should."""
    return sorted({form for word in words for form in (word, *stems(word))})


def _plain(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()
