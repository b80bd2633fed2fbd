"""Indexes for what is looked up again and again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INDEXES = (
    ("assets", ("tenant", "created_at", "id")),
    ("indexed_assets", ("status",)),
    ("tasks", ("status", "created_at")),
    ("tasks", ("tenant", "created_at")),
    ("tasks", ("asset_id",)),
    ("resources", ("kind", "tenant", "created_at")),
    ("resources", ("kind", "expires_at")),
)
#: Kinds of resources, and the texts in their bodies that they are looked up by.
_LOOKED_UP = (
    ("video", ("file_id",)),
    ("video", ("item_id",)),
    ("analysis", ("own",)),
    ("delivery", ("event", "data", "id")),
)


def upgrade() -> None:
    """Add the indexes, and a table of what is looked up in bodies."""
    for table, columns in _INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    postgres = op.get_bind().dialect.name == "postgresql"
    text = sa.Text(collation="C") if postgres else sa.Text()
    op.create_table(
        "resource_fields",
        sa.Column("resource", sa.BigInteger() if postgres else sa.Integer(), nullable=False),
        sa.Column(
            "path", sa.String(length=64, collation="C" if postgres else None), nullable=False
        ),
        sa.Column("value", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["resource"], ["resources.row"], name="fk_resource_fields_resource", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resource", "path", name="pk_resource_fields"),
    )
    op.create_index("ix_resource_fields_path_value", "resource_fields", ["path", "value"])
    resources = sa.table(
        "resources", sa.column("row"), sa.column("kind"), sa.column("body", sa.JSON())
    )
    fields = sa.table(
        "resource_fields", sa.column("resource"), sa.column("path"), sa.column("value")
    )
    for kind, path in _LOOKED_UP:
        value = resources.c.body[path].as_string()
        op.execute(
            fields.insert().from_select(
                ["resource", "path", "value"],
                sa.select(resources.c.row, sa.literal(".".join(path)), value).where(
                    resources.c.kind == kind, value.is_not(None)
                ),
            )
        )
