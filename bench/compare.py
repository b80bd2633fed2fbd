"""This checkout beside another one: start-up, indexing and retrieval, as ratios.

``python -m bench compare --against PATH [--only startup ingest retrieval]``. Both run with this
interpreter and its packages, in turns, each in data directories of its own; a ratio over 1 is more
time (or a higher figure of retrieval) here than there. Writes bench/results/compare.md.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("VIDELICET_TEST_CORPUS", ROOT.parent / "shared" / "corpus"))
RUNS = 7
SERVER_RUNS = 3
#: Videos that are indexed for the speed of it.
VIDEOS = 2
PARTS = ("startup", "ingest", "retrieval")

Row = tuple[str, float, float]


class Checkout:
    """A source tree, and processes that run it."""

    def __init__(self, path: Path) -> None:
        self.source = path.resolve() / "src"
        if not (self.source / "videlicet").is_dir():
            raise SystemExit(f"There is no src/videlicet in {path}.")

    def environment(self, home: Path) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.source), "VIDELICET_HOME": str(home)}

    def run(self, home: Path, *arguments: str) -> str:
        """What a command prints."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment(home), cwd=home, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{self.source}: {' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def time(self, home: Path, *arguments: str) -> float:
        began = time.perf_counter()
        self.run(home, *arguments)
        return time.perf_counter() - began

    def until_ready(self, home: Path) -> float:
        """Seconds from the start of a server to its being ready."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        began = time.perf_counter()
        command = [sys.executable, "-m", "videlicet", "serve", "--port", str(port)]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(
            command, env=self.environment(home), cwd=home, stdout=quiet, stderr=quiet
        ) as server:
            try:
                while server.poll() is None:
                    if _answers(f"http://127.0.0.1:{port}/ready"):
                        return time.perf_counter() - began
                    time.sleep(0.02)
            finally:
                server.terminate()
        raise SystemExit(f"{self.source}: the server ended.")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def in_turns(
    ours: Checkout, theirs: Checkout, runs: int, measure: Callable[[Checkout], float]
) -> tuple[float, float]:
    """The medians of both."""
    pairs = [(measure(ours), measure(theirs)) for _ in range(runs)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def _time(folder: Path, arguments: Sequence[str], one: Checkout) -> float:
    return one.time(folder, *arguments)


def startup(ours: Checkout, theirs: Checkout, folder: Path) -> list[Row]:
    cases = {
        "import videlicet, s": ("-c", "import videlicet"),
        "videlicet --help, s": ("-m", "videlicet", "--help"),
    }
    rows = [
        (name, *in_turns(ours, theirs, RUNS, partial(_time, folder, arguments)))
        for name, arguments in cases.items()
    ]
    homes = {one: _fresh(folder) for one in (ours, theirs)}
    for one in homes:
        one.until_ready(homes[one])  # the first start makes the data directory
    ready = in_turns(ours, theirs, SERVER_RUNS, lambda one: one.until_ready(homes[one]))
    return [*rows, ("server start to /ready, s", *ready)]


def ingest(ours: Checkout, theirs: Checkout, folder: Path) -> list[Row]:
    videos = sorted(path for path in (CORPUS / "videos").iterdir() if path.is_file())[:VIDEOS]
    arguments = ["-m", "videlicet", "add", *map(str, videos), "--json"]
    seconds = in_turns(ours, theirs, 1, lambda one: one.time(_fresh(folder), *arguments))
    return [(f"index {VIDEOS} videos, s", *seconds)]


def retrieval(ours: Checkout, theirs: Checkout, folder: Path) -> list[Row]:
    tables = []
    for one in (ours, theirs):
        out = one.run(_fresh(folder), "-m", "videlicet", "evaluate", str(CORPUS), "--json")
        tables.append(json.loads(out)["by_asset"])
    return [
        (f"{metric}, {modality} queries", groups["all"][metric], tables[1][modality]["all"][metric])
        for modality, groups in tables[0].items()
        for metric in ("recall@1", "mrr")
        if metric in groups["all"]
    ]


def _fresh(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, required=True, help="another checkout")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    chosen = parser.parse_args()
    ours, theirs = Checkout(ROOT), Checkout(chosen.against)
    measures = {"startup": startup, "ingest": ingest, "retrieval": retrieval}
    lines = [
        "# Beside another checkout",
        "",
        "| what | here | there | ratio |",
        "|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        for part in chosen.only:
            for what, here, there in measures[part](ours, theirs, Path(name)):
                ratio = f"{here / there:.2f}" if there else "–"
                lines.append(f"| {what} | {here:.3f} | {there:.3f} | {ratio} |")
                print(lines[-1], flush=True)
    out = Path(__file__).parent / "results" / "compare.md"
    out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
