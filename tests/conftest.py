"""What holds for all tests: no network, nobody's own data, and clear words on what is skipped."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import settings as hypothesis_settings
from tests import prerequisites, processes
from tests.cluster import services as cluster

# Haystack reports how it is used, and looks for this when it is imported.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

ROOT = Path(__file__).parent.parent
#: The development corpus; see docs/evaluation.md for its form.
CORPUS = Path(os.environ.get("VIDELICET_TEST_CORPUS", ROOT.parent / "shared" / "corpus"))

#: Whether every store of every test is one that machines share (PostgreSQL and an object store).
SHARED = bool(os.environ.get("VIDELICET_TEST_SHARED"))

# What answers slowly on a machine that is busy with other things is not broken.
for _limit in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, _limit, processes.PATIENCE)

# Machines differ in speed; how long one example takes says nothing.
hypothesis_settings.register_profile("videlicet", deadline=None)
hypothesis_settings.load_profile("videlicet")


#: Folders whose files take long, the longest first: begun early, none of them is left for one
#: process at the end, when the others are done.
LONGEST = ("docs", "api", "cluster", "ingest", "mcp", "cli", "demo", "analyze", "media")


def _begins(item: pytest.Item) -> int:
    folder = item.path.relative_to(ROOT / "tests").parts[0]
    return LONGEST.index(folder) if folder in LONGEST else len(LONGEST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what this machine lacks the weights or the corpus for, with how to get them."""
    items.sort(key=_begins)
    wanted = [n for n in ("weights", "corpus") if any(i.get_closest_marker(n) for i in items)]
    missing = []
    if "weights" in wanted and _weights_absent():
        missing.append("weights")
    if "corpus" in wanted and not (CORPUS / "queries.json").is_file():
        missing.append("corpus")
    reasons = {
        "weights": "the starter weights are not here: run `videlicet models pull`",
        "corpus": f"no corpus at {CORPUS}: set VIDELICET_TEST_CORPUS",
    }
    for item in items:
        for name in missing:
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.absent(reasons[name]))
        if SHARED and (embedded := item.get_closest_marker("embedded")):
            item.add_marker(pytest.mark.skip(reason=f"embedded: {embedded.args[0]}"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail what needs something that is not here."""
    if mark := item.get_closest_marker("absent"):
        prerequisites.absent(mark.args[0])


def _weights_absent() -> list[str]:
    from videlicet.models.cards import card, default_cards
    from videlicet.models.registry import missing
    from videlicet.settings import load

    return [one.id for one in missing(load(), [card(id) for id in default_cards().values()])]


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The development corpus; for tests marked ``corpus``."""
    return CORPUS


@pytest.fixture(scope="session")
def services(_no_process_is_left: None) -> Iterator[cluster.Services]:
    """A PostgreSQL server and an object store of this test process."""
    if cluster.tools() is None:
        prerequisites.absent(cluster.NO_POSTGRES)
    with cluster.running() as found:
        yield found


@pytest.fixture(autouse=True, scope="session")
def _no_process_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """What tests start ends with them, however they go."""
    processes.mark_this_run()
    yield
    left = processes.left_running()
    names = [" ".join(one.cmdline()[:6]) for one in left]
    processes.end(left)
    if names and not request.session.testsfailed:
        pytest.fail(f"tests left processes running: {names}")


@pytest.fixture(autouse=True, scope="session")
def _shared_stores(request: pytest.FixtureRequest) -> Iterator[None]:
    """With ``VIDELICET_TEST_SHARED`` set, each data directory that a test names is the scratch
    folder of a shared store of its own, by a ``videlicet.toml`` in it."""
    if not SHARED:
        yield
        return
    from videlicet import settings

    real = settings._file

    def file(home: Path) -> Path:
        cluster.place(home)
        return real(home)

    cluster.everywhere = request.getfixturevalue("services")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "_file", file)
        yield
    cluster.everywhere = None


@pytest.fixture(autouse=True)
def _own_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads or writes the data directory or the settings of whoever runs the tests."""
    for name in list(os.environ):
        ours = name.startswith("VIDELICET_") and not name.startswith("VIDELICET_TEST_")
        if ours and name != "VIDELICET_WEIGHTS":
            monkeypatch.delenv(name)
    monkeypatch.setenv("VIDELICET_HOME", str(tmp_path / "videlicet-home"))


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Connections to other machines fail the test that makes them."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
                raise AssertionError(f"a test reached for the network: {address!r}")
        real(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        yield
