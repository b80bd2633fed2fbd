"""Index a dataset, put its queries, and score what comes back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from videlicet.errors import Conflict, NotFound, StoreError
from videlicet.evaluation import metrics
from videlicet.evaluation.baselines import SpeechBaseline, prior_assets, prior_moments
from videlicet.evaluation.dataset import CandidatePool, Dataset, EvaluationQuery
from videlicet.evaluation.metrics import RankedSpan
from videlicet.evaluation.report import QueryOutcome, Report, Table
from videlicet.types import (
    Asset,
    GroupBy,
    Instant,
    Modality,
    Observation,
    PartKind,
    SearchPage,
    Span,
    Utterance,
    Video,
    VideoStatus,
)

#: Longest rankings that any metric looks at.
ASSET_DEPTH = 10
MOMENT_DEPTH = max(metrics.DEPTHS)


class SearchTarget(Protocol):
    """What measuring needs: questions to an index, and what is said in its assets."""

    def observations(
        self, asset_id: str, modality: Modality, *, index: str
    ) -> Sequence[Observation]: ...

    def search(
        self,
        query: str | None = None,
        *,
        image: Path | None = None,
        audio: Path | None = None,
        video: Path | None = None,
        assets: Sequence[str] | None = None,
        group_by: GroupBy,
        limit: int,
        index: str,
    ) -> SearchPage: ...


class IndexTarget(SearchTarget, Protocol):
    """What an evaluation needs of :class:`videlicet.Library`; it uses nothing else."""

    def create_index(self, name: str) -> object: ...

    def ingest(self, *sources: Path, index: str) -> Iterable[Any]: ...

    def videos(self, index: str) -> Sequence[Video]: ...

    def assets(self, index: str) -> Sequence[Asset]: ...


def evaluate(
    library: IndexTarget,
    dataset: Dataset,
    *,
    index: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
    on_event: Callable[[Any], None] | None = None,
) -> Report:
    """Search every query of ``dataset`` and report beside two baselines.

    Files that ``index`` (by default ``evaluation-NAME``) does not hold yet are added to it first;
    ``on_event`` gets the library's progress while that lasts. Files are matched by content, so
    they may have been added under other names; other files in the index are distractors.
    ``resamples`` and ``seed`` belong to the bootstrap intervals.
    """
    index = index or f"evaluation-{dataset.name}"
    began = time.perf_counter()
    digests = {name: _sha256(path) for name, path in dataset.videos.items()}
    _index_missing(library, dataset, digests, index, on_event)
    indexed_s = time.perf_counter() - began

    ready = _ready(library, index)
    collection = Collection.of(
        (asset, asset.sha256 or asset.id) for asset in library.assets(index) if asset.id in ready
    )
    return measure(
        library, dataset, digests, collection, index, resamples=resamples, seed=seed,
        indexed_s=indexed_s,
    )  # fmt: skip


def measure(
    library: SearchTarget,
    dataset: Dataset,
    names: Mapping[str, str],
    collection: Collection,
    index: str,
    *,
    resamples: int = 1000,
    seed: int = 0,
    indexed_s: float = 0.0,
    on_query: Callable[[], None] | None = None,
) -> Report:
    """Like :func:`evaluate`, for what an index holds already. ``names`` is the document of each
    file that the dataset names; ``on_query`` is called after each query."""
    truth = [frozenset(names[r.file] for r in query.relevant) for query in dataset.queries]
    right = [
        tuple(RankedSpan(names[r.file], r.span) for r in query.relevant if r.span is not None)
        for query in dataset.queries
    ]
    everywhere = frozenset(found.document for row in right for found in row)
    scopes = [
        everywhere
        if dataset.scope is CandidatePool.COLLECTION
        else frozenset(f.document for f in row)
        for row in right
    ]
    tables = _Tables(dataset.queries, truth, right, resamples, seed)

    answers = []
    for query, scope, spans in zip(dataset.queries, scopes, right, strict=True):
        answers.append(_search(library, collection, query, scope if spans else None, index))
        if on_query is not None:
            on_query()
    by_asset, by_moment = tables.of(answers)

    assets = prior_assets(collection.durations)[:ASSET_DEPTH]
    moments = prior_moments(collection.durations, dataset)
    priors = [
        _SearchResult(assets, [m for m in moments if m.document in scope]) for scope in scopes
    ]
    speech = SpeechBaseline(collection.spoken(library, index))
    heard = [
        _SearchResult(
            speech.assets(query.value, ASSET_DEPTH),
            speech.moments(query.value, scope, MOMENT_DEPTH),
        )
        # Speech can only be searched by words.
        if isinstance(query.value, str)
        else None
        for query, scope in zip(dataset.queries, scopes, strict=True)
    ]
    return Report(
        dataset=dataset.name,
        form=dataset.form,
        by_asset=by_asset,
        by_moment=by_moment,
        baselines={
            name: dict(zip(("by_asset", "by_moment"), tables.of(rows), strict=True))
            for name, rows in (("prior", priors), ("speech_bm25", heard))
        },
        models=tuple(sorted({card for answer in answers for card in answer.cards})),
        timing=_timing(indexed_s, collection, [answer.seconds for answer in answers]),
        unindexed=tuple(sorted(n for n, d in names.items() if d not in collection.durations)),
        left_out=dataset.left_out,
        outcomes=tuple(
            _outcome(*row) for row in zip(dataset.queries, truth, right, answers, strict=True)
        ),
    )


@dataclass(frozen=True, slots=True)
class _SearchResult:
    """Ranked documents, ranked moments among the files that are asked about, and the cost."""

    assets: Sequence[str]
    moments: Sequence[RankedSpan]
    cards: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Collection:
    """The searchable assets of an index, each with its document in rankings.
    Assets of the same document are one."""

    documents: Mapping[str, str]
    starts: Mapping[str, Instant]
    durations: Mapping[str, Instant]

    @classmethod
    def of(cls, assets: Iterable[tuple[Asset, str]]) -> Collection:
        """Assets with their documents."""
        pairs = list(assets)
        return cls(
            {asset.id: document for asset, document in pairs},
            {asset.id: asset.media.span.start for asset, _ in pairs},
            {document: asset.media.span.duration for asset, document in pairs},
        )

    def spoken(self, library: SearchTarget, index: str) -> dict[str, list[tuple[Span, str]]]:
        """Per document what is said, with spans from the file's start."""
        return {
            document: [
                (seen.span.shift(-self.starts[asset]), seen.payload.text)
                for seen in library.observations(asset, Modality.SPEECH, index=index)
                if isinstance(seen.payload, Utterance)
            ]
            for asset, document in self.documents.items()
        }


class _Tables:
    """Scores systems on the same queries."""

    def __init__(
        self,
        queries: Sequence[EvaluationQuery],
        truth: Sequence[frozenset[str]],
        right: Sequence[tuple[RankedSpan, ...]],
        resamples: int,
        seed: int,
    ) -> None:
        self._labels = [(query.modality.value, query.kind) for query in queries]
        self._truth = truth
        self._right = right
        self._bootstrap = (resamples, seed)

    def of(self, answers: Sequence[_SearchResult | None]) -> tuple[Table, Table]:
        """By asset and by moment; a query the system cannot take (``None``) is left out."""
        taken = [(i, answer) for i, answer in enumerate(answers) if answer is not None]
        timed = [(i, answer) for i, answer in taken if self._right[i]]
        by_asset: Table = {}
        by_moment: Table = {}
        if taken:
            scores = metrics.score_assets(
                [self._truth[i] for i, _ in taken], [answer.assets for _, answer in taken]
            )
            by_asset = metrics.group([self._labels[i] for i, _ in taken], scores, *self._bootstrap)
        if timed:
            scores = metrics.score_moments(
                [self._right[i] for i, _ in timed], [answer.moments for _, answer in timed]
            )
            by_moment = metrics.group([self._labels[i] for i, _ in timed], scores, *self._bootstrap)
        return by_asset, by_moment


def _index_missing(
    library: IndexTarget,
    dataset: Dataset,
    digests: Mapping[str, str],
    index: str,
    on_event: Callable[[Any], None] | None,
) -> None:
    """Add what the index lacks. An index that lacks nothing is only read, never locked."""
    try:
        ready = _ready(library, index)
        indexed = {asset.sha256 for asset in library.assets(index) if asset.id in ready}
    except (NotFound, StoreError) as error:
        if error.code not in ("index_not_found", "store_not_found"):
            raise
        indexed = set()
        try:
            library.create_index(index)
        except Conflict as conflict:
            if conflict.code != "index_exists":
                raise
    lacking = [path for name, path in dataset.videos.items() if digests[name] not in indexed]
    if lacking:
        for event in library.ingest(*lacking, index=index):
            if on_event is not None:
                on_event(event)


def _ready(library: IndexTarget, index: str) -> set[str]:
    return {video.asset_id for video in library.videos(index) if video.status is VideoStatus.READY}


def _search(
    library: SearchTarget,
    collection: Collection,
    query: EvaluationQuery,
    scope: frozenset[str] | None,
    index: str,
) -> _SearchResult:
    """One query by asset, and where its time is asked for, by moment among ``scope``."""
    words = query.value if isinstance(query.value, str) else None
    media = {
        kind: query.value if isinstance(query.value, Path) and query.modality is kind else None
        for kind in (PartKind.IMAGE, PartKind.AUDIO, PartKind.VIDEO)
    }

    def ask(group_by: GroupBy, limit: int, assets: Sequence[str] | None) -> SearchPage:
        return library.search(
            words,
            image=media[PartKind.IMAGE],
            audio=media[PartKind.AUDIO],
            video=media[PartKind.VIDEO],
            assets=assets,
            group_by=group_by,
            limit=limit,
            index=index,
        )

    began = time.perf_counter()
    page = ask(GroupBy.ASSET, ASSET_DEPTH, None)
    seconds = time.perf_counter() - began
    moments: list[RankedSpan] = []
    if scope is not None:
        among = [asset for asset, document in collection.documents.items() if document in scope]
        hits = ask(GroupBy.MOMENT, MOMENT_DEPTH, among).hits if among else ()
        moments = [
            RankedSpan(
                collection.documents[hit.asset_id],
                hit.span.shift(-collection.starts[hit.asset_id]),
            )
            for hit in hits
        ]
    ranked = [collection.documents[hit.asset_id] for hit in page.hits]
    return _SearchResult(ranked, moments, page.cards, seconds)


def _outcome(
    query: EvaluationQuery,
    truth: frozenset[str],
    right: tuple[RankedSpan, ...],
    answer: _SearchResult,
) -> QueryOutcome:
    rank = next((i for i, doc in enumerate(answer.assets, 1) if doc in truth), None)
    iou = metrics.score_moments([right], [answer.moments])["miou"][0] if right else None
    return QueryOutcome(query.id, query.modality.value, query.kind, rank, iou)


def _timing(indexed_s: float, collection: Collection, seconds: Sequence[float]) -> dict[str, float]:
    """``index_s`` is near zero where the index held everything already."""
    from statistics import mean, quantiles

    cuts = quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else [*seconds] * 19
    return {
        "index_s": round(indexed_s, 3),
        "video_s": round(float(sum(collection.durations.values())), 3),
        "search_s": round(sum(seconds), 3),
        "query_mean_ms": round(1000 * mean(seconds), 3),
        "query_p50_ms": round(1000 * cuts[9], 3),
        "query_p95_ms": round(1000 * cuts[18], 3),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
