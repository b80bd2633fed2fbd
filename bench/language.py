"""How soon a language model in this process says something, warm, and its first checked sentence.

Asks questions of an hour of made-up evidence (see :mod:`bench.analysis`) that is at hand already.
What counts is from the question to the model's first token, and to the first sentence that evidence
supports. The built-in backend answers the same questions in the same run. Writes
bench/results/language.md. Needs `videlicet models pull smollm2-135m-instruct`.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.analysis import ANALYZE, build
from bench.search import WORDS
from videlicet.analyze.builtin import BuiltinBackend
from videlicet.analyze.evidence.load import AssetEvidence, load_evidence
from videlicet.analyze.llm.backends.base import Final, Message
from videlicet.analyze.llm.backends.gguf import Gguf
from videlicet.analyze.llm.model import LanguageModel
from videlicet.models.registry import load as load_model
from videlicet.settings import Settings, load
from videlicet.store import open_store
from videlicet.types import Sentence

MODEL = "smollm2-135m-instruct"
MINUTES, QUESTIONS = 60, 12


class TimedBackend:
    """A backend whose first token is timed."""

    def __init__(self, inner: Gguf) -> None:
        self.inner = inner
        self.id, self.context = inner.id, inner.context
        self.accepts_images, self.quick_tokens = inner.accepts_images, inner.quick_tokens
        self.first = 0.0

    def complete(self, messages: Sequence[Message], **options: Any) -> Iterator[str | Final]:
        for part in self.inner.complete(messages, **options):
            if part and not self.first:
                self.first = time.perf_counter()
            yield part


def measure(settings: Settings, evidence: AssetEvidence) -> dict[str, list[float]]:
    """Seconds, one for each question: until the first token, until the first sentence that is
    streamed, until the end, and the built-in backend's until the end."""
    encoder = load_model("text", settings)
    backend = TimedBackend(Gguf.of(settings))
    built_in = BuiltinBackend(encoder)
    model = LanguageModel(backend, encoder, built_in)
    rows: dict[str, list[float]] = {"token": [], "sentence": [], "end": [], "built in": []}
    model.ask([evidence], f"What is said about the {WORDS[3]}?")
    for number in range(QUESTIONS):
        question = f"What is said about the {WORDS[(7 * number) % len(WORDS)]}?"
        sentence_times: list[float] = []

        def on_sentence(_: Sentence, sentence_times: list[float] = sentence_times) -> None:
            sentence_times.append(time.perf_counter())

        backend.first = 0.0
        began = time.perf_counter()
        model.ask([evidence], question, on_sentence=on_sentence)
        rows["end"].append(time.perf_counter() - began)
        rows["token"].append(backend.first - began)
        rows["sentence"].append(sentence_times[0] - began)
        began = time.perf_counter()
        built_in.ask([evidence], question)
        rows["built in"].append(time.perf_counter() - began)
    return rows


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="videlicet-bench-"))
    try:
        settings = load(home, analysis_backend="gguf", llm_model=MODEL)
        asset_id = build(settings, MINUTES)
        with open_store(settings) as store:
            index = store.catalog.index(store.scope(ANALYZE), "default")
            rows = measure(settings, load_evidence(store.scope(ANALYZE, index.id), store, asset_id))
    finally:
        shutil.rmtree(home)
    lines = [
        "# A language model in this process",
        "",
        f"{MODEL}, warm, {QUESTIONS} questions about {MINUTES} minutes of evidence at hand: "
        "seconds from the question on. Sentences are streamed once evidence supports them, or `Not "
        "found` at the end.",
        "",
        "| until | median | slowest |",
        "|---|---|---|",
    ]
    for name, title in (
        ("token", "first token of the model"),
        ("sentence", "first sentence streamed"),
        ("end", "end of the answer"),
        ("built in", "end of the built-in backend's answer"),
    ):
        took = rows[name]
        lines.append(f"| {title} | {statistics.median(took):.2f} | {max(took):.2f} |")
    out = Path(__file__).parent / "results" / "language.md"
    out.write_text("\n".join(lines) + "\n")
    print("\n".join(lines[4:]))


if __name__ == "__main__":
    main()
