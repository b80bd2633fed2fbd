"""Analyses that run in the background: one by one, or many in a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from videlicet.analysis_jobs import analyses
from videlicet.errors import Conflict, NotFound
from videlicet.rights import Purpose
from videlicet.services.problems import unknown
from videlicet.store.catalog.schema import to_stored_time
from videlicet.telemetry import traces
from videlicet.types import Kind, Resource, derived_id, random_id
from videlicet.webhooks import delivery

if TYPE_CHECKING:
    from videlicet.analyze.run import AnalysisRequest
    from videlicet.services.analysis.targets import AnalysisTarget
    from videlicet.services.caller import Caller

#: How long a batch may take, and how long its results are kept.
BATCH_LIFETIME, BATCH_RETENTION = timedelta(hours=24), timedelta(days=30)
#: Results that are read at a time.
_PAGE = 100


@dataclass(frozen=True, slots=True)
class NewTask:
    """One analysis: of ``target``, or of pictures (names and bytes). ``params`` are what was asked,
    to be shown again."""

    request: AnalysisRequest
    model: str
    params: Mapping[str, Any]
    target: AnalysisTarget | None = None
    images: Sequence[tuple[str, bytes]] = ()
    custom_id: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a webhook was notified of the end of an analysis."""

    url: str
    is_delivered: bool
    attempts: int
    last_error: str | None


# -- tasks --------------------------------------------------------------------------------------


def create_task(caller: Caller, new: NewTask) -> Resource:
    """Have an analysis made."""
    made = _put(caller, new)
    caller.platform.worker_client.notify()
    return made


def _put(caller: Caller, new: NewTask, batch_id: str = "") -> Resource:
    now = datetime.now(UTC)
    scope = caller.scope(Purpose.INGEST)
    id = random_id()
    for number, (_, data) in enumerate(new.images):
        caller.store.blobs.put(scope, analyses.image_key(id, number), data)
    target = new.target
    made = Resource(
        id=id,
        kind=Kind.ANALYSIS,
        tenant=caller.tenant,
        created_at=now,
        updated_at=now,
        status=analyses.QUEUED,
        parent=batch_id,
        body={
            "job": new.request.to_json(),
            "params": dict(new.params),
            "source": None if target is None else target.source,
            "model": new.model,
            "custom_id": new.custom_id,
            "index_id": None if target is None else target.index.id,
            "video_id": None if target is None else target.video.id,
            "own": None if target is None else target.upload_id,
            "pictures": [name for name, _ in new.images],
            **traces.inject(),
        },
    )
    caller.catalog.put_resource(scope, made)
    return made


def get_task(caller: Caller, task_id: str) -> Resource:
    """An analysis of the caller's.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        return caller.catalog.resource(caller.manage, Kind.ANALYSIS, task_id)
    except NotFound:
        raise unknown("analysis task", task_id) from None


def list_tasks(
    caller: Caller,
    *,
    status: Sequence[str] = (),
    url: str | None = None,
    asset_id: str | None = None,
    mode: str | None = None,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[Resource], int]:
    """A page of analyses, newest first, and how many there are in all; of a source or a mode, if
    given."""
    wanted = (
        (("source", "url"), url),
        (("source", "asset_id"), asset_id),
        (("params", "analysis_mode"), mode),
    )
    return caller.catalog.find_resources(
        caller.manage, Kind.ANALYSIS, status=status, offset=offset, limit=limit,
        body=[(path, "==", value) for path, value in wanted if value is not None],
    )  # fmt: skip


def cancel_task(caller: Caller, task_id: str) -> Resource:
    """Cancel an analysis that has not ended.

    Raises:
        NotFound: ``resource_not_found``.
        Conflict: ``resource_conflict``, it has ended.
    """
    one = get_task(caller, task_id)
    if one.status in analyses.LIVE:
        one = analyses.end_analysis(
            caller.scope(Purpose.INGEST), caller.store, one, analyses.CANCELED, {}
        )
        caller.platform.worker_client.notify()
        if one.status == analyses.CANCELED:
            return one
    raise Conflict("resource_conflict", f"The task is {one.status}.", subject=task_id)


def delete_task(caller: Caller, task_id: str) -> None:
    """Delete an analysis that no worker is at.

    Raises:
        NotFound: ``resource_not_found``.
        Conflict: ``resource_conflict``.
    """
    one = get_task(caller, task_id)
    if one.status == analyses.PROCESSING:
        raise Conflict(
            "resource_conflict", "The task is at work; cancel it first.", subject=task_id
        )
    if one.status in analyses.LIVE:
        analyses.end_analysis(
            caller.scope(Purpose.INGEST), caller.store, one, analyses.CANCELED, {}
        )
    blobs = [analyses.image_prefix(one.id)] if one.body.get("pictures") else []
    caller.catalog.delete_resource(caller.manage, Kind.ANALYSIS, one.id, blobs=blobs)
    if blobs:
        caller.store.finish_erasures()


def duration_of(caller: Caller, task: Resource) -> float | None:
    """The seconds that the video of an analysis lasts, where that is known."""
    try:
        return caller.catalog.video(caller.manage, task.body["video_id"]).asset.duration
    except NotFound:
        return None


def deliveries_of(caller: Caller, task: Resource) -> list[Delivery]:
    """How the webhooks were notified of the end of an analysis."""
    if task.status not in analyses.ENDED:
        return []
    found = []
    kind = analyses.EVENTS[task.status]
    webhooks, _ = caller.catalog.find_resources(caller.manage, Kind.WEBHOOK)
    for webhook in webhooks:
        try:
            row = caller.catalog.resource(
                caller.manage, Kind.DELIVERY, derived_id(webhook.id, kind, task.id)
            )
        except NotFound:
            continue
        delivered = row.status == delivery.DELIVERED
        attempts = int(row.body["attempts"])
        found.append(Delivery(webhook.name, delivered, attempts, row.body.get("last_error")))
    return found


# -- batches ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far a batch is. ``count`` has the number of its analyses by status."""

    batch: Resource
    status: str
    expires_at: datetime
    completed_at: str | None
    count: Counter[str] = field(default_factory=Counter)


def create_batch(
    caller: Caller, mode: str, model: str, tasks: Sequence[NewTask]
) -> tuple[Resource, list[Resource]]:
    """Have many analyses made, and know them by one id."""
    now = datetime.now(UTC)
    batch = Resource(
        id=random_id(),
        kind=Kind.BATCH,
        tenant=caller.tenant,
        created_at=now,
        updated_at=now,
        expires_at=now + BATCH_RETENTION,
        body={"analysis_mode": mode, "model": model, "total": len(tasks), "canceled_at": None},
    )
    caller.catalog.put_resource(caller.scope(Purpose.INGEST), batch)
    made = [_put(caller, one, batch.id) for one in tasks]
    caller.platform.worker_client.notify()
    return batch, made


def get_batch(caller: Caller, batch_id: str) -> Resource:
    """A batch of the caller's.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        return caller.catalog.resource(caller.manage, Kind.BATCH, batch_id)
    except NotFound:
        raise unknown("batch", batch_id) from None


def list_batches(caller: Caller) -> list[BatchProgress]:
    """All batches whose results are kept, newest first."""
    analyses.delete_expired_batches(caller.scope(Purpose.INGEST), caller.store)
    rows, _ = caller.catalog.find_resources(caller.manage, Kind.BATCH)
    return [batch_progress(caller, row) for row in rows]


def batch_progress(caller: Caller, batch: Resource) -> BatchProgress:
    """How far a batch is. One that takes longer than a day is expired: what of it has not begun is
    canceled."""
    expires = batch.created_at + BATCH_LIFETIME
    rows, _ = caller.catalog.find_resources(caller.manage, Kind.ANALYSIS, parent=batch.id)
    count = Counter(row.status for row in rows)
    live = sum(count[status] for status in analyses.LIVE)
    if live and datetime.now(UTC) >= expires:
        _cancel_waiting(caller, batch)
        rows, _ = caller.catalog.find_resources(caller.manage, Kind.ANALYSIS, parent=batch.id)
        count = Counter(row.status for row in rows)
        live = sum(count[status] for status in analyses.LIVE)
    ends = [row.body["completed_at"] for row in rows if row.body.get("completed_at")]
    last = max(ends, default=None)
    canceled = bool(batch.body.get("canceled_at"))
    if live:
        begun = live < len(rows) or count[analyses.PROCESSING]
        status = "canceling" if canceled else "processing" if begun else "pending"
    else:
        expired = last is not None and datetime.fromisoformat(last) >= expires
        status = "canceled" if canceled else "expired" if expired else "completed"
    return BatchProgress(batch, status, expires, last, count)


def cancel_batch(caller: Caller, batch_id: str) -> BatchProgress:
    """Cancel what of a batch no worker has begun; the rest may finish.

    Raises:
        NotFound: ``resource_not_found``.
        Conflict: ``resource_conflict``, it has ended, or was canceled.
    """
    batch = get_batch(caller, batch_id)
    if batch_progress(caller, batch).status not in ("pending", "processing"):
        raise Conflict(
            "resource_conflict", "The batch has ended, or is being canceled.", subject=batch_id
        )
    batch = caller.catalog.update_resource(
        caller.manage, Kind.BATCH, batch.id,
        body={"canceled_at": to_stored_time(datetime.now(UTC))},
    )  # fmt: skip
    _cancel_waiting(caller, batch)
    return batch_progress(caller, batch)


def _cancel_waiting(caller: Caller, batch: Resource) -> None:
    waiting = (analyses.QUEUED, analyses.PENDING)
    rows, _ = caller.catalog.find_resources(
        caller.manage, Kind.ANALYSIS, parent=batch.id, status=waiting
    )
    for row in rows:
        analyses.end_analysis(
            caller.scope(Purpose.INGEST), caller.store, row, analyses.CANCELED, {}, when=waiting
        )


def delete_batch(caller: Caller, batch_id: str) -> None:
    """Delete a batch that has ended, with its results.

    Raises:
        NotFound: ``resource_not_found``.
        Conflict: ``resource_conflict``.
    """
    batch = get_batch(caller, batch_id)
    if batch_progress(caller, batch).status not in ("completed", "canceled", "expired"):
        raise Conflict(
            "resource_conflict", "The batch is not done; cancel it first.", subject=batch_id
        )
    caller.catalog.delete_resources(caller.manage, Kind.ANALYSIS, parent=batch.id)
    caller.catalog.delete_resource(caller.manage, Kind.BATCH, batch.id)


def batch_tasks(caller: Caller, batch: Resource) -> Iterator[Resource]:
    """The analyses of a batch, in the order asked for."""
    offset = 0
    while True:
        rows, _ = caller.catalog.find_resources(
            caller.manage, Kind.ANALYSIS, parent=batch.id, ascending=True, offset=offset,
            limit=_PAGE,
        )  # fmt: skip
        yield from rows
        if len(rows) < _PAGE:
            return
        offset += _PAGE
