"""Latency of whole searches (encode, all lanes, fusion, moments, evidence) over a big library.

Builds libraries of 10k, 100k and 1M segments with vectors drawn around the real text vectors of
everyday words, and measures searches with the query encoder warm: those that still bring the data
from the disk into memory, and those that come after. Writes bench/results/search.md.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.entries import enter_asset
from videlicet.library import Library
from videlicet.models.cards import default_cards
from videlicet.models.registry import load as load_model
from videlicet.rights import Grant, Purpose
from videlicet.settings import Settings, load
from videlicet.store import TextRow, VectorRow, open_store
from videlicet.store.vectors.vectors import Vectors
from videlicet.types import (
    Label,
    MediaInfo,
    Modality,
    Observation,
    Shot,
    Span,
    Utterance,
    derived_id,
)

WORDS = (
    "dog cat horse beach mountain river city street car train station airport kitchen coffee bread "
    "doctor nurse school teacher child football guitar piano concert wedding speech president rain "
    "snow storm fire forest tree flower garden bird fish boat bridge tower castle church museum "
    "painting market money factory robot computer phone camera film news weather map river rocket"
).split()
SEGMENTS = 100
QUERIES = 60
SIZES = (10_000, 100_000, 1_000_000)


def build(settings: Settings, segments: int) -> None:
    """``segments`` segments in assets of 100, half of them with something said."""
    rng = np.random.default_rng(7)
    text = load_model("text", settings)
    centres = text.encode([f"a {word} and a {other}" for word in WORDS for other in WORDS[::4]])
    names = [(word, other) for word in WORDS for other in WORDS[::4]]
    ingest, cards = Grant("bench", Purpose.INGEST), default_cards()
    with open_store(settings, write=True, create=True) as store:
        index = store.catalog.create_index(
            store.scope(Grant("bench", Purpose.INDEX)), "default", cards
        )
        for number in range(segments // SEGMENTS):
            asset_id = derived_id("asset", str(number))
            span = Span.of(0, 4 * SEGMENTS)
            media = MediaInfo("mp4", span, None, (), None)
            enter_asset(store, store.scope(ingest), index, asset_id, f"{number}.mp4", media)
            chosen = rng.integers(0, len(centres), SEGMENTS)
            rows = centres[chosen] + rng.normal(0, 0.04, (SEGMENTS, centres.shape[1]))
            rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
            seen, looks, said, texts = [], [], [], []
            for i in range(SEGMENTS):
                part = Span.of(4 * i, 4 * i + 4)
                word, other = names[chosen[i]]
                if i % 2 == 0:
                    shot = Span.of(4 * i, 4 * i + 8)
                    seen.append(
                        Observation(asset_id, shot, Modality.SHOT, "cuts", Shot(shot.midpoint))
                    )
                    line = f"We saw a {word} near the {other} at {number}:{i}."
                    spoken = Observation(
                        asset_id, part, Modality.SPEECH, cards["speech"], Utterance(line, "en", 0.9)
                    )
                    seen.append(spoken)
                    said.append(VectorRow(spoken.id, part, rows[i]))
                    texts.append(TextRow(spoken.id, Modality.SPEECH, part, line))
                label = Observation(
                    asset_id, part, Modality.VISUAL, cards["vision"], Label(word, 0.6)
                )
                seen.append(label)
                looks.append(VectorRow(label.id, part, rows[i]))
            store.catalog.put_observations(store.scope(ingest, index.id), asset_id, seen)
            for modality, found in ((Modality.VISUAL, looks), (Modality.SPEECH, said)):
                store.vectors.put(
                    store.scope(ingest, index.id), modality, text.card.id, asset_id, found
                )
            store.texts.put(store.scope(ingest, index.id), asset_id, texts)
        assert isinstance(store.vectors, Vectors)
        store.vectors.optimize(store.scope(ingest, index.id))


def measure(settings: Settings) -> tuple[list[float], list[float], bool]:
    """Seconds of the first searches and, with other queries, of those after them; and whether all
    were exact."""
    rng = np.random.default_rng(11)
    queries = [
        f"{rng.choice(['a', 'the', 'an old'])} {rng.choice(WORDS)} with a {rng.choice(WORDS)}"
        for _ in range(2 * QUERIES)
    ]
    load_model("text", settings).encode(["warm"])
    times, exact = [], True
    with Library(settings) as library:
        for query in queries:
            began = time.perf_counter()
            page = library.search(query)
            times.append(time.perf_counter() - began)
            exact = exact and page.exact
            assert page.hits
    return times[:QUERIES], times[QUERIES:], exact


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    lines = [
        "# Whole searches",
        "",
        f"Text queries over all lanes, query encoder warm; milliseconds. The first {QUERIES} "
        "searches after opening bring the data from the disk; the next have other words.",
        "",
        f"| segments | built in | first search | p95 of the first {QUERIES} | p50 after "
        "| p95 after | exact |",
        "|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        home = Path(tempfile.mkdtemp(prefix="videlicet-bench-"))
        try:
            settings = load(home)
            began = time.perf_counter()
            build(settings, size)
            built = time.perf_counter() - began
            cold, warm, exact = measure(settings)
        finally:
            shutil.rmtree(home)
        times_ms = [cold[0], *np.percentile(cold, [95]), *np.percentile(warm, [50, 95])]
        cells = " | ".join(f"{1000 * figure:.0f}" for figure in times_ms)
        lines.append(f"| {size:,} | {built:.0f} s | {cells} | {'yes' if exact else 'no'} |")
        print(lines[-1], flush=True)
    out = Path(__file__).parent / "results" / "search.md"
    out.parent.mkdir(exist_ok=True)
    out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
