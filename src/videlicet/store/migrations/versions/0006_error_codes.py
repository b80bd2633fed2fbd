"""Stored errors have the codes of today."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_RENAMED = {
    "store_newer": "schema_too_new",
    "store_damaged": "database_corrupt",
    "weights_altered": "weights_checksum_mismatch",
    "media_gone": "source_missing",
    "writer_busy": "database_locked",
    "language_model_refused": "llm_request_rejected",
}


def upgrade() -> None:
    """Rename the codes of failed tasks, and in what resources hold."""
    connection = op.get_bind()
    for name, key, field in (("tasks", "id", "error"), ("resources", "row", "body")):
        table = sa.table(name, sa.column(key), sa.column(field, sa.JSON(none_as_null=True)))
        text = sa.cast(table.c[field], sa.Text)
        rows = sa.select(table.c[key], table.c[field]).where(
            sa.or_(*(text.like(f'%"{code}"%') for code in _RENAMED))
        )
        for id, value in connection.execute(rows).all():
            changed = {field: _renamed(value)}
            connection.execute(table.update().where(table.c[key] == id).values(changed))


def _renamed(value: Any) -> Any:
    """The same value with other codes."""
    if isinstance(value, dict):
        return {
            key: _RENAMED.get(one, one) if key == "code" and isinstance(one, str) else _renamed(one)
            for key, one in value.items()
        }
    return [_renamed(one) for one in value] if isinstance(value, list) else value
