"""Indexes."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import invalid_parameter
from videlicet.api.parameters import Pages, format_time, is_ascending, parse_time, sort_column
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.models import ANALYSIS, EMBEDDING, canonical_name
from videlicet.api.v1_3.schemas.indexes import IndexChanges, IndexCreated, IndexOut, NewIndex
from videlicet.services import indexes
from videlicet.services.indexes import IndexFilter
from videlicet.types import Index

router = router_for("indexes", V1_3)


@router.post("/indexes", status_code=201, response_model=IndexCreated)
def create(call: Call, body: NewIndex) -> Any:
    """Make an index."""
    models = []
    for model in body.models:
        name = canonical_name(model.model_name)
        if name not in EMBEDDING + ANALYSIS:
            raise invalid_parameter(f"models.model_name: there is no model {model.model_name!r}.")
        if strange := set(model.model_options) - {
            "visual",
            "audio",
            "conversation",
            "text_in_video",
            "logo",
        }:
            raise invalid_parameter(f"models.model_options: there is no option {min(strange)!r}.")
        options = ["audio" if o == "conversation" else o for o in model.model_options]
        options = ["visual" if o in ("text_in_video", "logo") else o for o in options]
        models.append({"model_name": name, "model_options": list(dict.fromkeys(options))})
    if strange := set(body.addons or []) - {"thumbnail"}:
        raise invalid_parameter(f"addons: there is no addon {min(strange)!r}.")
    wanted = [option for model in models for option in model["model_options"]]
    details = {"models": models, "addons": list(body.addons or [])}
    made = indexes.create_index(call, body.index_name, wanted, details)
    return {"_id": made.id}


@router.get("/indexes", response_model=Page[IndexOut])
def find(
    call: Call,
    pages: Pages,
    sort_by: str | None = None,
    sort_option: str | None = None,
    index_name: str | None = None,
    model_options: str | None = None,
    model_family: str | None = None,
    created_at: str | None = None,
    updated_at: str | None = None,
) -> Any:
    """List indexes."""
    key, up = sort_column(sort_by), is_ascending(sort_option)
    wanted = IndexFilter(
        name=index_name,
        options=frozenset(o.strip() for o in (model_options or "").split(",") if o.strip()),
        model_family=model_family,
        created_since=parse_time("created_at", created_at),
        updated_since=parse_time("updated_at", updated_at),
    )
    found = indexes.list_indexes(call, wanted, sort_by=key, ascending=up)
    chosen = found[pages.offset : pages.offset + pages.limit]
    return pages.response([index_to_json(call, index) for index in chosen], len(found))


@router.get("/indexes/{index_id}", response_model=IndexOut)
def retrieve(call: Call, index_id: str) -> Any:
    """Look at one index."""
    return index_to_json(call, indexes.get_index(call, index_id))


@router.put("/indexes/{index_id}", status_code=200, response_class=Response)
def update(call: Call, index_id: str, body: IndexChanges) -> Response:
    """Rename an index."""
    indexes.rename_index(call, index_id, body.index_name)
    return Response(status_code=200)


@router.delete("/indexes/{index_id}", status_code=200, response_class=Response)
def delete(call: Call, index_id: str) -> Response:
    """Delete an index with its videos; the assets stay."""
    indexes.delete_index(call, index_id)
    return Response(status_code=200)


def index_to_json(call: HttpCaller, index: Index) -> dict[str, Any]:
    """An index as v1.3 shows it."""
    size = indexes.index_size(call, index.id)
    return {
        "_id": index.id,
        "created_at": format_time(index.created_at),
        "updated_at": format_time(index.updated_at),
        "index_name": index.name,
        "total_duration": size.duration,
        "video_count": size.videos,
        "models": index.options.get("models")
        or [{"model_name": "marengo3.0", "model_options": sorted(indexes.options_of(index))}],
        "addons": index.options.get("addons") or [],
        "cards": dict(index.cards),
    }
