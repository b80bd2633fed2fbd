"""Webhooks: URLs that are notified of a video's status."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from videlicet.api.caller import Call
from videlicet.api.parameters import Pages, format_time
from videlicet.api.routing import V1, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1.schemas import (
    DeliveryStatus,
    NewWebhook,
    Webhook,
    WebhookDelivery,
    WebhookTest,
    WebhookWithSecret,
)
from videlicet.services import webhooks
from videlicet.services.caller import Caller
from videlicet.types import Resource
from videlicet.webhooks import delivery

router = router_for("webhooks", V1)


@router.post("/webhooks", status_code=201, response_model=WebhookWithSecret)
def create(call: Call, body: NewWebhook) -> Any:
    """Add an address. The secret its signatures are checked with is shown here and after a
    rotation only."""
    return _with_secret(call, webhooks.create_webhook(call, body.url, body.events))


@router.get("/webhooks", response_model=Page[Webhook])
def find(call: Call, pages: Pages) -> Any:
    """List webhooks, newest first."""
    rows, total = webhooks.list_webhooks(call, offset=pages.offset, limit=pages.limit)
    return pages.response([webhook_row(row) for row in rows], total)


@router.get("/webhooks/{webhook_id}", response_model=Webhook)
def retrieve(call: Call, webhook_id: str) -> Any:
    """Look at one webhook."""
    return webhook_row(webhooks.get_webhook(call, webhook_id))


@router.delete("/webhooks/{webhook_id}", response_class=Response)
def delete(call: Call, webhook_id: str) -> Response:
    """Remove an address; what was not delivered yet no longer is."""
    webhooks.delete_webhook(call, webhook_id)
    return Response(status_code=200)


@router.post("/webhooks/{webhook_id}/rotate", response_model=WebhookWithSecret)
def rotate(call: Call, webhook_id: str) -> Any:
    """Change the secret; for a day the old one signs too."""
    return _with_secret(call, webhooks.rotate_secret(call, webhook_id))


@router.post(
    "/webhooks/{webhook_id}/test", response_model=WebhookTest, response_model_exclude_none=True
)
def test(call: Call, webhook_id: str) -> Any:
    """Send an event of type ``webhook.test`` now, once, and say how that went."""
    sent = webhooks.send_test_event(call, webhook_id)
    return {"delivered": sent.error is None, "event_id": sent.event_id, "error": sent.error}


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    response_model=Page[WebhookDelivery],
    response_model_exclude_none=True,
)
def deliveries(
    call: Call,
    pages: Pages,
    webhook_id: str,
    status: Annotated[list[DeliveryStatus] | None, Query()] = None,
) -> Any:
    """The events of the last seven days for an address, newest first. ``processing`` ones are
    tried, or tried again, by themselves."""
    rows, total = webhooks.list_deliveries(
        call, webhook_id, status=status or (), offset=pages.offset, limit=pages.limit
    )
    return pages.response([_delivery(row) for row in rows], total)


def webhook_row(row: Resource) -> dict[str, Any]:
    """A webhook without its secret."""
    return {
        "id": row.id,
        "url": row.name,
        "events": row.body["events"] or list(delivery.EVENTS),
        "created_at": format_time(row.created_at),
        "rotated_at": format_time(row.body.get("rotated_at")),
    }


def _with_secret(caller: Caller, row: Resource) -> dict[str, Any]:
    return {**webhook_row(row), "secret": webhooks.secret_of(caller, row)}


def _delivery(row: Resource) -> dict[str, Any]:
    event = row.body["event"]
    return {
        "id": row.id,
        "type": row.name,
        "event_id": event["id"],
        "status": row.status,
        "attempts": row.body["attempts"],
        "last_error": row.body["last_error"],
        "data": event["data"],
        "created_at": format_time(row.created_at),
        "updated_at": format_time(row.updated_at),
    }
