"""The English words that tell what a question asks for."""

from __future__ import annotations

import re

from videlicet.analyze.qa.values import AnswerType, stems
from videlicet.search.words import FUNCTION_WORDS


def _stems(words: str) -> frozenset[str]:
    return frozenset(stem for word in words.split() for stem in stems(word))


def _cue(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


#: Words that carry no meaning in a question.
EMPTY = FUNCTION_WORDS | frozenset(
    "also just other besides only around between during much many not being am anybody anyone "
    "somebody anything something everything exactly actually whose".split()
)
ARTICLES = frozenset("the a an this that these those my your his her its our their".split())
AUXILIARIES = frozenset("do does did can could will would should must may might".split())

#: The stems of words for hearing, for reading and for seeing, which are not about what is.
HEARING = _stems(
    "say says said speak speaks speaking spoken speaker tell tells told talk talks talking mention "
    "mentions mentioned narrator narrates explain explains explained announce announces announced "
    "announcement recite recites voice hear heard quote quoted discuss discussed describe "
    "describes described address addresses advice advise advises tip tips information learn"
)
READING = _stems(
    "written write printed text caption captions screen sign notice slide title card banner label "
    "poster board page headline subtitle read reads words"
)
SEEING = _stems(
    "see seen show shows shown visible appear appears picture pictured image photo photograph "
    "frame scene footage doing"
)
#: Stems of words about videos, not about what is in them, and of people nobody names.
ABOUT = _stems(
    "video videos film films movie clip clips recording footage kind type sort thing things happen "
    "happens call called please give gives given contain contains feature features go take place "
    "point second moment time use used get there any according one people person man woman must "
    "should could would shall may might have has had own make made"
)
#: What a question of each kind says of the value that it wants.
OF_KIND = {
    AnswerType.PRICE: _stems("price cost costs much pay charge fee"),
    AnswerType.PHONE: _stems("phone telephone number call contact mobile"),
    AnswerType.EMAIL: _stems("email mail address"),
    AnswerType.LINK: _stems("website address link url web site"),
    AnswerType.CLOCK: _stems("time hour clock"),
    AnswerType.DAY: _stems("day weekday"),
    AnswerType.DATE: _stems("date day month"),
    AnswerType.YEAR: _stems("year"),
    AnswerType.WHEN: frozenset(),
    AnswerType.DURATION: _stems("long time take last"),
    AnswerType.NUMBER: _stems("number much many"),
    AnswerType.COUNT: _stems("many much number need needed"),
    AnswerType.COLOUR: _stems("colour color"),
    AnswerType.NAME: _stems("name named called"),
    AnswerType.PLACE: _stems("place location"),
}

#: Words for something written. Most of these words also are verbs: they need an article.
WRITTEN = _cue(
    r"\b(?:written|printed)\b",
    r"\bon[- ](?:the )?screen\b",
    r"\b(?:the|a|an|this|that|each|which|what) (?:\w+ ){0,2}"
    r"(?:sign|notice|slide|card|banner|poster|board|label|page|title|caption|headline|subtitle)s?\b",
    r"\b(?:what|which) (?:text|words)\b",
    r"\btext\b.*\b(?:is|are|appear|shown|seen)\b",
)
WATCHED = _cue(
    r"\b(?:seen|shows?|shown|visible|pictured|appears?|wear(?:s|ing)?|worn)\b",
    r"\b(?:in|on) (?:the|this|that) (?:picture|image|photo|photograph|frame|scene|footage)\b",
    r"^\W*(?:what|who) (?:can|do) (?:you|we|one) see\b",
    r"\bdoing\b",
    r"\blooks? like\b",
)
THERE = _cue(
    r"^\W*(?:is|are|was|were) there\b",
    r"^\W*(?:can|do|does) (?:you|we|one)? ?see\b",
)
WHICH_VIDEO = _cue(r"\b(?:which|what) (?:video|film|movie|clip|recording)s?\b")
MOMENT = _cue(
    r"\b(?:at|from) (?:what|which) (?:point|moment|second|minute|timestamp)\b",
    r"\bhow (?:many (?:seconds|minutes) in|far in(?:to)?)\b",
)
WHEN = _cue(r"^\W*(?:when|where)\b", r"^\W*at (?:what|which) time\b")
WHEN_IS = _cue(r"^\W*when (?:is|are|do|does)\b")
WHEN_WAS = _cue(r"^\W*when (?:was|were|did|had|has|have)\b")
_ASKS = (
    r"(?:(?:at |on |in |from |to )?(?:what|which)(?: \w+)?|when|where|who|whom|why|"
    r"how (?:much|many|long|old|far|tall|big|fast|hot)(?: \w+)?|how) "
    r"(?:is|are|was|were|do|does|did|can|could|will|would|should|must|has|have|had|may)\b"
)
#: A whole question, what joins another one to it, and how one goes on from another.
ASKS = _cue(rf"^\W*{_ASKS}")
AND_ALSO = _cue(rf",?\s+and (?:also )?(?={_ASKS})")
AND = _cue(r"^\W*(?:and|also|but|so|then)\b(?: also\b)?,?\s+")
#: Questions that yes or no answers.
WHETHER = _cue(
    r"^\W*(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should|must|may)\b"
)
WHY = _cue(
    r"^\W*why\b",
    r"\bhow come\b",
    r"^\W*(?:for )?what (?:is |was )?(?:the )?reason\b",
    r"^\W*what (?:causes|caused)\b",
)
#: Words that introduce a reason.
REASON = _cue(
    r"\b(?:because|due to|owing to|thanks to|so that|in order (?:to|that)|as a result|therefore|"
    r"the (?:reason|cause)|(?:that|this|which)(?: i|['’])s why|to (?:avoid|prevent|keep|make sure)|"
    r"otherwise|caused by|(?:causes|leads? to|results? (?:in|from)) )\b",
    r"\bsince (?!\d|then\b|last\b|yesterday\b|(?:mon|tues|wednes|thurs|fri|satur|sun)day\b)",
    r"[,;] so (?!far\b|much\b|many\b|on\b|long\b)\w",
    r"\bfor (?:your|our|their|his|her|its|the sake of)\b(?= \w+['’]?,| \w+$| safety\b)",
    r"\b(?:has|have|had) (?:just|only just|recently) been\b",
)
#: How a sentence begins that is about what the one before is about.
GOES_ON = _cue(
    r"^\W*(?:because|since|due to|so|therefore|that|this|these|those|it|they|he|she|the reason|"
    r"otherwise|as a result)\b"
)
#: Questions after the length of the recording itself, which nothing in it tells.
OWN_LENGTH = _cue(
    r"\bhow (?:long|many (?:seconds|minutes|hours)(?: long)?) (?:is|are|was|does|do|did) "
    r"(?:the|this|that|these|your) (?:whole |entire |full )?"
    r"(?:video|film|movie|clip|recording|footage)s?\b(?: (?:last|take|run|go on)\w*)?\W*$",
    r"\b(?:length|duration|running time|runtime) of (?:the|this|that) (?:whole |entire |full )?"
    r"(?:video|film|movie|clip|recording|footage)\b",
)
#: Stems of words that say of something only that it is there.
PRESENCE = _stems(
    "appear appears seen see shown show shows visible mentioned mention mentions said say says "
    "talk talks talking read heard hear speak speaks spoken written discussed explained"
)
#: ``which NOUN``: the answer is one of those.
TYPED = _cue(
    r"\b(?:what|which)(?: (?:kind|type|sort)s? of)? "
    r"(?!(?:is|are|was|were|do|does|did|can|could|should|will|would|has|have|had|must|may)\b)(\w+)"
)
#: ``what kind of NOUN``: the answer says more than that it is one.
KIND_OF = _cue(r"\b(?:what|which) (?:kind|type|sort)s? of (\w+)")
COUNTED = _cue(
    r"\bhow (?:many|much) (?!(?:is|are|was|were|do|does|did|can|will|would|should)\b)"
    + r"((?:\w+\s?){1,3})"
)

#: Tried in order; the first that matches says what is wanted.
KINDS: tuple[tuple[re.Pattern[str], AnswerType], ...] = (
    (_cue(r"\bphone number", r"\bphone\b.*\bnumber", r"\bnumber\b.*\b(?:call|phone|ring|dial)\b"),
     AnswerType.PHONE),
    (_cue(r"\be-?mail\b"), AnswerType.EMAIL),
    (_cue(r"\b(?:web ?site|url|web address|web page)\b"), AnswerType.LINK),
    (_cue(r"\b(?:what|which) colou?r\b"), AnswerType.COLOUR),
    (_cue(r"\b(?:price|cost|costs|fee)\b", r"\bhow (?:much|expensive) (?:is|are|was|were)\b"),
     AnswerType.PRICE),
    (_cue(r"\bhow many\b", COUNTED.pattern), AnswerType.COUNT),
    (_cue(r"\bhow long\b"), AnswerType.DURATION),
    (_cue(r"\bwhat (?:temperature|speed|height|weight|percentage|age|size|distance)\b",
          r"\bwhat (?:is|was) the (?:temperature|height|weight|percentage|age|distance)\b"),
     AnswerType.NUMBER),
    (_cue(r"\bhow (?:old|far|tall|high|fast|heavy|big|large|deep|much|hot|cold)\b"),
     AnswerType.NUMBER),
    (_cue(r"\b(?:what|which) (?:\w+ )?(?:time|hour)\b", r"\btime of (?:departure|arrival)\b"),
     AnswerType.CLOCK),
    (_cue(r"\b(?:what|which) year\b"), AnswerType.YEAR),
    (_cue(r"\b(?:what|which) (?:week)?day\b"), AnswerType.DAY),
    (_cue(r"\b(?:what|which) (?:date|month)\b", r"\bwhat is the date\b"), AnswerType.DATE),
    (_cue(r"\b(?:what|which) (?:\w+ )?number\b",
          r"\bwhat (?:is|was) the (?:\w+ ){0,4}(?:number|total)\b"), AnswerType.NUMBER),
    (_cue(r"^\W*(?:who|whom|whose)\b", r"\bwhat\b.*\b(?:name|called|named)\b"), AnswerType.NAME),
    (_cue(r"^\W*where\b"), AnswerType.PLACE),
    (_cue(r"^\W*when\b"), AnswerType.WHEN),
)  # fmt: skip
