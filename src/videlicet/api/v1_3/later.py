"""Endpoints that are known but not there yet: they say so."""

from __future__ import annotations

import re

from videlicet.api.v1_3.common import not_yet, router_for

router = router_for("not there yet")

_STORES = "The knowledge store"
_AGENT = "The agent"

for method, path, what in (
    ("POST", "/knowledge-stores", _STORES),
    ("GET", "/knowledge-stores", _STORES),
    ("GET", "/knowledge-stores/{rest:path}", _STORES),
    ("POST", "/knowledge-stores/{rest:path}", _STORES),
    ("PATCH", "/knowledge-stores/{rest:path}", _STORES),
    ("DELETE", "/knowledge-stores/{rest:path}", _STORES),
    ("POST", "/responses", _AGENT),
):
    router.add_api_route(
        path,
        not_yet(what),
        methods=[method],
        summary=f"{what}: not part of this version yet.",
        include_in_schema="{rest:path}" not in path,
        name=f"{method} {path}",
        openapi_extra={
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in re.findall(r"{(\w+)}", path)
            ]
        },
    )
