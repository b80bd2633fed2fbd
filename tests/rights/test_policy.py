from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.errors import NotPermitted
from videlicet.rights import Grant, Purpose, authorize, decide

purposes = st.sampled_from(Purpose)


@given(purposes, st.sets(purposes))
def test_only_a_purpose_the_operation_serves_is_allowed(
    purpose: Purpose, operation: set[Purpose]
) -> None:
    decision = decide(Grant("ada", purpose), operation, "vectors")
    assert decision.reasons
    if decision.allow:
        assert purpose in operation


@given(st.sets(purposes))
def test_an_operation_that_serves_nothing_is_never_allowed(operation: set[Purpose]) -> None:
    for purpose in set(Purpose) - operation:
        assert not decide(Grant("ada", purpose), operation, "asset").allow


@pytest.mark.parametrize("purpose", [Purpose.TRAIN, Purpose.SHARE, Purpose.IDENTIFY])
def test_the_open_profile_never_trains_shares_or_identifies(purpose: Purpose) -> None:
    decision = decide(Grant("ada", purpose), set(Purpose), "asset")
    assert not decision.allow
    assert decision.reasons == (f"open.{purpose}.denied",)


def test_a_local_owner_may_search() -> None:
    decision = decide(Grant("ada", Purpose.SEARCH), {Purpose.SEARCH}, "vectors")
    assert decision.allow
    assert decision.profile == "open"
    authorize(Grant("ada", Purpose.SEARCH), {Purpose.SEARCH}, "vectors")


def test_a_refusal_says_why() -> None:
    with pytest.raises(NotPermitted) as caught:
        authorize(Grant("ada", Purpose.SEARCH), {Purpose.INGEST}, "blobs")
    error = caught.value
    assert (error.code, error.status, error.subject) == ("purpose_not_permitted", 403, "blobs")
    assert error.details == {
        "reasons": ["purpose.search.does_not_cover.blobs"],
        "profile": "open",
    }


def test_narrowing_keeps_who_and_where() -> None:
    grant = Grant("ada", Purpose.INGEST, "museum").narrowed(Purpose.SEARCH)
    assert grant == Grant("ada", Purpose.SEARCH, "museum")
