"""Indexes."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from videlicet.api.errors import invalid, unknown
from videlicet.api.v1_3.common import (
    Call,
    Caller,
    Pages,
    ascending,
    router_for,
    sorted_by,
    text_of,
    time_of,
)
from videlicet.api.v1_3.models import ANALYSIS, EMBEDDING, canonical, cards_for
from videlicet.api.v1_3.schemas.common import Page
from videlicet.api.v1_3.schemas.indexes import IndexOut, Made, NewIndex, Renamed
from videlicet.errors import NotFound
from videlicet.ingest.indexing import remove_index
from videlicet.rights import Purpose
from videlicet.types import Index, Kind

router = router_for("indexes")


def index_of(call: Caller, index_id: str) -> Index:
    """An index of the caller's, by id only."""
    try:
        found = call.catalog.index(call.scope(Purpose.MANAGE), index_id)
    except NotFound:
        raise unknown("index", index_id) from None
    if found.id != index_id:
        raise unknown("index", index_id)
    return found


def options_of(index: Index) -> set[str]:
    """The options an index was made with."""
    models = index.options.get("models") or []
    found = {option for model in models for option in model["model_options"]}
    return found or {"visual", "audio"}


@router.post("/indexes", status_code=201, response_model=Made)
def create(call: Call, body: NewIndex) -> Any:
    """Make an index."""
    models = []
    for model in body.models:
        name = canonical(model.model_name)
        if name not in EMBEDDING + ANALYSIS:
            raise invalid(f"models.model_name: there is no model {model.model_name!r}.")
        if strange := set(model.model_options) - {
            "visual",
            "audio",
            "conversation",
            "text_in_video",
            "logo",
        }:
            raise invalid(f"models.model_options: there is no option {min(strange)!r}.")
        options = ["audio" if o == "conversation" else o for o in model.model_options]
        options = ["visual" if o in ("text_in_video", "logo") else o for o in options]
        models.append({"model_name": name, "model_options": list(dict.fromkeys(options))})
    if strange := set(body.addons or []) - {"thumbnail"}:
        raise invalid(f"addons: there is no addon {min(strange)!r}.")
    wanted = [option for model in models for option in model["model_options"]]
    made = call.catalog.create_index(
        call.scope(Purpose.INDEX),
        body.index_name,
        cards_for(wanted, call.settings),
        {"models": models, "addons": list(body.addons or [])},
    )
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
    key, up = sorted_by(sort_by), ascending(sort_option)
    since, touched = time_of("created_at", created_at), time_of("updated_at", updated_at)
    wanted = {one.strip() for one in (model_options or "").split(",") if one.strip()}
    found = [
        index
        for index in call.catalog.indexes(call.manage)
        if (index_name is None or index.name == index_name)
        and wanted <= options_of(index)
        and (
            model_family is None
            or any(
                m["model_name"].startswith(model_family) for m in index.options.get("models", [])
            )
        )
        and (since is None or index.created_at >= since)
        and (touched is None or (index.updated_at or index.created_at) >= touched)
    ]
    found.sort(
        key=lambda index: (getattr(index, key) or index.created_at, index.id), reverse=not up
    )
    chosen = found[pages.offset : pages.offset + pages.limit]
    return pages.of([shown(call, index) for index in chosen], len(found))


@router.get("/indexes/{index_id}", response_model=IndexOut)
def retrieve(call: Call, index_id: str) -> Any:
    """Look at one index."""
    return shown(call, index_of(call, index_id))


@router.put("/indexes/{index_id}", status_code=200, response_class=Response)
def update(call: Call, index_id: str, body: Renamed) -> Response:
    """Rename an index."""
    call.catalog.rename_index(
        call.scope(Purpose.MANAGE, index_of(call, index_id).id), body.index_name
    )
    return Response(status_code=200)


@router.delete("/indexes/{index_id}", status_code=200, response_class=Response)
def delete(call: Call, index_id: str) -> Response:
    """Delete an index with its videos; the assets stay."""
    remove_index(call.manage, call.store, index_of(call, index_id))
    return Response(status_code=200)


def shown(call: Caller, index: Index) -> dict[str, Any]:
    """An index as v1.3 shows it."""
    count, duration = call.catalog.sum_of(
        call.manage, Kind.VIDEO, "duration", parent=index.id, status=["ready"]
    )
    return {
        "_id": index.id,
        "created_at": text_of(index.created_at),
        "updated_at": text_of(index.updated_at),
        "index_name": index.name,
        "total_duration": duration,
        "video_count": count,
        "models": index.options.get("models")
        or [{"model_name": "marengo3.0", "model_options": sorted(options_of(index))}],
        "addons": index.options.get("addons") or [],
        "cards": dict(index.cards),
    }
