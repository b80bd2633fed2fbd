"""What an open request asks for, read from its words, in English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class IntentKind(StrEnum):
    """The things the built-in backend can do."""

    TITLE = "title"
    TOPICS = "topics"
    HASHTAGS = "hashtags"
    SUMMARY = "summary"
    CHAPTERS = "chapters"
    HIGHLIGHTS = "highlights"
    TRANSCRIPT = "transcript"
    SEEN = "seen"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Intent:
    """``kinds`` in the order of the answer; only the parts of a gist come several
    together. ``count`` is how many (sentences, chapters, highlights, topics) where it is said,
    ``words`` how many at most, ``bullets`` whether as a list."""

    kinds: tuple[IntentKind, ...]
    count: int | None = None
    words: int | None = None
    bullets: bool = False
    focus: str | None = None


_NUMBERS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {"a single": 1, "a couple of": 2, "a few": 3, "several": 4, "thirty": 30,
     "fifty": 50, "hundred": 100}  # fmt: skip
_NUMBER = r"(?P<n>\d{1,4}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + ")"
_ADJECTIVES = r"(?:[a-z]+[\s-]+){0,2}?"

_POLITE = re.compile(
    r"^(?:(?:hi|hello|hey)\b[\s,!.]*)?(?:please|kindly|now)?[\s,]*"
    r"(?:(?:can|could|would|will)\s+you(?:\s+please)?\s+|i(?:'d|\s+would)?\s+(?:like|want|need)\s+"
    r"(?:you\s+to\s+)?|you\s+are\s+an?\s+[^.!?]{0,80}[.!]\s+)?(?:please\s+)?",
    re.I,
)
_QUESTION = re.compile(
    r"^(?:who|whose|whom|what|which|when|where|why|how|is|are|was|were|do|does|did|has|have|had|"
    r"can|could|will|would|should|at\s+what|in\s+what|in\s+which|on\s+what|on\s+which|for\s+how)\b",
    re.I,
)
#: What may stand between the words of a question and the thing that it asks for.
_MAIN = r"(?:(?:the|some|good|main|key|best|major|most|important|central|suitable|appropriate)\s+)*"
_ASKED_FOR = (
    r"^(?:what|which)(?:'s|\s+is|\s+are|\s+were|\s+was|\s+would\s+be|\s+could\s+be)?\s+(?:an?\s+)?"
    + _MAIN
)

#: In the order in which they are looked for. Of each, how it is asked for in a question, and how in
#: a wish.
_SIGNS: tuple[tuple[IntentKind, str | None, str], ...] = (
    (
        IntentKind.TRANSCRIPT,
        r"(?:transcript|exact\s+words)\b",
        r"\b(?:transcripts?|transcribe|transcription|verbatim|subtitles?|word\s+for\s+word|"
        r"everything\s+that(?:\s+is|\s+was|'s)\s+said)\b",
    ),
    (IntentKind.HASHTAGS, r"hash\s?tags?\b", r"\bhash\s?tags?\b"),
    (
        IntentKind.CHAPTERS,
        r"(?:chapters|sections|parts|segments)\b",
        r"\b(?:chapters?|chapteri[sz]e|table\s+of\s+contents|time\s?line|timestamped\s+outline|"
        r"outline|(?:break|split|divide|segment)\b.{0,40}\b(?:sections|parts|segments|scenes|down)|"
        r"segment\s+(?:this|the)\s+(?:video|film|clip)|section\s+by\s+section)\b",
    ),
    (
        IntentKind.HIGHLIGHTS,
        r"(?:highlights?|(?:\w+\s+){0,2}(?:moments|scenes))\b",
        r"\b(?:highlights?|(?:key|best|top|most\s+\w+|interesting|exciting|important|memorable|"
        r"funniest|standout|notable|significant)\s+(?:\w+\s+)?(?:moments?|scenes?|clips?)|"
        r"(?:find|list|give|show)\b.{0,30}\bmoments?)\b",
    ),
    (
        IntentKind.SUMMARY,
        r"(?:gist|summary|takeaways?|points?|message|idea|this|the)\b(?:\s+(?:video|film|clip|"
        r"movie|recording|talk|lecture|footage))?(?:\s+(?:all\s+)?about|\s+of\s+(?:this|the)\b.*)?"
        r"\s*[?.]*$",
        r"\b(?:summar(?:y|i[sz]e|i[sz]ation|ies|ising|izing)|tl;?dr|recap|synopsis|overview|"
        r"abstract|gist|digest|sum\s+up|condense|key\s+(?:points|takeaways|ideas|messages|facts)|"
        r"main\s+(?:points|ideas|messages)|take-?aways|bullet\s+points|describe\s+(?:this|the)\s+"
        r"(?:video|film|clip|movie|recording|footage|content)|description\s+of\s+(?:this|the)\s+"
        r"(?:video|film|clip)|(?:tell\s+me|explain)\s+what\s+(?:(?:this|the)\b.{0,20}\babout|"
        r"happens))\b",
    ),
    (
        IntentKind.SEEN,
        r"(?:(?:do|can|could|did)\s+(?:you|one|i|we)\s+see\b|(?:can|could)\s+be\s+seen\b|"
        r"(?:is|are|was|were)\s+(?:visible|shown|seen|on\s+(?:the\s+)?screen)\b|"
        r"(?:objects|things|items)\b)",
        r"\b(?:describe\b.{0,40}\b(?:see|seen|shown?|visible|visuals?|visually|images?|pictures?|"
        r"footage|scenes?|looks?)|visual\s+(?:description|content)|list\b.{0,20}\b(?:objects|things|"
        r"items)|what\s+(?:is|can\s+be)\s+(?:seen|shown|visible))\b",
    ),
    (
        IntentKind.TOPICS,
        r"(?:topics?|themes?|subjects?|keywords?|key\s+phrases|tags)\b",
        r"\b(?:topics?|themes?|keywords?|key\s+(?:words|phrases)|subjects|(?<!hash)(?<!hash\s)tags)\b",
    ),
    (
        IntentKind.TITLE,
        r"(?:title|headline|name)\s+(?:for|of)\s+(?:this|the)\s+(?:video|film|clip|movie|recording)\b",
        r"\b(?:titles?|headlines?)\b",
    ),
)
#: "What is this?", "What happens in the video?"
_WHAT = re.compile(
    r"^what(?:'s|\s+is|\s+happens|\s+is\s+happening|\s+goes\s+on|\s+is\s+going\s+on)(?:\s+(?:(?:in|"
    r"with|during|throughout)\s+)?(?:it|this|(?:this|the)\s+(?:video|film|clip|movie|recording|talk|"
    r"lecture|footage))(?:\s+(?:all\s+)?about)?)?\s*[?.]*$",
    re.I,
)
_GIST = (IntentKind.TITLE, IntentKind.TOPICS, IntentKind.HASHTAGS)
_COUNTED = {
    IntentKind.TOPICS: r"(?:topics?|themes?|keywords?|subjects?|tags|phrases|key\s?words)",
    IntentKind.HASHTAGS: r"hash\s?tags?",
    IntentKind.CHAPTERS: r"(?:chapters?|sections?|parts?|segments?|scenes?)",
    IntentKind.HIGHLIGHTS: r"(?:highlights?|moments?|scenes?|clips?|parts?)",
}
_SENTENCES = (
    r"(?:sentences?|bullet\s*(?:points?|s)?|bullets?|points?|lines?|take-?aways?|ideas?|facts?)"
)
#: What says how a summary is to be, not what it is to be about.
_MANNER = re.compile(
    r"^(?:the\s+|its\s+)?(?:(?:main|key|most\s+important|important|essential|whole|overall|entire)"
    r"\s+)*(?:video|film|clip|movie|recording|content|contents|points?|ideas?|takeaways?|facts?|"
    r"message|it|this|details?|events?|story|talk|footage)?$",
    re.I,
)
_FOCUS = re.compile(
    r"\b(?:focus(?:s?ing|s?ed)?\s+(?:only\s+|mainly\s+|especially\s+)?on|with\s+(?:an?\s+|the\s+)?"
    r"(?:emphasis|focus)\s+on|emphasi[sz](?:e|ing)|concentrat(?:e|ing)\s+on|concerning|regarding|"
    r"with\s+(?:regard|respect)\s+to|relat(?:ed|ing)\s+to|pay(?:ing)?\s+attention\s+to|"
    r"in\s+terms\s+of|(?:everything|anything|what\s+(?:is|was)\s+(?:said|shown))\s+about|about)\s+"
    r"(?P<focus>[^.;!?\n]+)",
    re.I,
)
_WHERE = re.compile(
    r"\b(?:moments?|highlights?|scenes?|clips?|parts?)\s+(?:where|when|in\s+which|with|of|for|"
    r"showing|that\s+show|featuring)\s+(?P<focus>[^.;!?\n]+)",
    re.I,
)


def parse_intent(prompt: str) -> Intent:
    """The intent of a prompt. Anything that is no other intent is a question."""
    text = " ".join(prompt.split())
    plain = _POLITE.sub("", text, count=1)
    kinds = _kinds(plain)
    lead = kinds[0]
    words = _count(text, r"words?")
    sentences = _count(text, _SENTENCES)
    count = _count(text, _COUNTED[lead]) if lead in _COUNTED else sentences
    if lead is IntentKind.SUMMARY and count is None:
        count = _roughly(text, words)
    return Intent(
        kinds,
        count=count,
        words=words,
        bullets=re.search(r"\b(?:bullet(?:ed|s)?|bullet[\s-]points?|as\s+a\s+list)\b", text, re.I)
        is not None,
        focus=_focus(plain, lead),
    )


def _kinds(plain: str) -> tuple[IntentKind, ...]:
    question = _QUESTION.match(plain) is not None
    found = [
        kind
        for kind, asked, wished in _SIGNS
        if _is(plain, asked if question else wished, question)
    ]
    if question and not found and _WHAT.match(plain):
        return (IntentKind.SUMMARY,)
    if not found:
        return (IntentKind.QUESTION,)
    if found[0] in _GIST or (len(found) > 1 and all(one in _GIST for one in found)):
        return tuple(kind for kind in _GIST if kind in found)
    return (found[0],)


def _is(plain: str, sign: str | None, question: bool) -> bool:
    if sign is None:
        return False
    if not question:
        return re.search(sign, plain, re.I) is not None
    return re.search(rf"{_ASKED_FOR}(?:{sign})", plain, re.I) is not None


def _count(text: str, what: str) -> int | None:
    # "A two-sentence summary": an article counts only where there is no number.
    for number in (_NUMBER, "(?P<n>an?)"):
        found = re.search(rf"\b{number}[\s-]+{_ADJECTIVES}{what}\b", text, re.I)
        if found is not None and (number == _NUMBER or not found[0].lower().endswith("s")):
            count = found["n"].lower()
            return max(1, int(count) if count.isdigit() else _NUMBERS.get(count, 1))
    return None


def _roughly(text: str, words: int | None) -> int | None:
    if words is not None:
        return max(1, round(words / 15))
    paragraphs = _count(text, r"paragraphs?")
    if paragraphs is not None:
        return 5 * paragraphs
    if re.search(
        r"\b(?:brief(?:ly)?|short(?:ly)?|concise(?:ly)?|quick(?:ly)?|tl;?dr)\b", text, re.I
    ):
        return 3
    if re.search(
        r"\b(?:detail(?:s|ed)?|thorough(?:ly)?|comprehensive|in\s+depth|long)\b", text, re.I
    ):
        return 12
    return None


def _focus(plain: str, kind: IntentKind) -> str | None:
    found = _WHERE.search(plain) if kind is IntentKind.HIGHLIGHTS else None
    found = found or _FOCUS.search(plain)
    if found is None or kind not in (IntentKind.SUMMARY, IntentKind.HIGHLIGHTS):
        return None
    focus = re.sub(
        rf"[\s,]*\b(?:in|using|with|as|within|at\s+most|up\s+to|no\s+more\s+than)\s+"
        rf"(?:(?:about|around|exactly|at\s+most|up\s+to)\s+)?(?:{_NUMBER.replace('?P<n>', '?:')})"
        rf"[\s-]+{_ADJECTIVES}(?:{_SENTENCES}|words?|paragraphs?)\b.*$",
        "",
        found["focus"],
        flags=re.I,
    ).strip(" ,:\"'")
    return None if _MANNER.match(focus) else focus
