"""ANN indexes under their name; they are built anew at their new place."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

#: The folder up to here, of files and of objects; of files ``Home`` removes it.
_OLD = "sketches"
_spaces = sa.table(
    "vector_spaces",
    sa.column("ann_index", sa.JSON(none_as_null=True)),
    sa.column("version", sa.Integer),
)
_erasures = sa.table(
    "erasures",
    *(sa.column(name) for name in ("index_id", "asset_id")),
    sa.column("blobs", sa.JSON),
    sa.column("created_at", sa.String),
)


def upgrade() -> None:
    """Rename the column, forget the indexes, and have their objects erased."""
    connection = op.get_bind()
    op.execute("ALTER TABLE vector_spaces RENAME COLUMN sketch TO ann_index")
    built = connection.execute(
        _spaces.update()
        .where(_spaces.c.ann_index.is_not(None))
        .values(ann_index=None, version=_spaces.c.version + 1)
    )
    if built.rowcount:
        connection.execute(
            _erasures.insert().values(
                index_id=_OLD, asset_id=_OLD, blobs=[f"{_OLD}/"],
                created_at=datetime.now(UTC).isoformat(timespec="microseconds"),
            )
        )  # fmt: skip
