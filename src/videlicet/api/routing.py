"""Routers with what all endpoints have in common."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from videlicet.api.middleware.idempotency import IdempotentRoute
from videlicet.api.schemas import Problem

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        400: "The request is not as it should be.",
        401: "The API key is not valid.",
        403: "The API key lacks the scope for this.",
        404: "Not found: nothing with this id.",
        408: "The body came too slowly.",
        409: "Not in the state it is in.",
        413: "The body is too large.",
        429: "Too many requests.",
        431: "The head of the request is too large.",
        500: "Something went wrong on the server.",
        503: "Not now: try again in a moment.",
        507: "There is no room left.",
    }.items()
}


def router_for(tag: str) -> APIRouter:
    """A router whose endpoints describe their errors and honour ``Idempotency-Key``."""
    return APIRouter(tags=[tag], responses=PROBLEMS, route_class=IdempotentRoute)
