from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.errors import InvalidQuery
from videlicet.search.paging import fingerprint, page_offset, page_token
from videlicet.types import GroupBy, PartKind, Query, QueryPart

QUERY = Query((QueryPart(PartKind.TEXT, "a dog"),))


@given(st.integers(0, 10**9))
def test_a_token_leads_back_to_its_offset(offset: int) -> None:
    mark = fingerprint("index", QUERY)
    assert page_offset(mark, page_token(mark, offset)) == offset


@given(st.text())
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        page_offset(fingerprint("index", QUERY), token)
    assert caught.value.code == "page_token_invalid"


@pytest.mark.parametrize(
    "other",
    [
        replace(QUERY, parts=(QueryPart(PartKind.TEXT, "a cat"),)),
        replace(QUERY, parts=(QueryPart(PartKind.IMAGE, b"a dog"),)),
        replace(QUERY, filter={"name": "x"}),
        replace(QUERY, group_by=GroupBy.ASSET),
        replace(QUERY, threshold=0.5),
        replace(QUERY, asset_ids=("a",)),
    ],
)
def test_a_token_of_another_query_is_refused(other: Query) -> None:
    token = page_token(fingerprint("index", other), 10)
    with pytest.raises(InvalidQuery):
        page_offset(fingerprint("index", QUERY), token)


def test_the_page_size_may_change_between_pages() -> None:
    assert fingerprint("i", QUERY) == fingerprint("i", replace(QUERY, page_size=50, page_token="x"))
