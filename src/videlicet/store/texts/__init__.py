"""Full text over words said and shown."""

from videlicet.store.texts.texts import Texts

__all__ = ["Texts"]
