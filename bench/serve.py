"""Searches over HTTP while nothing else goes on, while videos are taken in, and from many clients.

Writes bench/results/serve.md. The server runs as users start it, with the real models; the videos
are 720p with speech, as in `python -m bench ingest`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from bench.ingest import CORPUS, block, repeat_video
from bench.search import SEGMENTS, WORDS, build
from videlicet.rights import Grant, Purpose
from videlicet.settings import cores, load
from videlicet.store import open_store

_RUN = "import sys; sys.argv[0] = 'videlicet'; from videlicet.cli import main; main()"


class BenchServer:
    """A server on a new data directory, with a key for it; a context manager."""

    def __init__(self, home: Path) -> None:
        with open_store(load(home), write=True, create=True) as store:
            self.key = store.catalog.create_key(
                store.scope(Grant("bench", Purpose.MANAGE)), "bench"
            )[1]
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        self.root = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RUN, "serve", "--port", str(port)],
            env={**os.environ, "VIDELICET_HOME": str(home), "VIDELICET_RATE_LIMIT": "1000000"},
        )

    def __enter__(self) -> BenchServer:
        while True:
            try:
                if httpx.get(f"{self.root}/ready").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.2)

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.root}/v1.3", headers={"x-api-key": self.key}, timeout=120
        )

    def memory(self) -> int:
        """Resident size of the process that answers, in bytes."""
        return int(psutil.Process(self._process.pid).memory_info().rss)


def index_of(client: httpx.Client) -> str:
    models = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
    body = {"index_name": "bench", "models": models}
    return str(client.post("indexes", json=body).raise_for_status().json()["_id"])


def begin(client: httpx.Client, index: str, path: Path) -> str:
    with path.open("rb") as file:
        answer = client.post("tasks", data={"index_id": index}, files={"video_file": file})
    return str(answer.raise_for_status().json()["_id"])


def status(client: httpx.Client, task: str) -> str:
    return str(client.get(f"tasks/{task}").raise_for_status().json()["status"])


def search(client: httpx.Client, index: str, rng: Any) -> tuple[int, float]:
    """Status and seconds of one search."""
    form = {
        "index_id": index,
        "query_text": f"a {rng.choice(WORDS)} with a {rng.choice(WORDS)}",
        "search_options": ["visual", "audio", "transcription"],
    }
    began = time.perf_counter()
    answer = client.post("search", data=form)
    return answer.status_code, time.perf_counter() - began


def percentiles(times: list[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(times, [50, 95]) * 1000
    return float(p50), float(p95)


def many_clients(
    served: BenchServer, index: str, clients: int, seconds: float
) -> tuple[Counter[int], list[float]]:
    """Statuses and seconds of the searches of many clients at once."""
    codes: Counter[int] = Counter()
    times: list[float] = []
    lock = threading.Lock()
    until = time.monotonic() + seconds

    def one(seed: int) -> None:
        rng = np.random.default_rng(seed)
        with served.client() as client:
            while time.monotonic() < until:
                code, took = search(client, index, rng)
                with lock:
                    codes[code] += 1
                    times.append(took)

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes, times


def large_library(home: Path, segments: int) -> tuple[list[float], list[float]]:
    """Seconds of searches in a library of so many segments, by v1.3 and natively."""
    build(load(home), segments)
    rng = np.random.default_rng(6)
    with BenchServer(home) as served, served.client() as client:
        index = client.get("indexes").raise_for_status().json()["data"][0]["_id"]
        while True:
            page = client.get(f"indexes/{index}/indexed-assets").raise_for_status().json()
            if page["page_info"]["total_results"] == segments // SEGMENTS:
                break
            time.sleep(1)
        for _ in range(20):
            search(client, index, rng)
        ours = []
        for _ in range(100):
            text = f"a {rng.choice(WORDS)} with a {rng.choice(WORDS)}"
            body = {"parts": [{"text": text}]}
            began = time.perf_counter()
            client.post(f"{served.root}/v1/indexes/{index}/search", json=body).raise_for_status()
            ours.append(time.perf_counter() - began)
        return [search(client, index, rng)[1] for _ in range(100)], ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--segments", type=int, default=100_000)
    chosen = parser.parse_args()
    rng = np.random.default_rng(5)
    folder = Path(tempfile.mkdtemp(prefix="videlicet-bench-"))
    try:
        whole = block(CORPUS, folder / "block.mp4")
        videos = [
            repeat_video(whole, minutes, folder / f"{minutes:g}.mp4") for minutes in (1, 4, 4.1)
        ]
        with BenchServer(folder / "home") as served, served.client() as client:
            index = index_of(client)
            first = begin(client, index, videos[0])
            while status(client, first) not in ("ready", "failed"):
                time.sleep(0.5)
            search(client, index, rng)
            idle = [search(client, index, rng)[1] for _ in range(100)]
            tasks = [begin(client, index, video) for video in videos[1:]]
            while "indexing" not in {status(client, task) for task in tasks}:
                time.sleep(0.2)
            time.sleep(5)
            busy: list[float] = []
            while all(status(client, task) == "indexing" for task in tasks) and len(busy) < 100:
                busy.append(search(client, index, rng)[1])
                time.sleep(0.1)
            while any(status(client, task) == "indexing" for task in tasks):
                time.sleep(1)
            before = served.memory()
            codes, times = many_clients(served, index, chosen.clients, chosen.seconds)
            after = served.memory()
        there, native = large_library(folder / "large", chosen.segments)
    finally:
        shutil.rmtree(folder)
    rows = [
        ("one client, nothing else", len(idle), idle),
        ("one client, two videos being indexed", len(busy), busy),
        (f"{chosen.clients} clients, {chosen.seconds:.0f} s", len(times), times),
    ]
    lines = [
        "# Searches over HTTP",
        "",
        f"Text over all lanes, a library of one minute; {cores()} cores. Milliseconds.",
        "",
        "| | searches | p50 | p95 | × idle p95 |",
        "|---|---|---|---|---|",
    ]
    base = percentiles(idle)[1]
    for name, count, row in rows:
        p50, p95 = percentiles(row)
        lines.append(f"| {name} | {count} | {p50:.0f} | {p95:.0f} | {p95 / base:.1f} |")
    answers = ", ".join(f"{count} × {code}" for code, count in sorted(codes.items()))
    lines += [
        "",
        f"Answers to the many clients: {answers}. Memory of the server before and after them: "
        f"{before / 2**20:.0f} and {after / 2**20:.0f} MB.",
        "",
        f"One client, a library of {chosen.segments:,} segments, first pages:",
        "",
        "| | p50 | p95 |",
        "|---|---|---|",
        *(
            f"| {name} | {percentiles(row)[0]:.0f} | {percentiles(row)[1]:.0f} |"
            for name, row in (("`/v1.3/search`", there), ("`/v1` search", native))
        ),
    ]
    out = Path(__file__).parent / "results" / "serve.md"
    out.write_text("\n".join(lines) + "\n")
    print(out.read_text())


if __name__ == "__main__":
    main()
