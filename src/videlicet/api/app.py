"""The application: routes, errors, and the middleware before them."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from videlicet import __version__
from videlicet.api import docs_ui, errors
from videlicet.api.access import is_write
from videlicet.api.mcp_endpoint import McpEndpoint
from videlicet.api.media import hls, thumbnails
from videlicet.api.middleware.access_log import AccessLogMiddleware
from videlicet.api.middleware.auth import AuthMiddleware
from videlicet.api.middleware.body_limits import UploadPaths
from videlicet.api.middleware.idempotency import HEADER
from videlicet.api.middleware.origins import with_cors
from videlicet.api.route_table import MethodTable, list_endpoints
from videlicet.api.routing import V1, V1_3
from videlicet.api.state import ServerState
from videlicet.api.v1 import (
    analysis,
    classification,
    evaluations,
    exports,
    native,
    openai,
    operations,
    rerank,
    saved_searches,
    webhooks,
)
from videlicet.api.v1 import search as native_search
from videlicet.api.v1 import tasks as native_tasks
from videlicet.api.v1_3 import (
    assets,
    connectors,
    embed,
    embed_v2,
    entities,
    indexes,
    search,
    tasks,
    uploads,
    videos,
)
from videlicet.api.v1_3.analysis import batches, legacy
from videlicet.api.v1_3.analysis import sync as analysis_sync
from videlicet.api.v1_3.analysis import tasks as analysis_tasks
from videlicet.api.v1_3.knowledge import collections, items, responses, stores
from videlicet.api.v1_3.knowledge import search as knowledge_search
from videlicet.errors import VidelicetError
from videlicet.media.sandbox import level

if TYPE_CHECKING:
    from starlette.types import ASGIApp

#: In this order: fixed paths before those with an id in the same place.
_V1_3 = (
    indexes.router, uploads.router, assets.router, videos.router, tasks.router, search.router,
    embed.router, embed_v2.router, entities.router, connectors.router,
    analysis_sync.router, analysis_tasks.router, batches.router, legacy.router,
    stores.router, items.router, collections.router, knowledge_search.router, responses.router,
)  # fmt: skip
_IDEMPOTENCY = {
    "name": HEADER, "in": "header", "required": False,
    "description": "The same key with the same request gives the first answer again, for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}  # fmt: skip
_V1 = (
    native_search.router,
    native.router,
    analysis.router,
    exports.router,
    native_tasks.router,
    webhooks.router,
    saved_searches.router,
    classification.router,
    openai.router,
    rerank.router,
    operations.router,
    evaluations.router,
)


def create_app(server: ServerState) -> ASGIApp:
    """The ASGI application of a server; its lifespan starts and ends the server."""
    tools = McpEndpoint(server.platform.settings.body_max)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with server:
            async with tools.open():
                yield

    app = FastAPI(
        title="Videlicet",
        # What it could tell of requests by itself holds paths and messages.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
        version="1.3",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.server = server
    for kind, handler in (
        (errors.ApiError, errors.on_api_error),
        (VidelicetError, errors.on_library_error),
        (RequestValidationError, errors.on_invalid),
        (HTTPException, errors.on_http_error),
        (Exception, errors.on_unexpected_error),
    ):
        app.add_exception_handler(kind, handler)
    for router in (*_V1_3, *_V1):
        app.router.routes.extend(router.routes)
    app.include_router(docs_ui.router)
    app.include_router(thumbnails.router)
    app.include_router(hls.router)
    app.include_router(uploads.chunk_router)
    app.include_router(connectors.callback)
    app.include_router(_health_router(server))
    app.routes.append(tools.route)
    known = list_endpoints(app.routes)
    app.state.methods = MethodTable(known)
    schemas = OpenApiDocuments(app)

    @app.get("/openapi.json", include_in_schema=False)
    @app.get("/v1/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> JSONResponse:
        return JSONResponse(schemas.for_path(request.scope["path"]))

    platform = server.platform
    auth = AuthMiddleware(
        app, platform.store, platform.settings, server.metrics, UploadPaths(known)
    )
    return AccessLogMiddleware(with_cors(auth, platform.settings), server.metrics)


class OpenApiDocuments:
    """The published descriptions, made when they are first asked for: that takes a second."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._documents: dict[str, dict[str, Any]] = {}

    def for_path(self, path: str) -> dict[str, Any]:
        """The OpenAPI document of an address."""
        with self._lock:
            if not self._documents:
                whole = get_openapi(title="Videlicet", version="1.3", routes=self._app.routes)
                self._documents = {
                    "/openapi.json": openapi_for_prefix(whole, V1_3, "Videlicet v1.3"),
                    "/v1/openapi.json": openapi_for_prefix(whole, V1, "Videlicet"),
                }
            return self._documents[path]


def openapi_for_prefix(whole: Mapping[str, Any], prefix: str, title: str) -> dict[str, Any]:
    """The OpenAPI document of the routes under a prefix, out of that of all routes."""
    found = deepcopy(dict(whole))
    found["info"]["title"] = title
    found["paths"] = {
        path: row for path, row in found["paths"].items() if path.startswith(prefix + "/")
    }
    found["components"].setdefault("securitySchemes", {})["key"] = {
        "type": "apiKey", "in": "header", "name": "x-api-key",
    }  # fmt: skip
    found["security"] = [{"key": []}]
    if prefix == V1:
        found["components"]["securitySchemes"]["bearer"] = {"type": "http", "scheme": "bearer"}
        found["security"].append({"bearer": []})
    for path, row in found["paths"].items():
        for method, operation in row.items():
            # Requests that do not fit are refused with 400.
            if operation["responses"].get("422", {}).get("description") == "Validation Error":
                del operation["responses"]["422"]
            if method == "post" and is_write("POST", path):
                operation.setdefault("parameters", []).append(_IDEMPOTENCY)
    for name in ("HTTPValidationError", "ValidationError"):
        found["components"]["schemas"].pop(name, None)
    return found


def _health_router(server: ServerState) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    # Not in the threads that requests work in: those may all be busy.
    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__, "sandbox": level()}

    @router.get("/ready")
    async def ready() -> Response:
        missing = await to_thread.run_sync(server.not_ready, limiter=server.probe_limiter)
        found = {"status": "starting" if missing else "ready", "missing": missing}
        return JSONResponse(found, 503 if missing else 200)

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(server.metrics.render(), media_type="text/plain; version=0.0.4")

    return router
