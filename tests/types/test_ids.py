from __future__ import annotations

import time
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from videlicet.types import Segment, Span, derived_id, is_id, ordered_id, random_id, uuid7

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


@given(st.integers(1, 200))
def test_uuids_of_version_7_have_its_form_and_sort_by_their_making(count: int) -> None:
    before = time.time_ns() // 1_000_000
    made = [uuid7() for _ in range(count)]
    after = time.time_ns() // 1_000_000
    assert made == sorted(set(made))
    assert [str(one) for one in made] == sorted(str(one) for one in made)
    for one in made:
        assert (one.version, one.variant) == (7, RFC_4122)
        # Those made within one tick of the clock count on into the next.
        assert before <= one.int >> 80 <= after + 1


@given(st.from_regex(r"[a-z]{2,5}", fullmatch=True))
def test_ordered_ids_are_a_prefix_and_a_uuid(prefix: str) -> None:
    found, _, rest = ordered_id(prefix).partition("_")
    assert found == prefix
    assert str(UUID(rest)) == rest
    assert not is_id(ordered_id(prefix))


def test_a_segment_is_named_by_its_asset_and_time_not_its_shot() -> None:
    one = Segment("asset", Span.of(0, 4), Span.of(0, 8))
    assert one.id == Segment("asset", Span.of(0, 4), Span.of(0, 6)).id
    assert one.id != Segment("asset", Span.of(4, 8), Span.of(0, 8)).id
    assert one.id != Segment("other", Span.of(0, 4), Span.of(0, 8)).id
