"""Pages to browse and try the interfaces, with Swagger UI from this machine: no page asks another
host for anything."""

from __future__ import annotations

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, Response

from videlicet.api.errors import not_found

router = APIRouter(include_in_schema=False)

_STATIC = Path(fastapi_offline.__file__).parent / "static"
_KINDS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
#: Nothing but this server's own files is loaded, and no other host is asked; icons in the style
#: sheet are data addresses.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{assets}favicon.png">
<link rel="stylesheet" href="{assets}swagger-ui.css">
<nav class="swagger-ui wrapper"><a class="link" href="{other}">{other_title}</a></nav>
<div id="page"></div>
<script src="{assets}swagger-ui-bundle.js"></script>
<script src="{assets}start.js"></script>
</html>
"""
#: A file of its own, because the policy permits no script inside a page. Both pages find their
#: description beside them, whatever path a proxy puts before them.
_START = """"use strict";
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  deepLinking: true,
  docExpansion: "none",
  validatorUrl: null,
  persistAuthorization: false,
});
"""


@router.get("/docs")
def v1_3_page() -> Response:
    """The v1.3 interface."""
    return _page("Videlicet v1.3", "docs/assets/", "v1/docs", "The native interface, v1")


@router.get("/v1/docs")
def native_page() -> Response:
    """The native interface."""
    return _page("Videlicet v1", "../docs/assets/", "../docs", "The v1.3 interface")


@router.get("/docs/assets/{name}")
def static_file(name: str) -> Response:
    """What the pages are made of."""
    headers = {"cache-control": "public, max-age=3600"}
    if name == "start.js":
        return Response(_START, media_type="text/javascript", headers=headers)
    if name not in _KINDS:
        raise not_found("page", name)
    return Response((_STATIC / name).read_bytes(), media_type=_KINDS[name], headers=headers)


def _page(title: str, assets: str, other: str, other_title: str) -> Response:
    text = _PAGE.format(title=title, assets=assets, other=other, other_title=other_title)
    return Response(text, media_type="text/html", headers={"content-security-policy": _POLICY})
