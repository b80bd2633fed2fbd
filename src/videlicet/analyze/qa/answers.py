"""Questions answered out of the evidence: the sentences that say so, or that none does.

No sentence is made up: speech is quoted as it was heard, screens as they were read, and what was
seen is named as its model names it. How well a sentence supports a question is half its meaning
(the cosine of the two) and half its words (the share of the question's content words that it
holds, the rare ones counting more); what lies below :data:`SUPPORT` answers nothing. Constants are
fitted on one half of bench/questions/development.json and reported on the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videlicet.analyze.backend import OnSentence, ignore_sentence
from videlicet.analyze.qa import lexicon
from videlicet.analyze.qa.passages import Passage, next_passage
from videlicet.analyze.qa.questions import (
    Form,
    ParsedQuestion,
    as_moment,
    parse_question,
    split_questions,
)
from videlicet.analyze.qa.quotes import compose
from videlicet.analyze.qa.support import PassageIndex
from videlicet.analyze.qa.values import (
    AnswerType,
    contains_answer,
    is_counted,
    states_value,
    stems,
    subjects,
    text_after,
)
from videlicet.analyze.qa.verbs import contradicts
from videlicet.types import Answer, Modality, Sentence, Usage

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder

#: The backend's name in answers.
BUILT_IN = "builtin"
#: Least support of an answer, of one that holds a value of the wanted kind (which says much by
#: itself), and least likeness of what was seen.
SUPPORT, VALUED, SIGHT = 0.50, 0.44, 0.48
#: Further sentences have at least this share of the best one's support.
NEAR = 0.85
#: Most sentences of an answer, and most questions that are answered at once.
SENTENCES, PARTS = 3, 5


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A passage with its support, 0..1."""

    passage: Passage
    support: float


def ask(
    all_evidence: Sequence[AssetEvidence],
    question: str,
    encoder: TextEncoder,
    *,
    on_sentence: OnSentence = ignore_sentence,
) -> Answer:
    """Answer from what was said, written and seen in ``all_evidence``, in one to three sentences
    for each question that is asked (:func:`.questions.apart`).

    Each sentence cites the items it is taken from. ``found`` is false, and the only sentence says
    so, where no passage has enough to do with the question, where one of its names occurs nowhere,
    or where none holds the kind of value that is asked for (a price, a time, a name). Of several
    questions at once it is true where one of them is answered; a sentence without citations names
    each that is not.
    """
    video = "this video" if len(all_evidence) == 1 else "these videos"
    asked = split_questions(question)
    parts = asked[:PARTS]
    sentences: list[Sentence] = []
    read = 0
    for part in parts:
        found, tokens = _part(all_evidence, part, encoder)
        read += tokens
        missing = f"Not found in {video}: {part}" if len(parts) > 1 else f"Not found in {video}."
        new = [one for one in found if one not in sentences] if found else [Sentence(missing)]
        for sentence in new:
            on_sentence(sentence)
        sentences += new
    if len(asked) > PARTS:
        rest = Sentence(f"Only the first {PARTS} of {len(asked)} questions were looked for.")
        on_sentence(rest)
        sentences.append(rest)
    supported = any(sentence.supported for sentence in sentences)
    written = encoder.count_tokens(" ".join(sentence.text for sentence in sentences))
    return Answer(tuple(sentences), supported, BUILT_IN, usage=Usage(read, written))


def _part(
    all_evidence: Sequence[AssetEvidence], question: str, encoder: TextEncoder
) -> tuple[list[Sentence], int]:
    """The sentences that answer one question, and the tokens that were read for it."""
    asked = parse_question(question)
    evidence = PassageIndex.of(list(all_evidence), asked, encoder)
    chosen = _chosen(evidence, asked)
    if not chosen and (other := as_moment(asked)) is not None:
        asked, evidence = other, evidence.about(other)
        chosen = _chosen(evidence, asked)
    sentences = compose([row.passage for row in chosen], all_evidence, asked)
    return sentences[:SENTENCES], evidence.tokens


def _chosen(evidence: PassageIndex, asked: ParsedQuestion) -> list[RankedPassage]:
    """The passages that answer, best first."""
    if asked.sweeping:
        return [RankedPassage(passage, 1.0) for passage in evidence.prominent()]
    rows = []
    for passage in evidence.passages():
        quoted = _reasoned(evidence, passage, asked) if asked.why else passage
        if quoted is None or not _fits(passage, asked):
            continue
        least = _least(passage, asked)
        support = evidence.support(passage, least)
        if support >= least:
            rows.append(RankedPassage(quoted, support))
    # Of two that say as much, the shorter one says it better.
    rows.sort(key=lambda row: (-round(row.support, 3), len(row.passage.text)))
    if not rows:
        return []
    best = rows[0]
    several = asked.form is not Form.TELL or asked.sensed
    return [
        row
        for row in rows
        if row.passage.text.casefold() == best.passage.text.casefold()
        or (several and row.support >= NEAR * best.support)
    ]


def _least(passage: Passage, asked: ParsedQuestion) -> float:
    if passage.modality is Modality.VISUAL:
        return SIGHT
    plain = asked.answer_type in (AnswerType.ANYTHING, AnswerType.NAME, AnswerType.PLACE)
    return SUPPORT if plain and not asked.kind_of else VALUED


def _reasoned(evidence: PassageIndex, passage: Passage, asked: ParsedQuestion) -> Passage | None:
    """A passage that gives a reason, with the next sentence where that does and goes on about the
    same. That something is so is no answer to why it is."""
    if lexicon.REASON.search(passage.text):
        return passage
    longer = next_passage(evidence.all_evidence, passage)
    if longer is None:
        return None
    after = longer.text[len(passage.text) :]
    same = lexicon.GOES_ON.search(after) or asked.terms.keys() & set(stems(after))
    return longer if same and lexicon.REASON.search(after) else None


def _fits(passage: Passage, asked: ParsedQuestion) -> bool:
    """Whether a passage holds what is wanted."""
    text = passage.text
    valued = asked.answer_type is not AnswerType.ANYTHING or asked.form is Form.MOMENT
    if (
        valued
        and passage.modality is not Modality.VISUAL
        and contradicts(asked.action_groups, text)
    ):
        return False
    match asked.answer_type:
        case AnswerType.WHEN if asked.past:
            return text_after(text, asked.asked)
        case AnswerType.COUNT:
            return is_counted(text, asked.head)
        case AnswerType.NAME:
            known = asked.asked
            return contains_answer(asked.answer_type, text, known) or any(
                doer not in known for doer in subjects(text, asked.verbs)
            )
        case AnswerType.ANYTHING if passage.modality is Modality.VISUAL:
            # What is asked about is no answer to which it is.
            return not (asked.form is Form.TELL and asked.head and not asked.sensed) or not (
                set(stems(text)) & (set(asked.terms) - asked.head)
            )
        case AnswerType.ANYTHING if asked.kind_of:
            return states_value(text, asked.head)
        case _:
            return contains_answer(asked.answer_type, text, asked.asked)
