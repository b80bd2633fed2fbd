"""The end of a server: what is under way is finished or goes on at the next start."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from tests.api.server import DOUBLES, Client, Server, served
from tests.ingest import rig


def begun(server: Server, key: str) -> socket.socket:
    """A request whose body is still to come."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall(
        b"POST /v1.3/entity-collections HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 15\r\nx-api-key: " + key.encode() + b"\r\n\r\n" + b'{"name"'
    )
    time.sleep(0.3)
    return connection


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_requests_are_finished_and_tasks_go_on(tmp_path: Path, kind: signal.Signals) -> None:
    recording = rig.make_videos(tmp_path / "videos", 1, seconds=40)[0]
    with served(tmp_path / "home", **DOUBLES) as server, Client(server, server.key()) as client:
        index = client.index()
        asset = client.upload(recording)
        client.ended(f"assets/{asset}")
        made = client.ok("POST", f"indexes/{index}/indexed-assets", json={"asset_id": asset})
        with begun(server, client.headers["x-api-key"]) as connection:
            assert server.process is not None
            server.process.send_signal(kind)
            time.sleep(0.5)
            with pytest.raises(httpx.TransportError):
                httpx.get(f"{server.root}/health")
            connection.sendall(b':"kept"}')
            assert b" 201 " in connection.recv(65536)
        assert server.process.wait(300) == 0
        assert server.workers() == []
        server.start()
        assert client.ended(f"indexes/{index}/indexed-assets/{made['_id']}")["status"] == "ready"
        assert len(client.ok("GET", "entity-collections")["data"]) == 1


@pytest.mark.slow
def test_a_signal_to_all_processes_fails_no_task(tmp_path: Path) -> None:
    """As a service manager sends it."""
    recording = rig.make_videos(tmp_path / "videos", 1, seconds=40)[0]
    with served(tmp_path / "home", **DOUBLES) as server, Client(server, server.key()) as client:
        index = client.index()
        asset = client.upload(recording)
        made = client.ok("POST", f"indexes/{index}/indexed-assets", json={"asset_id": asset})
        time.sleep(0.5)
        for worker in server.workers():
            for one in [*worker.children(recursive=True), worker]:
                one.send_signal(signal.SIGTERM)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(300) == 0
        assert server.workers() == []
        server.start()
        assert client.ended(f"indexes/{index}/indexed-assets/{made['_id']}")["status"] == "ready"


@pytest.mark.slow
def test_the_grace_period_ends(tmp_path: Path) -> None:
    with served(tmp_path / "home", **DOUBLES, VIDELICET_SHUTDOWN_TIMEOUT="1") as server:
        with begun(server, server.key()):
            assert server.process is not None
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(25) == 0
        assert server.workers() == []


@pytest.mark.slow
def test_the_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with served(tmp_path / "home", **DOUBLES) as server:
        with begun(server, server.key()):
            assert server.process is not None
            server.process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                server.process.wait(1)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(20) == 128 + signal.SIGTERM
        server.settle()
        server.start()
        assert server.stop() == 0


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    from videlicet.api.operations.running import run
    from videlicet.errors import InvalidInput
    from videlicet.settings import load

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match="Address already in use"):
            run(None, load(tmp_path), host="127.0.0.1", port=port)
