"""The durable workflow: one task is identify → observe → store → finish.

Every step can be run again at any time and ends in the same state, so the workflow survives being
killed between or inside steps. A step never raises what it means to report: its outcome, good or
bad, is JSON that the next run of the same workflow reads back instead of running the step again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from dbos import DBOS
from sqlalchemy.exc import DBAPIError

from videlicet.errors import Cancelled, TaskError, VidelicetError, from_json
from videlicet.ingest import delivery, short
from videlicet.ingest.runtime import Runtime
from videlicet.ingest.steps import Steps

QUEUE = "ingest"
WORKFLOW = "ingest"
#: Work that takes seconds has a queue of its own, so that it never waits behind whole films.
SHORT_QUEUE = "short"
PREPARE = "prepare"
EMBED = "embed"
#: Deliveries mostly wait for their next try, so many may be under way.
DELIVERY_QUEUE = "deliveries"
DELIVER = "deliver"
#: Tasks at work at once: while one file's last unit keeps one core busy, the next begins.
CONCURRENCY = 2

_log = logging.getLogger(__name__)
_runtime: Runtime | None = None


def host(runtime: Runtime | None) -> None:
    """Say in which runtime this process's workflows run."""
    global _runtime
    _runtime = runtime


def workflow_id(task_id: str, attempts: int) -> str:
    """One workflow for each time a task is tried."""
    return f"{task_id}.{attempts}"


@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
def run_task(task_id: str) -> str:
    """Run one task to its end and return its status."""
    assert _runtime is not None
    steps = Steps(_runtime, task_id)
    plan: dict[str, Any] | None = None
    try:
        plan = _step("identify", steps.identify)
        with steps.alone(plan):
            if not _step("admit", lambda: steps.admit(plan)):
                return "already"
            _step("observe", lambda: steps.observe(plan))
            notes = _step("store", lambda: steps.store(plan))
            _step("finish", lambda: steps.finish(plan, notes))
    except VidelicetError as error:
        broken = error  # the name ends with this block, the step runs inside it
        _step("give up", lambda: steps.give_up(broken, plan))
        return "cancelled" if isinstance(error, Cancelled) else "failed"
    except DBAPIError as error:
        # The books cannot be written, so no step can be: as much as still goes is done without.
        from videlicet.ingest.books import fault

        steps.break_off(fault(error, _runtime.settings), plan)
        raise
    finally:
        _runtime.leave(task_id)
    return "ready"


def _step(name: str, work: Callable[[], Any]) -> Any:
    """Run ``work`` once, and remember how it ended."""
    ended = DBOS.run_step({"name": name}, lambda: outcome(name, work))
    if "error" in ended:
        raise from_json(ended["error"])
    return ended["value"]


def outcome(name: str, work: Callable[[], Any]) -> dict[str, Any]:
    """What ``work`` returned, as ``value``, or how it failed, as ``error``."""
    try:
        return {"value": work()}
    except VidelicetError as error:
        return {"error": error.to_json()}
    except Exception as error:
        # Nothing we know of, so a fault of ours: it fails this task alone, with its traceback in
        # the log.
        _log.exception("step %s failed", name)
        fault = TaskError("task_failed", f"{type(error).__name__} in step {name}: {error}")
        return {"error": fault.to_json()}


@DBOS.workflow(name=PREPARE, max_recovery_attempts=None)
def prepare_file(tenant: str, file_id: str) -> str:
    """Make an uploaded file ready, and return its status."""
    assert _runtime is not None
    runtime = _runtime
    return str(_step("prepare", lambda: short.prepare(runtime, tenant, file_id)))


@DBOS.workflow(name=EMBED, max_recovery_attempts=None)
def embed_media(tenant: str, task_id: str) -> str:
    """Compute the vectors an embedding task asks for, and return its status."""
    assert _runtime is not None
    runtime = _runtime
    return str(_step("embed", lambda: short.embed(runtime, tenant, task_id)))


@DBOS.workflow(name=DELIVER, max_recovery_attempts=None)
def deliver_event(tenant: str, delivery_id: str) -> str:
    """Bring an event to an address, with growing pauses between tries."""
    assert _runtime is not None
    runtime = _runtime
    pause = runtime.settings.webhook_delay
    for number in range(delivery.TRIES):
        last = number == delivery.TRIES - 1
        tried = partial(delivery.attempt, runtime, tenant, delivery_id, last=last)
        if _step(f"try {number}", tried):
            break
        DBOS.sleep(pause)
        pause *= delivery.FACTOR
    return "ended"
