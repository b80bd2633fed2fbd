"""Webhooks: URLs that are notified of a tenant's events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videlicet.errors import Conflict, NotFound
from videlicet.services.assets import check_url
from videlicet.services.problems import unknown
from videlicet.types import Kind, random_id
from videlicet.webhooks import delivery

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.types import Resource

#: Webhooks of a tenant.
MAX_WEBHOOKS = 100


@dataclass(frozen=True, slots=True)
class TestDelivery:
    """How a test event was delivered; ``error`` says why not."""

    event_id: str
    error: str | None


def create_webhook(caller: Caller, url: str, events: Sequence[str] = ()) -> Resource:
    """Notify a URL of some kinds of events, or of all.

    Raises:
        InvalidInput: ``url_not_allowed``.
        Conflict: ``resource_conflict``, there are too many.
    """
    check_url(caller, url)
    _, total = caller.catalog.find_resources(caller.manage, Kind.WEBHOOK, limit=0)
    if total >= MAX_WEBHOOKS:
        raise Conflict(
            "resource_conflict", f"There are {MAX_WEBHOOKS} webhooks already.",
            remedy="Delete a webhook first.",
        )  # fmt: skip
    return delivery.add_webhook(caller.manage, caller.store, url, tuple(events))


def list_webhooks(
    caller: Caller, *, offset: int = 0, limit: int | None = None
) -> tuple[list[Resource], int]:
    """A page of the caller's webhooks, newest first, and how many there are in all."""
    return caller.catalog.find_resources(caller.manage, Kind.WEBHOOK, offset=offset, limit=limit)


def get_webhook(caller: Caller, webhook_id: str) -> Resource:
    """A webhook of the caller's.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        return caller.catalog.resource(caller.manage, Kind.WEBHOOK, webhook_id)
    except NotFound:
        raise unknown("webhook", webhook_id) from None


def secret_of(caller: Caller, webhook: Resource) -> str:
    """The secret that signs the events of a webhook."""
    return delivery.webhook_secret(caller.settings, webhook)


def delete_webhook(caller: Caller, webhook_id: str) -> None:
    """Delete a webhook, with the events that were not delivered yet.

    Raises:
        NotFound: ``resource_not_found``.
    """
    found = get_webhook(caller, webhook_id)
    caller.catalog.delete_resource(caller.manage, Kind.WEBHOOK, found.id)
    caller.catalog.delete_resources(caller.manage, Kind.DELIVERY, parent=found.id)


def rotate_secret(caller: Caller, webhook_id: str) -> Resource:
    """Change the secret of a webhook; for a day the old one signs too.

    Raises:
        NotFound: ``resource_not_found``.
    """
    return delivery.rotate_secret(caller.manage, caller.store, get_webhook(caller, webhook_id).id)


def send_test_event(caller: Caller, webhook_id: str) -> TestDelivery:
    """Send an event of type ``webhook.test`` now, once.

    Raises:
        NotFound: ``resource_not_found``.
    """
    found = get_webhook(caller, webhook_id)
    event = delivery.build_event(delivery.TEST, {"id": found.id}, random_id())
    return TestDelivery(event["id"], delivery.send(caller.settings, found, event))


def list_deliveries(
    caller: Caller,
    webhook_id: str,
    *,
    status: Sequence[str] = (),
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[Resource], int]:
    """A page of the events of the last seven days for a webhook, newest first.

    Raises:
        NotFound: ``resource_not_found``.
    """
    return caller.catalog.find_resources(
        caller.manage, Kind.DELIVERY, parent=get_webhook(caller, webhook_id).id, status=status,
        offset=offset, limit=limit,
    )  # fmt: skip
