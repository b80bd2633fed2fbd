"""What a store has resolved a grant to: the first argument of every stored read and write.

Only :meth:`videlicet.store.Store.scope` makes scopes. A scope of a tenant reaches what belongs to
the tenant; a scope of an index reaches what belongs to that one index.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING

from videlicet.rights.grant import EVERY_TENANT, Grant

if TYPE_CHECKING:
    from videlicet.types import Index

#: Held by this module alone, so that nobody makes a scope by accident.
_SEAL = object()


@dataclass(frozen=True, slots=True)
class Scope(Grant):
    """A principal acting for one purpose, which the policy permits, inside one tenant."""

    seal: InitVar[object] = field(kw_only=True)

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("A scope is made by Store.scope, from a grant.")

    @property
    def index_id(self) -> str | None:
        """The index that the scope is bound to, if it is bound to one."""
        return None

    @property
    def every_tenant(self) -> bool:
        """Whether the scope reaches what belongs to any tenant."""
        return self.tenant == EVERY_TENANT


@dataclass(frozen=True, slots=True)
class IndexScope(Scope):
    """A scope that is bound to one index of its tenant. ``index`` is as it was when resolved."""

    index: Index = field(kw_only=True)

    @property
    def index_id(self) -> str:
        return self.index.id


def tenant_scope(grant: Grant) -> Scope:
    """The scope of a grant that was decided on; for ``Store.scope`` alone."""
    return Scope(grant.principal, grant.purpose, grant.tenant, seal=_SEAL)


def index_scope(grant: Grant, index: Index) -> IndexScope:
    """The scope of a grant in one index that it reaches; for ``Store.scope`` alone. A grant for
    every tenant is narrowed to the tenant of the index."""
    return IndexScope(grant.principal, grant.purpose, index.tenant, index=index, seal=_SEAL)
