"""API keys, kept as digests only."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from videlicet.errors import NotFound
from videlicet.rights import EVERY_TENANT, Grant, authorize
from videlicet.store.catalog.part import Part
from videlicet.store.catalog.schema import api_keys
from videlicet.store.records import MANAGING
from videlicet.types import ApiKey, random_id

#: Starts every key, so that scanners for leaked secrets can know one.
MARK = "vdl_"


class Keys(Part):
    """The keys' share of the catalog.

    Like tasks they may be changed without the writer's lock: keys are made and revoked while a
    server runs.
    """

    def create_key(
        self,
        grant: Grant,
        name: str,
        *,
        scopes: Collection[str] = (),
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key of the grant's tenant, and its secret, which is shown this once."""
        authorize(grant, MANAGING, "key")
        secret = MARK + secrets.token_urlsafe(32)
        made = ApiKey(
            id=random_id(),
            tenant=grant.tenant,
            name=name,
            prefix=secret[: len(MARK) + 4],
            scopes=frozenset(scopes),
            created_at=datetime.now(UTC),
            expires_at=expires_at,
        )
        with self._database.writing() as connection:
            connection.execute(
                insert(api_keys).values(
                    id=made.id, tenant=made.tenant, name=name, prefix=made.prefix,
                    digest=_digest(secret), scopes=sorted(made.scopes),
                    created_at=made.created_at, expires_at=expires_at,
                )
            )  # fmt: skip
        return made, secret

    def key_of(self, secret: str) -> ApiKey | None:
        """The key with this secret, unless it has expired or was revoked.

        The one read without a grant: it is what a grant is made from.
        """
        query = select(api_keys).where(api_keys.c.digest == _digest(secret))
        with self._reading() as connection:
            row = connection.execute(query).first()
        if row is None or row.revoked_at is not None:
            return None
        if row.expires_at is not None and row.expires_at <= datetime.now(UTC):
            return None
        return _key(row)

    def keys(self, grant: Grant) -> list[ApiKey]:
        """Every key of the grant's tenant, revoked ones too, oldest first."""
        authorize(grant, MANAGING, "key")
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        if grant.tenant != EVERY_TENANT:
            query = query.where(api_keys.c.tenant == grant.tenant)
        with self._reading() as connection:
            return [_key(row) for row in connection.execute(query)]

    def revoke_key(self, grant: Grant, id: str) -> ApiKey:
        """Make a key useless from now on.

        Raises:
            NotFound: ``resource_not_found``.
        """
        authorize(grant, MANAGING, "key")
        query = select(api_keys).where(api_keys.c.id == id)
        with self._database.writing() as connection:
            row = connection.execute(query).first()
            if row is None or not grant.covers(row.tenant):
                raise NotFound("resource_not_found", f"There is no key {id!r}.", subject=id)
            if row.revoked_at is None:
                connection.execute(
                    update(api_keys).where(api_keys.c.id == id).values(revoked_at=datetime.now(UTC))
                )
            return _key(connection.execute(query).one())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        prefix=row.prefix,
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
