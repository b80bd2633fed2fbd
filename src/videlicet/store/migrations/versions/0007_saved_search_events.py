"""Saved searches under their name: kinds of resources, the webhook event and its data."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KINDS = {
    "query": "saved_search",
    "trial": "saved_search_run",
    "answer": "idempotent_response",
}
_OLD_EVENT, _NEW_EVENT = "query.matched", "saved_search.matched"

_resources = sa.table(
    "resources",
    *(sa.column(name) for name in ("row", "kind", "name", "name_folded")),
    sa.column("body", sa.JSON(none_as_null=True)),
)


def upgrade() -> None:
    """Rename kinds; rename the event that webhooks ask for and that deliveries hold."""
    connection = op.get_bind()
    collation = "C" if connection.dialect.name == "postgresql" else None
    with op.batch_alter_table("resources") as batch:
        batch.alter_column(
            "kind", existing_type=sa.String(16), type_=sa.String(32, collation), nullable=False
        )
    for old, new in _KINDS.items():
        connection.execute(_resources.update().where(_resources.c.kind == old).values(kind=new))
    rows = sa.select(_resources.c.row, _resources.c.kind, _resources.c.name, _resources.c.body)
    found = connection.execute(
        rows.where(_resources.c.kind.in_(("webhook", "delivery", "match")))
    ).all()
    for row, kind, name, body in found:
        changed = _changed(kind, name, body)
        if changed:
            connection.execute(_resources.update().where(_resources.c.row == row).values(changed))


def _changed(kind: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row that change."""
    if kind == "webhook" and _OLD_EVENT in body["events"]:
        events = [_NEW_EVENT if event == _OLD_EVENT else event for event in body["events"]]
        return {"body": {**body, "events": sorted(events)}}
    if kind == "match" and "query" in body:
        return {"body": _with_saved_search(body)}
    if kind == "delivery" and name == _OLD_EVENT:
        event = body["event"]
        event = {**event, "type": _NEW_EVENT, "data": _with_saved_search(event["data"])}
        return {"name": _NEW_EVENT, "name_folded": _NEW_EVENT, "body": {**body, "event": event}}
    return {}


def _with_saved_search(value: dict[str, Any]) -> dict[str, Any]:
    """The same object with ``saved_search`` in place of ``query``."""
    return {"saved_search" if key == "query" else key: one for key, one in value.items()}
