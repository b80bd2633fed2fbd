"""Telemetry of every request: a log line, metrics, a span, and an id in the response.

A request goes by the template of its route, never by its path: paths of signed addresses and of
what does not exist hold what users sent.
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders

from videlicet.telemetry import traces

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from videlicet.api.operations.metrics import Metrics

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_log = logging.getLogger(__name__)


class AccessLogMiddleware:
    """Passes requests on to ``app``, and tells of them once they are answered."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = secrets.token_hex(8)
        state = scope.setdefault("state", {})
        status, received, sent = 500, 0, 0

        async def taken() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body") or b"")
            return message

        async def reply(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            else:
                sent += len(message.get("body") or b"")
            await send(message)

        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        parent = Headers(scope=scope).get("traceparent")
        metrics = self._metrics
        metrics.under_way.inc()
        trace = None
        try:
            with traces.span(method, parent=parent, server=True) as span:
                trace = traces.trace_id(parent)
                try:
                    await self._app(scope, taken, reply)
                finally:
                    if span is not None:
                        _set_span_attributes(
                            span, method, route_template(scope), status, request_id
                        )
        finally:
            metrics.under_way.dec()
            seconds = time.perf_counter() - began
            route = route_template(scope)
            metrics.count_request(method, route, status, seconds)
            key = state.get("key")
            _log.log(
                logging.ERROR if status >= 500 else logging.INFO,
                "request",
                extra={
                    "method": method,
                    "route": route,
                    "status": status,
                    "seconds": round(seconds, 4),
                    "received": received,
                    "bytes": sent,
                    "key": None if key is None else key.id,
                    "tenant": None if key is None else key.tenant,
                    "request": request_id,
                    "trace": trace,
                },
            )


def route_template(scope: Scope) -> str:
    """The template of the route that a request has taken, ``unknown`` where there is none."""
    route = getattr(scope.get("route"), "path", None)
    if route is None:
        return "unknown"
    # A route knows its path inside its router only.
    prefix = next((p for p in ("/v1.3", "/v1") if scope["path"].startswith(p + "/")), "")
    return prefix + str(route).removeprefix(prefix)


def _set_span_attributes(span: Any, method: str, route: str, status: int, request_id: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.update_name(f"{method} {route}")
    span.set_attribute("http.request.method", method)
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("videlicet.request", request_id)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))
