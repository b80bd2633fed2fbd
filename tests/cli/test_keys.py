"""``videlicet keys``: who may use the HTTP interface."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run

from videlicet.rights import Grant, Purpose
from videlicet.settings import load
from videlicet.store import open_store


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory that is not there yet."""
    monkeypatch.setenv("VIDELICET_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def good(home: Path, secret: str) -> bool:
    with open_store(load(home)) as store:
        return store.catalog.key_of(secret) is not None


def listed(videlicet: Run) -> dict[str, Any]:
    return {row["id"]: row for row in videlicet("keys", "list", "--json").json}


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_key_from_its_making_to_its_end(videlicet: Run, home: Path) -> None:
    made = videlicet("keys", "create", "laptop", "--json").json
    assert made["key"].startswith(made["prefix"])
    assert (made["name"], made["tenant"], made["scopes"]) == ("laptop", "local", [])
    assert good(home, made["key"])
    (row,) = listed(videlicet).values()
    assert (row["state"], row["last_used_at"], "key" in row) == ("good", None, False)
    assert videlicet("keys", "revoke", made["id"], "--json").json["state"] == "revoked"
    assert not good(home, made["key"])
    assert listed(videlicet)[made["id"]]["state"] == "revoked"


def test_scopes_and_expiry(videlicet: Run) -> None:
    made = videlicet("keys", "create", "reader", "--scope", "read", "--days", "30", "--json").json
    assert made["scopes"] == ["read"]
    left = when(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)
    assert videlicet("keys", "create", "x", "--scope", "all", "--json").error["code"] == (
        "invalid_argument"
    )


def test_both_keys_are_good_for_a_while(videlicet: Run, home: Path) -> None:
    options = ("--scope", "read", "--tenant", "guests")
    old = videlicet("keys", "create", "reader", *options, "--json").json
    new = videlicet("keys", "rotate", old["id"], "--json").json
    assert new["key"] != old["key"]
    assert good(home, old["key"])
    assert good(home, new["key"])
    assert {name: new[name] for name in ("name", "tenant", "scopes")} == {
        name: old[name] for name in ("name", "tenant", "scopes")
    }
    assert (new["replaces"]["id"], new["expires_at"]) == (old["id"], None)
    left = when(new["replaces"]["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    rotated = videlicet("keys", "rotate", new["id"], "--overlap", "0")
    assert rotated.code == 0
    assert good(home, rotated.out.strip())
    assert not good(home, new["key"])
    assert [row["state"] for row in listed(videlicet).values()] == ["good", "expired", "good"]


def test_a_key_that_expires_is_followed_by_one_that_lives_as_long(
    videlicet: Run, home: Path
) -> None:
    now = datetime.now(UTC)
    with open_store(load(home), write=True, create=True) as store:
        grant = Grant("tests", Purpose.MANAGE)
        old, _ = store.catalog.create_key(
            store.scope(grant), "short", expires_at=now + timedelta(hours=2)
        )
    new = videlicet("keys", "rotate", old.id, "--json").json
    assert when(new["replaces"]["expires_at"]) == old.expires_at
    lifetime = when(new["expires_at"]) - when(new["created_at"])
    assert abs(lifetime - timedelta(hours=2)) < timedelta(seconds=10)


def test_what_cannot_be_rotated(videlicet: Run) -> None:
    made = videlicet("keys", "create", "laptop", "--json").json
    assert videlicet("keys", "rotate", "0" * 24, "--json").error["code"] == "resource_not_found"
    assert videlicet("keys", "rotate", made["id"], "--overlap", "-1").code == 2
    videlicet("keys", "revoke", made["id"])
    refused = videlicet("keys", "rotate", made["id"], "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_argument")
    assert "keys create" in refused.error["remedy"]


def test_tables_for_people(videlicet: Run) -> None:
    assert "There are no keys" in videlicet("keys", "list").out
    videlicet("keys", "create", "laptop", "--days", "3")
    table = videlicet("keys", "list").out
    for word in ("laptop", "all", "last used", "expires", "good"):
        assert word in table
