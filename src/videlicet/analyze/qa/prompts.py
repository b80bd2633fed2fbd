"""Answers to open requests: the intent is parsed from its words, and one of the methods fulfils
it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from videlicet.analyze.backend import AnalysisBackend, OnSentence, PromptRequest, ignore_sentence
from videlicet.analyze.evidence.statements import screens, seen, spoken
from videlicet.analyze.evidence.topics import topic_spans
from videlicet.analyze.evidence.untrusted import any_untrusted
from videlicet.analyze.qa.intents import Intent, IntentKind, parse_intent
from videlicet.analyze.qa.quotes import format_span
from videlicet.analyze.qa.summary import NOTHING, usage
from videlicet.types import Answer, EvidenceItem, Finish, Gist, Sentence

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder

#: Sentences of a summary, and highlights, where nobody says how many.
SENTENCES, HIGHLIGHTS = 5, 5
UNHEARD = "Nothing was said here."
UNSEEN = "Nothing was recognised in the pictures."
UNREMARKABLE = "Nothing stands out here."


def respond(
    backend: AnalysisBackend,
    all_evidence: Sequence[AssetEvidence],
    request: PromptRequest,
    encoder: TextEncoder,
    on_sentence: OnSentence = ignore_sentence,
) -> Answer:
    """What ``request`` asks for, at most ``max_tokens`` long as ``encoder`` counts them: what is
    longer ends with the last sentence that fits, and ``finish`` says so. A request with a schema is
    answered by data, whatever its prompt."""
    if request.schema is not None:
        found = backend.extract(all_evidence, request.schema, request.prompt)
    else:
        intent = parse_intent(request.prompt)
        found = _fulfilled(backend, all_evidence, intent, request.prompt, encoder)
        if intent.bullets and intent.kinds[0] in (IntentKind.SUMMARY, IntentKind.SEEN):
            found = replace(found, sentences=_listed(found.sentences))
        if intent.words is not None and intent.kinds[0] is IntentKind.SUMMARY:
            found = replace(found, sentences=_shortened(found.sentences, intent.words))
        found = _cut(found, request.max_tokens, encoder)
    for sentence in found.sentences:
        on_sentence(sentence)
    return found


def _fulfilled(
    backend: AnalysisBackend,
    all_evidence: Sequence[AssetEvidence],
    intent: Intent,
    prompt: str,
    encoder: TextEncoder,
) -> Answer:
    match intent.kinds[0]:
        case IntentKind.QUESTION:
            return backend.ask(all_evidence, prompt)
        case IntentKind.SUMMARY:
            count = intent.count or SENTENCES
            return backend.summarize(all_evidence, sentences=count, focus=intent.focus)
        case IntentKind.TITLE | IntentKind.TOPICS | IntentKind.HASHTAGS:
            parts = [one for m in all_evidence for one in _gist(backend.gist(m), intent)]
            return _answer(backend, all_evidence, parts, NOTHING, encoder)
        case IntentKind.CHAPTERS:
            parts = [one for m in all_evidence for one in _chapters(backend, m, intent)]
            return _answer(backend, all_evidence, parts, NOTHING, encoder)
        case IntentKind.HIGHLIGHTS:
            parts = [one for m in all_evidence for one in _highlights(backend, m, intent)]
            return _answer(backend, all_evidence, parts, UNREMARKABLE, encoder)
        case IntentKind.TRANSCRIPT:
            parts = [one.sentence() for m in all_evidence for one in spoken(m)]
            return _answer(backend, all_evidence, parts, UNHEARD, encoder)
        case IntentKind.SEEN:
            parts = [one for m in all_evidence for one in _seen(m)]
            return _answer(backend, all_evidence, parts, UNSEEN, encoder)


def _gist(gist: Gist, intent: Intent) -> list[Sentence]:
    found: list[Sentence] = []
    alone = len(intent.kinds) == 1
    for kind in intent.kinds:
        if kind is IntentKind.TITLE:
            found.append(gist.title if alone else _labelled("Title", [gist.title], " "))
            continue
        many = gist.topics if kind is IntentKind.TOPICS else gist.hashtags
        few = many[: intent.count] if intent.kinds[0] is kind and intent.count else many
        if few:
            name = None if kind is IntentKind.HASHTAGS and alone else kind.value.capitalize()
            found.append(_labelled(name, few, " " if kind is IntentKind.HASHTAGS else ", "))
    return [found[0], *(replace(one, text="\n" + one.text) for one in found[1:])] if found else []


def _labelled(name: str | None, parts: Sequence[Sentence], between: str) -> Sentence:
    text = between.join(part.text for part in parts)
    return Sentence(text if name is None else f"{name}: {text}", _all(parts))


def _all(parts: Sequence[Sentence]) -> tuple[EvidenceItem, ...]:
    return tuple({item.id: item for part in parts for item in part.citations}.values())


def _chapters(backend: AnalysisBackend, evidence: AssetEvidence, intent: Intent) -> list[Sentence]:
    found: list[Sentence] = []
    for chapter in backend.chapters(evidence, count=intent.count):
        summary = " ".join(one.text for one in chapter.summary)
        head = f"{format_span(evidence.asset.to_display_time(chapter.span))} {chapter.title.text}"
        text = f"{head}: {summary}" if summary else head
        found.append(Sentence(text, _all([chapter.title, *chapter.summary])))
    return _lines(found)


def _highlights(
    backend: AnalysisBackend, evidence: AssetEvidence, intent: Intent
) -> list[Sentence]:
    found = backend.highlights(evidence, count=intent.count or HIGHLIGHTS, query=intent.focus)
    return _lines(
        [
            Sentence(
                f"{format_span(evidence.asset.to_display_time(one.span))} {one.title.text}"
                if one.title.supported
                else one.title.text,
                one.title.citations,
            )
            for one in found
        ]
    )


def _seen(evidence: AssetEvidence) -> list[Sentence]:
    """Labels by chapter and on-screen text, in the order of time."""
    views = [view for span in topic_spans(evidence) if (view := seen(evidence, span)) is not None]
    statements = sorted([*views, *screens(evidence)], key=lambda one: one.span)
    found: dict[str, Sentence] = {}
    for one in statements:
        found.setdefault(one.text, one.sentence())
    return list(found.values())


def _answer(
    backend: AnalysisBackend,
    all_evidence: Sequence[AssetEvidence],
    parts: Sequence[Sentence],
    nothing: str,
    encoder: TextEncoder,
) -> Answer:
    """``parts`` as an answer. It is found if any of them has evidence."""
    found = any(one.supported for one in parts)
    sentences = tuple(parts) if found else (Sentence(nothing),)
    items = [item for evidence in all_evidence for item in evidence.items]
    return Answer(
        sentences, found, backend.id, usage=usage(encoder, items, sentences),
        untrusted=any_untrusted(items),
    )  # fmt: skip


def _lines(sentences: Sequence[Sentence]) -> list[Sentence]:
    return [
        replace(one, text=one.text if not n else "\n" + one.text) for n, one in enumerate(sentences)
    ]


def _listed(sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
    return tuple(_lines([replace(one, text=f"- {one.text}") for one in sentences]))


def _shortened(sentences: Sequence[Sentence], words: int) -> tuple[Sentence, ...]:
    """As many of the sentences, from the first on, as have at most ``words`` words; at least
    one."""
    kept: list[Sentence] = []
    spent = 0
    for sentence in sentences:
        size = len(sentence.text.split())
        if kept and spent + size > words:
            continue
        kept.append(sentence)
        spent += size
    return tuple(kept)


def _cut(answer: Answer, most: int, encoder: TextEncoder) -> Answer:
    """The answer in at most ``most`` tokens. A first sentence that is longer by itself ends with
    the last word that fits."""
    kept: list[Sentence] = []
    spent = 0
    for sentence in answer.sentences:
        size = encoder.count_tokens(sentence.text)
        if spent + size > most:
            if not kept and (text := _begun(sentence.text, most, encoder)):
                kept.append(replace(sentence, text=text))
            break
        kept.append(sentence)
        spent += size
    if tuple(kept) == answer.sentences:
        return answer
    written = sum(encoder.count_tokens(one.text) for one in kept)
    return replace(
        answer, sentences=tuple(kept), finish=Finish.LENGTH,
        usage=replace(answer.usage, output_tokens=written),
    )  # fmt: skip


def _begun(text: str, most: int, encoder: TextEncoder) -> str:
    words = text.split(" ")
    while words and encoder.count_tokens(" ".join(words)) > most:
        words.pop()
    return " ".join(words)
