"""Figures for Prometheus: how many requests, how long they took, and how the work stands. No
content, no keys and no words of queries are in them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from videlicet.rights import EVERY_TENANT, Grant, Purpose

if TYPE_CHECKING:
    from videlicet.store import Store

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 60)


class Metrics:
    """The figures of one server process."""

    def __init__(self, store: Store) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "videlicet_requests", "Requests answered.", ("method", "route", "status"),
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "videlicet_request_seconds", "Time until an answer was complete.", ("method", "route"),
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._registry.register(_Work(store))

    def answered(self, scope: Any, status: int, began: float) -> None:
        """Count a request that began at ``time.perf_counter()`` ``began``."""
        route = getattr(scope.get("route"), "path", None)
        # A route knows its path inside its router only; a path nobody serves is none of theirs.
        prefix = next((p for p in ("/v1.3", "/v1") if scope["path"].startswith(p + "/")), "")
        route = "unknown" if route is None else prefix + route.removeprefix(prefix)
        self._requests.labels(scope["method"], route, str(status)).inc()
        self._seconds.labels(scope["method"], route).observe(time.perf_counter() - began)

    def text(self) -> bytes:
        """The figures in Prometheus' text form."""
        return generate_latest(self._registry)


class _Work:
    """How many tasks stand where, read when somebody asks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = GaugeMetricFamily("videlicet_tasks", "Indexing tasks.", labels=("status",))
        counts = self._store.catalog.count_tasks(Grant("metrics", Purpose.MANAGE, EVERY_TENANT))
        for status, count in counts.items():
            found.add_metric([status.value], count)
        yield found
