"""Errors as HTTP answers, under the names that v1.3 clients know."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from videlicet.errors import VidelicetError

#: Our codes as v1.3 names them; others go by their own name.
_NAMES = {
    "index_not_found": "resource_not_exist",
    "asset_not_found": "resource_not_exist",
    "task_not_found": "resource_not_exist",
    "resource_not_found": "resource_not_exist",
    "segment_not_found": "resource_not_exist",
    "index_exists": "index_name_already_exists",
    "item_collection_exists": "item_collection_name_already_exists",
    "invalid_argument": "parameter_invalid",
    "query_empty": "parameter_not_provided",
    "query_too_long": "token_limit_exceeded",
    "query_media_invalid": "parameter_invalid",
    "filter_invalid": "parameter_invalid",
    "page_token_invalid": "parameter_invalid",
    "modality_not_indexed": "parameter_invalid",
    "duration_too_long": "video_duration_too_long",
    "scope_not_permitted": "api_not_allowed",
}
#: Where v1.3 answers with another status than ours.
_STATUSES = {
    "index_name_already_exists": 400,
    "item_collection_name_already_exists": 400,
    "token_limit_exceeded": 400,
}

#: Where clients look for errors as OpenAI words them.
OPENAI = "/v1/embeddings"

_log = logging.getLogger(__name__)


class ApiError(Exception):
    """A refusal that only the HTTP interface knows."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        nested: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        #: Whether the body is ``{"error": {...}}``, as it is at two endpoints.
        self.nested = nested


def invalid_parameter(message: str) -> ApiError:
    """400 ``parameter_invalid``."""
    return ApiError(400, "parameter_invalid", message)


def missing_parameter(name: str) -> ApiError:
    """400 ``parameter_not_provided``."""
    return ApiError(400, "parameter_not_provided", f"The parameter {name} is required.")


def not_found(what: str, id: str) -> ApiError:
    """404 ``resource_not_exist``."""
    return ApiError(404, "resource_not_exist", f"There is no {what} {id!r}.")


def error_response(error: ApiError, path: str = "") -> JSONResponse:
    """An error as a response to what was asked at ``path``."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.nested:
        body = {"error": body}
    elif path == OPENAI:
        kind = "server_error" if error.status >= 500 else "invalid_request_error"
        body["error"] = {
            "message": error.message, "type": kind, "code": error.code, "param": None,
        }  # fmt: skip
    return JSONResponse(body, error.status, headers=error.headers)


def api_error_of(error: VidelicetError) -> ApiError:
    """One of the library's errors under its v1.3 name."""
    code = _NAMES.get(error.code, error.code)
    status = _STATUSES.get(code, error.status)
    return ApiError(status, code, error.message)


async def on_api_error(request: Request, error: Exception) -> JSONResponse:
    """Handles :class:`ApiError`."""
    assert isinstance(error, ApiError)
    return error_response(error, request.url.path)


async def on_library_error(request: Request, error: Exception) -> JSONResponse:
    """Handles :class:`VidelicetError`."""
    assert isinstance(error, VidelicetError)
    if error.status >= 500:
        _log.error("failed", extra={"code": error.code}, exc_info=error)
    return error_response(api_error_of(error), request.url.path)


async def on_invalid(request: Request, error: Exception) -> JSONResponse:
    """Handles requests that do not fit their description: 400, never 422."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    if first["type"] == "missing":
        return error_response(missing_parameter(where), request.url.path)
    return error_response(invalid_parameter(f"{where}: {first['msg']}."), request.url.path)


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Handles what the framework refuses by itself."""
    assert isinstance(error, HTTPException)
    codes = {
        404: "resource_not_exist",
        405: "method_not_allowed",
        408: "request_timeout",
        413: "payload_too_large",
    }
    code = codes.get(error.status_code, "parameter_invalid")
    headers = dict(error.headers or {})
    known = request.app.state.methods.methods_of(request.url.path)
    if error.status_code == 405 and known:
        # The framework names the methods of one route only.
        headers["Allow"] = ", ".join(sorted(known))
    refusal = ApiError(error.status_code, code, str(error.detail), headers=headers)
    return error_response(refusal, request.url.path)


async def on_unexpected_error(request: Request, error: Exception) -> JSONResponse:
    """Handles faults of our own; nothing of them is shown."""
    _log.error("fault", exc_info=error)
    refusal = ApiError(500, "internal_server_error", "Something went wrong on the server.")
    return error_response(refusal, request.url.path)
