"""What the worker tells of its work: a line in the log when it begins and ends, and spans that go
on from the request that asked for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videlicet.errors import NotFound, VidelicetError
from videlicet.ingest import videos
from videlicet.telemetry import traces
from videlicet.types import Kind

if TYPE_CHECKING:
    from videlicet.jobs.context import Runtime

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class End:
    """How a piece of work has ended, filled in by who does it."""

    status: str = "broken off"


@contextmanager
def told(kind: str, id: str, trace: str | None) -> Iterator[End]:
    """Tell of one piece of work: a ``task``, a ``file``, an ``embedding``, a
    ``trial`` or a ``delivery``."""
    end = End()
    began = time.monotonic()
    _log.info("work began", extra={"kind": kind, "id": id, "trace": traces.trace_id(trace)})
    try:
        with traces.span(f"ingest {kind}", {f"videlicet.{kind}": id}, parent=trace) as span:
            yield end
            if span is not None:
                span.set_attribute("videlicet.status", end.status)
    finally:
        _log.info(
            "work ended",
            extra={
                "kind": kind,
                "id": id,
                "status": end.status,
                "seconds": round(time.monotonic() - began, 3),
                "trace": traces.trace_id(trace),
            },
        )


@contextmanager
def told_step(name: str) -> Iterator[None]:
    """Tell of one step of it."""
    began = time.monotonic()
    code: str | None = None
    try:
        with traces.span(f"step {name}"):
            yield
    except VidelicetError as error:
        code = error.code
        raise
    except Exception:
        code = "task_failed"
        _log.exception("a step failed", extra={"step": name})
        raise
    finally:
        seconds = round(time.monotonic() - began, 3)
        _log.info("step ended", extra={"step": name, "seconds": seconds, "code": code})


def trace_of(runtime: Runtime, kind: Kind, tenant: str, id: str) -> str | None:
    """The trace of the request that left this work, where there are traces."""
    if not traces.on():
        return None
    try:
        found = runtime.store.catalog.resource(
            runtime.store.scope(runtime.scope.within(tenant)), kind, id
        )
    except NotFound:
        return None
    return traces.brought(found.body)


def trace_of_task(runtime: Runtime, task_id: str) -> str | None:
    """The same for an indexing task, whose video keeps it."""
    if not traces.on():
        return None
    try:
        task = runtime.store.catalog.task(runtime.scope, task_id)
    except NotFound:
        return None
    video_id = videos.video_of(task.source)
    return None if video_id is None else trace_of(runtime, Kind.VIDEO, task.tenant, video_id)
