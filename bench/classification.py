"""Classification with labels written for the development corpus, by description and from examples.

Reads the library that ``python -m bench fusion`` makes, or the one that VIDELICET_BENCH_HOME and
VIDELICET_BENCH_INDEX name. What each recording is about is in bench/labels.json, written from the
corpus's own descriptions. Writes bench/results/classification.md.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from bench.fusion import HOME, INDEX, ROOT
from videlicet.analyze.classify import classifier as classify
from videlicet.analyze.classify import logistic
from videlicet.analyze.classify.classifier import (
    Category,
    Example,
    classifier,
    log_odds,
    subject_of,
    support,
)
from videlicet.library import Library
from videlicet.rights import Grant, Purpose
from videlicet.search.encode import Encoders
from videlicet.settings import load

ANALYZE = Grant("bench", Purpose.ANALYZE)
#: Cut together from the others.
COMPILATIONS = ("d08.mp4", "d12.mp4")
THRESHOLDS = (0.3, 0.5, 0.7)


def main() -> None:
    rows = json.loads((ROOT / "bench" / "labels.json").read_text("utf-8"))
    with Library(load(HOME)) as library:
        tables = measure(library, os.environ.get("VIDELICET_BENCH_INDEX", INDEX), rows)
    text = "\n\n".join(["# Classification", *tables]) + "\n"
    (ROOT / "bench" / "results" / "classification.md").write_text(text, "utf-8")
    print(text)


def measure(library: Library, name: str, rows: dict[str, dict[str, list[str]]]) -> list[str]:
    platform = library._caller().platform
    store, index = platform.store, library.index(name)
    encoders = platform.encoders(index.cards)
    assets = {Path(a.name).name: a for a in library.assets(name)}
    files = sorted(f for f in assets if f not in COMPILATIONS)
    subjects = [
        subject_of(store.scope(ANALYZE, index.id), store, assets[f].id, encoders, frames=True)
        for f in files
    ]
    truth = np.array([[f in rows[n]["files"] for n in rows] for f in files])
    plain = [Category(n, str(rows[n]["description"])) for n in rows]
    bare = [Category(n) for n in rows]

    def chances(categories: list[Category]) -> np.ndarray:
        one = classifier(store.scope(ANALYZE, index.id), store, encoders, categories)
        return np.array([list(one.whole(s).scores.values()) for s in subjects])

    described = table("by name and description", truth, chances(plain))
    named = table("by name only", truth, chances(bare))
    fresh = table("the same, curve fitted on the other labels", truth, refitted(
        truth, np.array([support(s.evidence, s.evidence.span, encoded(encoders, plain))
                         for s in subjects])))  # fmt: skip

    # Each recording by the examples of the others.
    taught = [n for n in rows if len(rows[n]["files"]) >= 3]
    columns = [list(rows).index(n) for n in taught]
    found = []
    for out, subject in enumerate(subjects):
        kept = [f for n, f in enumerate(files) if n != out]
        categories = [
            Category(n, str(rows[n]["description"]), tuple(
                Example(assets[f].id) for f in rows[n]["files"] if f in kept
            )) for n in taught
        ]  # fmt: skip
        used = {f for n in taught for f in rows[n]["files"]}
        none = [Example(assets[f].id) for f in kept if f not in used]
        one = classifier(store.scope(ANALYZE, index.id), store, encoders, categories, none=none)
        found.append(list(one.whole(subject).scores.values()))
    both = table("description and examples of the others", truth[:, columns], np.array(found))
    same = table("description only, the same labels", truth[:, columns], chances(plain)[:, columns])
    head = (
        f"{len(files)} recordings, {len(rows)} labels ({int(truth.sum())} pairs are right); for "
        f"examples the {len(taught)} labels with three recordings or more, one left out at a time."
    )
    return [head, HEADER + "\n".join([described, fresh, named, same, both])]


HEADER = (
    "| | AP by label | right first | "
    + " | ".join(f"precision / recall at {t:g}" for t in THRESHOLDS)
    + " | recordings at 0.5: right, `none`, wrong |\n|---|---|---|"
    + "---|" * len(THRESHOLDS)
    + "---|\n"
)


def table(name: str, truth: np.ndarray, chances: np.ndarray) -> str:
    """One line of metrics."""
    precision = np.mean([average(t, p) for t, p in zip(truth.T, chances.T, strict=True)])
    some = truth.any(axis=1)
    best = chances.argmax(axis=1)
    hits = truth[np.arange(len(best)), best]
    cells = []
    for limit in THRESHOLDS:
        given = chances >= limit
        right = truth[given].mean() if given.any() else float("nan")
        cells.append(f"{right:.2f} / {given[truth].mean():.2f}")
    sure = chances.max(axis=1) >= 0.5
    right = int((sure & hits).sum() + (~sure & ~some).sum())
    wrong = int((sure & ~hits).sum())
    return (
        f"| {name} | {precision:.2f} | {hits[some].mean():.2f} | {' | '.join(cells)} | "
        f"{right}, {int((~sure & some).sum())}, {wrong} |"
    )


def average(truth: np.ndarray, scores: np.ndarray) -> float:
    """Average precision."""
    order = truth[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(order) / np.arange(1, len(order) + 1))[order].mean())


def encoded(encoders: Encoders, categories: list[Category]) -> np.ndarray:
    return np.asarray(encoders.text.encode([one.text for one in categories]), np.float64)


def refitted(truth: np.ndarray, supports: np.ndarray) -> np.ndarray:
    """Probabilities of each label by a curve that was fitted without it."""
    chances = np.zeros_like(supports)
    for column in range(supports.shape[1]):
        rest = [n for n in range(supports.shape[1]) if n != column]
        curve = logistic.fit(supports[:, rest].reshape(-1, 1), truth[:, rest].ravel(), 1e-6)
        chances[:, column] = logistic.sigmoid(logistic.scores(supports[:, [column]], curve))
    everything = logistic.fit(supports.reshape(-1, 1), truth.ravel(), 1e-6)
    print(f"the curve on all: {everything} (in use: {classify.SLOPE}, {classify.SHIFT})")
    assert np.allclose(log_odds(supports), classify.SLOPE * supports + classify.SHIFT)
    return chances
