"""Logs and traces: enough to see what went on, and nothing of what users sent."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests import samples
from tests.api.server import DOUBLES, Client, Server, served
from tests.cluster.services import blobs

CANARY = "zqxjkcanary"


def lines(server: Server) -> list[dict[str, Any]]:
    """The log; every line of it is a JSON object."""
    return [json.loads(line) for line in server.log.splitlines()]


def requests(server: Server) -> list[dict[str, Any]]:
    return [row for row in lines(server) if row["event"] == "request"]


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server that was asked for many things with the canary in them, good and bad."""
    folder = tmp_path_factory.mktemp("noisy")
    home = folder / "home"
    good = samples.video(folder / f"{CANARY}.mp4", samples.THREE, tags={"title": CANARY})
    bad = samples.text_as_mp4(folder / f"{CANARY}-bad.mp4")
    bad.write_text(CANARY * 500)
    private = f"http://127.0.0.1:9/{CANARY}.mp4?token={CANARY}"
    with served(home, **DOUBLES, VIDELICET_LOG_LEVEL="debug") as server:
        key = server.key()
        with Client(server, key) as client:
            index = client.index(CANARY)
            client.add_video(index, good, {"note": CANARY, CANARY: "x"})
            assert client.ended(f"assets/{client.upload(bad)}")["status"] == "failed"
            form = {"index_id": index, "search_options": "visual"}
            client.ok("POST", "search", data={**form, "query_text": CANARY})
            client.post("search", data={**form, "query_text": CANARY, "filter": f"{{{CANARY}"})
            client.post(
                "search", data={**form, "query_media_type": "image"},
                files={"query_media_file": (f"{CANARY}.jpg", CANARY.encode())},
            )  # fmt: skip
            client.post("assets", data={"method": "url", "url": private})
            client.post("tasks", data={"index_id": CANARY, "video_url": private})
            client.get(f"indexes/{CANARY}", params={"q": CANARY})
            client.get(f"{CANARY}/{CANARY}", headers={"traceparent": CANARY, "user-agent": CANARY})
            client.request(CANARY.upper(), CANARY, headers={"x-request-id": CANARY})
            client.post("embed-v2", content=CANARY, headers={"content-type": "application/json"})
            client.get("indexes", headers={"x-api-key": CANARY})
            httpx.get(f"{server.root}/media/assets/{CANARY}/thumbnail.jpg?signature={CANARY}")
            # A worker that dies, and a fault of our own: a table that is not there.
            for child in psutil.Process(server.process.pid).children():  # type: ignore[union-attr]
                child.kill()
            video = client.ok("GET", f"indexes/{index}/videos")["data"][0]["_id"]
            asset = client.ok("GET", f"indexes/{index}/indexed-assets/{video}")["asset_id"]
            originals, original = blobs(home), f"files/{asset}/original"
            originals.put(original, CANARY.encode() * 99)
            playlist = client.ok("GET", f"assets/{asset}")["hls"]["manifest_url"]
            part = httpx.get(playlist).text.splitlines()[-2]
            assert httpx.get(server.root + part).status_code == 422
            originals.delete(original)
            assert httpx.get(server.root + part).status_code == 404
            time.sleep(1)
        yield server, key
        assert server.stop() == 0


def test_neither_keys_nor_content_are_in_the_log(noisy: tuple[Server, str]) -> None:
    server, key = noisy
    log = server.log.lower()
    assert CANARY not in log
    assert key not in server.log
    assert len(requests(server)) > 20
    for path in server.home.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes(), path


def test_a_line_for_each_request(noisy: tuple[Server, str]) -> None:
    server, _ = noisy
    rows = requests(server)
    search = next(row for row in rows if row["route"] == "/v1.3/search")
    assert search["method"] == "POST"
    assert search["status"] == 200
    assert search["seconds"] > 0
    assert search["bytes"] > 100
    assert search["tenant"] == "local"
    assert search["key"]
    assert search["time"].endswith("Z")
    assert {row["route"] for row in rows} >= {
        "/v1.3/indexes/{index_id}", "/media/assets/{asset_id}/thumbnail.jpg", "unknown", "/ready",
        "/media/assets/{asset_id}/hls/{number}.ts",
    }  # fmt: skip
    assert {"OTHER", "GET"} <= {row["method"] for row in rows}
    refused = next(row for row in rows if row["status"] == 401)
    assert refused["key"] is None


def test_the_worker_tells_of_its_work(noisy: tuple[Server, str]) -> None:
    rows = lines(noisy[0])
    own = noisy[0].process.pid  # type: ignore[union-attr]
    ended = [row for row in rows if row["event"] == "work ended"]
    assert {(row["kind"], row["status"]) for row in ended} == {
        ("file", "ready"), ("file", "failed"), ("task", "ready"),
    }  # fmt: skip
    assert all(row["process"] != own for row in ended)
    steps = [row["step"] for row in rows if row["event"] == "step ended"]
    assert {"identify", "admit", "observe", "store", "finish"} <= set(steps)
    assert "the worker ended" in {row["event"] for row in rows}


def test_the_answer_names_its_line(noisy: tuple[Server, str]) -> None:
    server, key = noisy
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = httpx.get(
        f"{server.base}/indexes",
        headers={"x-api-key": key, "traceparent": f"00-{trace}-b7ad6b7169203331-01"},
    )
    deadline = time.monotonic() + 300
    while not (
        found := [r for r in requests(server) if r["request"] == answer.headers["x-request-id"]]
    ):
        assert time.monotonic() < deadline
    assert found[0]["trace"] == trace
    assert "x-request-id" in httpx.get(f"{server.base}/indexes").headers


@pytest.mark.slow
def test_text_and_levels(tmp_path: Path, recording: Path) -> None:
    with (
        served(
            tmp_path / "home", **DOUBLES, VIDELICET_LOG_FORMAT="text", VIDELICET_LOG_LEVEL="warning"
        ) as server,
        Client(server, server.key()) as client,
    ):
        client.get("indexes")
        assert "make one with" in server.log
        assert '"event"' not in server.log
        assert "/v1.3/indexes" not in server.log


@pytest.mark.parametrize("wrong", [{"log_format": "xml"}, {"log_level": "loud"}])
def test_settings_that_are_none(wrong: dict[str, str], tmp_path: Path) -> None:
    from videlicet.errors import InvalidInput
    from videlicet.settings import load

    with pytest.raises(InvalidInput, match="should be"):
        load(tmp_path, **wrong)


# -- traces --------------------------------------------------------------------------------------


class Spans:
    """What a collector was sent."""

    def __init__(self) -> None:
        self.port = 0
        self.found: list[tuple[str, Any]] = []
        self.bodies = b""

    def named(self, name: str) -> list[tuple[str, Any]]:
        return [(service, one) for service, one in list(self.found) if one.name == name]

    def one(self, name: str) -> tuple[str, Any]:
        deadline = time.monotonic() + 300
        while not (found := self.named(name)):
            assert time.monotonic() < deadline, sorted({one.name for _, one in self.found})
            time.sleep(0.1)
        return found[-1]


@contextmanager
def collecting() -> Iterator[Spans]:
    spans = Spans()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            spans.bodies += body
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                names = {a.key: a.value.string_value for a in group.resource.attributes}
                for scope in group.scope_spans:
                    spans.found += [(names["service.name"], one) for one in scope.spans]
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        spans.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield spans
        finally:
            server.shutdown()
            thread.join()


def attributes(span: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}


@pytest.mark.slow
def test_one_trace_from_the_request_through_the_worker(tmp_path: Path) -> None:
    recording = samples.video(tmp_path / f"{CANARY}.mp4", samples.THREE)
    trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with collecting() as spans:
        tracing = {
            "VIDELICET_OTEL_ENDPOINT": f"http://127.0.0.1:{spans.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
        }
        with (
            served(tmp_path / "home", **DOUBLES, **tracing) as server,
            Client(server, server.key()) as client,
        ):
            index = client.index()
            asset = client.upload(recording)
            client.ended(f"assets/{asset}")
            made = client.ok(
                "POST", f"indexes/{index}/indexed-assets", json={"asset_id": asset},
                headers={"traceparent": f"00-{trace}-{caller}-01"},
            )  # fmt: skip
            client.ended(f"indexes/{index}/indexed-assets/{made['_id']}")
            form = {"index_id": index, "query_text": CANARY, "search_options": "visual"}
            client.ok("POST", "search", data=form)
            client.get(f"indexes/{CANARY}")

            service, request = spans.one("POST /v1.3/indexes/{index_id}/indexed-assets")
            assert service == "videlicet"
            assert request.trace_id.hex() == trace
            assert request.parent_span_id.hex() == caller
            assert attributes(request)["http.response.status_code"] == 202
            service, task = spans.one("ingest task")
            assert service == "videlicet-worker"
            assert task.trace_id.hex() == trace
            assert task.parent_span_id == request.span_id
            assert attributes(task)["videlicet.status"] == "ready"
            for name in ("identify", "admit", "observe", "store", "finish"):
                _, step = spans.one(f"step {name}")
                assert step.trace_id.hex() == trace
                assert step.parent_span_id == task.span_id
            _, upload = spans.one("POST /v1.3/assets")
            assert spans.one("ingest file")[1].trace_id == upload.trace_id
            _, asked = spans.one("POST /v1.3/search")
            for name in ("search", "search encode", "search retrieve", "search group"):
                assert spans.one(name)[1].trace_id == asked.trace_id
            logged = next(r for r in requests(server) if r["route"] == "/v1.3/search")
            assert logged["trace"] == asked.trace_id.hex()
            spans.one("GET /v1.3/indexes/{index_id}")
            assert server.stop() == 0
    assert CANARY.encode() not in spans.bodies


@pytest.mark.slow
def test_without_an_endpoint_nothing_is_loaded(tmp_path: Path) -> None:
    """(The web framework brings OpenTelemetry's interface, which does nothing.)"""
    code = """
import sys
from videlicet.settings import load
from videlicet.telemetry import traces
import videlicet.jobs.workflow_engine, videlicet.worker, videlicet.search.engine
traces.start(load(sys.argv[1]), "x")
with traces.span("x", parent="x"):
    assert traces.inject() == {}
traces.stop()
print([name for name in sys.modules if name.startswith("opentelemetry")])
from videlicet.api.app import create_app
from videlicet.api.state import ServerState
create_app(ServerState(load(sys.argv[1])))
print([n for n in sys.modules if n.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.splitlines() == ["[]", "[]"], done.stderr
