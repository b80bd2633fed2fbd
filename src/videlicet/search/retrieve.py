"""Run the lanes of a query over the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from videlicet.rights import IndexScope
from videlicet.search.encode import EncodedPart
from videlicet.search.lanes import Candidate, Lane
from videlicet.search.words import coverage, inverse_frequency
from videlicet.store import Store
from videlicet.types.kinds import Method


@dataclass(frozen=True, slots=True)
class RetrievedCandidates:
    """All candidates, whether every vector lane searched exactly, and how many assets that could
    have matched the policy withheld."""

    candidates: list[Candidate]
    exact: bool
    withheld_assets: int = 0


def retrieve(
    scope: IndexScope,
    store: Store,
    lanes: Sequence[Lane],
    parts: Sequence[EncodedPart],
    *,
    k: int,
    within: Collection[str] | None,
    include_zero_evidence: bool = False,
) -> RetrievedCandidates:
    """The ``k`` best candidates of each lane for each part of the query it can serve.

    Candidates without evidence are left out unless ``faint``.
    """
    candidates: list[Candidate] = []
    exact = True
    for number, part in enumerate(parts):
        for lane in lanes:
            if part.kind not in lane.queries:
                continue
            if lane.method is Method.SEMANTIC:
                rows, lane_exact = _semantic(scope, store, lane, number, part, k, within)
                exact = exact and lane_exact
            else:
                rows = _lexical(scope, store, lane, number, part, k, within)
            candidates.extend(row for row in rows if include_zero_evidence or row.evidence > 0)
    return RetrievedCandidates(candidates, exact)


def _semantic(
    scope: IndexScope,
    store: Store,
    lane: Lane,
    number: int,
    part: EncodedPart,
    k: int,
    within: Collection[str] | None,
) -> tuple[Iterable[Candidate], bool]:
    rows = part.vectors.get(lane.encoder)
    if rows is None:
        return [], True
    matches = store.vectors.search(scope, lane.modality, lane.space, rows, k, within)
    best: dict[str, Candidate] = {}
    for result in matches:
        for rank, match in enumerate(result, 1):
            seen = best.get(match.id)
            if seen is None or match.score > seen.score:
                best[match.id] = Candidate(
                    lane=lane, part=number, asset_id=match.asset_id, span=match.span, rank=rank,
                    score=match.score, evidence=lane.calibration.evidence(match.score),
                    row_id=match.id,
                )  # fmt: skip
    return best.values(), store.vectors.is_exact(scope, lane.modality, lane.space)


def _lexical(
    scope: IndexScope,
    store: Store,
    lane: Lane,
    number: int,
    part: EncodedPart,
    k: int,
    within: Collection[str] | None,
) -> Iterable[Candidate]:
    if part.words is None:
        return []
    words = part.words
    if lane.method is Method.PHRASE:
        hits = None
        for phrase in words.phrases:
            rows = store.texts.phrase(scope, lane.modality, phrase, k, within)
            keyed = {row.id: row for row in rows}
            hits = keyed if hits is None else {i: r for i, r in hits.items() if i in keyed}
        matches = [(1.0, row) for row in (hits or {}).values()]
    elif lane.method is Method.SUBSTRING:
        rows = store.texts.substring(scope, lane.modality, words.text, k, within)
        matches = [(row.score, row) for row in rows]
    else:
        rows = store.texts.bm25(scope, lane.modality, words.text, k, within)
        counts, total = store.texts.frequencies(scope, lane.modality, words.terms)
        weights = {t: inverse_frequency(counts.get(t, 0), total) for t in words.terms}
        matches = [(coverage(words.terms, row.text, weights), row) for row in rows]
    return [
        Candidate(
            lane=lane, part=number, asset_id=row.asset_id, span=row.span, rank=rank, score=score,
            evidence=lane.calibration.evidence(score), row_id=row.id,
            text=row.text,
        )
        for rank, (score, row) in enumerate(sorted(matches, key=lambda m: -m[0]), 1)
    ]  # fmt: skip
