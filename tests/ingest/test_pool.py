from __future__ import annotations

import threading

import pytest

from videlicet.errors import Cancelled
from videlicet.ingest.passes.task_group import SerialQueue, TaskGroup, UnitPool


def never() -> bool:
    return False


def test_units_run_and_are_waited_for() -> None:
    pool = UnitPool(2)
    crew = TaskGroup(pool, 0, never)
    done: list[int] = []
    for number in range(20):
        crew.submit("lane", 1, 4, lambda number=number: done.append(number))
    crew.finish()
    assert sorted(done) == list(range(20))
    assert crew.cpu["lane"] > 0
    assert crew.threads == 2
    crew.add_cpu_time("elsewhere", 1.5)
    assert crew.cpu["elsewhere"] == 1.5
    pool.close()
    with pytest.raises(RuntimeError):
        pool.submit((0,), lambda: None)


def test_lower_ranks_and_earlier_files_go_first() -> None:
    pool = UnitPool(1)
    gate, order = threading.Event(), []
    first, second = TaskGroup(pool, 0, never), TaskGroup(pool, 1, never)
    first.submit("gate", 0, 1, lambda: gate.wait() and None)
    second.submit("b", 1, 9, lambda: order.append("second 1"))
    first.submit("b", 2, 9, lambda: order.append("first 2"))
    first.submit("a", 1, 9, lambda: order.append("first 1"))
    gate.set()
    first.finish()
    second.finish()
    pool.close()
    assert order == ["first 1", "second 1", "first 2"]


def test_tenants_take_turns() -> None:
    pool = UnitPool(1)
    gate, order = threading.Event(), []
    many, few = TaskGroup(pool, 0, never, "many"), TaskGroup(pool, 1, never, "few")
    many.submit("gate", 0, 1, lambda: gate.wait() and None)
    for number in range(4):
        many.submit("lane", 0, 9, lambda number=number: order.append(f"many {number}"))
    for number in range(2):
        few.submit("lane", 5, 9, lambda number=number: order.append(f"few {number}"))
    gate.set()
    many.finish()
    few.finish()
    pool.close()
    assert order[:4] in (
        ["many 0", "few 0", "many 1", "few 1"],
        ["few 0", "many 0", "few 1", "many 1"],
    )
    assert order[4:] == ["many 2", "many 3"]


def test_a_lane_holds_only_so_many_units() -> None:
    pool = UnitPool(1)
    crew = TaskGroup(pool, 0, never)
    gate = threading.Event()
    crew.submit("lane", 0, 2, lambda: gate.wait() and None)
    crew.submit("lane", 0, 2, lambda: None)
    entered = threading.Event()

    def third() -> None:
        crew.submit("lane", 0, 2, lambda: None)
        entered.set()

    thread = threading.Thread(target=third)
    thread.start()
    assert not entered.wait(0.05)
    gate.set()
    thread.join()
    crew.finish()
    pool.close()


def test_the_first_failure_stops_the_pass() -> None:
    pool = UnitPool(2)
    crew = TaskGroup(pool, 0, never)

    def fails() -> None:
        raise ValueError("this one")

    crew.submit("lane", 0, 9, fails)
    with pytest.raises(ValueError, match="this one"):
        crew.finish()
    with pytest.raises(ValueError, match="this one"):
        crew.submit("lane", 0, 9, lambda: None)
    other = TaskGroup(pool, 1, never)
    other.submit("lane", 0, 9, lambda: None)
    other.finish()
    crew.fail(KeyError("later"))
    with pytest.raises(ValueError, match="this one"):
        crew.check()
    pool.close()


def test_cancelling_stops_what_waits() -> None:
    pool = UnitPool(1)
    stop = threading.Event()
    crew = TaskGroup(pool, 0, stop.is_set)
    gate, ran = threading.Event(), []
    crew.submit("lane", 0, 9, lambda: gate.wait() and None)
    crew.submit("lane", 0, 9, lambda: ran.append(1))
    stop.set()
    gate.set()
    with pytest.raises(Cancelled):
        crew.finish()
    assert not ran
    pool.close()


def test_a_strand_keeps_its_order_on_many_threads() -> None:
    pool = UnitPool(4)
    crew = TaskGroup(pool, 0, never)
    strand = SerialQueue(crew, "text", 0, 8)
    order: list[int] = []
    inside = threading.Semaphore(1)

    def unit(number: int) -> None:
        assert inside.acquire(blocking=False)
        order.append(number)
        inside.release()

    for number in range(200):
        strand.submit(lambda number=number: unit(number))
    crew.finish()
    pool.close()
    assert order == list(range(200))


def test_a_failing_strand_does_not_hang() -> None:
    pool = UnitPool(2)
    crew = TaskGroup(pool, 0, never)
    strand = SerialQueue(crew, "text", 0, 2)

    def fails() -> None:
        raise ValueError("no")

    def feed() -> None:
        for _ in range(50):
            strand.submit(fails)

    with pytest.raises(ValueError, match="no"):
        feed()
    with pytest.raises(ValueError, match="no"):
        crew.finish()
    pool.close()


@pytest.mark.timeout(20)
def test_a_closed_pool_ends_the_pass() -> None:
    pool = UnitPool(1)
    pool.close()
    crew = TaskGroup(pool, 0, never)
    crew.submit("lane", 0, 1, lambda: None)
    with pytest.raises(Cancelled):
        crew.submit("lane", 0, 1, lambda: None)
    with pytest.raises(Cancelled):
        crew.finish()


def fill(pool: UnitPool) -> None:
    while True:
        pool.submit((1,), lambda: None)


@pytest.mark.timeout(20)
def test_a_pool_that_closes_under_a_strand_ends_the_pass() -> None:
    pool = UnitPool(1)
    crew = TaskGroup(pool, 0, never)
    strand = SerialQueue(crew, "text", 0, 8)
    gate, ran = threading.Event(), []
    strand.submit(lambda: gate.wait() and None)
    for _ in range(3):
        strand.submit(lambda: ran.append(1))
    closing = threading.Thread(target=pool.close)
    closing.start()
    with pytest.raises(RuntimeError):
        fill(pool)
    gate.set()
    closing.join()
    with pytest.raises(Cancelled):
        crew.finish()
    assert not ran
