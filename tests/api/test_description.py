"""Whatever the published description allows is answered as it says: thousands of requests."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.server import DOUBLES, Server, served

CHECKS = (
    "not_a_server_error", "status_code_conformance", "response_schema_conformance",
    "content_type_conformance", "response_headers_conformance",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("description") / "home"
    with served(home, **DOUBLES, VIDELICET_RATE_LIMIT="10000000") as one:
        yield one


@pytest.mark.parametrize(("path", "cases"), [("/openapi.json", 5000), ("/v1/openapi.json", 250)])
def test_made_up_requests(server: Server, tmp_path: Path, path: str, cases: int) -> None:
    client = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            str(client), "run", server.root + path, "--url", server.root,
            "-H", f"x-api-key: {server.key()}", "--no-color", "--seed", "1", "-n", "30",
            "--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    found = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert found is not None, done.stdout[-2000:]
    assert int(found[1]) == int(found[2]) >= cases
