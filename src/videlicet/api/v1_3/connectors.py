"""Data connectors: there are none here, and these endpoints say so in the contract's way."""

from __future__ import annotations

from typing import Any

from videlicet.api.caller import Call
from videlicet.api.errors import ApiError, unknown
from videlicet.api.parameters import Pages
from videlicet.api.routing import router_for
from videlicet.api.schemas import Page

router = router_for("connectors")


@router.get("/connections", response_model=Page[dict[str, Any]])
def find(call: Call, pages: Pages) -> Any:
    """List connections: there are none."""
    return pages.of([], 0)


@router.get("/connections/redirect-uris", response_model=Page[dict[str, Any]])
def find_redirects(call: Call, pages: Pages) -> Any:
    """List redirect addresses: there are none."""
    return pages.of([], 0)


@router.post("/connections/redirect-uris")
@router.post("/connections:authorize")
def refuse(call: Call) -> None:
    """There is no connector to authorize."""
    raise ApiError(400, "api_not_allowed", "This server has no data connectors.")


@router.get("/connections/{connection_id}")
@router.delete("/connections/{connection_id}")
@router.delete("/connections/redirect-uris/{connection_id}")
@router.post("/connections/{connection_id}/picker-token")
@router.get("/connections/{connection_id}/imports")
@router.post("/connections/{connection_id}/imports")
def missing(call: Call, connection_id: str) -> None:
    """There is no such connection."""
    raise unknown("connection", connection_id)


@router.get("/connections/{connection_id}/imports/{import_id}")
def missing_import(call: Call, connection_id: str, import_id: str) -> None:
    """There is no such import."""
    raise unknown("import", import_id)
