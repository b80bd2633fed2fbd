"""``videlicet serve``, ``mcp``, ``worker`` and ``keys``: the HTTP interface and that of agents, who
does the work, and who may use it."""

from __future__ import annotations

import ipaddress
import logging
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from videlicet.cli.context import JsonOption, context
from videlicet.cli.output import print_json, print_table, say
from videlicet.errors import InvalidInput, NotFound, StoreError

if TYPE_CHECKING:
    from videlicet.settings import Settings
    from videlicet.store import Store
    from videlicet.types import ApiKey

_log = logging.getLogger(__name__)

keys = typer.Typer(help="Make, list, rotate and revoke API keys.", no_args_is_help=True)

TenantOption = Annotated[
    str, typer.Option("--tenant", help="Whose data the key opens; tenants never see each other's.")
]


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8765,
    tls_cert: Annotated[
        Path | None, typer.Option(help="TLS certificate.", show_default=False)
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="TLS key.", show_default=False)] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", help="Listen beyond this machine without TLS: keys can be read."
        ),
    ] = False,
    workers: Annotated[
        int,
        typer.Option(help="Worker processes beside the server; 1 for a data directory.", min=0),
    ] = 1,
) -> None:
    """Serve the v1.3 HTTP API over the data directory, or over a store that machines share."""
    if not _is_loopback(host) and tls_cert is None and not insecure:
        raise InvalidInput(
            "invalid_argument",
            f"{host} can be reached from other machines, and without TLS keys can be read.",
            remedy="Give --tls-cert and --tls-key, put a proxy with TLS before it, or say "
            "--insecure.",
        )
    from videlicet.settings import load
    from videlicet.telemetry import logs

    settings = load(context.home)
    logs.set_up(settings)
    from videlicet.api.app import create_app
    from videlicet.api.operations.running import run

    app = create_app(settings, workers)
    _greet(app.service.store, settings, f"http{'s' if tls_cert else ''}://{host}:{port}/v1.3")
    run(app, settings, host=host, port=port, ssl_certfile=tls_cert, ssl_keyfile=tls_key)


def _greet(store: Store, settings: Settings, address: str) -> None:
    """Say where the server is, and what the first key is where there is none yet. A key must not
    end up in a log, so it is made only where somebody looks on."""
    from videlicet.telemetry import logs

    if logs.is_json(settings) or not sys.stderr.isatty():
        if not store.catalog.keys(grant_for("*")):
            _log.warning("there is no API key yet: make one with `videlicet keys create NAME`")
        return
    say(f"Videlicet serves {store.database.name} on {address}")
    first = _first_key(store)
    if first is not None:
        say(f"The first API key, shown this once: {first}")


def mcp() -> None:
    """Answer one agent over standard input and output (Model Context Protocol): it lists, adds,
    finds and shows what is in the data directory."""
    from videlicet.settings import load
    from videlicet.telemetry import logs

    settings = load(context.home)
    logs.set_up(settings)
    from videlicet.mcp.stdio import run

    run(settings)


def worker() -> None:
    """Run a worker by itself on a store that machines share, until it is interrupted."""
    from videlicet.jobs.client import WorkerPool
    from videlicet.settings import load
    from videlicet.store import open_store
    from videlicet.store.secret import server_secret
    from videlicet.telemetry import logs

    settings = load(context.home)
    logs.set_up(settings)
    if not settings.database:
        raise InvalidInput(
            "invalid_argument",
            "A worker by itself needs the setting database; that of a data directory comes with "
            "`videlicet serve`.",
            subject="database",
        )
    server_secret(settings)
    ended = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: ended.set())
    with open_store(settings, write=True, create=True) as store:
        workers = WorkerPool(store, settings, niceness=0, log=logs.relay)
        workers.start()
        say(f"A worker is at {store.database.name}.")
        ended.wait()
        workers.stop()


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
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
    """Make a key; it is shown this once."""
    if strange := set(scope or ()) - {"read", "write"}:
        raise InvalidInput("invalid_argument", f"There is no scope {min(strange)!r}.")
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with open_beside() as store:
        made, secret = store.catalog.create_key(
            grant_for(tenant), name, scopes=scope or (), expires_at=expires
        )
    if as_json:
        print_json({"key": secret, **_row(made)})
    else:
        say(f"Key {made.id} ({name}), shown this once:")
        typer.echo(secret)


@keys.command("list")
def find(as_json: JsonOption = False) -> None:
    """List keys (never the keys themselves)."""
    from videlicet.types import Kind

    with open_beside() as store:
        uses, _ = store.catalog.find_resources(grant_for("*"), Kind.KEY_USE)
        used = {use.id: use.updated_at.isoformat(timespec="seconds") for use in uses}
        kept = store.catalog.keys(grant_for("*"))
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
        float, typer.Option(help="Hours for which the old key stays good.", min=0, max=8760)
    ] = 24.0,
    as_json: JsonOption = False,
) -> None:
    """Make a key that takes the place of another; it is shown this once. Both are good for a
    while, so that nothing stands still while the new one is handed out."""
    with open_beside() as store:
        old, made, secret = store.catalog.rotate_key(grant_for("*"), id, timedelta(hours=overlap))
    if as_json:
        print_json({"key": secret, **_row(made), "replaces": _row(old)})
    else:
        say(f"Key {made.id} ({made.name}) takes the place of {old.id}, shown this once:")
        typer.echo(secret)
        assert old.expires_at is not None
        say(f"The old key is good until {old.expires_at.isoformat(timespec='minutes')}.")


@keys.command("revoke")
def revoke(
    id: Annotated[str, typer.Argument(help="The id of a key, from `videlicet keys list`.")],
    as_json: JsonOption = False,
) -> None:
    """Make a key useless from now on."""
    with open_beside() as store:
        gone = store.catalog.revoke_key(grant_for("*"), id)
    if as_json:
        print_json(_row(gone))
    else:
        say(f"Key {gone.id} ({gone.name}) is revoked.")


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


def _first_key(store: Store) -> str | None:
    """A key for a store that has none yet."""
    # Several servers may begin at once.
    with store.database.held("first key"):
        if store.catalog.keys(grant_for("*")):
            return None
        return store.catalog.create_key(grant_for("local"), "first")[1]


def open_beside() -> Store:
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


def grant_for(tenant: str) -> Any:
    """A grant to manage what a tenant has; ``*`` is every tenant."""
    from videlicet.rights import Grant, Purpose

    return Grant("local", Purpose.MANAGE, tenant)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def register(app: typer.Typer) -> None:
    """Add this file's verbs."""
    app.command()(serve)
    app.command()(mcp)
    app.command()(worker)
    app.add_typer(keys, name="keys")
