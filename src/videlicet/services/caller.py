"""On whose behalf a service works: the first argument of nearly every service function."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from videlicet.rights import Purpose
from videlicet.services.problems import unknown

if TYPE_CHECKING:
    from videlicet.rights import Grant, IndexScope, Scope
    from videlicet.services.platform import Platform
    from videlicet.settings import Settings
    from videlicet.store import Store
    from videlicet.store.catalog import Catalog


class Caller:
    """One caller of a platform, with the scopes of the tenant that they belong to."""

    def __init__(
        self, platform: Platform, grant: Grant, *, may_read: bool = True, may_write: bool = True
    ) -> None:
        self.platform = platform
        self.settings: Settings = platform.settings
        self.store: Store = platform.store
        self.catalog: Catalog = platform.store.catalog
        self.tenant = grant.tenant
        self.may_read = may_read
        self.may_write = may_write
        self._grant = grant

    @overload
    def scope(self, purpose: Purpose, index_id: None = None) -> Scope: ...

    @overload
    def scope(self, purpose: Purpose, index_id: str) -> IndexScope: ...

    def scope(self, purpose: Purpose, index_id: str | None = None) -> Scope:
        """What the caller reaches for a purpose: the tenant's data, or one index of it, named by
        its id only.

        Raises:
            NotFound: ``index_not_found``.
        """
        scope = self.store.scope(self._grant.narrowed(purpose), index_id)
        if index_id is not None and scope.index_id != index_id:
            raise unknown("index", index_id)
        return scope

    @property
    def manage(self) -> Scope:
        """The scope for listing, changing and deleting."""
        return self.scope(Purpose.MANAGE)
