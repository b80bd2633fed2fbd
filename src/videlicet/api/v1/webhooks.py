"""Webhooks: URLs that are notified of a video's status."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import ApiError, unknown
from videlicet.api.parameters import Pages, text_of
from videlicet.api.routing import router_for
from videlicet.api.schemas import Page
from videlicet.api.v1.schemas import (
    Delivery,
    DeliveryStatus,
    NewWebhook,
    Tested,
    Webhook,
    WebhookWithSecret,
)
from videlicet.errors import NotFound
from videlicet.services.assets import check_url
from videlicet.types import Kind, Resource, random_id
from videlicet.webhooks import delivery

router = router_for("webhooks")

#: Most webhooks of a tenant.
MOST = 100


@router.post("/webhooks", status_code=201, response_model=WebhookWithSecret)
def create(call: Call, body: NewWebhook) -> Any:
    """Add an address. The secret its signatures are checked with is shown here and after a
    rotation only."""
    check_url(call, body.url)
    _, there = call.catalog.find_resources(call.manage, Kind.WEBHOOK, limit=0)
    if there >= MOST:
        raise ApiError(409, "resource_conflict", f"There are {MOST} webhooks already.")
    made = delivery.add_webhook(call.manage, call.store, body.url, tuple(body.events))
    return _with_secret(call, made)


@router.get("/webhooks", response_model=Page[Webhook])
def find(call: Call, pages: Pages) -> Any:
    """List webhooks, newest first."""
    rows, total = call.catalog.find_resources(
        call.manage, Kind.WEBHOOK, offset=pages.offset, limit=pages.limit
    )
    return pages.of([shown(row) for row in rows], total)


@router.get("/webhooks/{webhook_id}", response_model=Webhook)
def retrieve(call: Call, webhook_id: str) -> Any:
    """Look at one webhook."""
    return shown(webhook_of(call, webhook_id))


@router.delete("/webhooks/{webhook_id}", response_class=Response)
def delete(call: Call, webhook_id: str) -> Response:
    """Remove an address; what was not delivered yet no longer is."""
    found = webhook_of(call, webhook_id)
    call.catalog.delete_resource(call.manage, Kind.WEBHOOK, found.id)
    call.catalog.delete_resources(call.manage, Kind.DELIVERY, parent=found.id)
    return Response(status_code=200)


@router.post("/webhooks/{webhook_id}/rotate", response_model=WebhookWithSecret)
def rotate(call: Call, webhook_id: str) -> Any:
    """Change the secret; for a day the old one signs too."""
    found = webhook_of(call, webhook_id)
    return _with_secret(call, delivery.rotate(call.manage, call.store, found.id))


@router.post("/webhooks/{webhook_id}/test", response_model=Tested, response_model_exclude_none=True)
def test(call: Call, webhook_id: str) -> Any:
    """Send an event of type ``webhook.test`` now, once, and say how that went."""
    found = webhook_of(call, webhook_id)
    event = delivery.event_of(delivery.TEST, {"id": found.id}, random_id())
    error = delivery.send(call.settings, found, event)
    return {"delivered": error is None, "event_id": event["id"], "error": error}


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    response_model=Page[Delivery],
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
    found = webhook_of(call, webhook_id)
    rows, total = call.catalog.find_resources(
        call.manage, Kind.DELIVERY, parent=found.id, status=status or (), offset=pages.offset,
        limit=pages.limit,
    )  # fmt: skip
    return pages.of([_delivery(row) for row in rows], total)


def webhook_of(call: HttpCaller, webhook_id: str) -> Resource:
    """A webhook of the caller's."""
    try:
        return call.catalog.resource(call.manage, Kind.WEBHOOK, webhook_id)
    except NotFound:
        raise unknown("webhook", webhook_id) from None


def shown(row: Resource) -> dict[str, Any]:
    """A webhook without its secret."""
    return {
        "id": row.id,
        "url": row.name,
        "events": row.body["events"] or list(delivery.EVENTS),
        "created_at": text_of(row.created_at),
        "rotated_at": text_of(row.body.get("rotated_at")),
    }


def _with_secret(call: HttpCaller, row: Resource) -> dict[str, Any]:
    return {**shown(row), "secret": delivery.secret_of(call.settings, row)}


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
        "created_at": text_of(row.created_at),
        "updated_at": text_of(row.updated_at),
    }
