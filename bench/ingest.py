"""Ingest against a plain script, against the video's length, and against memory.

Writes bench/results/ingest.md. The videos are 720p: the videos of a folder one after another, with
all their speech, without a pause, as the sound; looped to the length asked for. The plain script
runs the very same units one after another in one thread.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil

from videlicet.ingest import Progress, ingest
from videlicet.ingest.passes.journal import Journal
from videlicet.ingest.passes.observe import observe
from videlicet.ingest.passes.task_group import TaskGroup
from videlicet.ingest.plan import IndexingModels, IndexingPlan
from videlicet.media.probe import probe
from videlicet.media.sources import find_sources
from videlicet.models.cards import default_cards
from videlicet.models.registry import load as load_model
from videlicet.rights import Grant, Purpose
from videlicet.settings import Settings, cores, load
from videlicet.store import open_store
from videlicet.types import Status

CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "videos"
GRANT = Grant("bench", Purpose.INGEST)
SIZE, RATE, SOUND = (1280, 720), 25, 44_100
silent = 0.02


# -- the videos ----------------------------------------------------------------------------------


def block(folder: Path, out: Path) -> Path:
    """All videos of a folder as one 720p video."""
    videos = sorted(path for path in folder.iterdir() if path.is_file())
    speech = np.concatenate([talk for path in videos if len(talk := sound_of(path))])
    with av.open(str(out), "w") as container:
        picture: Any = container.add_stream(
            "libx264", rate=RATE, options={"preset": "veryfast", "bf": "0"}
        )
        picture.width, picture.height, picture.pix_fmt = *SIZE, "yuv420p"
        track: Any = container.add_stream("aac", rate=SOUND, layout="mono")
        count = 0
        for path in videos:
            for frame in frames_of(path):
                frame.pts, frame.time_base = count, Fraction(1, RATE)
                container.mux(picture.encode(frame))
                count += 1
        container.mux(picture.encode(None))
        samples = np.resize(speech, count * SOUND // RATE)
        for at in range(0, len(samples), 1024):
            chunk = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], "fltp", "mono")
            chunk.sample_rate, chunk.time_base, chunk.pts = SOUND, Fraction(1, SOUND), at
            container.mux(track.encode(chunk))
        container.mux(track.encode(None))
    return out


def frames_of(path: Path) -> Iterator[av.VideoFrame]:
    """The pictures at a constant rate, fitted into the frame with black bars."""
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        graph = av.filter.Graph()
        begin = graph.add_buffer(template=stream)
        width, height = SIZE
        steps = [
            graph.add("fps", str(RATE)),
            graph.add("scale", f"{width}:{height}:force_original_aspect_ratio=decrease"),
            graph.add("pad", f"{width}:{height}:-1:-1"),
            graph.add("setsar", "1"),
            graph.add("format", "yuv420p"),
            graph.add("buffersink"),
        ]
        for one, other in itertools.pairwise([begin, *steps]):
            one.link_to(other)
        graph.configure()
        for decoded in itertools.chain(source.decode(stream), [None]):
            graph.push(decoded)
            while True:
                try:
                    frame = graph.pull()
                    assert isinstance(frame, av.VideoFrame)
                    yield frame
                except (BlockingIOError, EOFError):
                    break


def sound_of(path: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The samples of the first track, mono; empty where there is none or it is silent."""
    with av.open(str(path)) as source:
        if not source.streams.audio:
            return np.zeros(0, np.float32)
        resampler = av.AudioResampler("fltp", "mono", SOUND)
        pieces = [
            piece.to_ndarray()[0]
            for frame in itertools.chain(source.decode(source.streams.audio[0]), [None])
            for piece in resampler.resample(frame)
        ]
    samples = np.concatenate(pieces).astype(np.float32)
    return samples if float(np.abs(samples).mean()) > silent else np.zeros(0, np.float32)


def repeat_video(source: Path, minutes: float, out: Path) -> Path:
    """``source`` again and again until ``minutes`` are full, without encoding anew."""
    with av.open(str(out), "w") as container:
        streams: dict[int, Any] = {}
        offset, wanted = Fraction(0), Fraction(minutes) * 60
        while offset < wanted:
            with av.open(str(source)) as once:
                for stream in once.streams:
                    if stream.index not in streams:
                        streams[stream.index] = container.add_stream_from_template(stream)
                length = Fraction(once.duration or 0, av.time_base)
                for packet in once.demux():
                    if packet.dts is None or packet.time_base is None or packet.pts is None:
                        continue
                    shift = round(offset / packet.time_base)
                    if offset + packet.pts * packet.time_base >= wanted:
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[packet.stream.index]
                    container.mux(packet)
            offset += length + Fraction(1, RATE)
    return out


# -- the two ways -------------------------------------------------------------------------------


@dataclass
class Run:
    """What one ingest took, in seconds and bytes."""

    length: float
    wall: float
    work: float
    cpu: float
    stages: dict[str, float] = field(default_factory=dict)
    peak: int = 0


def library(video: Path, settings: Settings) -> Run:
    """The library's own way, with its worker process and decoders."""
    began = time.perf_counter()
    with open_store(settings, write=True, create=True) as store, Watched() as watched:
        index = store.catalog.create_index(store.scope(GRANT), "bench", default_cards())
        started, last = began, None
        for news in ingest(store.scope(GRANT), store, settings, index, find_sources([video])):
            if last is None or last.stage == "identify":
                started = time.perf_counter()
            last = news
    assert last is not None
    require_ready(last)
    ended = time.perf_counter()
    assert last.total_s is not None
    return Run(
        length=last.total_s,
        wall=ended - began,
        work=ended - started,
        cpu=last.cpu["total"],
        stages={name: s for name, s in last.cpu.items() if name != "total"},
        peak=watched.peak,
    )


def require_ready(news: Progress) -> None:
    if news.status is not Status.READY:
        raise SystemExit(f"{news.source}: {news.error}")


class Inline:
    """Stands in for the pool: every unit runs at once, in the thread that brings it."""

    threads = 1

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self._one = threading.Lock()

    def submit(self, priority: tuple[int, ...], unit: Callable[[], None], tenant: str = "") -> None:
        name = {0: "text", 1: "vision", 2: "speech", 3: "sound"}[priority[0]]
        with self._one:
            began = time.perf_counter()
            unit()
            self.wall[name] += time.perf_counter() - began


def index_without_decoding(source: Path, settings: Settings) -> tuple[float, dict[str, float]]:
    """One stage after another: first all of the pictures, then all of the sound. Seconds in all
    (models already loaded), and by stage."""
    cards = default_cards()
    models = IndexingModels.of(cards, partial(load_model, settings=settings))
    media = probe(source, settings)
    pool = Inline()
    total = 0.0
    stages: dict[str, float] = {}
    only = {"pictures": (media.video, ()), "sound": (None, media.audio)}
    for name, (video, audio) in only.items():
        part = replace(media, video=video, audio=audio)
        plan = IndexingPlan(
            "i", "a", "", source.name, (), part, cards, settings.sample_rate,
            settings.segment_min, settings.segment_max,
        )  # fmt: skip
        tasks = TaskGroup(pool, 0, lambda: False)  # type: ignore[arg-type]
        began = time.perf_counter()
        with Journal(settings.home / f"{name}.journal") as journal:
            observe(source, plan, models, tasks, journal, settings, lambda _: lambda _: None)
        spent = time.perf_counter() - began
        total += spent
        stages[f"decode {name}"] = tasks.cpu[f"decode {name}"]
    return total, {**pool.wall, **stages}


class Watched:
    """The largest resident size of this process's children together, while it is open."""

    def __init__(self) -> None:
        self.peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._done.wait(0.2):
            sizes = []
            for process in [me, *me.children(recursive=True)]:
                try:
                    # Between fork and exec a child still is its parent's memory: not counted twice.
                    if process == me or process.cmdline() != process.parent().cmdline():
                        sizes.append(process.memory_info().rss)
                except (psutil.NoSuchProcess, AttributeError):
                    continue
            self.peak = max(self.peak, sum(sizes))


# -- the table ----------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=Path, default=CORPUS, help="folder the video is made of")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10, 60])
    parser.add_argument("--plain-up-to", type=float, default=10, help="longest video, in minutes")
    chosen = parser.parse_args(arguments)
    rows, details = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = block(chosen.videos, folder / "block.mp4")
        for minutes in chosen.minutes:
            video_file = repeat_video(whole, minutes, folder / f"{minutes:g}.mp4")
            settings = load(folder / f"library-{minutes:g}")
            run = library(video_file, settings)
            one = None
            if minutes <= chosen.plain_up_to:
                # In a process of its own, or its models would count as the caller's memory.
                with ProcessPoolExecutor(1, get_context("spawn")) as other:
                    one = other.submit(index_without_decoding, video_file, settings).result()
            rows.append(row(run, one))
            details.append(detail(minutes, run, one))
            video_file.unlink()
            shutil.rmtree(settings.home)
    out = Path(__file__).parent / "results" / "ingest.md"
    out.parent.mkdir(exist_ok=True)
    out.write_text(report(rows, details))
    print(out.read_text())


def row(run: Run, one: tuple[float, dict[str, float]] | None) -> str:
    beside = "–" if one is None else f"{one[0]:.0f} s"
    ideal = run.cpu / cores()
    return (
        f"| {run.length / 60:.0f} min | {run.wall:.0f} s | {run.length / run.wall:.1f}× "
        f"| {beside} | {run.cpu:.0f} s | {run.work / ideal:.2f} | {run.peak / 2**20:.0f} MB |"
    )


def detail(minutes: float, run: Run, one: tuple[float, dict[str, float]] | None) -> str:
    names = sorted({*run.stages, *(one[1] if one else ())})
    lines = [f"## {minutes:g} min by stage", "", "| stage | CPU s, library | s, plain script |"]
    lines.append("|---|---|---|")
    for name in names:
        beside = "–" if one is None or name not in one[1] else f"{one[1][name]:.1f}"
        lines.append(f"| {name} | {run.stages.get(name, 0):.1f} | {beside} |")
    return "\n".join(lines)


def report(rows: list[str], details: list[str]) -> str:
    head = [
        "# Ingest",
        "",
        f"720p at {RATE} frames a second, speech without a pause, all lanes on; {cores()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}.",
        "",
        "- *wall*: from the call to the searchable asset, with the start of the worker and the "
        "loading of the models",
        "- *plain*: the same units one after another in one thread, models already loaded",
        "- *CPU*: processor seconds of the worker and its decoders, everything included",
        "- *wall ÷ ideal*: wall time from the first unit, over CPU ÷ cores; 1.00 is both cores "
        "always busy",
        "- *peak*: resident sizes of caller, worker and decoders together",
        "",
        "| video | wall | × real time | plain | CPU | wall ÷ ideal | peak |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        "The CPU of speech and sound by stage leaves out their models' own threads; the plain "
        "script's seconds hold them.",
        "",
    ]
    return "\n".join(head) + "\n" + "\n\n".join(details) + "\n"


if __name__ == "__main__":
    main()
