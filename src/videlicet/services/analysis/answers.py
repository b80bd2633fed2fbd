"""Questions about observed videos, answered at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from videlicet.analyze.backend import Check, OnSentence, ignore_sentence, unchecked
from videlicet.analyze.backends import analysis_backend
from videlicet.analyze.evidence.load import AssetEvidence, load_evidence
from videlicet.analyze.evidence.select_assets import ready_assets, relevant_assets
from videlicet.analyze.query_checks import check_length, check_question
from videlicet.analyze.run import (
    AnalysisRequest,
    AnalysisResult,
    load_request_evidence,
    run_analysis,
)
from videlicet.errors import Conflict, NotFound
from videlicet.rights import Purpose
from videlicet.services.indexing import get_video, video_ids
from videlicet.services.problems import invalid
from videlicet.types import Answer, Chapter, Gist, Highlight, Span, VideoStatus, instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from videlicet.analyze.backend import AnalysisBackend
    from videlicet.analyze.compare import Comparison
    from videlicet.analyze.matrix import Cell, Matrix
    from videlicet.services.analysis.targets import AnalysisTarget
    from videlicet.services.caller import Caller
    from videlicet.types import Index, Video

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Analyzed(Generic[T]):
    """What an analysis gave, and the evidence that it was made from. Times are those of the
    recordings; each begins at its asset's ``media.span.start``. ``video_ids`` has the ids of the
    videos that the assets are in the index."""

    value: T
    evidence: tuple[AssetEvidence, ...]
    video_ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Loaded:
    evidence: tuple[AssetEvidence, ...]
    video_ids: Mapping[str, str]

    @property
    def only(self) -> AssetEvidence:
        (evidence,) = self.evidence
        return evidence

    def gives(self, value: T) -> Analyzed[T]:
        return Analyzed(value, self.evidence, self.video_ids)


def require_ready_video(caller: Caller, index: Index, video_id: str) -> Video:
    """A video of an index that has been observed.

    Raises:
        NotFound: ``asset_not_found``.
        Conflict: ``resource_conflict``, it is not ready.
    """
    video = get_video(caller, index, video_id)
    if video.status is not VideoStatus.READY:
        raise Conflict(
            "resource_conflict", f"The video {video_id} is {video.status}.", subject=video_id,
            remedy="Wait until the video is ready.",
        )  # fmt: skip
    return video


def span_between(video: Video, start: float | None, end: float | None) -> Span | None:
    """A part of a video by seconds from its start; nothing, where neither is given.

    Raises:
        InvalidInput: ``invalid_argument``, it has no such part.
    """
    if start is None and end is None:
        return None
    if end is not None and end <= (start or 0.0):
        raise invalid("end must be after start.")
    whole = video.asset.media.span
    first = whole.start + instant(start or 0.0)
    last = whole.end if end is None else min(whole.end, whole.start + instant(end))
    if first >= last:
        raise invalid("The video ends before start.")
    return Span(first, last)


def _load(
    caller: Caller, index: Index, asset_ids: Sequence[str], within: Span | None = None
) -> _Loaded:
    """The evidence of assets of an index, or what of it touches ``within``.

    Raises:
        NotFound: ``asset_not_found``.
        InvalidInput: ``invalid_argument``, ``within`` lies outside of an asset.
    """
    ids = video_ids(caller, index, asset_ids)
    for one in asset_ids:
        if one not in ids:
            raise NotFound(
                "asset_not_found", f"The index {index.name!r} holds no asset {one!r}.", subject=one
            )
    scope = caller.scope(Purpose.ANALYZE, index.id)
    evidence = tuple(load_evidence(scope, caller.store, one, within) for one in asset_ids)
    return _Loaded(evidence, ids)


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
    *,
    within: Span | None = None,
    on_sentence: OnSentence = ignore_sentence,
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
    loaded = _load(caller, index, asset_ids, within)
    backend = open_backend(caller, index.cards, check)
    return loaded.gives(backend.ask(loaded.evidence, question, on_sentence=on_sentence))


def ask_matrix(
    caller: Caller,
    index: Index,
    questions: Sequence[str],
    asset_ids: Sequence[str] | None = None,
    *,
    kept: Path,
    on_cell: Callable[[Cell, bool], None],
) -> Matrix:
    """Every question asked of each of some assets of an index, or of all. Finished cells are kept
    in the file ``kept``: of those nothing is asked again.

    Raises:
        InvalidQuery, NotFound, AnalysisError: as for :func:`ask`.
    """
    from videlicet.analyze.matrix import open_matrix_store, run_matrix

    for question in questions:
        check_question(question, caller.settings)
    if asset_ids is None:
        scope = caller.scope(Purpose.ANALYZE, index.id)
        asset_ids = ready_assets(scope, caller.platform.searcher(index))
    backend = open_backend(caller, index.cards)
    with open_matrix_store(kept) as cells:
        return run_matrix(
            lambda one: _load(caller, index, [one]).only, backend, questions, asset_ids, cells,
            on_cell,
        )  # fmt: skip


def extract(
    caller: Caller,
    index: Index,
    asset_ids: Sequence[str],
    schema: Mapping[str, Any],
    prompt: str = "",
    *,
    check: Check = unchecked,
) -> Analyzed[Answer]:
    """Data of a JSON schema from assets of an index.

    Raises:
        InvalidInput: ``schema_invalid``; ``query_too_long``, the prompt.
        NotFound, AnalysisError: as for :func:`ask`.
    """
    check_length(prompt, caller.settings, "prompt")
    loaded = _load(caller, index, asset_ids)
    backend = open_backend(caller, index.cards, check)
    return loaded.gives(backend.extract(loaded.evidence, schema, prompt))


def compare(
    caller: Caller, index: Index, left_id: str, right_id: str, count: int
) -> Analyzed[Comparison]:
    """What two assets of an index have in common, and what only one of them has.

    Raises:
        NotFound: ``asset_not_found``.
    """
    from videlicet.analyze.compare import compare as compare_evidence

    loaded = _load(caller, index, [left_id, right_id])
    left, right = loaded.evidence
    return loaded.gives(compare_evidence(left, right, count))


def gist(
    caller: Caller, index: Index, asset_id: str, *, check: Check = unchecked
) -> Analyzed[Gist]:
    """Title, topics and hashtags of an asset of an index.

    Raises:
        NotFound, AnalysisError: as for :func:`ask`.
    """
    loaded = _load(caller, index, [asset_id])
    return loaded.gives(open_backend(caller, index.cards, check).gist(loaded.only))


def summarize(
    caller: Caller,
    index: Index,
    asset_ids: Sequence[str],
    *,
    sentences: int,
    focus: str | None = None,
    within: Span | None = None,
    on_sentence: OnSentence = ignore_sentence,
    check: Check = unchecked,
) -> Analyzed[Answer]:
    """What is in assets of an index, or in what of them touches ``within``, in about so many
    sentences.

    Raises:
        InvalidInput: ``invalid_argument``, the span; ``query_too_long``, the focus.
        NotFound, AnalysisError: as for :func:`ask`.
    """
    check_length(focus, caller.settings, "focus")
    loaded = _load(caller, index, asset_ids, within)
    backend = open_backend(caller, index.cards, check)
    return loaded.gives(
        backend.summarize(
            loaded.evidence, sentences=sentences, focus=focus, on_sentence=on_sentence
        )
    )


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
    loaded = _load(caller, index, [asset_id])
    backend = open_backend(caller, index.cards, check)
    return loaded.gives(backend.chapters(loaded.only, count=count))


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
    loaded = _load(caller, index, [asset_id])
    backend = open_backend(caller, index.cards, check)
    return loaded.gives(backend.highlights(loaded.only, count=count, query=query))


def load_target(caller: Caller, target: AnalysisTarget, request: AnalysisRequest) -> AssetEvidence:
    """The evidence of an observed video that a request is about.

    Raises:
        NotFound: ``asset_not_found``.
        InvalidInput: ``invalid_argument``, its times lie outside of the recording.
    """
    scope = caller.scope(Purpose.ANALYZE, target.index.id)
    return load_request_evidence(scope, caller.store, target.video.asset_id, request)


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
