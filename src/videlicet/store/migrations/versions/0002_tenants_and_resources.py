"""Tenants, resources and API keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give everything a tenant, and make room for what the HTTP interface keeps."""
    # The unique name of 0001 has a name of ours only by this convention.
    with op.batch_alter_table(
        "indexes", naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s"}
    ) as batch:
        batch.add_column(_tenant())
        batch.add_column(sa.Column("options", sa.JSON(), nullable=False, server_default="{}"))
        batch.add_column(
            sa.Column("updated_at", sa.String(length=32), nullable=False, server_default="")
        )
        batch.drop_constraint("uq_indexes_name", type_="unique")
        batch.create_unique_constraint("uq_indexes_tenant_name", ["tenant", "name"])
    op.execute("UPDATE indexes SET updated_at = created_at")
    op.add_column("assets", _tenant())
    op.add_column("tasks", _tenant())
    op.create_index("ix_assets_blob", "assets", ["blob"])
    op.create_index("ix_tasks_source", "tasks", ["source"])
    op.create_table(
        "resources",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("parent", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_folded", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("updated_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_resources"),
        sa.UniqueConstraint("kind", "id", name="uq_resources_kind_id"),
    )
    op.create_index(
        "ix_resources_kind_tenant_parent_created_at",
        "resources",
        ["kind", "tenant", "parent", "created_at"],
    )
    op.create_index("ix_resources_kind_status", "resources", ["kind", "status"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=True),
        sa.Column("revoked_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant", sa.String(length=64), nullable=False, server_default="local")
