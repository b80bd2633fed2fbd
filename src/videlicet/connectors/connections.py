"""Connections to accounts: their tokens, encrypted at rest, and the files behind them.

A connection is a resource. Its status is ``active`` or ``expired`` (the user or the provider took
the access back); its ``body`` holds ``provider``, ``custom_id``, ``account_id`` and
``account_name``, ``scopes``, ``sealed`` (the tokens, encrypted by a key that is derived from the
server's secret) and ``last_used_at``. A file that is imported holds ``connector`` in its own body:
``provider``, ``connection_id``, ``account_id``, ``source_id`` and ``source_link``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.connectors import google_drive
from videlicet.connectors.google_drive import Tokens
from videlicet.errors import ConnectorError
from videlicet.rights import Purpose
from videlicet.store.catalog.schema import to_stored_time
from videlicet.store.secret import derive_key
from videlicet.types import Kind, Resource

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store

ACTIVE, EXPIRED = "active", "expired"


def seal(settings: Settings, tokens: Tokens) -> str:
    """Tokens as a connection keeps them."""
    return cipher(settings, "connections").encrypt(json.dumps(tokens.to_json()).encode()).decode()


def unseal(settings: Settings, connection: Resource) -> Tokens:
    """The tokens of a connection, as they were last kept.

    Raises:
        ConnectorError: ``connection_expired``, the server's secret has changed since.
    """
    from cryptography.fernet import InvalidToken

    try:
        data = cipher(settings, "connections").decrypt(connection.body["sealed"])
    except InvalidToken:
        raise ConnectorError(
            "connection_expired", "The tokens were encrypted with a secret that has changed since."
        ) from None
    return Tokens.from_json(json.loads(data))


def cipher(settings: Settings, purpose: str) -> Fernet:
    """What encrypts for one purpose."""
    from cryptography.fernet import Fernet

    return Fernet(base64.urlsafe_b64encode(derive_key(settings, purpose)))


def fresh_tokens(scope: Scope, store: Store, settings: Settings, connection_id: str) -> Tokens:
    """Tokens of a connection whose access token is good for a while; a new one is kept.

    Raises:
        NotFound: ``resource_not_found``.
        ConnectorError: ``connection_expired``, which the connection's status says from then on;
            ``connector_failed``.
    """
    managing = store.scope(scope.narrowed(Purpose.MANAGE))
    connection = store.catalog.resource(managing, Kind.CONNECTION, connection_id)
    if connection.status != ACTIVE:
        raise ConnectorError(
            "connection_expired", "The access to this account has ended or was revoked."
        )
    changes: dict[str, Any] = {"last_used_at": to_stored_time(datetime.now(UTC))}
    try:
        tokens = unseal(settings, connection)
        if not tokens.is_fresh:
            tokens = google_drive.refresh(settings, tokens)
            changes["sealed"] = seal(settings, tokens)
    except ConnectorError as error:
        if error.code == "connection_expired":
            store.catalog.update_resource(
                managing, Kind.CONNECTION, connection_id, status=EXPIRED, body={"sealed": None}
            )
        raise
    store.catalog.update_resource(managing, Kind.CONNECTION, connection_id, body=changes)
    return tokens


def fetch_source(
    scope: Scope,
    store: Store,
    settings: Settings,
    source: Mapping[str, Any],
    into: Path,
    check: Callable[[], None],
) -> None:
    """Download what a file's ``connector`` names.

    Raises:
        NotFound: ``resource_not_found``, the connection was deleted.
        ConnectorError, InvalidInput, MediaError, StoreError: it cannot be fetched.
    """
    from videlicet.media.fetch import fetch

    google_drive.require_client(settings)
    tokens = fresh_tokens(scope, store, settings, source["connection_id"])
    fetch(
        google_drive.download_url(settings, source["source_id"]), into, settings,
        progress=lambda *_: check(), headers=google_drive.authorization(tokens),
    )  # fmt: skip
