"""Filters, against a plain evaluation in Python."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.store.samples import INGEST, SEARCH, THEN, asset, entry, media

from videlicet.errors import InvalidQuery
from videlicet.settings import load
from videlicet.store import Store, open_store
from videlicet.types import Asset

_ORDER = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
_BUILT_IN = ("name", "duration", "width", "height", "size", "container", "has_video", "created_at")


def _value(of: Asset, field: str) -> Any:
    video = of.media.video
    match field:
        case "duration":
            return float(of.media.span.duration)
        case "width" | "height":
            return getattr(video, field) if video else None
        case "has_video":
            return video is not None
        case "container":
            return of.media.container
        case "name" | "size" | "created_at":
            return getattr(of, field)
    return of.metadata.get(field)


def _family(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    return "number" if isinstance(value, int | float) else type(value).__name__


def _test(have: Any, name: str, want: Any) -> bool:
    if name == "exists":
        return (have is not None) == want
    if name == "ne":
        return not _test(have, "eq", want)
    if name == "nin":
        return not _test(have, "in", want)
    if name == "in":
        return any(_test(have, "eq", one) for one in want)
    if isinstance(have, datetime):
        want = want if isinstance(want, datetime) else datetime.fromisoformat(want)
        want = want if want.tzinfo else want.replace(tzinfo=UTC)
    if have is None or _family(have) != _family(want):
        return False
    if name == "contains":
        return want.casefold() in have.casefold()
    return bool((_ORDER | {"eq": operator.eq})[name](have, want))


def _holds(of: Asset, condition: Mapping[str, Any]) -> bool:
    for key, value in condition.items():
        if key == "and":
            good = all(_holds(of, part) for part in value)
        elif key == "or":
            good = any(_holds(of, part) for part in value)
        elif key == "not":
            good = not _holds(of, value)
        elif isinstance(value, dict):
            good = all(_test(_value(of, key), name, v) for name, v in value.items())
        else:
            good = _test(_value(of, key), "eq", value)
        if not good:
            return False
    return True


_words = st.sampled_from(["", "a", "A", "ab", "ÄB", "äb", "straße", "STRASSE", "100%", "a_b", "\\"])
_numbers = st.one_of(
    st.integers(-3, 3), st.sampled_from([0.5, 1.0, 2.5, -0.0, 10.0, 20.0, 640, 1234])
)
_times = st.sampled_from(
    [THEN, THEN + timedelta(days=1), THEN.replace(tzinfo=None), "2026-05-01", THEN.isoformat()]
)
_any = st.one_of(_words, _numbers, st.booleans())


def _operators(equal: Any, ordered: Any, text: bool) -> st.SearchStrategy[dict[str, Any]]:
    options = [
        st.fixed_dictionaries({"eq": equal}),
        st.fixed_dictionaries({"ne": equal}),
        st.fixed_dictionaries({"in": st.lists(equal, max_size=3)}),
        st.fixed_dictionaries({"nin": st.lists(equal, max_size=3)}),
        st.fixed_dictionaries({"exists": st.booleans()}),
    ]
    if ordered is not None:
        options += [st.fixed_dictionaries({name: ordered}) for name in _ORDER]
        options.append(st.fixed_dictionaries({"gte": ordered, "lt": ordered}))
    if text:
        options.append(st.fixed_dictionaries({"contains": _words}))
    return st.one_of(options)


_attached = st.tuples(
    st.sampled_from(["k", "l", "m n", "drop table"]),
    st.one_of(_any, _operators(_any, st.one_of(_words, _numbers), True)),
)
_built_in = st.one_of(
    st.tuples(st.just("name"), st.one_of(_words, _operators(_words, _words, True))),
    st.tuples(st.just("container"), _operators(_words, _words, False)),
    st.tuples(
        st.sampled_from(["duration", "width", "height", "size"]),
        st.one_of(_numbers, _operators(_numbers, _numbers, False)),
    ),
    st.tuples(
        st.just("has_video"), st.one_of(st.booleans(), _operators(st.booleans(), None, False))
    ),
    st.tuples(st.just("created_at"), _operators(_times, _times, False)),
)
_leaf = st.lists(st.one_of(_attached, _built_in), max_size=2).map(dict)
_conditions = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"and": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"or": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A store with assets of every make, opened once."""
    place = load(tmp_path_factory.mktemp("shelf"), weights=tmp_path_factory.getbasetemp())
    values: list[Any] = [None, "a", "A", "ÄB", "Straße", "a_b", "axb", "100%", "1", 1, 1.0, 2.5]
    values += [0, -0.0, True, False, -3, "", "\\"]
    made = []
    with open_store(place, write=True, create=True) as store:
        index = store.catalog.create_index(store.scope(INGEST), "main", {})
        for n, value in enumerate(values):
            attached = {"k": value, "l": values[-n], "m n": n % 4}
            one = asset(
                ["a", "ÄB", "Straße.mp4", "100%", "", "video é"][n % 6] + "x" * (n // 6),
                id=f"{n:024x}",
                recording=replace(media(n, video=n % 3 > 0), container=["a", "ab"][n % 2]),
                size=[0, 1, 1234][n % 3],
                created_at=THEN + timedelta(hours=12 * (n % 4)),
                metadata={k: v for k, v in attached.items() if v is not None},
            )
            store.catalog.put_asset(store.scope(INGEST), one)
            store.catalog.add_video(store.scope(INGEST), entry(index, one))
            made.append(one)
        yield store, index.id, made


@given(condition=_conditions)
@examples(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
def test_a_filter_finds_what_a_plain_evaluation_finds(
    shelf: tuple[Store, str, list[Asset]], condition: dict[str, Any]
) -> None:
    store, index_id, made = shelf
    found = store.catalog.find_assets(store.scope(SEARCH, index_id), condition)
    assert found == {one.id for one in made if _holds(one, condition)}


def test_listing_takes_the_same_filters(shelf: tuple[Store, str, list[Asset]]) -> None:
    store, index_id, made = shelf
    found = store.catalog.assets(
        store.scope(SEARCH, index_id), filter={"k": {"exists": True}, "width": 640}
    )
    assert found
    assert all(_holds(one, {"width": 640}) for one in found)
    assert len(found) < len(made)


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ({"and": {}}, "list"),
        ({"or": "ab"}, "list"),
        ({"not": []}, "object"),
        ({"and": [1]}, "object"),
        ([], "object"),
        ({"": 1}, "field name"),
        ({1: 1}, "field name"),
        ({"k": {}}, "no operator"),
        ({"k": {"like": "x"}}, "Unknown operator"),
        ({"k": {"in": "abc"}}, "list"),
        ({"k": {"exists": 1}}, "true or false"),
        ({"k": {"contains": 1}}, "takes text"),
        ({"k": {"gt": True}}, "number"),
        ({"k": None}, "null"),
        ({"k": [1]}, "a list"),
        ({"k": {"in": [[1]]}}, "a list"),
        ({"k": float("nan")}, "finite"),
        ({"k": 2**63}, "too large"),
        ({"k": "nul\x00"}, "not text"),
        ({"k": "\ud800"}, "not text"),
        ({"name": 1}, "is text"),
        ({"duration": "long"}, "is a number"),
        ({"width": True}, "is a number"),
        ({"has_video": 1}, "true or false"),
        ({"created_at": "yesterday"}, "is a time"),
        ({"created_at": {"contains": "2026"}}, "is a time"),
        ({"created_at": 5}, "is a time"),
        ({"source": {"contains": "x"}}, "contains"),
        ({"k": {"in": list(range(600))}}, "at most"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(
    shelf: tuple[Store, str, list[Asset]], condition: Any, hint: str
) -> None:
    store, index_id, _ = shelf
    if not condition:
        # An empty list is falsy: compile it as part of a whole.
        condition = {"not": condition}
    with pytest.raises(InvalidQuery, match=hint) as refused:
        store.catalog.find_assets(store.scope(SEARCH, index_id), condition)
    assert refused.value.code == "filter_invalid"


def test_nesting_has_an_end(shelf: tuple[Store, str, list[Asset]]) -> None:
    store, index_id, _ = shelf
    condition: dict[str, Any] = {"k": 1}
    for _ in range(40):
        condition = {"not": condition}
    with pytest.raises(InvalidQuery, match="deep"):
        store.catalog.find_assets(store.scope(SEARCH, index_id), condition)
