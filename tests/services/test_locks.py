"""Locks by name."""

from __future__ import annotations

import threading

import pytest

from videlicet.errors import Conflict
from videlicet.services.locks import NamedLocks


def test_a_lock_holds_up_its_own_name_only() -> None:
    locks = NamedLocks()
    with locks.hold("a"):
        with locks.hold("b", timeout=0.0):
            assert len(locks) == 2
        with pytest.raises(Conflict) as caught, locks.hold("a", timeout=0.0):
            raise AssertionError("both hold it")
        assert (caught.value.code, caught.value.retryable) == ("changes_pending", True)
    assert len(locks) == 0


def test_who_waits_is_let_in_when_the_holder_leaves() -> None:
    locks = NamedLocks()
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with locks.hold("a"):
            entered.set()
            leave.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert entered.wait(30)
    threading.Timer(0.05, leave.set).start()
    with locks.hold("a", timeout=30):
        assert leave.is_set()
    thread.join()
    assert len(locks) == 0
