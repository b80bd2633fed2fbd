"""Fills a matrix slowly, in a process of its own that may be killed: file, log, seconds per cell.

Each question that is really asked is a line in the log, written before it is answered.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from tests.analyze.exports.factories import asset, make_evidence, make_item

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.matrix import Matrix, open_matrix_store, run_matrix
from videlicet.types import Answer, Sentence, Usage

QUESTIONS = [f"What is said of number {n}?" for n in range(10)]
ASSETS = [f"{n:024x}" for n in range(20)]


def gathered(asset_id: str) -> AssetEvidence:
    said = make_item(f"said in {asset_id}", 0, 1, asset_id=asset_id, confidence=1 / 3)
    return make_evidence(said, of=asset(asset_id, f"{asset_id[-4:]}.mp4"))


class SlowBackend:
    """Answers with the first item, after a while, and notes that it was asked."""

    id = "slow"

    def __init__(self, log: Path, seconds: float) -> None:
        self._log, self._seconds = log, seconds

    def ask(self, all_evidence: list[AssetEvidence], question: str, **_: Any) -> Answer:
        with self._log.open("a") as log:
            log.write(f"{question}\t{all_evidence[0].asset.id}\n")
        time.sleep(self._seconds)
        first = all_evidence[0].items[0]
        said = Sentence(f"{question} {first.text}", (first,))
        return Answer((said,), True, self.id, usage=Usage(3, 5))


def fill(store: Path, log: Path, seconds: float) -> Matrix:
    with open_matrix_store(store) as kept:
        backend: Any = SlowBackend(log, seconds)
        return run_matrix(gathered, backend, QUESTIONS, ASSETS, kept)


if __name__ == "__main__":
    fill(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
