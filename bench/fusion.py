"""What each lane, the calibration and the fusion are worth, on the development corpus.

Indexes the corpus once (in a cached data directory), runs every lane once for each text query, and
fuses the same candidates in different ways. Writes bench/results/fusion.md.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from videlicet.evaluation import EvaluationQuery, read
from videlicet.library import Library
from videlicet.models.registry import load as load_model
from videlicet.rights import Grant, Purpose
from videlicet.search.encode import Encoders, encode
from videlicet.search.fusion import noisy_or
from videlicet.search.lanes import Candidate
from videlicet.search.retrieve import retrieve
from videlicet.settings import load
from videlicet.types import PartKind, QueryPart, VideoStatus

ROOT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("VIDELICET_TEST_CORPUS", ROOT.parent / "shared" / "corpus"))
HOME = Path(os.environ.get("VIDELICET_BENCH_HOME", ROOT / ".cache" / "bench"))
INDEX = "corpus"
DEPTH = 200
GROUPS: dict[str, frozenset[str]] = {
    "all": frozenset(),
    "object, action, scene": frozenset({"object", "action", "scene"}),
    "speech": frozenset({"speech"}),
    "on-screen text": frozenset({"ocr"}),
}

Ranker = Callable[[Sequence[Candidate]], dict[str, float]]


def calibrated(candidates: Sequence[Candidate]) -> dict[str, list[float]]:
    """By asset, the best evidence of each lane."""
    best: dict[tuple[str, str], float] = {}
    for c in candidates:
        key = (c.asset_id, c.lane.name)
        best[key] = max(best.get(key, 0.0), c.evidence)
    found = defaultdict(list)
    for (asset, _), evidence in best.items():
        found[asset].append(evidence)
    return found


def chosen(candidates: Sequence[Candidate]) -> dict[str, float]:
    return {asset: noisy_or(e) for asset, e in calibrated(candidates).items()}


def linear(candidates: Sequence[Candidate]) -> dict[str, float]:
    return {asset: sum(e) for asset, e in calibrated(candidates).items()}


def strongest(candidates: Sequence[Candidate]) -> dict[str, float]:
    return {asset: max(e) for asset, e in calibrated(candidates).items()}


def reciprocal(k: int, *, weighted: bool) -> Ranker:
    def rank(candidates: Sequence[Candidate]) -> dict[str, float]:
        by_lane: dict[str, dict[str, Candidate]] = defaultdict(dict)
        for c in candidates:
            best = by_lane[c.lane.name].get(c.asset_id)
            if best is None or c.score > best.score:
                by_lane[c.lane.name][c.asset_id] = c
        scores: dict[str, float] = defaultdict(float)
        for rows in by_lane.values():
            for place, c in enumerate(sorted(rows.values(), key=lambda c: -c.score), 1):
                scores[c.asset_id] += (c.lane.calibration.weight if weighted else 1.0) / (k + place)
        return scores

    return rank


def drop_lane(lane: str) -> Ranker:
    return lambda candidates: chosen([c for c in candidates if c.lane.name != lane])


def keep_lane(lane: str) -> Ranker:
    return lambda candidates: chosen([c for c in candidates if c.lane.name == lane])


def rank_of(scores: Mapping[str, float], right: frozenset[str]) -> int | None:
    order = sorted(scores, key=lambda asset: (-scores[asset], asset))
    return next((i for i, asset in enumerate(order, 1) if asset in right), None)


def cells(queries: Sequence[EvaluationQuery], places: Sequence[int | None]) -> str:
    columns = []
    for kinds in GROUPS.values():
        mine = [p for q, p in zip(queries, places, strict=True) if not kinds or q.kind in kinds]
        first = sum(p == 1 for p in mine) / len(mine)
        fifth = sum(p is not None and p <= 5 for p in mine) / len(mine)
        mrr = sum(1 / p for p in mine if p) / len(mine)
        columns.append(f"{first:.2f} / {fifth:.2f} / {mrr:.2f}")
    return " | ".join(columns)


def main() -> None:
    if not (CORPUS / "queries.json").is_file():
        raise SystemExit(f"No corpus at {CORPUS}: set VIDELICET_TEST_CORPUS.")
    dataset = read(CORPUS)
    settings = load(HOME)
    grant = Grant("bench", Purpose.SEARCH)
    with Library(settings) as library:
        if INDEX not in {index.name for index in library.indexes()}:
            library.create_index(INDEX)
        failed = library.add(*dataset.videos.values(), index=INDEX).failed
        assert not failed, [f.error for f in failed]
        index = library.index(INDEX)
        ready = {one.asset_id for one in library.videos(INDEX) if one.status is VideoStatus.READY}
        names = {asset.name: asset.id for asset in library.assets(INDEX) if asset.id in ready}
        encoders = Encoders(index.cards, partial(load_model, settings=settings))
        queries = [q for q in dataset.queries if q.modality == "text"]
        right = [frozenset(names[r.file] for r in q.relevant) for q in queries]
        found = []
        store = library._read()
        for query in queries:
            part = encode(QueryPart(PartKind.TEXT, str(query.value)), encoders, settings)
            lanes = encoders.lanes
            result = retrieve(
                store.scope(grant, index.id),
                store,
                lanes,
                [part],
                k=DEPTH,
                within=None,
                include_zero_evidence=True,
            )
            found.append(result.candidates)
    lanes_used = sorted({c.lane.name for row in found for c in row})
    rankers: dict[str, Ranker] = {
        "noisy-or of calibrated evidence (chosen)": chosen,
        "sum of calibrated evidence": linear,
        "strongest lane alone": strongest,
        "reciprocal ranks, k = 60": reciprocal(60, weighted=False),
        "reciprocal ranks, k = 60, weighted": reciprocal(60, weighted=True),
        "reciprocal ranks, k = 10, weighted": reciprocal(10, weighted=True),
        **{f"without {lane}": drop_lane(lane) for lane in lanes_used},
        **{f"only {lane}": keep_lane(lane) for lane in lanes_used},
    }
    lines = [
        "# Fusion",
        "",
        f"{len(queries)} text queries of the development corpus by video: recall@1 / @5 / MRR.",
        "",
        "| | " + " | ".join(GROUPS) + " |",
        "|---" * (len(GROUPS) + 1) + "|",
    ]
    for name, ranker in rankers.items():
        places = [
            rank_of({a: s for a, s in ranker(row).items() if s > 0}, wanted)
            for row, wanted in zip(found, right, strict=True)
        ]
        lines.append(f"| {name} | {cells(queries, places)} |")
    text = "\n".join(lines) + "\n"
    out = Path(__file__).parent / "results" / "fusion.md"
    out.parent.mkdir(exist_ok=True)
    out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
