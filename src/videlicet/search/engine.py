"""A query over one index: run the lanes, fuse, cut into moments, page, explain."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

from videlicet.caching import ByteCache
from videlicet.errors import InvalidQuery
from videlicet.rights import IndexScope
from videlicet.search.encode import EncodedPart, Encoders, encode
from videlicet.search.explain import Explainer
from videlicet.search.lanes import Candidate, Lane
from videlicet.search.moments import Moment, find_moments, score_of
from videlicet.search.paging import fingerprint, page_offset, page_token
from videlicet.search.retrieve import RetrievedCandidates, retrieve
from videlicet.settings import Settings, cores
from videlicet.store import Store
from videlicet.telemetry import traces
from videlicet.types import GroupBy, Hit, Index, Modality, Query, SearchPage, Span
from videlicet.types.kinds import Method

#: Fewest rows a lane returns; more are fetched for later pages.
DEPTH = 100
#: Rows a lane returns where all that matches is wanted at once.
FULL_DEPTH = 250
#: Bytes of shots that a cache holds, and about how many one shot and one asset take.
SHOT_CACHE_SIZE = 32 * 1024**2
_SHOT_SIZE, _ENTRY_SIZE = 400, 400
#: Largest page.
LARGEST_PAGE = 500
#: More threads than cores at their searches would be in each other's way.
_TURNS = threading.BoundedSemaphore(cores())


#: A moment with, where assets were asked for, all moments of its asset.
Group = tuple[Moment, tuple[Moment, ...]]


@dataclass(frozen=True, slots=True)
class Ranking:
    """All that matches a query, best first. ``cards`` names every model used; ``withheld_assets``
    counts the assets in the filter that the policy kept out."""

    groups: tuple[Group, ...]
    cards: tuple[str, ...]
    withheld_assets: int = 0


#: The shots of assets by the ids of index and asset.
ShotCache = ByteCache[tuple[str, str], list[Span]]


def shot_cache(limit: int = SHOT_CACHE_SIZE) -> ShotCache:
    """A cache that searchers share. Shots follow from an asset's bytes, and so never change."""
    return ByteCache(limit, lambda shots: _ENTRY_SIZE + _SHOT_SIZE * len(shots))


@dataclass(frozen=True, slots=True)
class Searcher:
    """What a search needs besides the query: where to look and what to encode with. Making one
    costs nothing; what is worth keeping is in the cache of ``shots``."""

    store: Store
    encoders: Encoders
    settings: Settings
    shots: ShotCache = field(default_factory=shot_cache, compare=False)

    def search(
        self,
        scope: IndexScope,
        query: Query,
        encoded: Sequence[EncodedPart] | None = None,
    ) -> SearchPage:
        """One page of the moments (or assets) of the scope's index that match ``query``, best
        first. ``encoded`` is what :meth:`encode_query` made of the query, for who puts it again and
        again.

        Raises:
            InvalidQuery: the query is empty, too long, names a modality that is not indexed, holds
                an invalid filter or page token, or a media file that cannot be read.
            NotPermitted: the scope's purpose does not cover searching.
        """
        with self._turn(), traces.span("search", {"videlicet.index": scope.index_id}):
            _check(query)
            mark = fingerprint(scope.index_id, query)
            offset = page_offset(mark, query.page_token)
            parts = self.encode_query(query) if encoded is None else encoded
            with self.store.snapshot():
                return self._page(scope, query, parts, mark, offset)

    def ranking(self, scope: IndexScope, query: Query) -> Ranking:
        """Everything in the scope's index that matches ``query``, best first and unexplained: the
        one list that pages can be cut from. Of each kind of evidence the best :data:`FULL_DEPTH`
        pieces count.

        Raises:
            InvalidQuery, NotPermitted: as :meth:`search` does.
        """
        with self._turn(), traces.span("search", {"videlicet.index": scope.index_id}):
            _check(query)
            parts = self.encode_query(query)
            with self.store.snapshot():
                found = self._found(scope, query, parts, FULL_DEPTH)
                groups = self._groups(scope, query, parts, found.candidates, None)
        return Ranking(tuple(groups), _cards(found), found.withheld_assets)

    def _turn(self) -> AbstractContextManager[object]:
        # Whoever waits for a database elsewhere takes no core meanwhile.
        return nullcontext() if self.store.database.shared else _TURNS

    def encode_query(self, query: Query) -> list[EncodedPart]:
        """The parts of a query in the spaces of the index.

        Raises:
            InvalidQuery: see :func:`videlicet.search.encode.encode`.
        """
        with traces.span("search encode", {"videlicet.parts": len(query.parts)}):
            return [encode(part, self.encoders, self.settings) for part in query.parts]

    def _page(
        self,
        scope: IndexScope,
        query: Query,
        parts: Sequence[EncodedPart],
        mark: str,
        offset: int,
    ) -> SearchPage:
        wanted = offset + query.page_size
        found = self._found(scope, query, parts, max(DEPTH, 4 * wanted))
        groups = self._groups(scope, query, parts, found.candidates, wanted + 1)
        page = groups[offset:wanted]
        names = self.store.catalog.names(scope, {moment.asset_id for moment, _ in page})
        # An asset that was removed since the lanes ran is no hit any more.
        present = [group for group in page if group[0].asset_id in names]
        every = [moment for group, inside in present for moment in (group, *inside)]
        with traces.span("search explain"):
            explainer = Explainer(scope, self.store, every, [part.weight for part in parts])
        hit = partial(_hit, scope.index_id, names, explainer)
        hits = tuple(
            replace(
                hit(moment, offset + place + 1),
                moments=tuple(hit(inner, i + 1) for i, inner in enumerate(inside)),
            )
            for place, (moment, inside) in enumerate(present)
        )
        after = offset + len(page)
        return SearchPage(
            hits=hits,
            total=len(groups),
            next_page=page_token(mark, after) if after < len(groups) else None,
            cards=_cards(found),
            exact=found.exact,
            withheld_assets=found.withheld_assets,
        )

    def _found(
        self, scope: IndexScope, query: Query, parts: Sequence[EncodedPart], k: int
    ) -> RetrievedCandidates:
        """The ``k`` best candidates of each lane, of assets that are ready, meet the filter and
        are not withheld by the policy: what is withheld takes no other's place in any rank."""
        limited = bool(query.filter) or query.asset_ids is not None or self.store.policy.selective
        decide = partial(self.store.catalog.decide_assets, scope, query.filter)
        with traces.span("search filter"):
            decisions = decide(among=query.asset_ids) if limited else None
        within = None if decisions is None else decisions.allowed
        lanes = [
            lane
            for lane in lanes_for(scope.index, self.encoders.lanes, query.modalities)
            if not query.lanes or lane.name in query.lanes
        ]
        with traces.span("search retrieve", {"videlicet.lanes": [lane.name for lane in lanes]}):
            found = retrieve(scope, self.store, lanes, parts, k=k, within=within)
        if decisions is None:
            decisions = decide(among={c.asset_id for c in found.candidates})
        return replace(
            found,
            candidates=[c for c in found.candidates if c.asset_id in decisions.allowed],
            withheld_assets=len(decisions.refused),
        )

    def _groups(
        self,
        scope: IndexScope,
        query: Query,
        parts: Sequence[EncodedPart],
        candidates: Sequence[Candidate],
        wanted: int | None,
    ) -> list[Group]:
        """What was asked for, best first; at least the best ``wanted``, or all."""
        weights = [part.weight for part in parts]
        accept = partial(_meets_requirements, parts, query.require_all)
        shots = partial(self._shots, scope)
        with traces.span("search group", {"videlicet.candidates": len(candidates)}):
            group = by_asset if query.group_by is GroupBy.ASSET else by_moment
            groups = group(candidates, weights, shots, accept, wanted)
        if query.threshold is not None:
            groups = [group for group in groups if group[0].score >= query.threshold]
        return groups

    def _shots(self, scope: IndexScope, asset_id: str) -> list[Span]:
        return self.shots.get(
            (scope.index_id, asset_id),
            lambda: self.store.catalog.spans(scope, asset_id, Modality.SHOT),
        )


def _hit(
    index_id: str, names: dict[str, str], explainer: Explainer, moment: Moment, rank: int
) -> Hit:
    return Hit(
        asset_id=moment.asset_id,
        index_id=index_id,
        asset_name=names[moment.asset_id],
        span=moment.span,
        score=moment.score,
        rank=rank,
        evidence=explainer.evidence(moment),
    )


def lanes_for(index: Index, lanes: Sequence[Lane], modalities: Collection[Modality]) -> list[Lane]:
    """Of the lanes of an index those of the wanted modalities; all, if none is named."""
    there = {lane.modality for lane in lanes}
    for modality in modalities:
        if modality not in there:
            raise InvalidQuery(
                "modality_not_indexed",
                f"Index {index.name!r} was not built with {modality.value}.",
                subject=modality.value,
            )
    return [lane for lane in lanes if not modalities or lane.modality in modalities]


Accept = Callable[[Sequence[Candidate]], bool]
Shots = Callable[[str], Sequence[Span]]


def by_moment(
    candidates: Iterable[Candidate],
    weights: Sequence[float],
    shots: Shots,
    accept: Accept,
    wanted: int | None,
) -> list[Group]:
    """The best moments, best first; at least the best ``wanted`` of them, if there are so many, or
    all."""
    found: list[Moment] = []
    for bound, asset_id, own in _by_upper_bound(candidates, weights):
        if _full(found, bound, wanted):
            break
        found += find_moments(own, shots(asset_id), weights, accept)
    return [(moment, ()) for moment in sorted(found, key=_order)]


def by_asset(
    candidates: Iterable[Candidate],
    weights: Sequence[float],
    shots: Shots,
    accept: Accept,
    wanted: int | None,
) -> list[Group]:
    """Each asset as its best moment, scored on the best evidence anywhere in the asset (what is
    said in one place and shown in another counts together), with all its moments."""
    found: list[Group] = []
    for bound, asset_id, own in _by_upper_bound(candidates, weights):
        if _full([best for best, _ in found], bound, wanted):
            break
        moments = find_moments(own, shots(asset_id), weights, accept)
        if moments:
            best = replace(moments[0], score=score_of(own, weights))
            found.append((best, tuple(moments)))
    return sorted(found, key=lambda group: _order(group[0]))


def _full(found: Sequence[Moment], bound: float, wanted: int | None) -> bool:
    if wanted is None or len(found) < wanted:
        return False
    return sum(moment.score >= bound for moment in found) >= wanted


def _cards(found: RetrievedCandidates) -> tuple[str, ...]:
    return tuple(sorted({candidate.lane.card for candidate in found.candidates}))


def _by_upper_bound(
    candidates: Iterable[Candidate], weights: Sequence[float]
) -> list[tuple[float, str, list[Candidate]]]:
    """Assets with their candidates, most promising first: no moment of an asset scores above the
    evidence for it anywhere in the asset, so the rest need not be looked at once the page is
    full."""
    hopes = [max(weight, 0.0) for weight in weights]
    bounds = [
        (score_of([c for c in own if weights[c.part] > 0], hopes), asset_id, own)
        for asset_id, own in _by_asset(candidates).items()
    ]
    return sorted(bounds, key=lambda row: (-row[0], row[1]))


def _by_asset(candidates: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        groups[candidate.asset_id].append(candidate)
    return groups


def _order(moment: Moment) -> tuple[float, str, Span]:
    return (-moment.score, moment.asset_id, moment.span)


def _meets_requirements(
    parts: Sequence[EncodedPart],
    all_of: Sequence[frozenset[Modality]],
    candidates: Sequence[Candidate],
) -> bool:
    """Whether every part that quotes a phrase is matched exactly, and every group of modalities
    gives evidence."""
    seen = {c.lane.modality for c in candidates if parts[c.part].weight > 0}
    if not all(group & seen for group in all_of):
        return False
    exact = {c.part for c in candidates if c.lane.method is Method.PHRASE}
    return all(
        part.weight < 0 or part.words is None or not part.words.phrases or i in exact
        for i, part in enumerate(parts)
    )


def _check(query: Query) -> None:
    if not any(part.weight > 0 for part in query.parts):
        raise InvalidQuery(
            "query_empty", "A search needs at least one thing to look for.", subject="query"
        )
    if not 1 <= query.page_size <= LARGEST_PAGE:
        raise InvalidQuery(
            "filter_invalid",
            f"A page holds 1 to {LARGEST_PAGE} hits, not {query.page_size}.",
            subject="page_size",
        )
