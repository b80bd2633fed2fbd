"""What a worker records of its jobs: a line in the log when one begins and ends, and spans that
continue the trace of the request that asked for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videlicet.errors import NotFound, VidelicetError
from videlicet.telemetry import traces

if TYPE_CHECKING:
    from videlicet.jobs.context import WorkerContext
    from videlicet.types import Kind

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """How a job has ended; whoever does it sets the status."""

    status: str = "broken off"


@contextmanager
def task_span(kind: str, id: str, trace: str | None) -> Iterator[Outcome]:
    """Log and trace one job: a ``task``, a ``file``, an ``embedding``, an ``analysis``, a
    ``saved_search_run`` or a ``delivery``."""
    outcome = Outcome()
    began = time.monotonic()
    _log.info("work began", extra={"kind": kind, "id": id, "trace": traces.trace_id(trace)})
    try:
        with traces.span(f"ingest {kind}", {f"videlicet.{kind}": id}, parent=trace) as span:
            yield outcome
            if span is not None:
                span.set_attribute("videlicet.status", outcome.status)
    finally:
        _log.info(
            "work ended",
            extra={
                "kind": kind,
                "id": id,
                "status": outcome.status,
                "seconds": round(time.monotonic() - began, 3),
                "trace": traces.trace_id(trace),
            },
        )


@contextmanager
def step_span(name: str) -> Iterator[None]:
    """Log and trace one step of a job."""
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


def resource_trace(context: WorkerContext, kind: Kind, tenant: str, id: str) -> str | None:
    """The trace of the request that made a resource, where there are traces."""
    if not traces.enabled():
        return None
    try:
        found = context.store.catalog.resource(context.tenant_scope(tenant), kind, id)
    except NotFound:
        return None
    return traces.extract(found.body)
