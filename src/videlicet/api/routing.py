"""Routers with what all endpoints have in common."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from videlicet.api.json_bodies import require_storable_json
from videlicet.api.middleware.idempotency import IdempotentRoute

#: The prefixes of the two interfaces.
V1, V1_3 = "/v1", "/v1.3"
#: What the errors of every endpoint mean, by status.
PROBLEMS = {
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
}


def describe_problem(text: str) -> dict[str, Any]:
    """A response of OpenAPI that is an error. Naming the model in each of each route would cost a
    second of the server's start."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def router_for(tag: str, prefix: str) -> APIRouter:
    """A router whose endpoints describe their errors and honour ``Idempotency-Key``. Its routes are
    complete: to include it under a prefix would build each a second time."""
    return APIRouter(
        prefix=prefix, tags=[tag], route_class=IdempotentRoute,
        dependencies=[Depends(require_storable_json)],
        responses={status: describe_problem(text) for status, text in PROBLEMS.items()},
    )  # fmt: skip
