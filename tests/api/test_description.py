"""Whatever the published description allows is answered as it says: a few hundred made-up requests
here, and thousands with ``make test ARGS="-m slow tests/api/test_description.py"``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.server import DOUBLES, Server, served
from tests.api.world import World
from tests.docs.snippets import ROOT

CHECKS = (
    "not_a_server_error", "status_code_conformance", "response_schema_conformance",
    "content_type_conformance", "response_headers_conformance", "allow_header_conformance",
    "unsupported_method",
)  # fmt: skip
V1_3, V1 = "/openapi.json", "/v1/openapi.json"
SOME, ALL = "fuzzing", "examples,coverage,fuzzing"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("description") / "home"
    with served(home, **DOUBLES, VIDELICET_RATE_LIMIT="10000000") as one:
        yield one


@pytest.mark.parametrize(
    ("path", "phases", "examples", "least"),
    [
        pytest.param(V1_3, SOME, 1, 70, marks=pytest.mark.slow),
        pytest.param(V1, SOME, 5, 80, marks=pytest.mark.slow),
        pytest.param(V1_3, ALL, 30, 5_000, marks=pytest.mark.slow),
        pytest.param(V1, ALL, 120, 5_000, marks=pytest.mark.slow),
    ],
)
@pytest.mark.timeout(2700)
def test_made_up_requests(
    server: Server, world: World, tmp_path: Path, path: str, phases: str, examples: int, least: int
) -> None:
    client = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            str(client), "run", server.root + path, "--url", server.root,
            "-H", f"x-api-key: {world.client.headers['x-api-key']}", "--no-color", "--seed", "1",
            "-n", str(examples), "--phases", phases, "--checks", ",".join(CHECKS),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.api.real_ids",
            "VIDELICET_TEST_IDS": json.dumps(world.ids),
        },
        capture_output=True,
        text=True,
        timeout=2400,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    found = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert found is not None, done.stdout[-2000:]
    assert int(found[1]) == int(found[2]) >= least
