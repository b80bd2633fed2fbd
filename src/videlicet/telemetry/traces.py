"""Traces over OpenTelemetry, where an endpoint is set; without one, nothing is done or imported.

Attributes are ids, names of steps, counts and codes. A trace goes on in another process, at another
time, from the text that :func:`inject` returns (W3C ``traceparent``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from videlicet.settings import Settings

#: Keeps the text of :func:`inject` in the body of what a request leaves for the worker.
FIELD = "trace"
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")

_provider: Any = None
_tracer: Any = None


def start(settings: Settings, service: str) -> None:
    """Begin to send spans, if the settings name an endpoint. What else OpenTelemetry's own
    variables say (headers, sampling, names of the resource) holds too."""
    global _provider, _tracer
    if not settings.otel_endpoint or _provider is not None:
        return
    import os

    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.environment_variables import OTEL_SERVICE_NAME
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get(OTEL_SERVICE_NAME) or service
    # Not made the global provider: what libraries would tell through it is not ours to promise.
    _provider = TracerProvider(resource=Resource.create({"service.name": name}))
    endpoint = settings.otel_endpoint.rstrip("/")
    if not endpoint.endswith("/v1/traces"):
        endpoint += "/v1/traces"
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    _tracer = _provider.get_tracer("videlicet")


def stop() -> None:
    """Send what is still to be sent, and no more from now on."""
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider is not None:
        provider.shutdown()


def enabled() -> bool:
    """Whether there are traces."""
    return _tracer is not None


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, Any] | None = None,
    *,
    parent: str | None = None,
    server: bool = False,
) -> Iterator[Span | None]:
    """A span around a block; it fails with the block. ``parent`` is what :func:`inject` has
    returned elsewhere, otherwise it is the span around this one."""
    if _tracer is None:
        yield None
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode

    kind = SpanKind.SERVER if server else SpanKind.INTERNAL
    with _tracer.start_as_current_span(
        name, context=_context(parent), kind=kind, attributes=attributes,
        record_exception=False, set_status_on_exception=False,
    ) as one:  # fmt: skip
        try:
            yield one
        except BaseException as error:
            # Its type or code: the message may hold what users sent.
            code = getattr(error, "code", None)
            one.set_attribute("error.type", code if isinstance(code, str) else type(error).__name__)
            one.set_status(Status(StatusCode.ERROR))
            raise


def inject() -> dict[str, str]:
    """The trace that this code runs in, for the body of what goes on elsewhere; else nothing."""
    if _tracer is None:
        return {}
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    text = f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
    return {FIELD: text}


def extract(body: Mapping[str, Any]) -> str | None:
    """What :func:`inject` put into a body."""
    text = body.get(FIELD)
    return text if isinstance(text, str) else None


def trace_id(parent: str | None) -> str | None:
    """The trace that this code runs in; without traces, the one that ``parent`` names."""
    text = inject().get(FIELD) or parent
    matched = _PARENT.fullmatch(text or "")
    return matched[1] if matched else None


def _context(parent: str | None) -> Any:
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        set_span_in_context,
    )

    matched = _PARENT.fullmatch(parent or "")
    if matched is None:
        return None
    context = SpanContext(
        int(matched[1], 16), int(matched[2], 16), is_remote=True,
        trace_flags=TraceFlags(int(matched[3], 16)),
    )  # fmt: skip
    return set_span_in_context(NonRecordingSpan(context)) if context.is_valid else None
