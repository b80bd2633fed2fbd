"""What some tests need of a machine: weights, a corpus, PostgreSQL, Node.js.

Where one is absent, its tests are skipped with a word on how to get it. In continuous integration
(``CI=true``, or ``VIDELICET_TEST_REQUIRE_ALL=1``) they fail instead.
"""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

REQUIRED = os.environ.get("CI") == "true" or bool(os.environ.get("VIDELICET_TEST_REQUIRE_ALL"))


def absent(reason: str) -> NoReturn:
    """Skip the test, or fail it where everything is required."""
    if REQUIRED:
        pytest.fail(f"a prerequisite is absent: {reason}", pytrace=False)
    pytest.skip(reason)


def program(name: str, reason: str) -> None:
    """Need a program in ``PATH``."""
    if shutil.which(name) is None:
        absent(reason)
