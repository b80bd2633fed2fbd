"""Changes to knowledge stores."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from videlicet.services.knowledge.stores import lock_store


@contextmanager
def _held(_: str) -> Iterator[bool]:
    yield True


def test_changes_to_one_store_do_not_wait_for_another() -> None:
    caller: Any = SimpleNamespace(
        store=SimpleNamespace(database=SimpleNamespace(advisory_lock=_held))
    )
    entered = threading.Event()

    def change_other() -> None:
        with lock_store(caller, "b"):
            entered.set()

    with lock_store(caller, "a"):
        thread = threading.Thread(target=change_other)
        thread.start()
        assert entered.wait(30)
    thread.join()
