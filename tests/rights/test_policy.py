from __future__ import annotations

import pytest

from videlicet.errors import NotPermitted
from videlicet.rights import OPEN, Grant, Purpose, authorize
from videlicet.rights.policy import require_purpose
from videlicet.rights.scope import Scope, tenant_scope

DENIED = (Purpose.TRAIN, Purpose.SHARE, Purpose.IDENTIFY)


@pytest.mark.parametrize("purpose", Purpose)
def test_an_operation_serves_only_its_purposes(purpose: Purpose) -> None:
    scope = tenant_scope(Grant("ada", purpose))
    authorize(scope, {purpose, Purpose.MANAGE}, "vectors")
    with pytest.raises(NotPermitted):
        authorize(scope, set(Purpose) - {purpose}, "vectors")


@pytest.mark.parametrize("purpose", DENIED)
def test_the_open_policy_never_trains_shares_or_identifies(purpose: Purpose) -> None:
    grant = Grant("ada", purpose)
    found = OPEN.decide_many(grant, purpose, ["a", "b"])
    assert found.allowed == frozenset()
    assert found.refused == dict.fromkeys(("a", "b"), (f"open.{purpose}.denied",))
    with pytest.raises(NotPermitted) as caught:
        require_purpose(OPEN, grant)
    error = caught.value
    assert (error.code, error.status, error.subject) == ("purpose_not_permitted", 403, str(purpose))
    assert error.details == {"reasons": [f"open.{purpose}.denied"], "policy": "open"}


@pytest.mark.parametrize("purpose", [one for one in Purpose if one not in DENIED])
def test_the_open_policy_allows_every_asset_for_everything_else(purpose: Purpose) -> None:
    grant = Grant("ada", purpose)
    require_purpose(OPEN, grant)
    found = OPEN.decide_many(grant, purpose, ["a", "b"])
    assert (found.allowed, found.refused, found.reasons) == ({"a", "b"}, {}, ())


def test_a_refusal_says_why() -> None:
    with pytest.raises(NotPermitted) as caught:
        authorize(tenant_scope(Grant("ada", Purpose.SEARCH)), {Purpose.INGEST}, "blobs")
    error = caught.value
    assert (error.code, error.status, error.subject) == ("purpose_not_permitted", 403, "blobs")
    assert error.details == {"reasons": ["purpose.search.does_not_cover.blobs"]}


def test_nobody_but_a_store_makes_a_scope() -> None:
    with pytest.raises(TypeError):
        Scope("ada", Purpose.SEARCH)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Store\.scope"):
        Scope("ada", Purpose.SEARCH, seal=object())
    one = tenant_scope(Grant("ada", Purpose.SEARCH))
    for changed in (one.narrowed(Purpose.MANAGE), one.within("museum")):
        assert not isinstance(changed, Scope)


def test_narrowing_keeps_who_and_where() -> None:
    grant = Grant("ada", Purpose.INGEST, "museum").narrowed(Purpose.SEARCH)
    assert grant == Grant("ada", Purpose.SEARCH, "museum")
    assert grant.within("archive") == Grant("ada", Purpose.SEARCH, "archive")
