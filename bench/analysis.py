"""How long the built-in backend takes over recordings of different length, evidence included.

Writes recordings of made-up sentences (900 of them and 900 segments with class names to the hour, a
new subject every few minutes) with their real vectors into a library, and measures each method from
the store to the answer, with the encoder warm. Writes bench/results/analysis.md.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.entries import enter_asset
from bench.search import WORDS
from videlicet.analyze.backend import PromptRequest
from videlicet.analyze.builtin import BuiltinBackend
from videlicet.analyze.evidence.load import AssetEvidence, load_evidence
from videlicet.embedding.texts import embed_texts
from videlicet.models.cards import default_cards
from videlicet.models.registry import load as load_model
from videlicet.rights import Grant, Purpose
from videlicet.settings import Settings, load
from videlicet.store import VectorRow, open_store
from videlicet.types import (
    Box,
    Label,
    MediaInfo,
    Modality,
    Observation,
    ScreenText,
    Shot,
    Span,
    Utterance,
    Word,
    derived_id,
)

MINUTES = (5, 60, 180)
RUNS = 3
PER_MINUTE = 15
INGEST, ANALYZE = Grant("bench", Purpose.INGEST), Grant("bench", Purpose.ANALYZE)
#: What the sentences of one subject may say of two of its words.
SAYINGS = (
    "The {0} stood right next to the {1} that day.",
    "Nobody had told us how a {0} is kept near a {1}.",
    "If you want to know about the {0}, then you have to look at the {1} first.",
    "They brought another {0}, and after a while a second {1} too.",
    "So the old {0} was sold and we bought the {1} from the neighbours.",
    "It takes about two hours to get from the {0} to the {1}.",
    "Every {0} has its own {1}, which is what makes this so interesting.",
    "We have measured how fast the {0} moves when the {1} does not.",
)


def build(settings: Settings, minutes: int) -> str:
    """One recording of so many minutes; its id."""
    rng = np.random.default_rng(minutes)
    text, cards = load_model("text", settings), default_cards()
    asset_id = derived_id("talk", str(minutes))
    step = 60 / PER_MINUTE
    seen: list[Observation] = []
    vectors: dict[Modality, list[VectorRow]] = {}
    names = embed_texts(text, WORDS)
    said = []
    for number in range(minutes * PER_MINUTE):
        subject = number // (4 * PER_MINUTE)
        own = [WORDS[(7 * subject + n) % len(WORDS)] for n in range(7)]
        a, b = rng.choice(7, 2, replace=False)
        span = Span.of(number * step, number * step + step - 0.3)
        line = str(rng.choice(SAYINGS)).format(own[a], own[b])
        words = line.split()
        each = span.duration / len(words)
        timed = tuple(
            Word(word, Span(span.start + n * each, span.start + (n + 1) * each), 0.9)
            for n, word in enumerate(words)
        )
        said.append(
            Observation(
                asset_id, span, Modality.SPEECH, cards["speech"], Utterance(line, "en", 0.9, timed)
            )
        )
        whole = Span.of(number * step, number * step + step)
        seen.append(Observation(asset_id, whole, Modality.SHOT, "cuts", Shot(whole.midpoint)))
        for n in range(5):
            label = Label(own[(a + n) % 7], 0.5 / (n + 1))
            seen.append(Observation(asset_id, whole, Modality.VISUAL, cards["vision"], label))
        row = names[WORDS.index(own[a])] + rng.normal(0, 0.02, names.shape[1])
        row = (row / np.linalg.norm(row)).astype(np.float32)
        vectors.setdefault(Modality.VISUAL, []).append(VectorRow(f"look {number}", whole, row))
        if number % 30 == 0:
            shown = ScreenText(f"{own[0]} and {own[1]}".upper(), Box(0, 0, 1, 0.1), 0.95)
            seen.append(Observation(asset_id, whole, Modality.TEXT, cards["ocr"], shown))
    for modality, rows in (
        (Modality.SPEECH, said),
        (Modality.TEXT, [one for one in seen if one.modality is Modality.TEXT]),
    ):
        texts = [one.text or "" for one in rows]
        vectors[modality] = [
            VectorRow(one.id, one.span, row)
            for one, row in zip(rows, embed_texts(text, texts), strict=True)
        ]
    with open_store(settings, write=True, create=True) as store:
        index = store.catalog.create_index(
            store.scope(Grant("bench", Purpose.INDEX)), "default", cards
        )
        media = MediaInfo("mp4", Span.of(0, 60 * minutes), None, (), None)
        enter_asset(store, store.scope(INGEST), index, asset_id, "talk.mp4", media)
        store.catalog.put_observations(store.scope(INGEST, index.id), asset_id, [*seen, *said])
        for modality, found in vectors.items():
            store.vectors.put(
                store.scope(INGEST, index.id), modality, text.card.id, asset_id, found
            )
    return asset_id


def measure(settings: Settings, asset_id: str) -> dict[str, tuple[float, float]]:
    """Seconds by the clock and of processors that each method takes from the store on, the median
    of some runs."""
    analysis = BuiltinBackend(load_model("text", settings))
    methods: dict[str, Callable[[AssetEvidence], object]] = {
        "evidence": lambda evidence: evidence,
        "summary": lambda evidence: analysis.summarize([evidence]),
        "summary with focus": lambda evidence: analysis.summarize([evidence], focus="the harbour"),
        "gist": analysis.gist,
        "chapters": analysis.chapters,
        "highlights": analysis.highlights,
        "open request": lambda evidence: analysis.respond(
            [evidence], PromptRequest("List all topics.")
        ),
    }
    found = {}
    with open_store(settings) as store:
        index = store.catalog.index(store.scope(ANALYZE), "default")
        for name, method in methods.items():
            times = []
            scope = store.scope(ANALYZE, index.id)
            for _ in range(RUNS):
                began, used = time.perf_counter(), time.process_time()
                assert method(load_evidence(scope, store, asset_id)) is not None
                times.append((time.perf_counter() - began, time.process_time() - used))
            walls, processors = zip(*times, strict=True)
            found[name] = (statistics.median(walls), statistics.median(processors))
    return found


def _cell(took: tuple[float, float]) -> str:
    return f"{took[0]:.2f} / {took[1]:.2f}"


def main() -> None:
    lengths = [int(minutes) for minutes in sys.argv[1:]] or MINUTES
    rows: dict[int, dict[str, tuple[float, float]]] = {}
    for minutes in lengths:
        home = Path(tempfile.mkdtemp(prefix="videlicet-bench-"))
        try:
            settings = load(home)
            rows[minutes] = measure(settings, build(settings, minutes))
        finally:
            shutil.rmtree(home)
        print(minutes, {name: _cell(took) for name, took in rows[minutes].items()}, flush=True)
    names = list(rows[lengths[0]])
    lines = [
        "# The built-in backend",
        "",
        "Seconds from the store to the answer, evidence included, encoder warm: by the clock, and "
        "of all processors together, which other work on the machine changes less. There are "
        f"{PER_MINUTE} sentences and {PER_MINUTE} segments with class names to the minute.",
        "",
        f"| minutes | {' | '.join(names)} |",
        "|---" * (len(names) + 1) + "|",
    ]
    for minutes, took in rows.items():
        lines.append(f"| {minutes} | {' | '.join(_cell(took[name]) for name in names)} |")
    out = Path(__file__).parent / "results" / "analysis.md"
    out.parent.mkdir(exist_ok=True)
    out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
