"""``videlicet keys``: make, list, rotate and revoke API keys."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from videlicet.cli.context import JsonOption, context
from videlicet.cli.output import print_json, print_message, print_table
from videlicet.errors import InvalidInput, NotFound, StoreError

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store
    from videlicet.types import ApiKey

_log = logging.getLogger(__name__)

keys = typer.Typer(help="Make, list, rotate and revoke API keys.", no_args_is_help=True)

TenantOption = Annotated[
    str, typer.Option("--tenant", help="Whose data the key opens; tenants never see each other's.")
]


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="A name for the key.")],
    tenant: TenantOption = "local",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="read (look and search) or write (all that changes something); repeatable; both, "
            "if none is given."
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="Days until the key expires.", min=1, show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create a key; it is printed only this once."""
    if strange := set(scope or ()) - {"read", "write"}:
        raise InvalidInput("invalid_argument", f"There is no scope {min(strange)!r}.")
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with open_shared_store() as store:
        made, secret = store.catalog.create_key(
            scope_for(store, tenant), name, scopes=scope or (), expires_at=expires
        )
    if as_json:
        print_json({"key": secret, **_row(made)})
    else:
        print_message(f"Key {made.id} ({name}), shown this once:")
        typer.echo(secret)


@keys.command("list")
def list_keys(as_json: JsonOption = False) -> None:
    """List keys (never the keys themselves)."""
    from videlicet.types import Kind

    with open_shared_store() as store:
        uses, _ = store.catalog.find_resources(scope_for(store, "*"), Kind.KEY_USE)
        used = {use.id: use.updated_at.isoformat(timespec="seconds") for use in uses}
        kept = store.catalog.keys(scope_for(store, "*"))
    found = [{**_row(key), "last_used_at": used.get(key.id)} for key in kept]
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "name", "begins", "tenant", "scopes", "created", "last used", "expires", "state"),
        [
            (
                row["id"], row["name"], row["prefix"], row["tenant"],
                ", ".join(row["scopes"]) or "all", row["created_at"][:10],
                (row["last_used_at"] or "")[:16], (row["expires_at"] or "")[:16], row["state"],
            )
            for row in found
        ],
        empty="There are no keys; make one with `videlicet keys create NAME`.",
        whole=("id",),
    )  # fmt: skip


@keys.command("rotate")
def rotate(
    id: Annotated[str, typer.Argument(help="The id of a key, from `videlicet keys list`.")],
    overlap: Annotated[
        float, typer.Option(help="Hours for which the old key stays valid.", min=0, max=8760)
    ] = 24.0,
    as_json: JsonOption = False,
) -> None:
    """Make a key that takes the place of another; it is shown this once. Both are good for a
    while, so that nothing stops working while the new one is rolled out."""
    with open_shared_store() as store:
        old, made, secret = store.catalog.rotate_key(
            scope_for(store, "*"), id, timedelta(hours=overlap)
        )
    if as_json:
        print_json({"key": secret, **_row(made), "replaces": _row(old)})
    else:
        print_message(f"Key {made.id} ({made.name}) takes the place of {old.id}, shown this once:")
        typer.echo(secret)
        assert old.expires_at is not None
        print_message(f"The old key is good until {old.expires_at.isoformat(timespec='minutes')}.")


@keys.command("revoke")
def revoke(
    id: Annotated[str, typer.Argument(help="The id of a key, from `videlicet keys list`.")],
    as_json: JsonOption = False,
) -> None:
    """Revoke a key."""
    with open_shared_store() as store:
        gone = store.catalog.revoke_key(scope_for(store, "*"), id)
    if as_json:
        print_json(_row(gone))
    else:
        print_message(f"Key {gone.id} ({gone.name}) is revoked.")


def _row(key: ApiKey) -> dict[str, Any]:
    now = datetime.now(UTC)
    late = key.expires_at is not None and key.expires_at <= now
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "tenant": key.tenant,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at.isoformat(),
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
        "state": "revoked" if key.revoked_at else "expired" if late else "good",
    }


def open_shared_store() -> Store:
    """The store, for changing keys and webhooks only: a server may be running on it."""
    from videlicet.settings import load
    from videlicet.store import open_store

    settings: Settings = load(context.home)
    try:
        return open_store(settings)
    except (StoreError, NotFound) as error:
        if error.code != "store_not_found":
            raise
        return open_store(settings, write=True, create=True)


def scope_for(store: Store, tenant: str) -> Scope:
    """What a tenant has, to be managed; ``*`` is every tenant."""
    from videlicet.rights import Grant, Purpose

    return store.scope(Grant("local", Purpose.MANAGE, tenant))


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.add_typer(keys, name="keys")
