"""Many analyses that are asked for together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from videlicet.analysis_jobs import analyses
from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import ApiError, invalid, unknown
from videlicet.api.parameters import Pages, text_of
from videlicet.api.routing import router_for
from videlicet.api.schemas import NestedProblem, Page
from videlicet.api.v1_3.analysis.jobs import job_of_item
from videlicet.api.v1_3.analysis.schemas import (
    Batch,
    BatchItem,
    BatchMade,
    BatchRequest,
    BatchStatus,
    Mode,
    Source,
)
from videlicet.api.v1_3.analysis.sources import Subject, begin
from videlicet.api.v1_3.analysis.tasks import make, without_media
from videlicet.api.v1_3.models import ANALYSIS, known
from videlicet.errors import NotFound, VidelicetError
from videlicet.rights import Purpose
from videlicet.types import Kind, Resource, random_id

router = router_for("analysis batches")

#: How long a batch may take, and how long its results are kept.
LIFETIME, KEPT = timedelta(hours=24), timedelta(days=30)
#: Results on a page that is read at a time.
_PAGE = 100


@router.post(
    "/analyze/batches",
    status_code=201,
    response_model=BatchMade,
    responses={503: {"model": NestedProblem}, 504: {"model": NestedProblem}},
)
def create(call: Call, body: BatchRequest) -> Any:
    """Have many videos analysed, all in the same mode by the same model."""
    model = known(body.model_name, ANALYSIS)
    _check_ids(body.requests)
    usual = {} if body.defaults is None else body.defaults.model_dump(exclude_none=True)
    wanted = []
    # Everything is looked at before anything is made.
    for number, one in enumerate(body.requests):
        item = BatchItem.model_validate({**usual, **one.model_dump(exclude_none=True)})
        with _placed(number):
            wanted.append((item, job_of_item(call, body.analysis_mode, item, model)))
    subjects: list[Subject] = []
    for number, (item, _) in enumerate(wanted):
        with _placed(number):
            subjects.append(begin(call, Source(type="asset_id", asset_id=item.video.asset_id)))
    now = datetime.now(UTC)
    batch = Resource(
        id=random_id(),
        kind=Kind.BATCH,
        tenant=call.tenant,
        created_at=now,
        updated_at=now,
        expires_at=now + KEPT,
        body={
            "analysis_mode": body.analysis_mode,
            "model": model,
            "total": len(wanted),
            "canceled_at": None,
        },
    )
    call.catalog.put_resource(call.scope(Purpose.INGEST), batch)
    items = []
    for (item, job), subject in zip(wanted, subjects, strict=True):
        params = without_media(item.model_dump(exclude_none=True, exclude={"video", "custom_id"}))
        params = {"analysis_mode": body.analysis_mode, **params}
        if (prompt := params.pop("prompt", None)) is not None:
            params["prompt_v2"] = prompt
        made = make(call, subject, job, params, model, custom_id=item.custom_id, batch_id=batch.id)
        items.append({"task_id": made.id, "custom_id": item.custom_id})
    call.platform.work.wake()
    return {
        "batch_id": batch.id,
        "status": "pending",
        "total_items": len(items),
        "created_at": text_of(now),
        "expires_at": text_of(now + LIFETIME),
        "items": items,
    }


def _check_ids(requests: Sequence[BatchItem]) -> None:
    """What a caller tells requests apart by has to tell them apart."""
    ids = Counter(one.custom_id for one in requests if one.custom_id is not None)
    if twice := [id for id, count in ids.items() if count > 1]:
        raise invalid(f"requests: there are several with the custom_id {min(twice)!r}.")


@contextmanager
def _placed(number: int) -> Iterator[None]:
    """Have refusals name the request of the batch that they are about."""
    where = f"requests.{number}: "
    try:
        yield
    except ApiError as error:
        raise ApiError(error.status, error.code, where + error.message) from None
    except VidelicetError as error:
        error.message = where + error.message
        raise


@router.get("/analyze/batches", response_model=Page[Batch], response_model_exclude_none=True)
def find(
    call: Call,
    pages: Pages,
    status: Annotated[list[BatchStatus] | None, Query()] = None,
    analysis_mode: Annotated[list[Mode] | None, Query()] = None,
) -> Any:
    """List batches, newest first."""
    analyses.forget_batches(call.scope(Purpose.INGEST), call.store)
    rows, _ = call.catalog.find_resources(call.manage, Kind.BATCH)
    found = [shown(call, row) for row in rows]
    chosen = [
        row
        for row in found
        if (not status or row["status"] in status)
        and (not analysis_mode or row["analysis_mode"] in analysis_mode)
    ]
    return pages.of(chosen[pages.offset : pages.offset + pages.limit], len(chosen))


@router.get("/analyze/batches/{batch_id}", response_model=Batch, response_model_exclude_none=True)
def retrieve(call: Call, batch_id: str) -> Any:
    """Look at one batch."""
    return shown(call, batch_of(call, batch_id))


@router.delete("/analyze/batches/{batch_id}", response_class=Response)
def delete(call: Call, batch_id: str) -> Response:
    """Delete a batch that has ended, with its results."""
    batch = batch_of(call, batch_id)
    if shown(call, batch)["status"] not in ("completed", "canceled", "expired"):
        raise ApiError(409, "resource_conflict", "The batch is not done; cancel it first.")
    call.catalog.delete_resources(call.manage, Kind.ANALYSIS, parent=batch.id)
    call.catalog.delete_resource(call.manage, Kind.BATCH, batch.id)
    return Response(status_code=200)


@router.post(
    "/analyze/batches/{batch_id}/cancel",
    status_code=202,
    response_model=Batch,
    response_model_exclude_none=True,
)
def cancel(call: Call, batch_id: str) -> Any:
    """Cancel what of a batch is not at work yet; what is may finish."""
    batch = batch_of(call, batch_id)
    if shown(call, batch)["status"] not in ("pending", "processing"):
        raise ApiError(409, "resource_conflict", "The batch has ended, or is being canceled.")
    batch = call.catalog.update_resource(
        call.manage, Kind.BATCH, batch.id, body={"canceled_at": text_of(datetime.now(UTC))}
    )
    _drop(call, batch)
    return shown(call, batch)


@router.get(
    "/analyze/batches/{batch_id}/results",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}},
)
def results(call: Call, batch_id: str) -> StreamingResponse:
    """What came of a batch so far, one JSON object a line."""
    batch = batch_of(call, batch_id)
    return StreamingResponse(_lines(call, batch), media_type="application/x-ndjson")


def _lines(call: HttpCaller, batch: Resource) -> Iterator[str]:
    offset = 0
    while True:
        rows, _ = call.catalog.find_resources(
            call.manage, Kind.ANALYSIS, parent=batch.id, ascending=True, offset=offset, limit=_PAGE
        )
        for row in rows:
            error = row.body.get("error")
            status = analyses.QUEUED if row.status == analyses.PENDING else row.status
            line = {
                "task_id": row.id,
                "custom_id": row.body.get("custom_id"),
                "status": status,
                "data": row.body.get("result"),
                "error": error and {"code": error["code"], "message": error["message"]},
            }
            told = {name: value for name, value in line.items() if value is not None}
            yield json.dumps(told, separators=(",", ":")) + "\n"
        if len(rows) < _PAGE:
            return
        offset += _PAGE


def batch_of(call: HttpCaller, batch_id: str) -> Resource:
    """A batch of the caller's."""
    try:
        return call.catalog.resource(call.manage, Kind.BATCH, batch_id)
    except NotFound:
        raise unknown("batch", batch_id) from None


def _drop(call: HttpCaller, batch: Resource) -> None:
    """Cancel all of a batch that no worker has begun."""
    rows, _ = call.catalog.find_resources(
        call.manage, Kind.ANALYSIS, parent=batch.id, status=[analyses.QUEUED, analyses.PENDING]
    )
    for row in rows:
        analyses.end(
            call.scope(Purpose.INGEST), call.store, row, analyses.CANCELED, {},
            when=(analyses.QUEUED, analyses.PENDING),
        )  # fmt: skip


def shown(call: HttpCaller, batch: Resource) -> dict[str, Any]:
    """A batch as v1.3 shows it. It is what its analyses are; one that takes longer than a day is
    expired, and what of it has not begun is canceled."""
    expires = batch.created_at + LIFETIME
    rows, _ = call.catalog.find_resources(call.manage, Kind.ANALYSIS, parent=batch.id)
    count = Counter(row.status for row in rows)
    live = sum(count[status] for status in analyses.LIVE)
    if live and datetime.now(UTC) >= expires:
        _drop(call, batch)
        rows, _ = call.catalog.find_resources(call.manage, Kind.ANALYSIS, parent=batch.id)
        count = Counter(row.status for row in rows)
        live = sum(count[status] for status in analyses.LIVE)
    ends = [row.body["completed_at"] for row in rows if row.body.get("completed_at")]
    last = max(ends, default=None)
    canceled = batch.body.get("canceled_at")
    expired = not canceled and last is not None and last >= (text_of(expires) or "")
    if live:
        status = "canceling" if canceled else "processing" if live < len(rows) else "pending"
        if count[analyses.PROCESSING] and not canceled:
            status = "processing"
    else:
        status = "canceled" if canceled else "expired" if expired else "completed"
    return {
        "batch_id": batch.id,
        "analysis_mode": batch.body["analysis_mode"],
        "model_name": batch.body["model"],
        "status": status,
        "total_items": batch.body["total"],
        "created_at": text_of(batch.created_at),
        "expires_at": text_of(expires),
        "completed_at": text_of(last) if status == "completed" else None,
        "canceled_at": canceled if status == "canceled" else None,
        "expired_at": text_of(expires) if status == "expired" else None,
        "queued_items": count[analyses.QUEUED] + count[analyses.PENDING],
        "processing_items": count[analyses.PROCESSING],
        "ready_items": count[analyses.READY],
        "failed_items": count[analyses.FAILED],
        "canceled_items": count[analyses.CANCELED],
    }
