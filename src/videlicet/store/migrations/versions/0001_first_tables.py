"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of the first release."""
    op.create_table(
        "assets",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_folded", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.Column("media", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("container", sa.Text(), nullable=False),
        sa.Column("has_video", sa.Integer(), nullable=False),
        sa.Column("has_audio", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
    )
    op.create_table(
        "erasures",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("index_id", sa.String(length=24), nullable=False),
        sa.Column("asset_id", sa.String(length=24), nullable=False),
        sa.Column("blobs", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_erasures")),
    )
    op.create_table(
        "indexes",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cards", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indexes")),
        sa.UniqueConstraint("name", name=op.f("uq_indexes_name")),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("index_id", sa.String(length=24), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("updated_at", sa.String(length=32), nullable=False),
        sa.Column("asset_id", sa.String(length=24), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("done_s", sa.Float(), nullable=False),
        sa.Column("total_s", sa.Float(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index(
        op.f("ix_tasks_index_id_created_at"), "tasks", ["index_id", "created_at"], unique=False
    )
    op.create_table(
        "asset_metadata",
        sa.Column("asset_id", sa.String(length=24), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("number", sa.Float(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("text_folded", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name=op.f("fk_asset_metadata_asset_id")
        ),
        sa.PrimaryKeyConstraint("asset_id", "key", name=op.f("pk_asset_metadata")),
    )
    op.create_index(
        op.f("ix_asset_metadata_key_number"), "asset_metadata", ["key", "number"], unique=False
    )
    op.create_index(
        op.f("ix_asset_metadata_key_text"), "asset_metadata", ["key", "text"], unique=False
    )
    op.create_table(
        "slots",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("index_id", sa.String(length=24), nullable=False),
        sa.Column("asset_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(["index_id"], ["indexes.id"], name=op.f("fk_slots_index_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_slots")),
        sa.UniqueConstraint("index_id", "asset_id", name=op.f("uq_slots_index_id_asset_id")),
    )
    op.create_index(op.f("ix_slots_asset_id"), "slots", ["asset_id"], unique=False)
    op.create_table(
        "text_spaces",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("index_id", sa.String(length=24), nullable=False),
        sa.Column("modality", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["index_id"], ["indexes.id"], name=op.f("fk_text_spaces_index_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_text_spaces")),
        sa.UniqueConstraint("index_id", "modality", name=op.f("uq_text_spaces_index_id_modality")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "vector_spaces",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("index_id", sa.String(length=24), nullable=False),
        sa.Column("modality", sa.String(length=16), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sketch", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["index_id"], ["indexes.id"], name=op.f("fk_vector_spaces_index_id")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_vector_spaces")),
        sa.UniqueConstraint(
            "index_id", "modality", "space", name=op.f("uq_vector_spaces_index_id_modality_space")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "indexed_assets",
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("indexed_at", sa.String(length=32), nullable=True),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["slot"], ["slots.key"], name=op.f("fk_indexed_assets_slot")),
        sa.PrimaryKeyConstraint("slot", name=op.f("pk_indexed_assets")),
    )
    op.create_table(
        "observations",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("modality", sa.String(length=16), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("start", sa.Float(), nullable=False),
        sa.Column("finish", sa.Float(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["slot"], ["slots.key"], name=op.f("fk_observations_slot")),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_observations")),
    )
    op.create_index(op.f("ix_observations_id"), "observations", ["id"], unique=False)
    op.create_index(
        op.f("ix_observations_slot_start"), "observations", ["slot", "start"], unique=False
    )
    op.create_table(
        "text_rows",
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("space", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["slot"], ["slots.key"], name=op.f("fk_text_rows_slot")),
        sa.ForeignKeyConstraint(["space"], ["text_spaces.key"], name=op.f("fk_text_rows_space")),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_text_rows")),
    )
    op.create_index(op.f("ix_text_rows_slot_space"), "text_rows", ["slot", "space"], unique=False)
    op.create_index(op.f("ix_text_rows_space"), "text_rows", ["space"], unique=False)
    op.create_table(
        "vector_chunks",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("space", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("ids", sa.LargeBinary(), nullable=False),
        sa.Column("spans", sa.LargeBinary(), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["slot"], ["slots.key"], name=op.f("fk_vector_chunks_slot")),
        sa.ForeignKeyConstraint(
            ["space"], ["vector_spaces.key"], name=op.f("fk_vector_chunks_space")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_vector_chunks")),
        sa.UniqueConstraint("space", "slot", name=op.f("uq_vector_chunks_space_slot")),
    )
    op.create_index(op.f("ix_vector_chunks_slot"), "vector_chunks", ["slot"], unique=False)
