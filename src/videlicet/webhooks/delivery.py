"""Webhooks: URLs that are notified of a video's status and of the matches of saved searches.

A webhook is a resource: its name is the URL, its body says which ``events`` it wants (none named:
all), how often its secret was changed (``generation``) and when last (``rotated_at``). The secret
itself is computed from the server's and never stored. A delivery is a resource under its webhook:
one event for one URL, with ``attempts`` and ``last_error``.

Signatures are those of v1.3 (``TL-Signature: t=…,v1=…``) and of Standard Webhooks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from videlicet.errors import InvalidInput, NotFound
from videlicet.media.fetch import post
from videlicet.store.catalog.schema import to_stored_time
from videlicet.store.secret import derive_key
from videlicet.types import Kind, Resource, derived_id, random_id

if TYPE_CHECKING:
    from videlicet.jobs.context import WorkerContext
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store

READY, FAILED, TEST = "index.task.ready", "index.task.failed", "webhook.test"
ANALYZED, ANALYSIS_FAILED, ANALYSIS_CANCELED = (
    "analyze.task.ready", "analyze.task.failed", "analyze.task.canceled",
)  # fmt: skip
SAVED_SEARCH_MATCHED = "saved_search.matched"
EVENTS = (READY, FAILED, ANALYZED, ANALYSIS_FAILED, ANALYSIS_CANCELED, SAVED_SEARCH_MATCHED)
#: States of a delivery.
PROCESSING, DELIVERED, FAILED_DELIVERY = "processing", "delivered", "failed"
#: How often an event is tried; the pause after each try is four times the one before.
MAX_ATTEMPTS, BACKOFF_FACTOR = 8, 4
#: How long both the old and the new secret sign after a change.
OVERLAP = timedelta(hours=24)
#: How long deliveries are kept for looking at.
_RETENTION = timedelta(days=7)


def webhook_secret(settings: Settings, webhook: Resource, *, before: int = 0) -> str:
    """The secret a receiver checks signatures with (``before`` changes ago)."""
    generation = int(webhook.body.get("generation") or 0) - before
    key = derive_key(settings, f"webhook {webhook.id} {generation}")
    return "whsec_" + base64.b64encode(key).decode()


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The hexadecimal signature of v1.3: HMAC-SHA256 of ``timestamp.body``."""
    text = str(timestamp).encode() + b"." + body
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def delivery_headers(
    settings: Settings, webhook: Resource, event_id: str, body: bytes
) -> dict[str, str]:
    """The headers of a delivery that is sent now."""
    now = int(time.time())
    secrets = [webhook_secret(settings, webhook)]
    changed = webhook.body.get("rotated_at")
    if changed and datetime.fromisoformat(changed) + OVERLAP > datetime.now(UTC):
        secrets.append(webhook_secret(settings, webhook, before=1))
    standard = []
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        text = f"{event_id}.{now}.".encode() + body
        made = hmac.new(key, text, hashlib.sha256).digest()
        standard.append("v1," + base64.b64encode(made).decode())
    return {
        "Content-Type": "application/json",
        "TL-Signature": ",".join([f"t={now}", *(f"v1={sign(s, now, body)}" for s in secrets)]),
        "Webhook-Id": event_id,
        "Webhook-Timestamp": str(now),
        "Webhook-Signature": " ".join(standard),
    }


def build_event(kind: str, data: Mapping[str, Any], seed: str) -> dict[str, Any]:
    """An event as it is sent; the same seed gives the same id."""
    return {
        "id": "whe_" + hashlib.sha256(seed.encode()).hexdigest()[:32],
        "created_at": to_stored_time(datetime.now(UTC)),
        "type": kind,
        "data": dict(data),
    }


def announce(scope: Scope, store: Store, kind: str, data: Mapping[str, Any], seed: str) -> int:
    """Make a delivery of an event for each webhook of the scope's tenant that wants it; how many.
    The same seed again makes none."""
    webhooks, _ = store.catalog.find_resources(scope, Kind.WEBHOOK)
    wanted = [w for w in webhooks if not w.body["events"] or kind in w.body["events"]]
    now = datetime.now(UTC)
    store.catalog.delete_resources(scope, Kind.DELIVERY, expired=now)
    made = 0
    for webhook in wanted:
        id = derived_id(webhook.id, kind, seed)
        try:
            store.catalog.resource(scope, Kind.DELIVERY, id)
        except NotFound:
            body = {"event": build_event(kind, data, seed), "attempts": 0, "last_error": None}
            one = Resource(
                id=id, kind=Kind.DELIVERY, tenant=scope.tenant, created_at=now, updated_at=now,
                status=PROCESSING, parent=webhook.id, name=kind,
                expires_at=now + _RETENTION, body=body,
            )  # fmt: skip
            store.catalog.put_resource(scope, one)
            made += 1
    return made


def send(settings: Settings, webhook: Resource, event: Mapping[str, Any]) -> str | None:
    """Send an event to a webhook's address once; what went wrong, ``None`` if nothing."""
    body = json.dumps(event, separators=(",", ":")).encode()
    headers = delivery_headers(settings, webhook, event["id"], body)
    try:
        status = post(webhook.name, body, headers, settings)
    except InvalidInput as error:
        return error.message
    return None if 200 <= status < 300 else f"The address answered {status}."


def retry_delay(settings: Settings, tries: int) -> float:
    """Seconds between a try that failed and the next."""
    return settings.webhook_delay * float(BACKOFF_FACTOR ** (tries - 1)) if tries else 0.0


def due_in(settings: Settings, delivery: Resource) -> float:
    """Seconds until a delivery is to be tried, 0 if that is now."""
    pause = retry_delay(settings, int(delivery.body["attempts"]))
    return max(0.0, pause - (datetime.now(UTC) - delivery.updated_at).total_seconds())


def attempt_delivery(
    context: WorkerContext, tenant: str, delivery_id: str, tries: int
) -> int | None:
    """Try a delivery once that was tried so many times. How many tries that makes, where there is
    to be another; ``None`` where it is done with: delivered, given up, or nobody's any more. Run
    again after the outcome was noted it tries nothing."""
    scope = context.tenant_scope(tenant)
    catalog = context.store.catalog
    try:
        delivery = catalog.resource(scope, Kind.DELIVERY, delivery_id)
    except NotFound:
        return None
    if delivery.status != PROCESSING:
        return None
    if (made := int(delivery.body["attempts"])) != tries:
        return made
    try:
        webhook = catalog.resource(scope, Kind.WEBHOOK, delivery.parent)
    except NotFound:
        _record_attempt(
            context, scope, delivery, FAILED_DELIVERY, tries, "The webhook was removed."
        )
        return None
    error = send(context.settings, webhook, delivery.body["event"])
    tries += 1
    status = (
        DELIVERED if error is None else FAILED_DELIVERY if tries >= MAX_ATTEMPTS else PROCESSING
    )
    _record_attempt(context, scope, delivery, status, tries, error)
    return tries if status == PROCESSING else None


def _record_attempt(
    context: WorkerContext,
    scope: Scope,
    delivery: Resource,
    status: str,
    tries: int,
    error: str | None,
) -> None:
    try:
        context.store.catalog.update_resource(
            scope, Kind.DELIVERY, delivery.id, status=status,
            body={"attempts": tries, "last_error": error},
        )  # fmt: skip
    except NotFound:
        return


def add_webhook(scope: Scope, store: Store, url: str, events: tuple[str, ...] = ()) -> Resource:
    """A new webhook of the scope's tenant.

    Raises:
        InvalidInput: ``invalid_argument`` for an event that there is not.
    """
    if strange := set(events) - set(EVENTS):
        raise InvalidInput("invalid_argument", f"There is no event {min(strange)!r}.")
    now = datetime.now(UTC)
    made = Resource(
        id=random_id(), kind=Kind.WEBHOOK, tenant=scope.tenant, created_at=now, updated_at=now,
        status="active", name=url, body={"events": sorted(events), "generation": 0},
    )  # fmt: skip
    store.catalog.put_resource(scope, made)
    return made


def rotate_secret(scope: Scope, store: Store, id: str) -> Resource:
    """Change a webhook's secret; for a day the old one signs too."""
    old = store.catalog.resource(scope, Kind.WEBHOOK, id)
    return store.catalog.update_resource(
        scope, Kind.WEBHOOK, id,
        body={
            "generation": int(old.body.get("generation") or 0) + 1,
            "rotated_at": to_stored_time(datetime.now(UTC)),
        },
    )  # fmt: skip
