"""Evaluations: how well an index answers queries whose right answers the caller knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import Response

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import ApiError, invalid, unknown
from videlicet.api.parameters import Pages, text_of
from videlicet.api.routing import router_for
from videlicet.api.schemas import Page
from videlicet.api.v1.evaluating import PROCESSING
from videlicet.api.v1.schemas import Asked, Evaluation, NewEvaluation
from videlicet.errors import NotFound
from videlicet.ingest.files import READY
from videlicet.services.assets import get_asset
from videlicet.services.indexes import get_index
from videlicet.types import Index, Kind, Resource, random_id

router = router_for("evaluations")

_MODALITIES = ("text", "image", "audio", "video")


@router.post(
    "/evaluations", status_code=202, response_model=Evaluation, response_model_exclude_none=True
)
def create(call: Call, body: NewEvaluation) -> Any:
    """Put queries to an index and measure how well it finds the videos, and the stretches of them,
    that are right. It is ``processing`` until it is ``ready`` or ``failed``."""
    index = get_index(call, body.index_id)
    queries = [_query(call, number, query) for number, query in enumerate(body.queries)]
    if len({query["id"] for query in queries}) < len(queries):
        raise invalid("queries: two have the same id.")
    _require_videos(call, index, body)
    now = datetime.now(UTC)
    made = Resource(
        id=random_id(), kind=Kind.EVALUATION, tenant=call.tenant, created_at=now, updated_at=now,
        status=PROCESSING, parent=index.id, name=body.name,
        body={
            "queries": queries, "scope": body.scope, "resamples": body.resamples,
            "seed": body.seed, "done": 0,
        },
    )  # fmt: skip
    call.catalog.put_resource(call.manage, made)
    call.server.evaluations.wake()
    return shown(made)


@router.get("/evaluations", response_model=Page[Evaluation], response_model_exclude_none=True)
def find(call: Call, pages: Pages, index_id: str | None = None) -> Any:
    """List evaluations, newest first, without their reports."""
    rows, total = call.catalog.find_resources(
        call.manage, Kind.EVALUATION, parent=index_id, offset=pages.offset, limit=pages.limit
    )
    return pages.of([{**shown(row), "report": None} for row in rows], total)


@router.get(
    "/evaluations/{evaluation_id}", response_model=Evaluation, response_model_exclude_none=True
)
def retrieve(call: Call, evaluation_id: str) -> Any:
    """How far an evaluation is, and its report once it is ready."""
    return shown(evaluation_of(call, evaluation_id))


@router.delete("/evaluations/{evaluation_id}", response_class=Response)
def delete(call: Call, evaluation_id: str) -> Response:
    """Delete an evaluation; one that is at work is broken off."""
    found = evaluation_of(call, evaluation_id)
    call.catalog.delete_resource(call.manage, Kind.EVALUATION, found.id)
    return Response(status_code=200)


def evaluation_of(call: HttpCaller, evaluation_id: str) -> Resource:
    """An evaluation of the caller's."""
    try:
        return call.catalog.resource(call.manage, Kind.EVALUATION, evaluation_id)
    except NotFound:
        raise unknown("evaluation", evaluation_id) from None


def shown(row: Resource) -> dict[str, Any]:
    """An evaluation with its report, if there is one."""
    return {
        "id": row.id,
        "index_id": row.parent,
        "name": row.name,
        "status": row.status,
        "done": row.body["done"],
        "total": len(row.body["queries"]),
        "created_at": text_of(row.created_at),
        "updated_at": text_of(row.updated_at),
        "error": row.body.get("error"),
        "report": row.body.get("report"),
    }


def _query(call: HttpCaller, number: int, query: Asked) -> dict[str, Any]:
    """A query as it is kept. Media are assets of the caller's that are ready."""
    given = [name for name in _MODALITIES if getattr(query, name) is not None]
    if len(given) != 1:
        raise invalid(f"queries.{number} has exactly one of text, image, audio and video.")
    value = getattr(query, given[0])
    if given[0] == "text":
        if not any(character.isalnum() for character in value):
            raise invalid(f"queries.{number}.text has no words.")
    elif get_asset(call, value).status != READY:
        raise ApiError(400, "asset_not_ready", f"queries.{number}: the asset is not ready.")
    for right in query.relevant:
        if (right.start is None) != (right.end is None):
            raise invalid(f"queries.{number}.relevant: start and end come together.")
        if right.start is not None and right.end is not None and right.end <= right.start:
            raise invalid(f"queries.{number}.relevant: end must be after start.")
    return {
        "id": query.id if query.id is not None else str(number),
        "modality": given[0],
        "value": value,
        "kind": query.kind,
        "relevant": [right.model_dump() for right in query.relevant],
    }


def _require_videos(call: HttpCaller, index: Index, body: NewEvaluation) -> None:
    wanted = {right.video_id for query in body.queries for right in query.relevant}
    rows, _ = call.catalog.find_resources(call.manage, Kind.VIDEO, parent=index.id)
    if strange := wanted - {row.id for row in rows}:
        raise invalid(f"queries.relevant: the index holds no video {min(strange)!r}.")
