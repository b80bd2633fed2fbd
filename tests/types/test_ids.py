from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from videlicet.types import Segment, Span, derived_id, is_id, random_id

parts = st.lists(st.text() | st.binary(), max_size=4)


@given(parts)
def test_derived_ids_are_ids_and_pure(found: list[str | bytes]) -> None:
    assert is_id(derived_id(*found))
    assert derived_id(*found) == derived_id(*found)


@given(parts, parts)
def test_different_lists_get_different_ids(one: list[str | bytes], two: list[str | bytes]) -> None:
    def raw(found: list[str | bytes]) -> list[bytes]:
        return [p.encode() if isinstance(p, str) else p for p in found]

    assert (derived_id(*one) == derived_id(*two)) == (raw(one) == raw(two))


def test_known_id_stays_as_it_is() -> None:
    # Stored ids must mean the same to every later version.
    assert derived_id("ab", "c") != derived_id("a", "bc")
    assert derived_id("videlicet") == "ad9d37079d31f0886b408e97"


def test_random_ids_are_ids_and_differ() -> None:
    drawn = {random_id() for _ in range(100)}
    assert len(drawn) == 100
    assert all(map(is_id, drawn))


def test_what_is_no_id() -> None:
    for odd in ("", "0" * 23, "0" * 25, "G" * 24, "A" * 24, "0" * 24 + "\n"):
        assert not is_id(odd)


def test_a_segment_is_named_by_its_asset_and_time_not_its_shot() -> None:
    one = Segment("asset", Span.of(0, 4), Span.of(0, 8))
    assert one.id == Segment("asset", Span.of(0, 4), Span.of(0, 6)).id
    assert one.id != Segment("asset", Span.of(4, 8), Span.of(0, 8)).id
    assert one.id != Segment("other", Span.of(0, 4), Span.of(0, 8)).id
