"""``videlicet serve``, ``mcp`` and ``worker``: the processes that serve and work."""

from __future__ import annotations

import ipaddress
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from videlicet.cli.context import context
from videlicet.cli.keys import scope_for
from videlicet.cli.output import print_message
from videlicet.errors import InvalidInput

if TYPE_CHECKING:
    from videlicet.settings import Settings
    from videlicet.store import Store

_log = logging.getLogger(__name__)

#: The umask of processes that store: nothing is for other users of the machine.
_PRIVATE = 0o077


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
    logs.configure(settings)
    os.umask(_PRIVATE)
    from videlicet.api.app import create_app
    from videlicet.api.operations.running import run
    from videlicet.api.state import ServerState

    server = ServerState(settings, workers)
    _print_address(
        server.platform.store, settings, f"http{'s' if tls_cert else ''}://{host}:{port}/v1.3"
    )
    run(
        create_app(server),
        settings,
        host=host,
        port=port,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )


def _print_address(store: Store, settings: Settings, address: str) -> None:
    """Say where the server is, and what the first key is where there is none yet. A key must not
    end up in a log, so it is made only where somebody looks on."""
    from videlicet.telemetry import logs

    if logs.is_json(settings) or not sys.stderr.isatty():
        if not store.catalog.keys(scope_for(store, "*")):
            _log.warning("there is no API key yet: make one with `videlicet keys create NAME`")
        return
    print_message(f"Videlicet serves {store.database.name} on {address}")
    first = _first_key(store)
    if first is not None:
        print_message(f"The first API key, shown this once: {first}")


def mcp() -> None:
    """Answer one agent over standard input and output (Model Context Protocol): it lists, adds,
    finds and shows what is in the data directory."""
    from videlicet.settings import load
    from videlicet.telemetry import logs

    settings = load(context.home)
    logs.configure(settings)
    os.umask(_PRIVATE)
    from videlicet.mcp.stdio import run

    run(settings)


def worker() -> None:
    """Run a standalone worker on a store that machines share, until it is interrupted."""
    from videlicet.jobs.client import WorkerPool
    from videlicet.settings import load
    from videlicet.store import open_store
    from videlicet.store.secret import server_secret
    from videlicet.telemetry import logs

    settings = load(context.home)
    logs.configure(settings)
    if not settings.database_url:
        raise InvalidInput(
            "invalid_argument",
            "A standalone worker needs the setting database_url; that of a data directory comes "
            "with `videlicet serve`.",
            subject="database_url",
        )
    os.umask(_PRIVATE)
    server_secret(settings)
    ended = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: ended.set())
    with open_store(settings, write=True, create=True) as store:
        workers = WorkerPool(store, settings, niceness=0, log=logs.relay)
        workers.start()
        print_message(f"A worker is at {store.database.name}.")
        ended.wait()
        workers.stop()


def _first_key(store: Store) -> str | None:
    """A key for a store that has none yet."""
    # Several servers may begin at once.
    with store.database.advisory_lock("first key"):
        if store.catalog.keys(scope_for(store, "*")):
            return None
        return store.catalog.create_key(scope_for(store, "local"), "first")[1]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(serve)
    app.command()(mcp)
    app.command()(worker)
