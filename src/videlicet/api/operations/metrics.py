"""Figures for Prometheus: requests, tasks, the worker, memory. No content, no keys, no tenants and
no words of queries are in them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily

from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.types import AssetStatus, Kind, Status

if TYPE_CHECKING:
    from videlicet.ingest.progress import Progress
    from videlicet.jobs.client import WorkerPool
    from videlicet.store import Store

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 60)
_LONG = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600)
#: Work beside tasks that waits for the worker.
_JOBS = {Kind.EMBEDDING: "embedding", Kind.DELIVERY: "delivery"}
_GRANT = Grant("metrics", Purpose.MANAGE, EVERY_TENANT)


class Metrics:
    """The metrics of one server process."""

    def __init__(self, store: Store, work: WorkerPool) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "videlicet_requests", "Requests answered.", ("method", "route", "status"),
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "videlicet_request_seconds", "Time until an answer was complete.", ("method", "route"),
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.under_way = Gauge(
            "videlicet_requests_under_way", "Requests not answered yet.", registry=registry
        )
        self.limited = Counter(
            "videlicet_rate_limited", "Requests refused with 429.", ("limit",), registry=registry
        )
        self._ended = Counter(
            "videlicet_tasks_ended", "Indexing tasks ended since the start of the server.",
            ("status",), registry=registry,
        )  # fmt: skip
        self._indexing = Histogram(
            "videlicet_index_seconds", "Time that the worker had an indexing task.",
            buckets=_LONG, registry=registry,
        )  # fmt: skip
        self._media = Counter(
            "videlicet_indexed_media_seconds", "Seconds of recordings indexed.", registry=registry
        )
        self.workers = Counter("videlicet_worker_starts", "Workers started.", registry=registry)
        self._begun: dict[str, float] = {}
        registry.register(_WorkCollector(store, work))
        ProcessCollector(registry=registry)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def observe_progress(self, news: Progress) -> None:
        """Count what the worker says of its tasks."""
        if not news.status.ended:
            if news.status is Status.RUNNING:
                self._begun.setdefault(news.task_id, time.monotonic())
            return
        began = self._begun.pop(news.task_id, None)
        self._ended.labels(news.status.value).inc()
        if news.status is Status.READY and not news.already:
            self._media.inc(news.total_s or 0)
            if began is not None:
                self._indexing.observe(time.monotonic() - began)

    def render(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _WorkCollector:
    """The state of the queue, read when scraped."""

    def __init__(self, store: Store, work: WorkerPool) -> None:
        self._store = store
        self._work = work

    def collect(self) -> Iterator[GaugeMetricFamily]:
        catalog, scope = self._store.catalog, self._store.scope(_GRANT)
        tasks = GaugeMetricFamily("videlicet_tasks", "Indexing tasks.", labels=("status",))
        counts = catalog.count_tasks(scope)
        for status in Status:
            tasks.add_metric([status.value], counts.get(status, 0))
        yield tasks
        jobs = GaugeMetricFamily(
            "videlicet_jobs_waiting", "Other work that waits for the worker or is at it.",
            labels=("kind",),
        )  # fmt: skip
        files = catalog.asset_keys(scope, status=[AssetStatus.PROCESSING])
        jobs.add_metric(["file"], len(files))
        for kind, name in _JOBS.items():
            found = catalog.find_resources(scope, kind, status=["processing"], limit=1)
            jobs.add_metric([name], found[1])
        yield jobs
        pids = self._work.pids
        yield GaugeMetricFamily(
            "videlicet_workers", "Workers of this server that are there.", value=len(pids)
        )
        memory = [bytes_ for pid in pids if (bytes_ := resident_memory(pid)) is not None]
        if memory:
            yield GaugeMetricFamily(
                "videlicet_worker_resident_memory_bytes",
                "Memory of this server's workers.",
                value=sum(memory),
            )


def resident_memory(pid: int) -> int | None:
    """Bytes of a process's memory that are in use; ``None`` where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
