"""Searches that are stored for their later pages, with the media that came with them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.errors import InvalidQuery, NotFound
from videlicet.rights import Purpose
from videlicet.types import Kind, Resource, random_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller

#: How long a page token is good.
LIFETIME = timedelta(hours=1)

_TOKEN = re.compile(r"([0-9a-f]{24})-([1-9][0-9]{0,5})")


def store(
    caller: Caller, form: str, settings: Mapping[str, Any], media: Sequence[bytes | Path]
) -> Resource:
    """Store a search of one interface (``form``); those of the tenant that have expired go."""
    now = datetime.now(UTC)
    scope = caller.scope(Purpose.INDEX)
    gone, _ = caller.catalog.find_resources(scope, Kind.SEARCH, until=now - LIFETIME)
    for old in gone:
        caller.store.blobs.delete(scope, f"searches/{old.id}/")
    caller.catalog.delete_resources(scope, Kind.SEARCH, expired=now)
    stored = Resource(
        id=random_id(),
        kind=Kind.SEARCH,
        tenant=caller.tenant,
        created_at=now,
        updated_at=now,
        parent=form,
        expires_at=now + LIFETIME,
        body={"settings": dict(settings), "media": len(media)},
    )
    for number, data in enumerate(media):
        caller.store.blobs.put(scope, _key(stored, number), data)
    caller.catalog.put_resource(scope, stored)
    return stored


def token(stored: Resource, number: int) -> str:
    """What names a page of a stored search; the first is 1."""
    return f"{stored.id}-{number}"


def load(caller: Caller, form: str, token: str) -> tuple[Resource, int]:
    """The stored search that a token names, and the number of the page.

    Raises:
        InvalidQuery: ``page_token_invalid``, it is none of the caller's, or has expired.
    """
    stored, number = find(caller, form, token)
    if is_expired(stored):
        raise InvalidQuery("page_token_invalid", "The page token has expired.")
    return stored, number


def find(caller: Caller, form: str, token: str) -> tuple[Resource, int]:
    """The same, whether it has expired or not.

    Raises:
        InvalidQuery: ``page_token_invalid``, it is none of the caller's.
    """
    matched = _TOKEN.fullmatch(token)
    if matched is None:
        raise unknown_token()
    try:
        stored = caller.catalog.resource(caller.scope(Purpose.SEARCH), Kind.SEARCH, matched[1])
    except NotFound:
        raise unknown_token() from None
    if stored.parent != form:
        raise unknown_token()
    return stored, int(matched[2])


def is_expired(stored: Resource) -> bool:
    """Whether the tokens of a stored search are good no more."""
    return stored.expires_at is None or stored.expires_at < datetime.now(UTC)


def media_of(caller: Caller, stored: Resource) -> list[Path]:
    """The files that came with a stored search, in their order."""
    scope = caller.scope(Purpose.SEARCH)
    count = int(stored.body["media"])
    return [caller.store.blobs.path(scope, _key(stored, number)) for number in range(count)]


def unknown_token() -> InvalidQuery:
    """The token names no page of the caller's."""
    return InvalidQuery("page_token_invalid", "The page token is not known, or has expired.")


def _key(stored: Resource, number: int) -> str:
    return f"searches/{stored.id}/{number}"
