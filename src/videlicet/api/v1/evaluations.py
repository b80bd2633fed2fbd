"""Evaluations: how well an index answers queries whose right answers the caller knows."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from videlicet.api.caller import Call
from videlicet.api.errors import invalid_parameter
from videlicet.api.parameters import Pages, format_time
from videlicet.api.routing import V1, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1.schemas import Evaluation, NewEvaluation, NewEvaluationQuery
from videlicet.services import evaluations
from videlicet.services.evaluations import RelevantVideo, TestQuery
from videlicet.services.indexes import get_index
from videlicet.types import PartKind, Resource

router = router_for("evaluations", V1)

_MODALITIES = ("text", "image", "audio", "video")


@router.post(
    "/evaluations", status_code=202, response_model=Evaluation, response_model_exclude_none=True
)
def create(call: Call, body: NewEvaluation) -> Any:
    """Put queries to an index and measure how well it finds the videos, and the stretches of them,
    that are right. It is ``processing`` until it is ``ready`` or ``failed``."""
    index = get_index(call, body.index_id)
    queries = [_query(number, query) for number, query in enumerate(body.queries)]
    made = evaluations.create_evaluation(
        call, index,
        evaluations.NewEvaluation(body.name, queries, body.scope, body.resamples, body.seed),
    )  # fmt: skip
    call.server.evaluations.wake()
    return evaluation_row(made)


@router.get("/evaluations", response_model=Page[Evaluation], response_model_exclude_none=True)
def find(call: Call, pages: Pages, index_id: str | None = None) -> Any:
    """List evaluations, newest first, without their reports."""
    rows, total = evaluations.list_evaluations(
        call, index_id, offset=pages.offset, limit=pages.limit
    )
    return pages.response([{**evaluation_row(row), "report": None} for row in rows], total)


@router.get(
    "/evaluations/{evaluation_id}", response_model=Evaluation, response_model_exclude_none=True
)
def retrieve(call: Call, evaluation_id: str) -> Any:
    """How far an evaluation is, and its report once it is ready."""
    return evaluation_row(evaluations.get_evaluation(call, evaluation_id))


@router.delete("/evaluations/{evaluation_id}", response_class=Response)
def delete(call: Call, evaluation_id: str) -> Response:
    """Delete an evaluation; one that is at work is broken off."""
    evaluations.delete_evaluation(call, evaluation_id)
    return Response(status_code=200)


def evaluation_row(row: Resource) -> dict[str, Any]:
    """An evaluation with its report, if there is one."""
    return {
        "id": row.id,
        "index_id": row.parent,
        "name": row.name,
        "status": row.status,
        "done": row.body["done"],
        "total": len(row.body["queries"]),
        "created_at": format_time(row.created_at),
        "updated_at": format_time(row.updated_at),
        "error": row.body.get("error"),
        "report": row.body.get("report"),
    }


def _query(number: int, query: NewEvaluationQuery) -> TestQuery:
    named = [name for name in _MODALITIES if getattr(query, name) is not None]
    if len(named) != 1:
        raise invalid_parameter(
            f"queries.{number} has exactly one of text, image, audio and video."
        )
    relevant = [RelevantVideo(one.video_id, one.start, one.end) for one in query.relevant]
    id = query.id if query.id is not None else str(number)
    return TestQuery(id, PartKind(named[0]), getattr(query, named[0]), query.kind, relevant)
