"""Titles, topics and summaries by a language model, each checked; what it words without support
stays as the built-in backend has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from videlicet.analyze.llm import json_output, map_reduce, prompts
from videlicet.analyze.llm.checking import strip_markup
from videlicet.analyze.llm.injection import SafeEvidence, without_injections
from videlicet.types import Chapter, Gist, Highlight, Sentence, Span

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.analyze.llm.checking import SupportChecker
    from videlicet.analyze.llm.session import Session

#: Tokens of evidence for a title and topics, and for one stretch; stretches named in one request.
SKIMMED = 3000
OF_STRETCH = 600
AT_ONCE = 6
#: Tokens a model may write about one stretch, and about a whole video.
STRETCH_TOKENS, GIST_TOKENS = 220, 700


def gist(model: Session, evidence: AssetEvidence) -> Gist:
    """Title, topics and hashtags."""
    read = without_injections([evidence])
    built_in = model.structure.gist(read.all_evidence[0])
    room = model.evidence_budget(prompts.GIST_TASK, GIST_TOKENS)
    lines = prompts.evidence_lines(model.pack_evidence(read, min(room, SKIMMED)).items, read.assets)
    if not lines:
        return built_in
    value, _ = json_output.request_json(
        model.backend,
        prompts.build_messages(lines, read.names, prompts.GIST_TASK, model.frames(lines, read)),
        prompts.GIST,
        temperature=0.0, max_tokens=GIST_TOKENS, check=model.check,
    )  # fmt: skip
    checker = model.checker(lines, read)
    title = _checked(checker, value["title"])
    tags = [
        Sentence(tag, one.citations)
        for one in _all(checker, value["hashtags"])
        if (tag := hashtag(one.text))
    ]
    return Gist(
        title=title or built_in.title,
        topics=tuple(_all(checker, value["topics"])) or built_in.topics,
        hashtags=tuple({tag.text: tag for tag in tags}.values()) or built_in.hashtags,
    )


def hashtag(words: str) -> str:
    """Words as one hashtag, empty where they hold no letter."""
    kept = ["".join(c for c in word if c.isalnum()) for word in words.split()]
    joined = "".join(word[:1].upper() + word[1:] for word in kept)
    return f"#{joined}" if any(c.isalpha() for c in joined) else ""


def chapters(model: Session, evidence: AssetEvidence, count: int | None) -> list[Chapter]:
    """The built-in backend's chapters with titles and summaries by the model, where supported."""
    read = without_injections([evidence])
    found = model.structure.chapters(read.all_evidence[0], count=count)
    named = _headings(model, read, [one.span for one in found])
    return [
        replace(one, title=name.title or one.title, summary=name.summary or one.summary)
        for one, name in zip(found, named, strict=True)
    ]


def highlights(
    model: Session, evidence: AssetEvidence, count: int, query: str | None
) -> list[Highlight]:
    """The built-in backend's highlights with titles by the model, where supported."""
    read = without_injections([evidence])
    found = model.structure.highlights(read.all_evidence[0], count=count, query=query)
    named = _headings(model, read, [one.span for one in found])
    return [
        replace(one, title=name.title or one.title) for one, name in zip(found, named, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Heading:
    title: Sentence | None = None
    summary: tuple[Sentence, ...] = ()


def _headings(model: Session, read: SafeEvidence, spans: Sequence[Span]) -> list[_Heading]:
    """A name for each stretch, from the evidence in it; an empty one where there is none."""
    (kept,) = read.all_evidence
    names = [_Heading() for _ in spans]
    inside = {
        n: map_reduce.subset(kept, places)
        for n, span in enumerate(spans)
        if (places := [p for p, item in enumerate(kept.items) if _middle_in(item.span, span)])
    }
    order = list(inside)
    for first in range(0, len(order), AT_ONCE):
        model.check()
        group = order[first : first + AT_ONCE]
        most = STRETCH_TOKENS * len(group)
        room = model.evidence_budget(prompts.headings_task([(1, 1)] * len(group)), most)
        each = min(OF_STRETCH, room // len(group))
        previews = [
            prompts.evidence_lines(
                model.pack_evidence(replace(read, all_evidence=(inside[n],)), each).items,
                read.assets,
            )
            for n in group
        ]
        filled = [(n, lines) for n, lines in zip(group, previews, strict=True) if lines]
        if not filled:
            continue
        ranges: list[tuple[int, int]] = []
        lines: list[prompts.Line] = []
        for _, own in filled:
            ranges.append((len(lines) + 1, len(lines) + len(own)))
            lines += own
        value, _ = json_output.request_json(
            model.backend,
            prompts.build_messages(lines, read.names, prompts.headings_task(ranges)),
            prompts.headings(len(filled)),
            temperature=0.0, max_tokens=most, check=model.check,
        )  # fmt: skip
        for (n, own), (start, _), row in zip(filled, ranges, value, strict=True):
            checker = model.checker(own, read)
            names[n] = _Heading(
                _checked(checker, row["title"], start - 1),
                tuple(_all(checker, row["summary"], start - 1)),
            )
    return names


def _middle_in(span: Span, whole: Span) -> bool:
    return whole.start <= span.midpoint < whole.end


def _checked(checker: SupportChecker, row: Mapping[str, Any], before: int = 0) -> Sentence | None:
    text = strip_markup(row["text"])
    items = checker.support(text, [n - before for n in row["lines"]], title=True)
    return Sentence(text, items) if items else None


def _all(
    checker: SupportChecker, rows: Iterable[Mapping[str, Any]], before: int = 0
) -> list[Sentence]:
    found = (_checked(checker, row, before) for row in rows)
    return list({one.text: one for one in found if one is not None}.values())
