"""The role of the model that reads on-screen text is called ``ocr``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename the role ``reader`` in the cards of every index."""
    indexes = sa.table("indexes", sa.column("id", sa.String), sa.column("cards", sa.JSON))
    connection = op.get_bind()
    for id, cards in connection.execute(sa.select(indexes.c.id, indexes.c.cards)).all():
        if "reader" in cards:
            renamed = {"ocr" if role == "reader" else role: card for role, card in cards.items()}
            connection.execute(indexes.update().where(indexes.c.id == id).values(cards=renamed))
