"""More than may be asked: large, slow and many requests are refused, and others go on."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from tests.api.server import DOUBLES, Client, Server, served

LIMITS = {
    "VIDELICET_BODY_MAX": "2000",
    "VIDELICET_REQUEST_TIMEOUT": "2",
    "VIDELICET_CONCURRENT_PER_KEY": "3",
    "VIDELICET_CONCURRENT_MAX": "5",
}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Client]]:
    with (
        served(tmp_path_factory.mktemp("strict") / "home", **DOUBLES, **LIMITS) as server,
        Client(server, server.key()) as client,
    ):
        yield server, client


def head(key: str, *lines: str, path: str = "/v1.3/indexes", method: str = "POST") -> bytes:
    fields = ["Host: x", f"x-api-key: {key}", "Content-Type: application/json", *lines]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *fields, "", ""]).encode()


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def rest(connection: socket.socket) -> bytes:
    """All that still comes until the server closes the connection."""
    found = b""
    try:
        while chunk := connection.recv(65536):
            found += chunk
    except ConnectionResetError:
        pass
    return found


def key_of(client: Client) -> str:
    return str(client.headers["x-api-key"])


# -- large ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "x/y"])
@pytest.mark.parametrize("path", ["indexes", "entity-collections", "embed-v2", "embed-v2/tasks"])
def test_bodies_without_a_length(strict: tuple[Server, Client], path: str, kind: str) -> None:
    _, client = strict

    def chunks() -> Iterator[bytes]:
        yield b'{"index_name": "'
        for _ in range(30):
            yield b"x" * 100
        yield b'"}'

    answer = client.post(path, content=chunks(), headers={"content-type": kind})
    assert answer.status_code == 413
    body = answer.json()
    assert (body.get("error") or body)["code"] == "payload_too_large"
    assert int(answer.headers["x-ratelimit-remaining"]) > 0
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("pause", [0, 0.3])
def test_a_head_that_is_too_long(strict: tuple[Server, Client], pause: float) -> None:
    server, client = strict
    whole = head(key_of(client), f"X-Long: {'x' * 100_000}", method="GET")
    with connected(server) as connection:
        connection.sendall(whole[:60_000])
        time.sleep(pause)
        with suppress(ConnectionError):
            connection.sendall(whole[60_000:])
        answer = rest(connection)
    assert answer[:13] in (b"HTTP/1.1 400 ", b"HTTP/1.1 431 ", b"")


def test_floods_of_parts(server: Server, client: Client) -> None:
    fields = {f"f{n}": "x" for n in range(1001)}
    answer = client.post("assets", data={"method": "direct"} | fields, files={"file": b"x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")
    many = [("file", (f"{n}", b"x")) for n in range(1001)]
    answer = client.post("assets", data={"method": "direct"}, files=many)
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")
    kind = {"content-type": "multipart/form-data; boundary=b"}
    for part in (
        b"--b\r\nX-Long: " + b"x" * 50_000 + b"\r\n\r\n",
        b"--b\r\n" + b"X-Many: x\r\n" * 1000 + b"\r\n",
        b'--b\r\nContent-Disposition: form-data; name="method"\r\n\r\n' + b"x" * 2_000_000,
        b"--b\r\n" * 1000,
    ):
        answer = client.post("assets", content=part, headers=kind)
        assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")
    assert client.get("indexes").status_code == 200


# -- slow ----------------------------------------------------------------------------------------


def test_a_body_that_does_not_come(strict: tuple[Server, Client]) -> None:
    server, client = strict
    with connected(server) as connection:
        connection.sendall(head(key_of(client), "Content-Length: 100") + b'{"')
        answer = rest(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"request_timeout"' in answer
    assert b"x-ratelimit-limit" in answer


@pytest.mark.parametrize("begin", ["head", "body", "second head", "nothing"])
def test_what_trickles_in(strict: tuple[Server, Client], begin: str) -> None:
    server, client = strict
    key = key_of(client)
    with connected(server) as connection:
        connection.settimeout(0.3)
        if begin == "body":
            connection.sendall(head(key, "Content-Length: 1000"))
        elif begin == "second head":
            connection.sendall(head(key, method="GET"))
        elif begin == "head":
            connection.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
        answer, began = b"", time.monotonic()
        while time.monotonic() - began < 30:
            try:
                if begin != "nothing":
                    connection.sendall(b"x")
                chunk = connection.recv(65536)
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                break
            if not chunk:
                break
            answer += chunk
        assert 1.5 < time.monotonic() - began < 25
    if begin == "nothing":
        assert answer == b""
    else:
        assert b"HTTP/1.1 408 " in answer


def test_a_slow_body_within_bounds_is_taken(strict: tuple[Server, Client]) -> None:
    _, client = strict

    def chunks() -> Iterator[bytes]:
        for chunk in (b'{"name"', b': "sl', b'ow"}'):
            time.sleep(0.3)
            yield chunk

    headers = {"content-type": "application/json"}
    answer = client.post("entity-collections", content=chunks(), headers=headers)
    assert answer.status_code == 201


# -- many ----------------------------------------------------------------------------------------


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[tuple[Server, Client]]:
    """As strict, but patient: what waits is not given up under the test."""
    patient = {**LIMITS, "VIDELICET_REQUEST_TIMEOUT": "120"}
    with (
        served(tmp_path / "home", **DOUBLES, **patient) as server,
        Client(server, server.key()) as client,
    ):
        yield server, client


@pytest.mark.slow
def test_requests_at_once(narrow: tuple[Server, Client]) -> None:
    server, client = narrow
    other = server.key()

    def opened(kept: ExitStack, key: str) -> None:
        connection = kept.enter_context(connected(server))
        connection.sendall(head(key, "Content-Length: 100"))

    def wait_for(count: int) -> None:
        deadline = time.monotonic() + 300
        wanted = f"videlicet_requests_under_way {count + 1}.0"
        while wanted not in httpx.get(f"{server.root}/metrics").text:
            assert time.monotonic() < deadline

    with ExitStack() as kept:
        # Held open by heads that promise a body.
        for _ in range(3):
            opened(kept, key_of(client))
        wait_for(3)
        full = client.get("indexes")
        assert (full.status_code, full.json()["code"]) == (429, "too_many_requests")
        assert int(full.headers["retry-after"]) > 0
        assert "x-ratelimit-limit" in full.headers
        # Each key has its own share, up to what there is for all.
        assert httpx.get(f"{server.base}/indexes", headers={"x-api-key": other}).is_success
        for _ in range(2):
            opened(kept, other)
        wait_for(5)
        third = httpx.get(f"{server.base}/indexes", headers={"x-api-key": server.key()})
        assert (third.status_code, third.json()["code"]) == (429, "too_many_requests")
        assert int(third.headers["retry-after"]) > 0
        for probe in ("health", "ready", "metrics"):
            assert httpx.get(f"{server.root}/{probe}").status_code == 200
    wait_for(0)
    assert client.get("indexes").status_code == 200
    metrics = httpx.get(f"{server.root}/metrics").text
    assert 'videlicet_rate_limited_total{limit="concurrency of key"} 1.0' in metrics
    assert 'videlicet_rate_limited_total{limit="concurrency of all"} 1.0' in metrics


def test_sixty_four_clients_of_one_key(server: Server, client: Client, recording: Path) -> None:
    index = client.index("busy")
    client.add_video(index, recording)
    key = key_of(client)
    form = {"index_id": index, "query_text": "red", "search_options": "visual"}

    def one(number: int) -> list[int]:
        with Client(server, key) as own:
            answers = [
                own.get("indexes"),
                own.post("search", data=form),
                own.post("entity-collections", json={"name": f"c{number}"}),
                own.get("assets"),
            ]
            return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(64) as pool:
        found = list(pool.map(one, range(64)))
    assert found == [[200, 200, 201, 200]] * 64


def test_what_every_answer_says_of_the_rate(server: Server, client: Client) -> None:
    reader = server.key(scopes=["read"])
    answers = [
        client.get("indexes"),
        client.get("indexes/none"),
        client.post("indexes", json={}),
        client.get("indexes", params={"page": 0}),
        client.request("PATCH", "indexes"),
        httpx.post(f"{server.base}/indexes", json={}, headers={"x-api-key": reader}),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 400, 400, 405, 403]
    for answer in answers:
        limit, left, used, reset = (
            int(answer.headers[f"x-ratelimit-{name}"])
            for name in ("limit", "remaining", "used", "reset")
        )
        assert (limit, used) == (6000, limit - left)
        assert reset >= time.time() - 1


# -- figures -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.embedded("what one server tells of the one worker")
def test_health_readiness_and_figures(server: Server, client: Client, recording: Path) -> None:
    from videlicet import __version__
    from videlicet.media.sandbox import level

    client.add_video(client.index("figures"), recording)
    health = httpx.get(f"{server.root}/health").json()
    assert health == {"status": "ok", "version": __version__, "sandbox": level()}
    assert httpx.get(f"{server.root}/ready").json() == {"status": "ready", "missing": []}
    for one in server.workers():
        one.kill()
    deadline = time.monotonic() + 300
    while (answer := httpx.get(f"{server.root}/ready")).status_code == 200:
        assert time.monotonic() < deadline
    assert answer.json() == {"status": "starting", "missing": ["worker"]}
    assert "videlicet_workers 0.0" in httpx.get(f"{server.root}/metrics").text
    while httpx.get(f"{server.root}/ready").status_code != 200:
        assert time.monotonic() < deadline + 60
        time.sleep(0.1)
    text = httpx.get(f"{server.root}/metrics").text
    values = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            values[name] = float(value)
    assert values["videlicet_workers"] == 1
    assert values["videlicet_worker_starts_total"] >= 2
    for status in ("queued", "running", "ready", "failed", "cancelled"):
        assert f'videlicet_tasks{{status="{status}"}}' in values
    assert values['videlicet_tasks_ended_total{status="ready"}'] >= 1
    assert values["videlicet_index_seconds_count"] >= 1
    assert values["videlicet_indexed_media_seconds_total"] >= 6
    assert values['videlicet_jobs_waiting{kind="file"}'] == 0
    assert values["process_resident_memory_bytes"] > 1e7
    assert values["videlicet_worker_resident_memory_bytes"] > 1e7
    bucket = 'videlicet_request_seconds_bucket{le="+Inf",method="GET",route="/v1.3/indexes"}'
    assert values.get(bucket, 0) >= 0
    assert "tenant" not in text
