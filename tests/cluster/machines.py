"""Processes on one shared store, as they would run on several machines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from tests.api.server import DOUBLES, Client, Server, served
from tests.cluster.services import Services
from tests.ingest.rig import Rig
from tests.processes import PATIENCE, marked

from videlicet.settings import Settings, load
from videlicet.store import Store, open_store
from videlicet.types import Task

RUN = "import sys; sys.argv[0] = 'videlicet'; from videlicet.cli import main; main()"
#: Most seconds until somebody takes up what a killed process had at work, on a busy machine.
TAKEN_UP = 120


@dataclass
class Worker:
    """``videlicet worker`` with a scratch folder of its own."""

    home: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        with (self.home.parent / f"{self.home.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", RUN, "--home", str(self.home), "worker"],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )

    @property
    def family(self) -> list[psutil.Process]:
        """The command and the process that does the work."""
        whole = psutil.Process(self.process.pid)
        return [whole, *whole.children(recursive=True)]

    def kill(self) -> None:
        """As when the power fails."""
        for one in self.family:
            one.kill()
        self.process.wait()

    def end(self) -> None:
        """Leave no process; what it started ends with the cluster."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@dataclass
class Cluster:
    """One shared store, and whatever is at it."""

    folder: Path
    environment: dict[str, str]
    _held: ExitStack = field(default_factory=ExitStack)

    def server(self, name: str, *options: str) -> Server:
        """A server without workers of its own, unless the options say so."""
        words = options or ("--workers", "0")
        return self._held.enter_context(served(self.folder / name, *words, **self.environment))

    def client(self, server: Server, tenant: str = "local") -> Client:
        return self._held.enter_context(Client(server, server.key(tenant)))

    def worker(self, name: str) -> Worker:
        made = Worker(self.folder / name, self.environment)
        self._held.callback(made.end)
        return made

    def command(self, *words: str) -> tuple[int, Any]:
        """Exit code and JSON of a command on a machine of its own."""
        done = subprocess.run(
            [sys.executable, "-c", RUN, "--home", str(self.folder / "desk"), *words, "--json"],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=300,
        )
        lines = (done.stdout or done.stderr).strip()
        try:
            return done.returncode, json.loads(lines)
        except ValueError:
            return done.returncode, [json.loads(line) for line in lines.splitlines()]

    def settings(self, name: str = "desk") -> Settings:
        values = {
            key.removeprefix("VIDELICET_").lower(): value
            for key, value in self.environment.items()
            if not key.startswith("VIDELICET_TEST_")
        }
        return load(self.folder / name, **values)

    def rig(self, name: str) -> Rig:
        return Rig(self.settings(name))

    def store(self) -> Store:
        return self._held.enter_context(open_store(self.settings(), write=True, create=True))

    def close(self) -> None:
        self._held.close()


@contextmanager
def cluster(services: Services, folder: Path, **environment: str) -> Iterator[Cluster]:
    with marked() as mark:
        one = Cluster(folder, {**services.fresh(), **DOUBLES, **environment, **mark})
        try:
            yield one
        finally:
            one.close()


def until(condition: Any, seconds: float = TAKEN_UP, what: str = "it") -> Any:
    """What ``condition`` returns once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.05)
    return found


def observing(store: Store, grant: Any) -> Task | None:
    """A task that a worker is at, some way into it."""
    for task in store.catalog.tasks(store.scope(grant)):
        if task.stage == "observe" and task.done_s > 0:
            return task
    return None
