"""One overlapped pass over a file: pictures and sound side by side, into the journal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import TaskError
from videlicet.ingest.passes.assemble import AUDIO_DONE, VIDEO_DONE
from videlicet.ingest.passes.audio_pass import AudioPass
from videlicet.ingest.passes.journal import Journal
from videlicet.ingest.passes.task_group import TaskGroup
from videlicet.ingest.passes.video_pass import VideoPass
from videlicet.ingest.plan import IndexingModels, IndexingPlan

if TYPE_CHECKING:
    from videlicet.settings import Settings

#: A pass that was broken off this often without one more unit done is given up: the file kills
#: whatever reads it.
MAX_STARTS = 8
_STARTS = "starts"


def observe(
    path: Path,
    plan: IndexingPlan,
    models: IndexingModels,
    crew: TaskGroup,
    journal: Journal,
    settings: Settings,
    lane: Callable[[str], Callable[[float], None]],
) -> None:
    """Fill ``journal`` with every unit of ``plan`` that it does not hold yet.

    Decoders run in child processes and feed the crew's pool, each through a thread of its own.
    Raises the first error of any of them, once all have stopped.
    """
    _count_start(plan, journal)
    passes: list[VideoPass | AudioPass] = []
    if plan.media.video is not None and VIDEO_DONE not in journal:
        passes.append(VideoPass(path, plan, models, crew, journal, settings, lane("pictures")))
    if plan.audio_track is not None and AUDIO_DONE not in journal:
        passes.append(AudioPass(path, plan, models, crew, journal, settings, lane("sound")))

    def read(one: VideoPass | AudioPass) -> None:
        try:
            one.run()
        except BaseException as error:
            crew.fail(error)
        crew.add_cpu_time("reading", time.thread_time())

    readers = [
        threading.Thread(target=read, args=(one,), name=type(one).__name__) for one in passes
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    crew.finish()
    for one in passes:
        one.finish()
    journal.sync()


def _count_start(plan: IndexingPlan, journal: Journal) -> None:
    """Remember that the pass began; refuse one that keeps crashing at the same place."""
    entry = journal.get(_STARTS)
    starts, records = entry.head if entry is not None else (0, 0)
    starts = starts + 1 if records == len(journal) else 1
    if starts > MAX_STARTS:
        raise TaskError(
            "task_failed",
            f"Reading {plan.name} ended the worker process {MAX_STARTS} times at the same place.",
            subject=plan.name,
        )
    journal.put(_STARTS, [starts, len(journal) + (_STARTS not in journal)])
