"""Who asks, and what for: what a store resolves to the scope of its reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """What a read or write is for. ``MANAGE`` covers listing, deleting and checking."""

    INGEST = "ingest"
    INDEX = "index"
    SEARCH = "search"
    ANALYZE = "analyze"
    EMBED_EXPORT = "embed_export"
    TRAIN = "train"
    SHARE = "share"
    IDENTIFY = "identify"
    MANAGE = "manage"


#: The tenant of the one user of a library on one machine.
LOCAL = "local"
#: Stands for every tenant: held by our own processes that do everybody's work, never handed out.
EVERY_TENANT = "*"


@dataclass(frozen=True, slots=True)
class Grant:
    """A principal acting for one purpose, inside one tenant."""

    principal: str
    purpose: Purpose
    tenant: str = LOCAL

    def narrowed(self, purpose: Purpose) -> Grant:
        """The same principal with another purpose, for a façade that does several things."""
        return Grant(self.principal, purpose, self.tenant)

    def within(self, tenant: str) -> Grant:
        """The same principal and purpose inside another tenant, for who works for all of them."""
        return Grant(self.principal, self.purpose, tenant)

    def covers(self, tenant: str) -> bool:
        """Whether what belongs to ``tenant`` is in reach at all."""
        return self.tenant in (tenant, EVERY_TENANT)
