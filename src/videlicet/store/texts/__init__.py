"""Full text over words said and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.rights import OPEN, Policy
from videlicet.store.texts.texts import Texts

if TYPE_CHECKING:
    from videlicet.store.database import Database
    from videlicet.store.home import Home

__all__ = ["Texts", "open_texts"]


def open_texts(database: Database, home: Home, *, writable: bool, policy: Policy = OPEN) -> Texts:
    """The full text of a store: in its database, or mirrored from one that is shared."""
    if database.shared:
        from videlicet.store.texts.mirror import MirroredTexts

        return MirroredTexts(database, home, writable=writable, policy=policy)
    return Texts(database, writable=writable, policy=policy)
