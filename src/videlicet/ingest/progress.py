"""What an ingest says of itself while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from videlicet.types import Status, Task


@dataclass(frozen=True, slots=True)
class Progress:
    """One progress event of one source. Times are seconds.

    ``done_s`` and ``total_s`` are seconds of the recording; ``rate`` is how many of them one
    second of work gets through; ``left_s`` estimates the seconds until the task ends. ``already``
    says that the index held the same bytes before. ``error`` is
    :meth:`videlicet.errors.VidelicetError.to_json`. A source that cannot even be looked at has a
    failed status and an id that no task has.

    The last news of a task brings ``cpu``, the processor seconds spent by stage, here and in the
    decoders (the speech models' own threads excepted: ``total`` holds all that the worker and its
    ended decoders have spent since it started), and ``memory``, the worker's largest resident size
    so far in bytes.
    """

    task_id: str
    source: str
    status: Status
    stage: str | None = None
    asset_id: str | None = None
    done_s: float = 0.0
    total_s: float | None = None
    rate: float | None = None
    left_s: float | None = None
    notes: tuple[str, ...] = ()
    error: Mapping[str, Any] | None = None
    already: bool = False
    cpu: Mapping[str, float] = field(default_factory=dict)
    memory: int = 0

    @classmethod
    def of(cls, task: Task, **news: Any) -> Progress:
        """The event for the current state of a task."""
        values = {
            "status": task.status,
            "stage": task.stage,
            "asset_id": task.asset_id,
            "done_s": task.done_s,
            "total_s": task.total_s,
            "error": task.error,
        }
        return cls(task.id, source_label(task), **{**values, **news})

    def to_json(self) -> dict[str, Any]:
        row = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            **row,
            "status": self.status.value,
            "notes": list(self.notes),
            "error": None if self.error is None else dict(self.error),
            "cpu": dict(self.cpu),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Progress:
        return cls(**{**row, "status": Status(row["status"]), "notes": tuple(row["notes"])})


def source_label(task: Task) -> str:
    """What a task adds, or which video it indexes, as text that is safe to print."""
    return printable_source(task.source) or f"video:{task.video_id}"


def printable_source(source: str) -> str:
    """A path as text that is safe to print and send (undecodable bytes as ``\\xNN``)."""
    return source.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def estimate_rate(
    done_s: float, elapsed: float, total_s: float | None
) -> tuple[float | None, float | None]:
    """(rate, left_s) after ``done_s`` seconds of recording took ``elapsed`` seconds of work.

    Both are ``None`` until there is something to go by.
    """
    if done_s <= 0 or elapsed <= 0:
        return None, None
    rate = done_s / elapsed
    return rate, None if total_s is None else max(0.0, total_s - done_s) / rate
