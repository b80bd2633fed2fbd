"""Data connectors: accounts at Google Drive, and imports of files from them."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from videlicet.api.caller import Call
from videlicet.api.errors import not_found
from videlicet.api.parameters import Pages, format_time
from videlicet.api.routing import V1_3, describe_problem, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.assets import asset_status
from videlicet.api.v1_3.schemas.connectors import (
    AuthorizationRequest,
    AuthorizationUrl,
    Connection,
    Import,
    ImportDetail,
    ImportResult,
    NewImport,
    NewRedirectUri,
    PickerToken,
    RedirectUri,
)
from videlicet.errors import NotFound
from videlicet.services import connections
from videlicet.services.caller import Caller
from videlicet.types import Kind, Resource

router = router_for("connectors", V1_3)
#: Where providers send users back to; their browsers have no key.
callback = APIRouter(include_in_schema=False)


@callback.get(connections.CALLBACK)
def complete(
    request: Request,
    state: Annotated[str, Query(max_length=8192)],
    code: Annotated[str | None, Query(max_length=4096)] = None,
    error: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """End an authorization, and send the user on to where it was begun."""
    platform = request.app.state.server.platform
    target = connections.complete_authorization(platform, state, code, error)
    return RedirectResponse(target, 302)


_BAD_URI: dict[int | str, dict[str, Any]] = {
    422: describe_problem("The redirect URI cannot be used.")
}


@router.post("/connections:authorize", response_model=AuthorizationUrl, responses=_BAD_URI)
def authorize(call: Call, body: AuthorizationRequest) -> Any:
    """Begin to connect an account. Send its user to the address in the answer; they come back to
    the redirect URI with ``connection_id`` and ``status``, or with ``error``."""
    begun = connections.authorize_connection(call, call.base, body.redirect_uri, body.custom_id)
    return {"authorize_url": begun.url, "state": begun.state}


@router.post(
    "/connections/redirect-uris", status_code=201, response_model=RedirectUri, responses=_BAD_URI
)
def create_redirect_uri(call: Call, body: NewRedirectUri) -> Any:
    """Register a redirect URI. Once there is one, only registered ones are accepted."""
    made = connections.create_redirect_uri(call, body.redirect_uri)
    return _redirect_uri(made)


@router.get("/connections/redirect-uris", response_model=Page[RedirectUri])
def find_redirect_uris(call: Call, pages: Pages) -> Any:
    """List the registered redirect URIs."""
    rows, total = call.catalog.find_resources(
        call.manage, Kind.REDIRECT_URI, offset=pages.offset, limit=pages.limit
    )
    return pages.response([_redirect_uri(row) for row in rows], total)


@router.delete("/connections/redirect-uris/{redirect_uri_id}", response_class=Response)
def delete_redirect_uri(call: Call, redirect_uri_id: str) -> Response:
    """Delete a redirect URI."""
    try:
        call.catalog.delete_resource(call.manage, Kind.REDIRECT_URI, redirect_uri_id)
    except NotFound:
        raise not_found("redirect URI", redirect_uri_id) from None
    return Response(status_code=200)


@router.get("/connections", response_model=Page[Connection], response_model_exclude_none=True)
def find(call: Call, pages: Pages) -> Any:
    """List connections, newest first."""
    rows, total = call.catalog.find_resources(
        call.manage, Kind.CONNECTION, offset=pages.offset, limit=pages.limit
    )
    return pages.response([_connection(row) for row in rows], total)


@router.get(
    "/connections/{connection_id}", response_model=Connection, response_model_exclude_none=True
)
def retrieve(call: Call, connection_id: str) -> Any:
    """Look at one connection."""
    return _connection(_known(call, connection_id))


@router.delete("/connections/{connection_id}", response_class=Response)
def delete(call: Call, connection_id: str) -> Response:
    """Revoke the access to an account; imported assets stay."""
    _known(call, connection_id)
    connections.delete_connection(call, connection_id)
    return Response(status_code=200)


@router.post("/connections/{connection_id}/picker-token", response_model=PickerToken)
def create_picker_token(call: Call, connection_id: str) -> Any:
    """A short-lived token for the provider's file picker."""
    _known(call, connection_id)
    tokens = connections.picker_tokens(call, connection_id)
    return {
        "access_token": tokens.access_token,
        "expires_in": max(0, int(tokens.expires_at - time.time())),
        "scope": " ".join(tokens.scopes),
    }


@router.post(
    "/connections/{connection_id}/imports",
    status_code=202,
    response_model=ImportResult,
    response_model_exclude_none=True,
)
def import_files(call: Call, connection_id: str, body: NewImport) -> Any:
    """Import files from an account: each becomes an asset, which is fetched in the background."""
    _known(call, connection_id)
    made = connections.import_files(call, connection_id, [one.source_id for one in body.items])
    items = _items(call, made)
    failed = any(one["action"] == connections.REJECTED for one in items)
    return {"_id": made.id, "has_failures": failed, "items": items}


@router.get(
    "/connections/{connection_id}/imports",
    response_model=Page[Import],
    response_model_exclude_none=True,
)
def find_imports(call: Call, pages: Pages, connection_id: str) -> Any:
    """List the imports through a connection, newest first."""
    rows, total = call.catalog.find_resources(
        call.manage, Kind.IMPORT, parent=_known(call, connection_id).id,
        offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.response([_import(row) for row in rows], total)


@router.get(
    "/connections/{connection_id}/imports/{import_id}",
    response_model=ImportDetail,
    response_model_exclude_none=True,
)
def retrieve_import(call: Call, connection_id: str, import_id: str) -> Any:
    """Look at one import, with the status of each asset."""
    _known(call, connection_id)
    try:
        found = connections.find_import(call, connection_id, import_id)
    except NotFound:
        raise not_found("import", import_id) from None
    return {**_import(found), "items": _items(call, found)}


def _known(caller: Caller, connection_id: str) -> Resource:
    try:
        return connections.find_connection(caller, connection_id)
    except NotFound:
        raise not_found("connection", connection_id) from None


def _redirect_uri(row: Resource) -> dict[str, Any]:
    return {"_id": row.id, "redirect_uri": row.name, "created_at": format_time(row.created_at)}


def _connection(row: Resource) -> dict[str, Any]:
    return {
        "_id": row.id,
        "provider": row.body["provider"],
        "status": row.status,
        "custom_id": row.body["custom_id"],
        "account": {
            "external_id": row.body["account_id"],
            "display_name": row.body["account_name"],
        },
        "scopes": row.body["scopes"],
        "connected_at": format_time(row.created_at),
        "last_used_at": format_time(row.body.get("last_used_at")),
    }


def _import(row: Resource) -> dict[str, Any]:
    return {
        "_id": row.id,
        "connection_id": row.parent,
        "provider": row.body["provider"],
        "custom_id": row.body["custom_id"],
        "item_count": len(row.body["items"]),
        "created_at": format_time(row.created_at),
    }


def _items(caller: Caller, row: Resource) -> list[dict[str, Any]]:
    """The items of an import whose assets are still there, with their status now."""
    known = connections.imported_assets(caller, row)
    return [
        item if "error" in item else {**item, "status": asset_status(known[item["asset_id"]])}
        for item in row.body["items"]
        if "error" in item or item["asset_id"] in known
    ]
