"""What in a video speaks to whoever analyses it, and so is kept from language models.

A phrase like "ignore your instructions" is no evidence of anything but itself. It is not shown to
the model and cannot be cited, nor can the text right beside it, since an order often goes on in
the next line. Who is not caught here still finds a model whose every sentence is checked against
the evidence.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from videlicet.analyze.evidence.untrusted import reads_like_instructions
from videlicet.types import Modality

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.types import Asset

#: Items of one kind that are read together, and the seconds between two that go on.
WINDOW = 3
REACH = Fraction(10)

#: "Ignore the instructions" and "system prompt" in other languages than English, and what only
#: given to machines.
_OTHERWISE = re.compile(
    r"ignorier\w*\b.{0,40}\b(?:anweisung|anordnung|vorgabe|befehl)"
    r"|(?:vergiss|vergessen sie)\b.{0,40}\b(?:anweisung|vorgabe|alles)"
    r"|(?:ignor\w+|oubli\w+)\b.{0,40}\b(?:instructions?|consignes?)"
    r"|(?:ignora\w*|olvida\w*|esquec\w+|dimentica\w*)\b.{0,40}\b(?:instruc\w+|instruç\w+|istruzion\w+)"
    r"|(?:negeer|vergeet)\b.{0,40}\binstructies"
    r"|(?:zignoruj|pomiń)\b.{0,40}\b(?:instrukcj|poleceni)\w*"
    r"|(?:игнорируй|забудь|проигнорируй)\w*.{0,40}(?:инструкци|указани)\w*"
    r"|(?:忽略|无视|無視|忘记).{0,20}(?:指令|指示|说明|提示|規則|规则)"
    r"|(?:指示|命令|プロンプト).{0,12}(?:無視|忘れ)"
    r"|이전.{0,12}(?:지시|명령).{0,8}무시"
    r"|(?:تجاهل).{0,30}(?:التعليمات|الأوامر)"
    r"|(?:önceki|yukarıdaki).{0,20}talimat\w*.{0,20}(?:yok say|unut)"
    r"|\b(?:systemprompt|system-prompt|systemaufforderung|prompt (?:du )?syst[eè]me)\b"
    r"|\bprompt d\w{1,2} sistema\b|системн\w+ промпт|系统提示|システムプロンプト"
    r"|\b(?:end|begin|start) of (?:the )?(?:evidence|context)\b|</?(?:evidence|tool_call)"
    r"|\b(?:call|use|invoke) the \w+ (?:tool|function)\b"
    r"|<\s*[|｜]|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|</?s>",
    re.IGNORECASE | re.DOTALL,
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")


def is_prompt_injection(text: str) -> bool:
    """Whether ``text`` is worded as an order to a machine that reads it, in one of the more common
    languages, or in Base64."""
    if reads_like_instructions(text) or _OTHERWISE.search(text):
        return True
    return any(reads_like_instructions(one) or _OTHERWISE.search(one) for one in _decoded(text))


def _decoded(text: str) -> list[str]:
    found = []
    for match in _BASE64.finditer(text):
        coded = match[0].rstrip("=")
        try:
            data = base64.b64decode(coded + "=" * (-len(coded) % 4))
            found.append(data.decode("utf-8"))
        except (binascii.Error, UnicodeDecodeError):
            continue
    return found


@dataclass(frozen=True, slots=True)
class SafeEvidence:
    """What a model may read of some evidence, and whether there was more."""

    all_evidence: tuple[AssetEvidence, ...]
    #: Names of the assets by id; empty where a name is no name.
    names: dict[str, str]
    untrusted: bool

    @property
    def assets(self) -> dict[str, Asset]:
        """Whose items these are, by id."""
        return {one.asset.id: one.asset for one in self.all_evidence}


def without_injections(all_evidence: Sequence[AssetEvidence]) -> SafeEvidence:
    """The evidence without what speaks to machines."""
    kept, names, untrusted = [], {}, False
    for evidence in all_evidence:
        out = _injected_indices(evidence)
        name = evidence.asset.name
        named = not is_prompt_injection(name)
        names[evidence.asset.id] = name if named else ""
        untrusted = untrusted or bool(out) or not named
        if any(is_prompt_injection(str(value)) for value in evidence.asset.metadata.values()):
            untrusted = True
        if not out:
            kept.append(evidence)
            continue
        left = [n for n in range(len(evidence.items)) if n not in out]
        kept.append(
            replace(
                evidence,
                items=tuple(evidence.items[n] for n in left),
                vectors=evidence.vectors[left],
            )
        )
    return SafeEvidence(tuple(kept), names, untrusted)


def _injected_indices(evidence: AssetEvidence) -> set[int]:
    """The places of items that stand in a window which speaks to machines. Class names do not:
    a model of the library's own gave them."""
    out: set[int] = set()
    for modality in (Modality.SPEECH, Modality.TEXT):
        places = evidence.indices_of(modality)
        texts = [evidence.items[n].text for n in places]
        # Most videos are harmless, and one look at all of their text tells.
        if not is_prompt_injection("\n".join(texts)) and not is_prompt_injection(" ".join(texts)):
            continue
        for first in range(len(places)):
            window = places[first : first + 1]
            for place in places[first + 1 : first + WINDOW]:
                before = evidence.items[window[-1]].span.end
                if evidence.items[place].span.start - before > REACH:
                    break
                window.append(place)
            # The shortest run that does so, and the text within a window around it.
            if is_prompt_injection(" ".join(evidence.items[n].text for n in window)):
                out.update(window)
    return out
