"""API keys, kept as digests only."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from videlicet.errors import InvalidInput, NotFound
from videlicet.rights import Scope, authorize
from videlicet.store.catalog.repository import Repository
from videlicet.store.catalog.schema import api_keys
from videlicet.store.records import MANAGING
from videlicet.types import ApiKey, random_id

#: Starts every key, so that scanners for leaked secrets can know one.
MARK = "vdl_"


class Keys(Repository):
    """The keys' share of the catalog.

    Like tasks they may be changed without the writer's lock: keys are made and revoked while a
    server runs.
    """

    def create_key(
        self,
        scope: Scope,
        name: str,
        *,
        scopes: Collection[str] = (),
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key of the scope's tenant, and its secret, which is returned only this once."""
        authorize(scope, MANAGING, "key")
        with self._database.write_transaction() as connection:
            return _create(connection, scope.tenant, name, scopes, expires_at)

    def rotate_key(self, scope: Scope, id: str, overlap: timedelta) -> tuple[ApiKey, ApiKey, str]:
        """A new key for the same name, tenant and scopes; the old one stays good for ``overlap``,
        if it does not expire sooner. One that expires is followed by one that lives as long.
        Returns the old key, the new one, and its secret, which is returned only this once.

        Raises:
            NotFound: ``resource_not_found``.
            InvalidInput: ``invalid_argument``, for a key that is no longer good.
        """
        authorize(scope, MANAGING, "key")
        now = datetime.now(UTC)
        with self._database.write_transaction() as connection:
            old = _found(connection, scope, id)
            if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
                raise InvalidInput(
                    "invalid_argument",
                    f"Key {id} is no longer good, so nothing can follow it.",
                    subject=id,
                    remedy="Make a new key with `videlicet keys create NAME`.",
                )
            expires = None if old.expires_at is None else now + (old.expires_at - old.created_at)
            end = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
            connection.execute(update(api_keys).where(api_keys.c.id == id).values(expires_at=end))
            made, secret = _create(connection, old.tenant, old.name, old.scopes, expires)
            return _found(connection, scope, id), made, secret

    def key_of(self, secret: str) -> ApiKey | None:
        """The key with this secret, unless it has expired or was revoked.

        The one read without a scope: it is what a grant is made from.
        """
        query = select(api_keys).where(api_keys.c.digest == _digest(secret))
        with self._read_transaction() as connection:
            row = connection.execute(query).first()
        if row is None or row.revoked_at is not None:
            return None
        if row.expires_at is not None and row.expires_at <= datetime.now(UTC):
            return None
        return _key(row)

    def keys(self, scope: Scope) -> list[ApiKey]:
        """Every key of the scope's tenant, revoked ones too, oldest first."""
        authorize(scope, MANAGING, "key")
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        if not scope.every_tenant:
            query = query.where(api_keys.c.tenant == scope.tenant)
        with self._read_transaction() as connection:
            return [_key(row) for row in connection.execute(query)]

    def revoke_key(self, scope: Scope, id: str) -> ApiKey:
        """Make a key useless from now on.

        Raises:
            NotFound: ``resource_not_found``.
        """
        authorize(scope, MANAGING, "key")
        with self._database.write_transaction() as connection:
            if _found(connection, scope, id).revoked_at is None:
                connection.execute(
                    update(api_keys).where(api_keys.c.id == id).values(revoked_at=datetime.now(UTC))
                )
            return _found(connection, scope, id)


def _create(
    connection: Connection,
    tenant: str,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    secret = MARK + secrets.token_urlsafe(32)
    made = ApiKey(
        id=random_id(),
        tenant=tenant,
        name=name,
        prefix=secret[: len(MARK) + 4],
        scopes=frozenset(scopes),
        created_at=datetime.now(UTC),
        expires_at=expires_at,
    )
    connection.execute(
        insert(api_keys).values(
            id=made.id, tenant=tenant, name=name, prefix=made.prefix, digest=_digest(secret),
            scopes=sorted(made.scopes), created_at=made.created_at, expires_at=expires_at,
        )
    )  # fmt: skip
    return made, secret


def _found(connection: Connection, scope: Scope, id: str) -> ApiKey:
    row = connection.execute(select(api_keys).where(api_keys.c.id == id)).first()
    if row is None or not scope.covers(row.tenant):
        raise NotFound("resource_not_found", f"There is no key {id!r}.", subject=id)
    return _key(row)


def _digest(secret: str) -> str:
    # A secret is 256 random bits, so a plain digest gives nothing to guess by.
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
