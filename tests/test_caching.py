"""A cache keeps to its bytes, makes each value once, and leaves what is in use alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from videlicet.caching import ByteCache


def _filled(cache: ByteCache[str, bytes], *keys: str, size: int = 10) -> None:
    for key in keys:
        cache.get(key, lambda key=key: key.encode() * size)  # type: ignore[misc]


def test_the_least_recently_used_go_first() -> None:
    cache: ByteCache[str, bytes] = ByteCache(35, len)
    _filled(cache, "a", "b", "c")
    assert (cache.size, len(cache)) == (30, 3)
    _filled(cache, "a", "d")
    assert (cache.size, len(cache)) == (30, 3)
    assert "a" in cache
    assert "b" not in cache


def test_a_value_is_made_once_and_brought_up_to_date_in_place() -> None:
    cache: ByteCache[str, list[int]] = ByteCache(100, len)
    made: list[int] = []

    def make() -> list[int]:
        made.append(1)
        return [1, 2, 3]

    assert cache.get("a", make) is cache.get("a", make)
    assert made == [1]
    with cache.use("a", lambda old: [*(old or ()), 4]) as value:
        assert value == [1, 2, 3, 4]
    assert cache.size == 4


def test_what_is_in_use_stays_beyond_the_limit_and_goes_afterwards() -> None:
    cache: ByteCache[str, bytes] = ByteCache(25, len)
    with cache.use("a", lambda _: bytes(20)) as value:
        with cache.use("b", lambda _: bytes(20)):
            assert cache.size == 40
        assert "a" in cache
        assert "b" not in cache
        assert cache.get("a", lambda: b"") is value
    assert cache.size == 20
    with cache.use("c", lambda _: bytes(30)):
        assert "c" in cache
    assert (cache.size, len(cache)) == (0, 0), "one that is larger than all may be is not kept"


def test_values_of_other_keys_are_made_at_the_same_time() -> None:
    cache: ByteCache[str, bytes] = ByteCache(100, len)
    both = threading.Barrier(2, timeout=60)

    def make() -> bytes:
        both.wait()
        return b"x"

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda key: cache.get(key, make), "ab")) == [b"x"] * 2


def test_one_that_cannot_be_made_leaves_nothing() -> None:
    cache: ByteCache[str, bytes] = ByteCache(100, len)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: bytes(1 // 0))
    assert (cache.size, len(cache), cache._entries) == (0, 0, {})
    assert cache.get("a", lambda: b"x") == b"x"


def test_what_is_discarded_is_made_anew() -> None:
    cache: ByteCache[str, bytes] = ByteCache(100, len)
    _filled(cache, "a", "b")
    with cache.use("b", lambda old: old or b""):
        cache.discard(lambda value: value.startswith(b"b"))
        assert cache.size == 10
        with cache.use("b", lambda old: old or b"new") as value:
            assert value == b"new"
    assert cache.size == 13
    cache.discard()
    assert cache.size == 0
