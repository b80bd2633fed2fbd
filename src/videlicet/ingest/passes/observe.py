"""One overlapped pass over a file: pictures and sound side by side, into the journal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import TaskError
from videlicet.ingest.passes.assemble import LISTENED, WATCHED
from videlicet.ingest.passes.audio_pass import Listener
from videlicet.ingest.passes.journal import Journal
from videlicet.ingest.passes.pool import Crew
from videlicet.ingest.passes.video_pass import Watcher
from videlicet.ingest.plan import Models, Plan

if TYPE_CHECKING:
    from videlicet.settings import Settings

#: A pass that was broken off this often without one more unit done is given up: the file kills
#: whatever reads it.
PATIENCE = 8
_STARTS = "starts"


def observe(
    path: Path,
    plan: Plan,
    models: Models,
    crew: Crew,
    journal: Journal,
    settings: Settings,
    lane: Callable[[str], Callable[[float], None]],
) -> None:
    """Fill ``journal`` with every unit of ``plan`` that it does not hold yet.

    Decoders run in child processes and feed the crew's pool, each through a thread of its own.
    Raises the first error of any of them, once all have stopped.
    """
    _count_start(plan, journal)
    passes: list[Watcher | Listener] = []
    if plan.media.video is not None and WATCHED not in journal:
        passes.append(Watcher(path, plan, models, crew, journal, settings, lane("pictures")))
    if plan.audio_track is not None and LISTENED not in journal:
        passes.append(Listener(path, plan, models, crew, journal, settings, lane("sound")))

    def read(one: Watcher | Listener) -> None:
        try:
            one.run()
        except BaseException as error:
            crew.fail(error)
        crew.book("reading", time.thread_time())

    readers = [
        threading.Thread(target=read, args=(one,), name=type(one).__name__) for one in passes
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    crew.finish()
    for one in passes:
        one.conclude()
    journal.sync()


def _count_start(plan: Plan, journal: Journal) -> None:
    """Remember that the pass began; refuse one that keeps dying where it stands."""
    entry = journal.get(_STARTS)
    starts, records = entry.head if entry is not None else (0, 0)
    starts = starts + 1 if records == len(journal) else 1
    if starts > PATIENCE:
        raise TaskError(
            "task_failed",
            f"Reading {plan.name} ended the worker process {PATIENCE} times at the same place.",
            subject=plan.name,
        )
    journal.put(_STARTS, [starts, len(journal) + (_STARTS not in journal)])
