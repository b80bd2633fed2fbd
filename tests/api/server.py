"""A real server in a process of its own, for tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
from tests.cluster import services
from tests.cluster.balancer import balanced
from tests.cluster.services import free_port, place
from tests.processes import PATIENCE, marked, wait_until

from videlicet.errors import StoreError
from videlicet.models import fakes
from videlicet.rights import Grant, Purpose
from videlicet.settings import Settings, load
from videlicet.store import open_store

#: Settings that have the server work with the shipped doubles.
DOUBLES = {"VIDELICET_MODELS": ",".join(f"{role}={id}" for role, id in fakes.IDS.items())}
_RUN = "import sys; sys.argv[0] = 'videlicet'; from videlicet.cli import main; main()"


@dataclass
class Server:
    """One data directory, and the process that serves it while there is one."""

    home: Path
    port: int
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    #: Words after ``serve``.
    options: tuple[str, ...] = ()
    #: The port of the balancer that it is behind.
    front: int | None = None

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.front or self.port}"

    @property
    def base(self) -> str:
        return f"{self.root}/v1.3"

    @property
    def inherited(self) -> dict[str, str]:
        """The environment of the server's process."""
        return {**os.environ, **self.environment, "VIDELICET_HOME": str(self.home)}

    @property
    def settings(self) -> Settings:
        """The settings of the server's process."""
        named = {
            name.removeprefix("VIDELICET_").lower(): value
            for name, value in self.environment.items()
            if name.startswith("VIDELICET_") and not name.startswith("VIDELICET_TEST_")
        }
        return load(self.home, **named)

    def start(self) -> None:
        place(self.home)
        log = (self.home.parent / f"{self.home.name}.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-c", _RUN, "serve", "--port", str(self.port), *self.options],
            env=self.inherited,
            stdout=log,
            stderr=log,
        )
        log.close()
        wait_until(self._ready, self.process, lambda: f"the server: {self.log}")

    def _ready(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.port}/ready"
            return httpx.get(url, timeout=PATIENCE).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def settle(self) -> None:
        """Wait until no process of a killed server is left."""
        deadline = time.monotonic() + 300
        while self.workers():
            assert time.monotonic() < deadline, self.workers()
            time.sleep(0.05)

    def workers(self) -> list[psutil.Process]:
        """Processes that do this server's work, whether it lives or not."""
        found = []
        for one in psutil.process_iter():
            try:
                if str(self.home) in one.environ().get("VIDELICET_HOME", "") and (
                    "videlicet.worker" in one.cmdline()
                ):
                    found.append(one)
            except psutil.Error:
                continue
        return found

    @property
    def log(self) -> str:
        return (self.home.parent / f"{self.home.name}.log").read_text("utf-8", "replace")

    def key(self, tenant: str = "local", **options: Any) -> str:
        """A new key's secret."""
        grant = Grant("tests", Purpose.MANAGE, tenant)
        settings = self.settings
        try:
            store = open_store(settings)
        except StoreError:
            store = open_store(settings, write=True, create=True)
        with store:
            return store.catalog.create_key(store.scope(grant), "tests", **options)[1]


@contextmanager
def served(home: Path, *options: str, **environment: str) -> Iterator[Server]:
    with marked() as mark:
        server = Server(home, free_port(), {**mark, **environment}, options=options)
        try:
            server.start()
            yield server
            if server.process is not None and server.process.poll() is None:
                server.stop()
        finally:
            if server.process is not None:
                server.kill()


@contextmanager
def hosted(home: Path, **environment: str) -> Iterator[Server]:
    """A server; where all stores are shared ones two behind one address, with a worker each."""
    if services.everywhere is None:
        with served(home, **environment) as one:
            yield one
        return
    shared = services.everywhere.fresh()
    for name in ("first", "second"):
        services.place(home / name, shared)
    with (
        served(home / "first", **environment) as first,
        served(home / "second", **environment) as second,
    ):
        first.front = free_port()
        with balanced(first.front, [first.port, second.port]):
            yield first


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told."""


@contextmanager
def published(folder: Path) -> Iterator[str]:
    """The address of a folder that is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Client(httpx.Client):
    """A client with a key, whose paths begin after ``/v1.3`` (or what ``form`` names)."""

    def __init__(self, server: Server, key: str, form: str = "v1.3") -> None:
        super().__init__(
            base_url=f"{server.root}/{form}", headers={"x-api-key": key}, timeout=PATIENCE
        )

    def ok(self, method: str, path: str, **options: Any) -> Any:
        """The body of an answer that must be good."""
        answer = self.request(method, path, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def index(self, name: str = "videos", options: tuple[str, ...] = ("visual", "audio")) -> str:
        body = {
            "index_name": name,
            "models": [{"model_name": "marengo3.0", "model_options": list(options)}],
            "addons": ["thumbnail"],
        }
        return str(self.ok("POST", "indexes", json=body)["_id"])

    def upload(self, path: Path, **fields: str) -> str:
        with path.open("rb") as file:
            made = self.ok(
                "POST", "assets", data={"method": "direct", **fields},
                files={"file": (path.name, file)},
            )  # fmt: skip
        return str(made["_id"])

    def ended(self, path: str, seconds: float = PATIENCE) -> Any:
        """What is at a path once it is ready or has failed."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.ok("GET", path)
            if found["status"] in ("ready", "failed"):
                return found
            assert time.monotonic() < deadline, f"{path} is still {found['status']}"
            time.sleep(0.1)

    def add_video(
        self, index_id: str, path: Path, metadata: Mapping[str, Any] | None = None
    ) -> str:
        """A video that is ready."""
        asset_id = self.upload(path)
        assert self.ended(f"assets/{asset_id}")["status"] == "ready"
        made = self.ok(
            "POST", f"indexes/{index_id}/indexed-assets",
            json={
                "asset_id": asset_id,
                "enable_video_stream": True,
                "user_metadata": dict(metadata or {}),
            },
        )  # fmt: skip
        video = self.ended(f"indexes/{index_id}/indexed-assets/{made['_id']}")
        assert video["status"] == "ready", video
        return str(made["_id"])
