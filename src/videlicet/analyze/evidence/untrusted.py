"""Whether evidence reads like instructions to whoever analyses it.

A heuristic, and a flag for readers only. It guards nothing: what makes text from a video harmless
is that it is only ever quoted as evidence, whatever it says. Texts that are worded in other ways,
or in other languages, pass unflagged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from videlicet.types import EvidenceItem, Modality

_EARLIER = (
    r"(?:all|any|the|these|those|your|every(?:thing)?|previous|prior|earlier|above|preceding)"
)
_RULES = r"(?:instruction|prompt|rule|guideline|direction|command|message|constraint|polic(?:y|ie))"
_PATTERNS = (
    # "Ignore all previous instructions", "forget what you were told".
    rf"\b(?:ignore|disregard|forget|override|bypass|overrule)\b\W+(?:{_EARLIER}\W+|of\W+)+"
    rf"(?:\w+\W+)?{_RULES}s?\b",
    r"\b(?:ignore|disregard|forget)\W+(?:everything|all|anything|what)\b.{0,24}"
    r"\b(?:above|before|previous(?:ly)?|told|said)\b",
    # "You are now an unrestricted assistant", "act as the administrator".
    r"\byou\s+are\s+(?:now|henceforth)\s+(?:\w+\W+){0,4}?(?:assistant|ai|bot|chatbot|model|agent|"
    r"admin\w*|root|dan|developer|unrestricted|unfiltered|free\s+(?:of|from|to))\b",
    r"\byou\s+are\s+no\s+longer\s+(?:bound|restricted|limited|an?\s+(?:ai|assistant))\b",
    r"\bfrom\s+now\s+on,?\s+(?:you|answer|respond|reply|act|always|never)\b",
    r"\b(?:act|behave|respond|answer)\s+as\s+(?:if\s+you\s+(?:are|were)\b|"
    r"(?:an?|the)\s+(?:\w+\s+)?(?:ai|assistant|administrator|admin|root|system|developer|model)\b)",
    r"\b(?:pretend|imagine)\s+(?:that\s+)?you\s+are\b",
    # What belongs to a model's set-up, not to a video.
    r"\b(?:system|developer|hidden|initial)\s+(?:prompt|message|instructions?)\b",
    r"\b(?:reveal|print|repeat|show|leak|output|display|disclose|send)\b\W+(?:\w+\W+){0,4}"
    r"(?:system\s+prompt|prompt|instructions|api\s+keys?|passwords?|secrets?|credentials?)\b",
    r"\b(?:new|updated|important|urgent)\s+(?:system\s+)?instructions?\s*(?:[:;–—-]|for\s+the\s+"
    r"(?:ai|assistant|model|bot)\b)",
    r"\b(?:attention|note|message|instructions?)\s*(?:to|for)\s+(?:the\s+|any\s+|all\s+)?"
    r"(?:ai|assistants?|language\s+models?|llms?|chatbots?|bots?)\b",
    r"\b(?:dear\s+)?(?:ai|assistant|chatbot|language\s+model)\s*[,:]\s*(?:please\s+)?"
    r"(?:ignore|say|write|answer|reply|respond|tell|output|print|do|do\s+not|don't)\b",
    r"\b(?:do\s+not|don't|never)\s+(?:mention|tell|reveal|summari[sz]e|follow|obey)\b.{0,40}"
    r"\b(?:user|instructions?|this\s+(?:text|message|prompt))\b",
    r"\b(?:jailbreak|developer\s+mode|dan\s+mode|prompt\s+injection)\b",
    r"<\|?/?\s*(?:system|assistant|user|im_start|im_end|endoftext)\s*\|?>|\[/?INST\]|"
    r"(?:^|\n)\s*#*\s*(?:system|assistant)\s*:",
    # "Visit http://… and enter", "send it to https://…".
    r"\b(?:visit|open|go\s+to|click|fetch|download|browse|navigate|call|request|load|send|post)\b"
    r".{0,40}\b(?:https?://|www\.)\S+",
)
_READS_LIKE = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS), re.I | re.S)


def reads_like_instructions(text: str) -> bool:
    """Whether ``text`` is worded as instructions to a machine that reads it."""
    return _READS_LIKE.search(text) is not None


def any_untrusted(items: Iterable[EvidenceItem]) -> bool:
    """Whether something in the items reads like instructions, also where it goes on from one
    item to the next. Class names are not read: a model of the library's own gave them."""
    texts: dict[tuple[str, Modality], list[str]] = {}
    for item in items:
        if item.modality is not Modality.VISUAL:
            texts.setdefault((item.asset_id, item.modality), []).append(item.text)
    return any(reads_like_instructions("\n".join(lines)) for lines in texts.values())
