"""Many analyses that are asked for together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from videlicet.analysis_jobs import analyses
from videlicet.api.caller import Call
from videlicet.api.errors import ApiError, invalid_parameter
from videlicet.api.parameters import Pages, format_time
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import NestedProblem, Page
from videlicet.api.v1_3.analysis.requests import request_of_item
from videlicet.api.v1_3.analysis.schemas import (
    AnalysisBatch,
    BatchCreated,
    BatchItem,
    BatchRequest,
    BatchStatus,
    Mode,
)
from videlicet.api.v1_3.analysis.tasks import without_media
from videlicet.api.v1_3.models import ANALYSIS, require_known
from videlicet.errors import VidelicetError
from videlicet.services.analysis import tasks
from videlicet.services.analysis.targets import AnalysisTarget, target_asset
from videlicet.services.analysis.tasks import BATCH_LIFETIME, BatchProgress, NewTask
from videlicet.services.caller import Caller
from videlicet.types import Resource

router = router_for("analysis batches", V1_3)


@router.post(
    "/analyze/batches",
    status_code=201,
    response_model=BatchCreated,
    responses={503: {"model": NestedProblem}, 504: {"model": NestedProblem}},
)
def create(call: Call, body: BatchRequest) -> Any:
    """Have many videos analysed, all in the same mode by the same model."""
    model = require_known(body.model_name, ANALYSIS)
    _check_ids(body.requests)
    usual = {} if body.defaults is None else body.defaults.model_dump(exclude_none=True)
    wanted = []
    # Everything is looked at before anything is made.
    for number, one in enumerate(body.requests):
        item = BatchItem.model_validate({**usual, **one.model_dump(exclude_none=True)})
        with _placed(number):
            wanted.append((item, request_of_item(call, body.analysis_mode, item, model)))
    targets: list[AnalysisTarget] = []
    for number, (item, _) in enumerate(wanted):
        with _placed(number):
            targets.append(target_asset(call, item.video.asset_id))
    new = [
        NewTask(request, model, _params(body.analysis_mode, item), target, (), item.custom_id)
        for (item, request), target in zip(wanted, targets, strict=True)
    ]
    batch, made = tasks.create_batch(call, body.analysis_mode, model, new)
    return {
        "batch_id": batch.id,
        "status": "pending",
        "total_items": len(made),
        "created_at": format_time(batch.created_at),
        "expires_at": format_time(batch.created_at + BATCH_LIFETIME),
        "items": [{"task_id": one.id, "custom_id": one.body["custom_id"]} for one in made],
    }


def _params(mode: str, item: BatchItem) -> dict[str, Any]:
    """The request for one video, as it is returned."""
    params = without_media(item.model_dump(exclude_none=True, exclude={"video", "custom_id"}))
    params = {"analysis_mode": mode, **params}
    if (prompt := params.pop("prompt", None)) is not None:
        params["prompt_v2"] = prompt
    return params


def _check_ids(requests: Sequence[BatchItem]) -> None:
    """What a caller tells requests apart by has to tell them apart."""
    ids = Counter(one.custom_id for one in requests if one.custom_id is not None)
    if twice := [id for id, count in ids.items() if count > 1]:
        raise invalid_parameter(f"requests: there are several with the custom_id {min(twice)!r}.")


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


@router.get(
    "/analyze/batches", response_model=Page[AnalysisBatch], response_model_exclude_none=True
)
def find(
    call: Call,
    pages: Pages,
    status: Annotated[list[BatchStatus] | None, Query()] = None,
    analysis_mode: Annotated[list[Mode] | None, Query()] = None,
) -> Any:
    """List batches, newest first."""
    found = [
        one
        for one in tasks.list_batches(call)
        if (not status or one.status in status)
        and (not analysis_mode or one.batch.body["analysis_mode"] in analysis_mode)
    ]
    chosen = found[pages.offset : pages.offset + pages.limit]
    return pages.response([batch_row(one) for one in chosen], len(found))


@router.get(
    "/analyze/batches/{batch_id}", response_model=AnalysisBatch, response_model_exclude_none=True
)
def retrieve(call: Call, batch_id: str) -> Any:
    """Look at one batch."""
    return batch_row(tasks.batch_progress(call, tasks.get_batch(call, batch_id)))


@router.delete("/analyze/batches/{batch_id}", response_class=Response)
def delete(call: Call, batch_id: str) -> Response:
    """Delete a batch that has ended, with its results."""
    tasks.delete_batch(call, batch_id)
    return Response(status_code=200)


@router.post(
    "/analyze/batches/{batch_id}/cancel",
    status_code=202,
    response_model=AnalysisBatch,
    response_model_exclude_none=True,
)
def cancel(call: Call, batch_id: str) -> Any:
    """Cancel what of a batch is not at work yet; what is may finish."""
    return batch_row(tasks.cancel_batch(call, batch_id))


@router.get(
    "/analyze/batches/{batch_id}/results",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}},
)
def results(call: Call, batch_id: str) -> StreamingResponse:
    """What came of a batch so far, one JSON object a line."""
    batch = tasks.get_batch(call, batch_id)
    return StreamingResponse(_lines(call, batch), media_type="application/x-ndjson")


def _lines(caller: Caller, batch: Resource) -> Iterator[str]:
    for row in tasks.batch_tasks(caller, batch):
        error = row.body.get("error")
        line = {
            "task_id": row.id,
            "custom_id": row.body.get("custom_id"),
            "status": analyses.QUEUED if row.status == analyses.PENDING else row.status,
            "data": row.body.get("result"),
            "error": error and {"code": error["code"], "message": error["message"]},
        }
        fields = {name: value for name, value in line.items() if value is not None}
        yield json.dumps(fields, separators=(",", ":")) + "\n"


def batch_row(progress: BatchProgress) -> dict[str, Any]:
    """A batch as v1.3 shows it."""
    batch, status, count = progress.batch, progress.status, progress.count
    return {
        "batch_id": batch.id,
        "analysis_mode": batch.body["analysis_mode"],
        "model_name": batch.body["model"],
        "status": status,
        "total_items": batch.body["total"],
        "created_at": format_time(batch.created_at),
        "expires_at": format_time(progress.expires_at),
        "completed_at": format_time(progress.completed_at) if status == "completed" else None,
        "canceled_at": format_time(batch.body.get("canceled_at")) if status == "canceled" else None,
        "expired_at": format_time(progress.expires_at) if status == "expired" else None,
        "queued_items": count[analyses.QUEUED] + count[analyses.PENDING],
        "processing_items": count[analyses.PROCESSING],
        "ready_items": count[analyses.READY],
        "failed_items": count[analyses.FAILED],
        "canceled_items": count[analyses.CANCELED],
    }
