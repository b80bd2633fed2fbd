"""Questions about observed videos, answered at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from videlicet.analyze.backend import Check, OnSentence, ignore_sentence, unchecked
from videlicet.analyze.backends import analysis_backend
from videlicet.analyze.evidence.load import AssetEvidence, load_evidence
from videlicet.analyze.evidence.select_assets import relevant_assets
from videlicet.analyze.query_checks import check_length, check_question
from videlicet.analyze.run import (
    AnalysisRequest,
    AnalysisResult,
    load_request_evidence,
    run_analysis,
)
from videlicet.errors import Conflict
from videlicet.ingest import videos
from videlicet.rights import Purpose
from videlicet.services.indexing import get_video
from videlicet.services.problems import invalid
from videlicet.types import Answer, Chapter, Gist, Highlight, Span, instant

if TYPE_CHECKING:
    from videlicet.analyze.backend import AnalysisBackend
    from videlicet.analyze.compare import Comparison
    from videlicet.services.analysis.targets import AnalysisTarget
    from videlicet.services.caller import Caller
    from videlicet.types import Index, Resource

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Analyzed(Generic[T]):
    """What an analysis gave, and the evidence that it was made from. Times are those of the
    recordings; each begins at its asset's ``media.span.start``."""

    value: T
    evidence: tuple[AssetEvidence, ...]


def require_ready_video(caller: Caller, index: Index, video_id: str) -> Resource:
    """A video of an index that has been observed.

    Raises:
        NotFound: ``asset_not_found``.
        Conflict: ``resource_conflict``, it is not ready.
    """
    video = get_video(caller, index, video_id)
    if video.status != videos.READY:
        raise Conflict(
            "resource_conflict", f"The video {video_id} is {video.status}.", subject=video_id,
            remedy="Wait until the video is ready.",
        )  # fmt: skip
    return video


def load_video(
    caller: Caller,
    index: Index,
    asset_id: str,
    start: float | None = None,
    end: float | None = None,
) -> AssetEvidence:
    """The evidence of an asset of an index, or of a part of it; times are seconds from the start
    of the recording.

    Raises:
        NotFound: ``asset_not_found``.
        InvalidInput: ``invalid_argument``, the recording ends before ``start``.
    """
    scope = caller.scope(Purpose.ANALYZE, index.id)
    if start is None and end is None:
        return load_evidence(scope, caller.store, asset_id)
    whole = caller.catalog.asset(scope, asset_id).media.span
    first = whole.start + instant(start or 0.0)
    last = whole.end if end is None else min(whole.end, whole.start + instant(end))
    if first >= last:
        raise invalid("The video ends before start.")
    return load_evidence(scope, caller.store, asset_id, Span(first, last))


def open_backend(
    caller: Caller, cards: Mapping[str, str], check: Check = unchecked
) -> AnalysisBackend:
    """What answers, as the operator has set it. ``cards`` are those of the index that is read;
    ``check`` raises to end a call of a language model."""
    encoder = caller.platform.encoders(cards).text
    scope = caller.scope(Purpose.ANALYZE)
    return analysis_backend(scope, caller.store, caller.settings, encoder, check)


def ask(
    caller: Caller,
    index: Index,
    question: str,
    asset_ids: Sequence[str] | None = None,
    check: Check = unchecked,
) -> Analyzed[Answer]:
    """The answer to a question from some assets of an index, or from those that are likely to hold
    it.

    Raises:
        InvalidQuery: ``query_empty`` or ``query_too_long``.
        NotFound: ``asset_not_found``.
        AnalysisError: a language model failed.
    """
    check_question(question, caller.settings)
    if asset_ids is None:
        scope = caller.scope(Purpose.ANALYZE, index.id)
        asset_ids = relevant_assets(scope, caller.platform.searcher(index), question)
    evidence = tuple(load_video(caller, index, one) for one in asset_ids)
    answer = open_backend(caller, index.cards, check).ask(evidence, question)
    return Analyzed(answer, evidence)


def extract(
    caller: Caller,
    index: Index,
    asset_ids: Sequence[str],
    schema: Mapping[str, Any],
    prompt: str = "",
    check: Check = unchecked,
) -> Analyzed[Answer]:
    """Data of a JSON schema from assets of an index.

    Raises:
        InvalidInput: ``schema_invalid``; ``query_too_long``, the prompt.
        NotFound, AnalysisError: as for :func:`ask`.
    """
    check_length(prompt, caller.settings, "prompt")
    evidence = tuple(load_video(caller, index, one) for one in asset_ids)
    answer = open_backend(caller, index.cards, check).extract(evidence, schema, prompt)
    return Analyzed(answer, evidence)


def compare(
    caller: Caller, index: Index, left_id: str, right_id: str, count: int
) -> Analyzed[Comparison]:
    """What two assets of an index have in common, and what only one of them has.

    Raises:
        NotFound: ``asset_not_found``.
    """
    from videlicet.analyze.compare import compare as compare_evidence

    left, right = load_video(caller, index, left_id), load_video(caller, index, right_id)
    return Analyzed(compare_evidence(left, right, count), (left, right))


def gist(caller: Caller, index: Index, asset_id: str, check: Check = unchecked) -> Analyzed[Gist]:
    """Title, topics and hashtags of an asset of an index.

    Raises:
        NotFound, AnalysisError: as for :func:`ask`.
    """
    evidence = load_video(caller, index, asset_id)
    return Analyzed(open_backend(caller, index.cards, check).gist(evidence), (evidence,))


def summarize(
    caller: Caller,
    index: Index,
    asset_id: str,
    *,
    sentences: int,
    focus: str | None = None,
    start: float | None = None,
    end: float | None = None,
    check: Check = unchecked,
) -> Analyzed[Answer]:
    """What is in an asset of an index, or in a part of it, in about so many sentences.

    Raises:
        InvalidInput: ``invalid_argument``, the times; ``query_too_long``, the focus.
        NotFound, AnalysisError: as for :func:`ask`.
    """
    check_length(focus, caller.settings, "focus")
    if end is not None and end <= (start or 0.0):
        raise invalid("end must be after start.")
    evidence = load_video(caller, index, asset_id, start, end)
    backend = open_backend(caller, index.cards, check)
    answer = backend.summarize([evidence], sentences=sentences, focus=focus)
    return Analyzed(answer, (evidence,))


def chapters(
    caller: Caller,
    index: Index,
    asset_id: str,
    *,
    count: int | None = None,
    check: Check = unchecked,
) -> Analyzed[list[Chapter]]:
    """The parts of an asset of an index, titled, without gaps.

    Raises:
        NotFound, AnalysisError: as for :func:`ask`.
    """
    evidence = load_video(caller, index, asset_id)
    backend = open_backend(caller, index.cards, check)
    return Analyzed(backend.chapters(evidence, count=count), (evidence,))


def highlights(
    caller: Caller,
    index: Index,
    asset_id: str,
    *,
    count: int,
    query: str | None = None,
    check: Check = unchecked,
) -> Analyzed[list[Highlight]]:
    """The stretches of an asset of an index that stand out, or match ``query``, best first.

    Raises:
        InvalidQuery: ``query_too_long``.
        NotFound, AnalysisError: as for :func:`ask`.
    """
    check_length(query, caller.settings, "query")
    evidence = load_video(caller, index, asset_id)
    backend = open_backend(caller, index.cards, check)
    return Analyzed(backend.highlights(evidence, count=count, query=query), (evidence,))


def load_target(caller: Caller, target: AnalysisTarget, request: AnalysisRequest) -> AssetEvidence:
    """The evidence of an observed video that a request is about.

    Raises:
        NotFound: ``asset_not_found``.
        InvalidInput: ``invalid_argument``, its times lie outside of the recording.
    """
    scope = caller.scope(Purpose.ANALYZE, target.index.id)
    return load_request_evidence(scope, caller.store, target.video.id, request)


def run_request(
    caller: Caller,
    cards: Mapping[str, str],
    evidence: Sequence[AssetEvidence],
    request: AnalysisRequest,
    on_sentence: OnSentence = ignore_sentence,
    check: Check = unchecked,
) -> AnalysisResult:
    """The answer to an open request. ``on_sentence`` is called with each sentence as it comes.

    Raises:
        AnalysisError: a language model failed.
    """
    backend = open_backend(caller, cards, check)
    encoder = caller.platform.encoders(cards).text
    return run_analysis(backend, encoder, evidence, request, on_sentence)
