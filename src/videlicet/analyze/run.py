"""One analysis as the HTTP interface takes it, from the catalog to the text of the answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from videlicet.analyze.backend import AnalysisBackend, OnSentence, PromptRequest, ignore_sentence
from videlicet.analyze.evidence.load import AssetEvidence, load_evidence
from videlicet.errors import InvalidInput
from videlicet.types import EvidenceItem, Finish, Sentence, Span, Usage, instant

if TYPE_CHECKING:
    from videlicet.models.base import TextEncoder
    from videlicet.rights import IndexScope
    from videlicet.store import Store


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """What is to be done. Times are seconds from the start of the file.

    Where ``segments`` holds definitions (see :mod:`videlicet.analyze.extraction.segments`), the
    stretches that they describe are looked for, each ``shortest`` to ``longest`` seconds long;
    else ``request`` is answered.
    """

    request: PromptRequest
    start: float | None = None
    end: float | None = None
    segments: Sequence[Mapping[str, Any]] = ()
    time_format: str = "seconds"
    shortest: float | None = None
    longest: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "prompt": self.request.prompt,
            "schema": self.request.schema,
            "temperature": self.request.temperature,
            "max_tokens": self.request.max_tokens,
            "start": self.start,
            "end": self.end,
            "segments": list(self.segments),
            "time_format": self.time_format,
            "shortest": self.shortest,
            "longest": self.longest,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> AnalysisRequest:
        names = ("prompt", "schema", "temperature", "max_tokens")
        rest = {name: value for name, value in row.items() if name not in names}
        return cls(PromptRequest(**{name: row[name] for name in names}), **rest)


@dataclass(frozen=True, slots=True)
class Citation:
    """What supports the characters ``start_index`` to ``end_index`` of a text; times are seconds
    from the start of the file."""

    start_index: int
    end_index: int
    start_time: float
    end_time: float
    modality: str
    text: str
    evidence_sha256: str


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """How an analysis went. ``data`` is the text of the answer, or JSON where that was asked
    for."""

    data: str
    finish: Finish
    usage: Usage
    citations: tuple[Citation, ...] = ()
    untrusted: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "data": self.data,
            "finish_reason": self.finish.value,
            "usage": self.usage.to_json(),
            "citations": [asdict(one) for one in self.citations],
            "untrusted_instructions": self.untrusted,
        }


def load_request_evidence(
    scope: IndexScope, store: Store, asset_id: str, job: AnalysisRequest
) -> AssetEvidence:
    """The evidence that a job is about.

    Raises:
        InvalidInput: ``invalid_argument``, where its times lie outside of the file.
        NotFound: the asset is gone.
    """
    if job.start is None and job.end is None:
        return load_evidence(scope, store, asset_id)
    whole = store.catalog.asset(scope, asset_id).media.span
    start = whole.start + instant(job.start or 0.0)
    end = whole.end if job.end is None else min(whole.end, whole.start + instant(job.end))
    if start >= end:
        raise InvalidInput(
            "invalid_argument",
            f"The recording ends before second {float(start - whole.start):g}.",
            subject="start_time",
        )
    return load_evidence(scope, store, asset_id, Span(start, end))


def run_analysis(
    backend: AnalysisBackend,
    encoder: TextEncoder,
    all_evidence: Sequence[AssetEvidence],
    job: AnalysisRequest,
    on_sentence: OnSentence = ignore_sentence,
) -> AnalysisResult:
    """Do a job. ``on_sentence`` is called with each sentence as it comes, but not for data."""
    if job.segments:
        return _segments(encoder, all_evidence, job)
    whole = job.request.schema is not None
    answer = backend.respond(
        all_evidence, job.request, on_sentence=ignore_sentence if whole else on_sentence
    )
    origins = {evidence.asset.id: evidence.asset.media.span.start for evidence in all_evidence}
    if job.request.schema is None:
        data, cited = answer.text, cite(answer.sentences, origins)
    else:
        data = json.dumps(answer.value, ensure_ascii=False)
        cited = tuple(_citation(item, origins, 0, len(data)) for item in answer.citations)
    return AnalysisResult(data, answer.finish, answer.usage, cited, answer.untrusted)


def cite(
    sentences: Iterable[Sentence], origins: Mapping[str, Fraction], at: int = 0
) -> tuple[Citation, ...]:
    """The citations of sentences that stand in a text one after the other, the first at character
    ``at``, with a space between two. ``origins`` says where the timelines of the assets begin."""
    found = []
    for sentence in sentences:
        end = at + len(sentence.text)
        found += [_citation(item, origins, at, end) for item in sentence.citations]
        at = end + 1
    return tuple(found)


def _citation(
    item: EvidenceItem, origins: Mapping[str, Fraction], start: int, end: int
) -> Citation:
    span = item.span.shift(-origins[item.asset_id])
    return Citation(
        start, end, float(span.start), float(span.end), item.modality.value, item.text,
        item.sha256,
    )  # fmt: skip


def _segments(
    encoder: TextEncoder, all_evidence: Sequence[AssetEvidence], job: AnalysisRequest
) -> AnalysisResult:
    from videlicet.analyze.extraction.segment_definitions import definitions
    from videlicet.analyze.extraction.segments import segment

    (evidence,) = all_evidence
    found = segment(
        evidence, definitions(job.segments), shortest=job.shortest, longest=job.longest,
        encoder=encoder, clock=job.time_format,
    )  # fmt: skip
    data = json.dumps(found, ensure_ascii=False)
    read = sum(encoder.count_tokens(item.text) for item in evidence.items)
    return AnalysisResult(data, Finish.STOP, Usage(read, encoder.count_tokens(data)))
