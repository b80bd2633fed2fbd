"""The parse of a question by rules over its words (:mod:`.lexicon`)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from videlicet.analyze.qa import lexicon
from videlicet.analyze.qa.values import AnswerType, stems
from videlicet.analyze.qa.verbs import action_groups
from videlicet.search.words import FUNCTION_WORDS
from videlicet.types import Modality
from videlicet.types.kinds import searchable

_SPEECH, _TEXT, _VISUAL = Modality.SPEECH, Modality.TEXT, Modality.VISUAL
_WORD = re.compile(r"[\w’'\-.:,]*\w")


class Form(StrEnum):
    """What form the answer takes."""

    #: What the evidence says.
    TELL = "tell"
    #: When in the video something is seen, read or heard.
    MOMENT = "moment"
    #: In which of several videos it is.
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class ParsedQuestion:
    """A question taken apart. Words stand for themselves as stems."""

    text: str
    form: Form
    answer_type: AnswerType
    #: The senses that can tell.
    modalities: frozenset[Modality]
    #: What the evidence has to speak of, with each stem's word.
    terms: Mapping[str, str]
    #: Those of the terms that no likeness can stand for: names and numbers.
    entities: frozenset[str]
    #: What the question takes as known: after each article the stems of a thing.
    things: tuple[frozenset[str], ...]
    #: What is done, as groups of :mod:`.verbs`.
    action_groups: frozenset[int]
    #: All stems of the question.
    asked: frozenset[str]
    #: The stems of what is to be counted, or of what the answer is a kind of.
    head: frozenset[str]
    #: Whether the question names one of the senses.
    sensed: bool
    #: Whether the answer has to say more of its head than that it is one.
    kind_of: bool
    #: Whether it asks if, when or in which video something is to be seen, read or heard.
    asks_presence: bool
    #: Whether it asks for a reason.
    why: bool
    #: Whether it asks when something happened that is over.
    past: bool

    @property
    def phrase(self) -> str:
        """The content words."""
        return " ".join(dict.fromkeys(self.terms.values())) or self.text

    @property
    def sweeping(self) -> bool:
        """Whether everything that one sense perceived is an answer."""
        return self.sensed and not self.terms

    @property
    def subject(self) -> frozenset[str]:
        """The stems of what is looked for: the first thing without what it does, or all terms."""
        things = (
            frozenset(stem for stem in thing if not self.terms[stem].endswith("ing"))
            for thing in self.things
        )
        return next(filter(None, things), frozenset(self.terms))

    @property
    def verbs(self) -> frozenset[str]:
        """The stems of what is done or is the case."""
        return frozenset(self.terms) - {stem for thing in self.things for stem in thing}


def split_questions(text: str) -> list[str]:
    """The questions that a text asks: cut after question marks, and at an ``and`` with a whole
    question on both sides. What is said beside them (``Be brief.``) is left out; a text without a
    question is one as a whole."""
    found: list[str] = []
    for asked in re.findall(r"[^?]*(?:\?+|$)", text):
        found += lexicon.AND_ALSO.split(asked) if lexicon.ASKS.search(asked) else [asked]
    parts = [lexicon.AND.sub("", part).strip() for part in found if _WORD.search(part)]
    asking = [part for part in parts if part.endswith("?") or lexicon.ASKS.search(part)]
    return asking or [text]


def parse_question(text: str) -> ParsedQuestion:
    """Take a question apart. One that no rule is for is a question after anything that is said or
    written."""
    asked = frozenset(stems(text))
    wanted = next((kind for cue, kind in lexicon.KINDS if cue.search(text)), AnswerType.ANYTHING)
    form = _form(text, wanted, asked)
    if form is not Form.TELL:
        wanted = AnswerType.ANYTHING
    typed = lexicon.TYPED.search(text) if form is Form.TELL else None
    modalities, sensed = _senses(text, form, wanted, asked, typed is not None)
    terms, entities = _content(text, form, wanted, modalities)
    if lexicon.OWN_LENGTH.search(text):
        terms, wanted = {}, AnswerType.DURATION
    head = lexicon.COUNTED.search(text) if wanted is AnswerType.COUNT else typed
    kind_of = wanted is AnswerType.ANYTHING and lexicon.KIND_OF.search(text) is not None
    return ParsedQuestion(
        text=text,
        form=form,
        answer_type=wanted,
        modalities=modalities,
        terms=terms,
        entities=entities,
        things=_things(text, terms),
        action_groups=_action_groups(text),
        asked=asked,
        head=frozenset(stems(head.group(1))) if head else frozenset(),
        sensed=sensed,
        kind_of=kind_of,
        asks_presence=form is not Form.TELL or lexicon.WHETHER.search(text) is not None,
        why=form is Form.TELL and lexicon.WHY.search(text) is not None,
        past=wanted is AnswerType.WHEN and lexicon.WHEN_WAS.search(text) is not None,
    )


def as_moment(question: ParsedQuestion) -> ParsedQuestion | None:
    """A question after a time that nobody tells, read as one after the time in the video, where it
    can be. A picture's label names a thing, never what becomes of it."""
    if question.answer_type is not AnswerType.WHEN or not lexicon.WHEN_IS.search(question.text):
        return None
    senses = frozenset({_SPEECH, _TEXT} | ({_VISUAL} if len(question.terms) == 1 else set()))
    return replace(
        question,
        form=Form.MOMENT,
        answer_type=AnswerType.ANYTHING,
        modalities=senses,
        asks_presence=True,
    )


def _form(text: str, intent: AnswerType, asked: Collection[str]) -> Form:
    if lexicon.WHICH_VIDEO.search(text):
        return Form.VIDEO
    if lexicon.MOMENT.search(text):
        return Form.MOMENT
    # "Where is it shown?" asks for the place in the video.
    timed = intent in (AnswerType.WHEN, AnswerType.CLOCK, AnswerType.PLACE) and lexicon.WHEN.search(
        text
    )
    return Form.MOMENT if timed and lexicon.PRESENCE & set(asked) else Form.TELL


def _senses(
    text: str, form: Form, intent: AnswerType, asked: Collection[str], typed: bool
) -> tuple[frozenset[Modality], bool]:
    """The senses that can tell, and whether the question names them."""
    written = lexicon.WRITTEN.search(text) is not None
    watched = lexicon.WATCHED.search(text) is not None
    tells = form is Form.TELL
    if tells and intent is not AnswerType.ANYTHING:
        # A picture's label tells no name, number, time or colour.
        return frozenset({_SPEECH, _TEXT}), False
    if written:
        return frozenset({_TEXT} if tells else {_TEXT, _VISUAL} if watched else {_TEXT}), True
    if lexicon.HEARING & set(asked):
        return frozenset({_SPEECH}), True
    if watched:
        return frozenset({_VISUAL} if tells else {_VISUAL, _TEXT}), True
    if not tells or typed or lexicon.THERE.search(text):
        # Sounds have vectors only, no words.
        return frozenset(searchable()) - {Modality.SOUND}, False
    return frozenset({_SPEECH, _TEXT}), False


def _content(
    text: str, form: Form, intent: AnswerType, modalities: frozenset[Modality]
) -> tuple[dict[str, str], frozenset[str]]:
    """The terms and, among them, the entities: words with a capital inside of the question, and
    numbers."""
    dropped = lexicon.ABOUT | lexicon.HEARING | lexicon.SEEING
    dropped |= lexicon.OF_KIND.get(intent, frozenset())
    if form is not Form.TELL or modalities <= {_TEXT, _VISUAL}:
        dropped |= lexicon.READING
    terms: dict[str, str] = {}
    entities = set()
    for number, word in enumerate(_WORD.findall(text)):
        if word.lower() in lexicon.EMPTY:
            continue
        for stem in stems(word):
            if stem not in dropped:
                terms.setdefault(stem, word.lower())
                if stem[0].isdigit() or (number and word[0].isupper()):
                    entities.add(stem)
    return terms, frozenset(entities)


def _action_groups(text: str) -> frozenset[int]:
    """The groups of the verbs: words between function words that no article goes before; else the
    last of those after one (``was the cat found``), but never the thing itself."""
    plain: list[str] = []
    last: list[str] = []
    run: list[str] = []
    article = False
    for word in [*(word.lower() for word in _WORD.findall(text)), "the"]:
        if word not in FUNCTION_WORDS:
            run.append(word)
            continue
        if article:
            last += run[1:][-1:]
        else:
            plain += run
        run, article = [], word in lexicon.ARTICLES
    return action_groups(stems(" ".join(plain))) or action_groups(stems(" ".join(last)))


def _things(text: str, terms: Collection[str]) -> tuple[frozenset[str], ...]:
    """The stems of the words after each article or possessive, without the verb at its end
    where an auxiliary before it asks for one (``does the photo workshop begin``)."""
    found = []
    row: list[str] | None = None
    verb = False
    for word in [*(word.lower() for word in _WORD.findall(text)), "the"]:
        if word not in FUNCTION_WORDS:
            if row is not None:
                row.append(word)
            continue
        if row:
            named = row[:-1] if verb and len(row) > 1 else row
            found.append(frozenset(s for one in named for s in stems(one) if s in terms))
            verb = False
        row = [] if word in lexicon.ARTICLES else None
        verb = verb or word in lexicon.AUXILIARIES
    return tuple(thing for thing in found if thing)
