"""What a question asks for, told from its words by rules."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from videlicet.analyze.builtin.values import Wanted, stems
from videlicet.search.words import FUNCTION_WORDS
from videlicet.types import Modality

_SPEECH, _TEXT, _VISUAL = Modality.SPEECH, Modality.TEXT, Modality.VISUAL


class Form(StrEnum):
    """What form the answer takes."""

    #: What the evidence says.
    TELL = "tell"
    #: When in the video something is seen, read or heard.
    MOMENT = "moment"
    #: In which of several videos it is.
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Question:
    """``terms`` are the stems that the evidence has to speak of; ``entities`` those among them that
    no likeness can stand for (names, numbers). ``phrase`` is the question's content words as they
    stand. ``modalities`` are the senses that can tell; ``asked`` are all stems of the question,
    and ``counted`` those of what is to be counted. ``frame`` is whether the question names one of
    the senses, so that without terms everything it perceived is an answer."""

    text: str
    form: Form
    wanted: Wanted
    modalities: frozenset[Modality]
    terms: tuple[str, ...]
    words: tuple[str, ...]
    entities: frozenset[str]
    phrase: str
    asked: frozenset[str]
    counted: frozenset[str] = frozenset()
    #: The stems of each thing that the question takes as known (``the photo workshop``).
    things: tuple[frozenset[str], ...] = ()
    named: bool = False
    typed: bool = False


def _stemmed(words: str) -> frozenset[str]:
    return frozenset(stem for word in words.split() for stem in stems(word))


_HEARD = _stemmed(
    "say says said speak speaks speaking spoken speaker tell tells told talk talks talking mention "
    "mentions mentioned narrator narrates explain explains explained announce announces announced "
    "announcement recite recites voice hear heard quote quoted discuss discussed describe describes "
    "described address addresses advice advise advises tip tips information learn"
)
_PRINTED = _stemmed(
    "written write printed text caption captions screen sign notice slide title card banner label "
    "poster board page headline subtitle read reads words"
)
_WATCHED = re.compile(
    r"\b(?:seen|shows?|shown|visible|pictured|appears?|wear(?:s|ing)?|looks? like|worn)\b|"
    r"\b(?:in|on) (?:the|this|that) (?:picture|image|photo|photograph|frame|scene|footage)\b|"
    r"^\W*(?:what|who) (?:can|do) (?:you|we|one) see\b|\bdoing\b",
    re.I,
)
_WATCHING = _stemmed(
    "see seen show shows shown visible appear appears picture pictured image photo photograph frame "
    "scene footage doing"
)
#: Words about videos, not about what is in them.
_ABOUT = _stemmed(
    "video videos film films movie clip clips recording footage kind type sort thing things happen "
    "happens call called please give gives given contain contains feature features go take place "
    "point second moment time use used get there any according one people person man woman must "
    "should could would shall may might have has had own make made"
)
_KIND_WORDS = {
    Wanted.PRICE: "price cost costs much pay charge fee",
    Wanted.PHONE: "phone telephone number call contact mobile",
    Wanted.EMAIL: "email e-mail mail address",
    Wanted.LINK: "website address link url web site",
    Wanted.CLOCK: "time hour oclock clock",
    Wanted.DAY: "day weekday",
    Wanted.DATE: "date day",
    Wanted.YEAR: "year",
    Wanted.WHEN: "",
    Wanted.DURATION: "long time take last",
    Wanted.NUMBER: "number much many",
    Wanted.COUNT: "many number",
    Wanted.COLOUR: "colour color",
    Wanted.NAME: "name called",
    Wanted.PLACE: "place location",
    Wanted.ANYTHING: "",
}
_CONSUMED = {kind: _stemmed(words) for kind, words in _KIND_WORDS.items()}

#: Tried in order; the first that matches says what is wanted.
_FORMS: tuple[tuple[str, Wanted], ...] = (
    (r"\b(?:tele)?phone number|\bphone\b.*\bnumber|\bnumber\b.*\b(?:call|phone|ring|dial)\b",
     Wanted.PHONE),
    (r"\be-?mail\b", Wanted.EMAIL),
    (r"\b(?:web ?site|url|web address|web page)\b", Wanted.LINK),
    (r"\b(?:what|which) colou?r\b", Wanted.COLOUR),
    (r"\b(?:price|cost|costs|fee)\b|\bhow (?:much|expensive) (?:is|are|was|were|does .* cost)\b",
     Wanted.PRICE),
    (r"\bhow many\b", Wanted.COUNT),
    (r"\bhow long\b", Wanted.DURATION),
    (r"\bhow (?:old|far|tall|high|fast|heavy|big|large|deep|much)\b", Wanted.NUMBER),
    (r"\b(?:what|which) (?:\w+ )?(?:time|hour)\b|\btime of (?:departure|arrival)\b", Wanted.CLOCK),
    (r"\b(?:what|which) year\b", Wanted.YEAR),
    (r"\b(?:what|which) (?:week)?day\b", Wanted.DAY),
    (r"\b(?:what|which) (?:date|month)\b|\bwhat is the date\b", Wanted.DATE),
    (r"\b(?:what|which) (?:\w+ )?number\b|\bwhat (?:is|was) the (?:\w+ ){0,4}(?:number|total)\b",
     Wanted.NUMBER),
    (r"^\W*(?:who|whom|whose)\b|\bwhat(?: is|'s|’s| are)? .*\b(?:name|called)\b", Wanted.NAME),
    (r"^\W*where\b", Wanted.PLACE),
    (r"^\W*when\b", Wanted.WHEN),
)  # fmt: skip
_MATCHERS = tuple((re.compile(pattern, re.IGNORECASE), kind) for pattern, kind in _FORMS)
_WHICH_VIDEO = re.compile(r"\b(?:which|what) (?:video|film|movie|clip|recording)s?\b", re.I)
_MOMENT = re.compile(
    r"\b(?:at|from) (?:what|which) (?:point|moment|second|minute|timestamp)\b|"
    r"\bhow (?:many (?:seconds|minutes) in|far in(?:to)?)\b",
    re.I,
)
_WHEN = re.compile(r"^\W*(?:when|where)\b|^\W*at (?:what|which) time\b", re.I)
_PRESENT = re.compile(r"^\W*when (?:is|are|do|does)\b", re.I)
_PRESENCE = _stemmed(
    "appear appears seen see shown show shows visible mentioned mention mentions said say says talk "
    "talks talking read heard hear speak speaks spoken written discussed explained"
)
_THERE = re.compile(r"^\W*(?:is|are|was|were) there\b|^\W*(?:can|do|does) (?:you|we|one)? ?see\b", re.I)
_TYPE_OF = re.compile(r"^\W*(?:what|which)(?: (?:kind|type|sort)s? of)? (?!is\b|are\b|was\b|were\b|"
                      r"do\b|does\b|did\b|can\b|should\b|will\b|has\b|have\b|must\b)[a-z]+", re.I)  # fmt: skip


def understand(text: str) -> Question:
    """Take a question apart. What cannot be made out is a question after anything that is said or
    written; that is never wrong, only less strict."""
    asked = frozenset(stems(text))
    wanted = next((kind for pattern, kind in _MATCHERS if pattern.search(text)), Wanted.ANYTHING)
    form = _form(text, wanted, asked)
    if form is not Form.TELL:
        wanted = Wanted.ANYTHING
    modalities, named = _modalities(text, form, wanted, asked)
    dropped = _ABOUT | _CONSUMED[wanted] | _HEARD | _WATCHING
    if modalities <= {_TEXT, _VISUAL} or form is not Form.TELL:
        dropped |= _PRINTED
    content: dict[str, str] = {}
    entities = set()
    for number, word in enumerate(re.findall(r"[\w’'\-.:,]*\w", text)):
        if word.lower() in _EMPTY:
            continue
        for stem in stems(word):
            if stem in dropped:
                continue
            content.setdefault(stem, word)
            if stem[0].isdigit() or (number and word[0].isupper()):
                entities.add(stem)
    counted = frozenset[str]()
    if wanted is Wanted.COUNT and (after := re.search(r"how many ((?:\w+\s?){1,3})", text, re.I)):
        counted = frozenset(stems(after.group(1)))
    return Question(
        text=text,
        form=form,
        wanted=wanted,
        modalities=modalities,
        terms=tuple(content),
        words=tuple(content.values()),
        entities=frozenset(entities),
        phrase=" ".join(content.values()),
        asked=asked,
        counted=counted,
        things=_things(text, content),
        named=named,
        typed=bool(_TYPE_OF.search(text)) and wanted is Wanted.ANYTHING,
    )


#: Words that carry no meaning in a question.
_EMPTY = FUNCTION_WORDS | frozenset(
    "also just other besides only around between during much many not being am".split()
)


def _things(text: str, content: Collection[str]) -> tuple[frozenset[str], ...]:
    """The stems of what stands after each article or possessive, without the verb at its end
    where an auxiliary before it asks for one (``does the photo workshop begin``)."""
    found = []
    words = re.findall(r"[^\W_]+(?:[’'\-.:,][^\W_]+)*", text.lower())
    row: list[str] | None = None
    verb = False
    for word in [*words, "the"]:
        if word not in FUNCTION_WORDS:
            if row is not None:
                row.append(word)
            continue
        if row:
            named = row[:-1] if verb and len(row) > 1 else row
            found.append(frozenset(s for one in named for s in stems(one) if s in content))
            verb = False
        row = [] if word in _ARTICLES else None
        verb = verb or word in _AUXILIARIES
    return tuple(thing for thing in found if thing)


_ARTICLES = frozenset("the a an this that these those my your his her its our their".split())
_AUXILIARIES = frozenset("do does did can could will would should must may might".split())


def _form(text: str, wanted: Wanted, asked: Collection[str]) -> Form:
    if _WHICH_VIDEO.search(text):
        return Form.VIDEO
    if _MOMENT.search(text):
        return Form.MOMENT
    if _WHEN.search(text) and wanted in (Wanted.WHEN, Wanted.CLOCK, Wanted.PLACE):
        # "Where is it shown?" asks for the place in the video.
        return Form.MOMENT if _PRESENCE & set(asked) else Form.TELL
    return Form.TELL


def moment_too(question: Question) -> bool:
    """Whether a question after a time that nobody tells may mean the time in the video."""
    return question.wanted is Wanted.WHEN and bool(_PRESENT.search(question.text))


def _modalities(
    text: str, form: Form, wanted: Wanted, asked: Collection[str]
) -> tuple[frozenset[Modality], bool]:
    """The senses that can tell, and whether the question names them."""
    stems_ = set(asked)
    printed = bool(_PRINTED & stems_)
    heard = bool(_HEARD & stems_)
    watched = bool(_WATCHED.search(text))
    if form is Form.TELL and wanted is not Wanted.ANYTHING:
        # A picture's label tells no name, number, time or colour.
        return frozenset({_SPEECH, _TEXT}), False
    if printed and (heard or watched or form is Form.TELL):
        return frozenset({_TEXT, _VISUAL} if watched and form is not Form.TELL else {_TEXT}), True
    if heard:
        return frozenset({_SPEECH}), True
    if watched:
        return frozenset({_VISUAL, _TEXT}) if form is not Form.TELL else frozenset({_VISUAL}), True
    if form is not Form.TELL or _THERE.search(text) or _TYPE_OF.search(text):
        return frozenset({_SPEECH, _TEXT, _VISUAL}), False
    return frozenset({_SPEECH, _TEXT}), False


def with_form(question: Question, form: Form) -> Question:
    """The same question, read as one after a time in the video. A picture's label names a thing,
    never what becomes of it."""
    senses = frozenset({_SPEECH, _TEXT} | ({_VISUAL} if len(question.terms) == 1 else set()))
    return replace(question, form=form, wanted=Wanted.ANYTHING, modalities=senses)
