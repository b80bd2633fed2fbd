"""Text and vectors where many machines share them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for shared text, and for vectors kept as objects."""
    op.create_table(
        "text_chunks",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("space", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["slot"], ["slots.key"], name="fk_text_chunks_slot"),
        sa.ForeignKeyConstraint(["space"], ["text_spaces.key"], name="fk_text_chunks_space"),
        sa.PrimaryKeyConstraint("key", name="pk_text_chunks"),
        sa.UniqueConstraint("space", "slot", name="uq_text_chunks_space_slot"),
    )
    op.create_index("ix_text_chunks_slot", "text_chunks", ["slot"])
    op.add_column("vector_chunks", sa.Column("blob", sa.Text(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        _compare_by_code_point()
        for table in ("observations", "resources"):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN row TYPE bigint")
            op.execute(f"ALTER SEQUENCE {table}_row_seq AS bigint")


def _compare_by_code_point() -> None:
    """SQLite compares text by code point; PostgreSQL would as the database's language does."""
    connection = op.get_bind()
    columns = connection.execute(
        sa.text(
            "SELECT table_name, column_name, data_type, character_maximum_length "
            "FROM information_schema.columns WHERE table_schema = current_schema() "
            "AND data_type IN ('text', 'character varying') AND table_name <> 'alembic_version'"
        )
    ).all()
    for table, column, kind, length in columns:
        kind = "text" if kind == "text" else f"varchar({length})"
        op.execute(f'ALTER TABLE {table} ALTER COLUMN "{column}" TYPE {kind} COLLATE "C"')
