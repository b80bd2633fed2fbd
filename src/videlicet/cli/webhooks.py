"""``videlicet webhooks``: URLs that are notified of a video's status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from videlicet.cli.context import JsonOption, context
from videlicet.cli.keys import TenantOption, open_shared_store, scope_for
from videlicet.cli.output import print_json, print_message, print_table
from videlicet.errors import InvalidInput

if TYPE_CHECKING:
    from videlicet.types import Resource

webhooks = typer.Typer(help="URLs that are notified of a video's status.", no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(help="The id of a webhook.")]


@webhooks.command("add")
def add(
    url: Annotated[str, typer.Argument(help="The URL that events are sent to.")],
    event: Annotated[
        list[str] | None,
        typer.Option(help="An event of docs/api.md, e.g. saved_search.matched; default: all."),
    ] = None,
    tenant: TenantOption = "local",
    as_json: JsonOption = False,
) -> None:
    """Add a URL; prints the secret that verifies its signatures."""
    from videlicet.media.fetch import check
    from videlicet.settings import load
    from videlicet.webhooks.delivery import add_webhook, webhook_secret

    settings = load(context.home)
    check(url, settings)
    with open_shared_store() as store:
        made = add_webhook(scope_for(store, tenant), store, url, tuple(event or ()))
    secret = webhook_secret(settings, made)
    if as_json:
        print_json({**_row(made), "secret": secret})
    else:
        print_message(f"Webhook {made.id} for {url}; its secret:")
        typer.echo(secret)


@webhooks.command("list")
def list_webhooks(as_json: JsonOption = False) -> None:
    """List webhooks, each with its last delivery."""
    from videlicet.types import Kind

    with open_shared_store() as store:
        found, _ = store.catalog.find_resources(scope_for(store, "*"), Kind.WEBHOOK, ascending=True)
        rows = []
        for one in found:
            last, _ = store.catalog.find_resources(
                scope_for(store, "*"), Kind.DELIVERY, parent=one.id, limit=1
            )
            rows.append({**_row(one), "last_delivery": _delivery(last[0]) if last else None})
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "address", "events", "tenant", "last delivery"),
        [
            (
                row["id"], row["url"], ", ".join(row["events"]) or "all", row["tenant"],
                "" if row["last_delivery"] is None else row["last_delivery"]["status"],
            )
            for row in rows
        ],
        empty="There are no webhooks; add one with `videlicet webhooks add URL`.",
        whole=("id",),
    )  # fmt: skip


@webhooks.command("remove")
def remove(id: IdArgument, as_json: JsonOption = False) -> None:
    """Remove a URL and its pending deliveries."""
    from videlicet.types import Kind

    with open_shared_store() as store:
        store.catalog.delete_resource(scope_for(store, "*"), Kind.WEBHOOK, id)
    if as_json:
        print_json({"removed": id})
    else:
        print_message(f"Webhook {id} is removed.")


@webhooks.command("rotate")
def rotate(id: IdArgument, as_json: JsonOption = False) -> None:
    """Change the secret; the old one also signs for a day."""
    from videlicet.settings import load
    from videlicet.webhooks.delivery import rotate_secret, webhook_secret

    with open_shared_store() as store:
        changed = rotate_secret(scope_for(store, "*"), store, id)
    secret = webhook_secret(load(context.home), changed)
    if as_json:
        print_json({**_row(changed), "secret": secret})
    else:
        print_message(f"The new secret of webhook {id}:")
        typer.echo(secret)


@webhooks.command("test")
def send_test(id: IdArgument, as_json: JsonOption = False) -> None:
    """Send an event of type webhook.test now; prints the result."""
    from videlicet.settings import load
    from videlicet.types import Kind, random_id
    from videlicet.webhooks.delivery import TEST, build_event, send

    with open_shared_store() as store:
        webhook = store.catalog.resource(scope_for(store, "*"), Kind.WEBHOOK, id)
    event = build_event(TEST, {"id": webhook.id}, random_id())
    error = send(load(context.home), webhook, event)
    if error is not None:
        raise InvalidInput("url_failed", error, subject=webhook.name)
    if as_json:
        print_json({"delivered": True, "event": event})
    else:
        print_message(f"{webhook.name} took the event.")


def _row(one: Resource) -> dict[str, Any]:
    return {
        "id": one.id,
        "url": one.name,
        "events": one.body["events"],
        "tenant": one.tenant,
        "created_at": one.created_at.isoformat(),
    }


def _delivery(one: Resource) -> dict[str, Any]:
    return {
        "type": one.name,
        "status": one.status,
        "attempts": one.body["attempts"],
        "last_error": one.body["last_error"],
        "updated_at": one.updated_at.isoformat(),
    }


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.add_typer(webhooks, name="webhooks")
