"""Data connectors: accounts that a tenant's users connect, and imports of files from them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from videlicet.connectors import google_drive
from videlicet.connectors.connections import ACTIVE, cipher, fresh_tokens, seal, unseal
from videlicet.errors import Conflict, ConnectorError, InvalidInput, NotFound
from videlicet.media.fetch import check as check_url
from videlicet.rights import Grant, Purpose
from videlicet.services.assets import MAX_NAME_CHARS
from videlicet.types import Asset, AssetStatus, Kind, Resource, random_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.services.platform import Platform

#: Where a provider sends users back to; what comes there is checked by its ``state``.
CALLBACK = "/connections/google_drive/callback"
#: Seconds in which a user has to allow access.
AUTHORIZATION_TTL = 3600
#: Most redirect URIs of a tenant, and most files of one import.
MOST_REDIRECTS, MOST_FILES = 100, 100
CREATED, SKIPPED, RETRIED, REJECTED = "created", "skipped", "retried", "rejected"


# -- redirect URIs ------------------------------------------------------------------------------


def create_redirect_uri(caller: Caller, uri: str) -> Resource:
    """Register a URI that users may be sent back to after they allowed access.

    Raises:
        InvalidInput: ``redirect_uri_invalid``.
        Conflict: ``redirect_uri_exists``, or ``redirect_uris_full``.
    """
    _check_redirect_uri(caller, uri)
    catalog = caller.catalog
    with caller.store.database.advisory_lock(f"redirect uris {caller.tenant}"):
        there, _ = catalog.find_resources(caller.manage, Kind.REDIRECT_URI)
        if any(one.name == uri for one in there):
            raise Conflict("redirect_uri_exists", f"{uri} is registered already.", subject=uri)
        if len(there) >= MOST_REDIRECTS:
            raise Conflict(
                "redirect_uris_full", f"There are {MOST_REDIRECTS} redirect URIs already."
            )
        now = datetime.now(UTC)
        made = Resource(
            id=random_id(), kind=Kind.REDIRECT_URI, tenant=caller.tenant, created_at=now,
            updated_at=now, name=uri,
        )  # fmt: skip
        catalog.put_resource(caller.manage, made)
    return made


def _check_redirect_uri(caller: Caller, uri: str) -> None:
    if "*" in uri or "#" in uri or not uri.startswith("https://"):
        raise InvalidInput(
            "redirect_uri_invalid", f"{uri} is not an https URI without wildcard and fragment.",
            subject="redirect_uri",
        )  # fmt: skip
    try:
        check_url(uri, caller.settings)
    except InvalidInput as error:
        raise InvalidInput("redirect_uri_invalid", error.message, subject="redirect_uri") from error


# -- authorization ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Authorization:
    """Where to send a user, and the value by which the provider's answer is recognised."""

    url: str
    state: str


def authorize_connection(
    caller: Caller, base: str, redirect_uri: str, custom_id: str | None
) -> Authorization:
    """Begin to connect an account of Google Drive. ``base`` is this server's own address.

    Raises:
        InvalidInput: ``connector_not_configured`` or ``invalid_argument``.
    """
    google_drive.require_client(caller.settings)
    parts = urlsplit(redirect_uri)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.fragment:
        raise InvalidInput(
            "invalid_argument", f"{redirect_uri} is not an http(s) URI without fragment.",
            subject="redirect_uri",
        )  # fmt: skip
    registered, _ = caller.catalog.find_resources(caller.manage, Kind.REDIRECT_URI)
    if registered and redirect_uri not in {one.name for one in registered}:
        raise InvalidInput(
            "invalid_argument", f"{redirect_uri} is not one of the registered redirect URIs.",
            subject="redirect_uri",
        )  # fmt: skip
    verifier = secrets.token_urlsafe(48)
    # Kept nowhere: it comes back with the user, unreadable and only once usable, as the code is.
    callback = base + CALLBACK
    row = {
        "tenant": caller.tenant, "principal": caller.manage.principal, "redirect_uri": redirect_uri,
        "custom_id": custom_id, "callback": callback, "verifier": verifier,
    }  # fmt: skip
    state = cipher(caller.settings, "authorizations").encrypt(json.dumps(row).encode()).decode()
    url = google_drive.authorize_url(caller.settings, callback, state, verifier)
    return Authorization(url, state)


def complete_authorization(
    platform: Platform, state: str, code: str | None, error: str | None
) -> str:
    """Where a user who comes back from the provider is sent on to: the redirect URI, with
    ``connection_id`` and ``status`` or with ``error``.

    Raises:
        InvalidInput: ``authorization_invalid``, the state is not ours, or too old.
    """
    from cryptography.fernet import InvalidToken

    try:
        row = json.loads(
            cipher(platform.settings, "authorizations").decrypt(state, ttl=AUTHORIZATION_TTL)
        )
    except InvalidToken:
        raise InvalidInput(
            "authorization_invalid", "The authorization is unknown or too old.", subject="state"
        ) from None
    if error is not None or code is None:
        return _with_query(row["redirect_uri"], {"error": error or "no_code"})
    try:
        connection = _connect(platform, row, code)
    except ConnectorError as failure:
        return _with_query(row["redirect_uri"], {"error": failure.code})
    answer = {"connection_id": connection.id, "status": "ok"}
    if row["custom_id"] is not None:
        answer["custom_id"] = row["custom_id"]
    return _with_query(row["redirect_uri"], answer)


def _connect(platform: Platform, row: dict[str, Any], code: str) -> Resource:
    settings = platform.settings
    tokens = google_drive.redeem_code(settings, code, row["callback"], row["verifier"])
    account = google_drive.account(settings, tokens)
    now = datetime.now(UTC)
    made = Resource(
        id=random_id(), kind=Kind.CONNECTION, tenant=row["tenant"], created_at=now,
        updated_at=now, status=ACTIVE, name=account.name,
        body={
            "provider": google_drive.PROVIDER, "custom_id": row["custom_id"],
            "account_id": account.id, "account_name": account.name,
            "scopes": list(tokens.scopes), "sealed": seal(settings, tokens),
        },
    )  # fmt: skip
    scope = platform.store.scope(Grant(row["principal"], Purpose.MANAGE, row["tenant"]))
    platform.store.catalog.put_resource(scope, made)
    return made


def _with_query(uri: str, more: dict[str, str]) -> str:
    parts = urlsplit(uri)
    query = "&".join(filter(None, (parts.query, urlencode(more))))
    return urlunsplit(parts._replace(query=query))


# -- connections --------------------------------------------------------------------------------


def find_connection(caller: Caller, connection_id: str) -> Resource:
    """A connection of the tenant.

    Raises:
        NotFound: ``resource_not_found``.
    """
    return caller.catalog.resource(caller.manage, Kind.CONNECTION, connection_id)


def delete_connection(caller: Caller, connection_id: str) -> None:
    """Revoke the access and delete the tokens; imported assets stay.

    Raises:
        NotFound: ``resource_not_found``.
        ConnectorError: ``connector_failed``, the provider cannot be reached; nothing is deleted.
    """
    connection = find_connection(caller, connection_id)
    if connection.status == ACTIVE:
        try:
            tokens = unseal(caller.settings, connection)
        except ConnectorError:
            pass  # nobody can read them any more
        else:
            google_drive.revoke(caller.settings, tokens)
    catalog = caller.catalog
    catalog.delete_resources(caller.manage, Kind.IMPORT, parent=connection.id)
    with suppress(NotFound):
        catalog.delete_resource(caller.manage, Kind.CONNECTION, connection.id)


def picker_tokens(caller: Caller, connection_id: str) -> google_drive.Tokens:
    """Tokens whose access token a file picker may use for a while.

    Raises:
        NotFound: ``resource_not_found``.
        ConnectorError: ``connection_expired`` or ``connector_failed``.
        InvalidInput: ``connector_not_configured``.
    """
    google_drive.require_client(caller.settings)
    return fresh_tokens(caller.manage, caller.store, caller.settings, connection_id)


# -- imports ------------------------------------------------------------------------------------


def import_files(caller: Caller, connection_id: str, source_ids: Sequence[str]) -> Resource:
    """Have files of a connected account fetched in the background, each as an asset of its own. A
    file that was imported from the account before is not fetched again, unless that failed.

    The import that is made holds ``items`` in its body, in the order asked for: ``source_id``,
    ``action``, and ``asset_id`` or ``error``.

    Raises:
        NotFound: ``resource_not_found``.
        InvalidInput: ``invalid_argument`` or ``connector_not_configured``.
        ConnectorError: ``connection_expired`` or ``connector_failed``.
    """
    if not 1 <= len(source_ids) <= MOST_FILES or len(set(source_ids)) < len(source_ids):
        raise InvalidInput(
            "invalid_argument", f"items: 1 to {MOST_FILES} different files.", subject="items"
        )
    google_drive.require_client(caller.settings)
    connection = find_connection(caller, connection_id)
    tokens = fresh_tokens(caller.manage, caller.store, caller.settings, connection_id)
    items = [_import_file(caller, connection, tokens, one) for one in source_ids]
    now = datetime.now(UTC)
    made = Resource(
        id=random_id(), kind=Kind.IMPORT, tenant=caller.tenant, created_at=now, updated_at=now,
        parent=connection.id,
        body={
            "provider": connection.body["provider"], "custom_id": connection.body["custom_id"],
            "items": items,
        },
    )  # fmt: skip
    caller.catalog.put_resource(caller.manage, made)
    caller.platform.worker_client.notify()
    return made


def _import_file(
    caller: Caller,
    connection: Resource,
    tokens: google_drive.Tokens,
    source_id: str,
) -> dict[str, Any]:
    catalog = caller.catalog
    account_id = connection.body["account_id"]
    with caller.store.database.advisory_lock(f"import {account_id} {source_id}"):
        before, _ = catalog.list_assets(caller.manage, connector=(account_id, source_id), limit=1)
        if before and before[0].status is not AssetStatus.FAILED:
            return {"source_id": source_id, "action": SKIPPED, "asset_id": before[0].id}
        try:
            facts = google_drive.file_facts(caller.settings, tokens, source_id)
        except ConnectorError as error:
            if error.code != "connector_file_refused":
                raise
            reason = {"code": error.code, "message": error.message}
            return {"source_id": source_id, "action": REJECTED, "error": reason}
        source = {
            "provider": connection.body["provider"], "connection_id": connection.id,
            "account_id": account_id, "source_id": source_id, "source_link": facts.link,
            "original_filename": facts.name,
        }  # fmt: skip
        ingesting = caller.scope(Purpose.INGEST)
        if before:
            catalog.update_asset(
                ingesting, before[0].id, when=[AssetStatus.FAILED],
                status=AssetStatus.PROCESSING, connector=source, error=None,
            )  # fmt: skip
            return {"source_id": source_id, "action": RETRIED, "asset_id": before[0].id}
        now = datetime.now(UTC)
        asset = Asset(
            id=random_id(), tenant=caller.tenant, name=facts.name[:MAX_NAME_CHARS],
            created_at=now, updated_at=now, status=AssetStatus.PROCESSING, method="connector",
            connector=source,
        )  # fmt: skip
        catalog.put_asset(ingesting, asset)
    return {"source_id": source_id, "action": CREATED, "asset_id": asset.id}


def find_import(caller: Caller, connection_id: str, import_id: str) -> Resource:
    """An import through a connection.

    Raises:
        NotFound: ``resource_not_found``.
    """
    found = caller.catalog.resource(caller.manage, Kind.IMPORT, import_id)
    if found.parent != connection_id:
        raise NotFound(
            "resource_not_found", f"There is no import {import_id!r}.", subject=import_id
        )
    return found


def imported_assets(caller: Caller, one: Resource) -> dict[str, Asset]:
    """The assets of an import that are still there, by id."""
    ids = [item["asset_id"] for item in one.body["items"] if "asset_id" in item]
    found, _ = caller.catalog.list_assets(caller.manage, ids=ids)
    return {asset.id: asset for asset in found}
