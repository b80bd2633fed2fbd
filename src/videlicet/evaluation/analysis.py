"""Evaluation of analysis: answers, chapters and summaries of any backend against the gold.

A citation is right if it lies in a right file and shares time with a right stretch there; that of
an answer that is quoted (kinds ``spoken`` and ``written``) must hold the answer as well. *Citation
precision* is the share of right ones among all citations, also those of answers to what cannot be
answered; *citation recall* the share of right stretches that a right citation touches (after
ALCE: Gao et al., *Enabling Large Language Models to Generate Text with Citations*, 2023). A
sentence is *faithful* if its words are those of the items it cites.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from videlicet.evaluation.questions import QUOTED, GoldQuestion, QuestionSet, contains_answer
from videlicet.search.words import terms, tokens
from videlicet.types import (
    Answer,
    Asset,
    Chapter,
    EvidenceItem,
    Instant,
    Sentence,
    Video,
    VideoStatus,
)

#: Seconds within which a chapter starts where it should.
NEAR = Fraction(2)
#: Share of a sentence's content words that its items have to hold.
FAITHFUL = 0.6
#: Words of fixed sentences that tell where evidence is from.
_FRAME = frozenset(tokens("said seen heard written read on screen at in video between and from to"))
_TIMES = re.compile(r"\b\d+:\d\d(?::\d\d)?(?:\.\d+)?\b")

#: How often each of (numerator, denominator) counts for each question.
Pairs = Sequence[tuple[float, float]]


class AnswerTarget(Protocol):
    """What an evaluation needs of :class:`videlicet.Library`; it uses nothing else."""

    def assets(self, index: str) -> Sequence[Asset]: ...

    def videos(self, index: str) -> Sequence[Video]: ...

    def ask(self, question: str, *, assets: Sequence[str] = (), index: str) -> Answer: ...

    def chapters(self, asset_id: str, *, index: str) -> Sequence[Chapter]: ...

    def summarize(self, *asset_ids: str, index: str) -> Answer: ...


@dataclass(frozen=True, slots=True)
class AnswerOutcome:
    """How one question went. ``right`` citations touch ``reached`` of ``gold`` stretches."""

    id: str
    kind: str
    split: str
    answerable: bool
    found: bool
    exact: bool
    citations: int
    correct_citations: int
    gold: int
    gold_cited: int
    sentences: int
    cited: int
    faithful: int
    tokens: int
    seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class AnalysisReport:
    """Metrics of one analysis backend on one set of questions. ``answers`` is by split and kind;
    each has ``all``. Intervals (``_ci``) are 95 % percentile bootstrap intervals over questions.
    ``left_out`` counts questions about files that the index lacks."""

    name: str
    analysis_backend: str
    answers: Mapping[str, Mapping[str, Mapping[str, Any]]]
    chapters: Mapping[str, float]
    summaries: Mapping[str, float]
    timing: Mapping[str, float]
    tokens: Mapping[str, int]
    left_out: int
    outcomes: tuple[AnswerOutcome, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything but how each question went."""
        return {
            "questions": self.name,
            "analysis_backend": self.analysis_backend,
            "answers": self.answers,
            "chapters": dict(self.chapters),
            "summaries": dict(self.summaries),
            "timing": dict(self.timing),
            "tokens": dict(self.tokens),
            "left_out": self.left_out,
        }


def evaluate_analysis(
    library: AnswerTarget,
    questions: QuestionSet,
    *,
    index: str,
    resamples: int = 1000,
    seed: int = 0,
    on_question: Callable[[], None] | None = None,
) -> AnalysisReport:
    """Put questions to the library's analysis backend about what ``index`` already holds.
    ``on_question`` is called after each."""
    ready = {video.asset_id for video in library.videos(index) if video.status is VideoStatus.READY}
    by_file = _assets_by_file(
        [asset for asset in library.assets(index) if asset.id in ready], questions
    )
    outcomes = []
    backends = set()
    left_out = 0
    for one in questions.questions:
        wanted = {*(one.files or ()), *(right.file for right in one.gold)}
        if not wanted <= by_file.keys():
            left_out += 1
            continue
        own = [by_file[file].id for file in one.files or ()]
        began = time.perf_counter()
        answer = library.ask(one.question, assets=own, index=index)
        seconds = time.perf_counter() - began
        outcomes.append(_outcome(one, answer, by_file, seconds))
        backends.add(answer.analysis_backend)
        if on_question is not None:
            on_question()
    further = [gold.file for gold in questions.chapters]
    further += [gold.file for gold in questions.summaries]
    return AnalysisReport(
        name=questions.name,
        analysis_backend=", ".join(sorted(backends)),
        answers=_tables(outcomes, resamples, seed),
        chapters=_chapters(library, index, by_file, questions),
        summaries=_summaries(library, index, by_file, questions),
        timing=_timing([one.seconds for one in outcomes]),
        tokens={"total": sum(one.tokens for one in outcomes), "questions": len(outcomes)},
        left_out=left_out + sum(file not in by_file for file in further),
        outcomes=tuple(outcomes),
    )


def _assets_by_file(assets: Sequence[Asset], questions: QuestionSet) -> dict[str, Asset]:
    """The asset of each file: by its content, or by its name where that is all there is."""
    by_content = {asset.sha256: asset for asset in assets}
    by_name = {asset.name: asset for asset in assets}
    found = {
        file: by_name.get(file) if sha256 is None else by_content.get(sha256)
        for file, sha256 in questions.files.items()
    }
    return {file: asset for file, asset in found.items() if asset is not None}


# -- answers ------------------------------------------------------------------------------------


def _outcome(
    asked: GoldQuestion, answer: Answer, by_file: Mapping[str, Asset], seconds: float
) -> AnswerOutcome:
    cited = answer.citations if answer.found else ()
    touched = [_cites_gold(asked, item, by_file) for item in cited]
    names = [asset.name for asset in by_file.values()]
    kept = answer.sentences if answer.found else ()
    return AnswerOutcome(
        id=asked.id,
        kind=asked.kind,
        split=asked.split,
        answerable=asked.answerable,
        found=answer.found,
        exact=asked.answerable and answer.found and contains_answer(asked.accepted, answer.text),
        citations=len(cited),
        correct_citations=sum(bool(stretches) for stretches in touched),
        gold=len(asked.gold),
        gold_cited=len({stretch for stretches in touched for stretch in stretches}),
        sentences=len(kept),
        cited=sum(sentence.supported for sentence in kept),
        faithful=sum(faithful(sentence, names) for sentence in kept),
        tokens=answer.usage.input_tokens + answer.usage.output_tokens,
        seconds=seconds,
        text=answer.text,
    )


def _cites_gold(asked: GoldQuestion, item: EvidenceItem, by_file: Mapping[str, Asset]) -> list[int]:
    """The right stretches that a citation is right for."""
    if asked.kind in QUOTED and not contains_answer(asked.accepted, item.text):
        return []
    found = []
    for number, right in enumerate(asked.gold):
        asset = by_file[right.file]
        if right.span is None or asset.id != item.asset_id:
            continue
        span = item.span.shift(-asset.media.span.start)
        # What was seen for an instant lies in a stretch without sharing time with it.
        if span.overlap(right.span) > 0 or right.span.contains(span.start):
            found.append(number)
    return found


def faithful(sentence: Sentence, names: Iterable[str] = ()) -> bool:
    """Whether the content words of a sentence are those of the items it cites. ``names`` of
    videos and times do not count: they say where the evidence is from."""
    if not sentence.citations:
        return False
    text = sentence.text
    for name in names:
        text = text.replace(name, " ")
    words = set(terms(_TIMES.sub(" ", text))) - _FRAME
    cited = {stem for item in sentence.citations for stem in tokens(item.text)}
    return not words or len(words & cited) >= FAITHFUL * len(words)


def _tables(
    outcomes: Sequence[AnswerOutcome], resamples: int, seed: int
) -> dict[str, dict[str, dict[str, Any]]]:
    groups: dict[str, dict[str, list[AnswerOutcome]]] = {}
    for one in outcomes:
        for split in dict.fromkeys(("all", one.split)):
            kinds = groups.setdefault(split, {})
            for kind in ("all", one.kind):
                kinds.setdefault(kind, []).append(one)
    return {
        split: {kind: _metrics(rows, resamples, seed) for kind, rows in kinds.items()}
        for split, kinds in groups.items()
    }


def _metrics(rows: Sequence[AnswerOutcome], resamples: int, seed: int) -> dict[str, Any]:
    """Shares, as the sum of the numerators by that of the denominators; ``None`` where there is
    nothing to share."""
    asked = [one for one in rows if one.answerable]
    shares: dict[str, Pairs] = {
        "citation_precision": [(one.correct_citations, one.citations) for one in rows],
        "citation_recall": [(one.gold_cited / one.gold, 1) for one in asked],
        "exact": [(one.exact, 1) for one in asked],
        "false_not_found": [(not one.found, 1) for one in asked],
        "not_found": [(not one.found, 1) for one in rows if not one.answerable],
        "cited": [(one.cited, one.sentences) for one in rows],
        "faithful": [(one.faithful, one.sentences) for one in rows],
    }
    metrics: dict[str, Any] = {"answerable": len(asked), "unanswerable": len(rows) - len(asked)}
    for name, pairs in shares.items():
        metrics |= _share(name, pairs, resamples, seed)
    return metrics


def _share(name: str, pairs: Pairs, resamples: int, seed: int) -> dict[str, Any]:
    import numpy as np

    table = np.array(pairs, np.float64).reshape(-1, 2)
    if not table[:, 1].sum():
        return {name: None, f"{name}_ci": None}
    draws = np.random.default_rng(seed).integers(0, len(table), size=(resamples, len(table)))
    sums = table[draws].sum(axis=1)
    ratios = sums[sums[:, 1] > 0]
    low, high = np.percentile(ratios[:, 0] / ratios[:, 1], [2.5, 97.5])
    value = table[:, 0].sum() / table[:, 1].sum()
    return {
        name: round(float(value), 6),
        f"{name}_ci": [round(float(low), 6), round(float(high), 6)],
    }


# -- chapters and summaries ---------------------------------------------------------------------


def boundaries(found: Sequence[Instant], gold: Sequence[Instant]) -> tuple[int, int, int]:
    """How many starts agree within :data:`NEAR` seconds, one with one, of how many found and how
    many right ones. The first start is left out: a video begins where it begins."""
    ours, theirs = sorted(found)[1:], sorted(gold)[1:]
    agree = at = 0
    for start in ours:
        while at < len(theirs) and theirs[at] < start - NEAR:
            at += 1
        if at < len(theirs) and theirs[at] <= start + NEAR:
            agree, at = agree + 1, at + 1
    return agree, len(ours), len(theirs)


def _chapters(
    library: AnswerTarget, index: str, by_file: Mapping[str, Asset], questions: QuestionSet
) -> dict[str, float]:
    counts = []
    for gold in questions.chapters:
        if (asset := by_file.get(gold.file)) is not None:
            start = asset.media.span.start
            found = [one.span.start - start for one in library.chapters(asset.id, index=index)]
            counts.append(boundaries(found, gold.starts))
    if not counts:
        return {}
    agree, ours, theirs = (sum(column) for column in zip(*counts, strict=True))
    return {
        "videos": len(counts),
        "precision": round(agree / ours, 6) if ours else 0.0,
        "recall": round(agree / theirs, 6) if theirs else 0.0,
        "f1": round(2 * agree / (ours + theirs), 6) if ours + theirs else 0.0,
    }


def _summaries(
    library: AnswerTarget, index: str, by_file: Mapping[str, Asset], questions: QuestionSet
) -> dict[str, float]:
    found: list[tuple[float, int, int, int, float]] = []
    for gold in questions.summaries:
        if (asset := by_file.get(gold.file)) is None:
            continue
        began = time.perf_counter()
        summary = library.summarize(asset.id, index=index)
        seconds = time.perf_counter() - began
        covered = sum(contains_answer([fact], summary.text) for fact in gold.facts) / len(
            gold.facts
        )
        sentences = summary.sentences
        right = sum(faithful(sentence, [asset.name]) for sentence in sentences)
        found.append((covered, len(sentences), sum(s.supported for s in sentences), right, seconds))
    if not found:
        return {}
    covered, sentences, cited, right, seconds = (sum(column) for column in zip(*found, strict=True))
    return {
        "videos": len(found),
        "coverage": round(covered / len(found), 6),
        "cited": round(cited / sentences, 6) if sentences else 0.0,
        "faithful": round(right / sentences, 6) if sentences else 0.0,
        "mean_ms": round(1000 * seconds / len(found), 3),
    }


def _timing(seconds: Sequence[float]) -> dict[str, float]:
    import numpy as np

    if not seconds:
        return {}
    p50, p95 = np.percentile(seconds, [50, 95])
    return {
        "answer_p50_ms": round(1000 * float(p50), 3),
        "answer_p95_ms": round(1000 * float(p95), 3),
    }
