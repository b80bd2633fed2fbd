"""Searches that are kept for their later pages, with the media that came with them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from videlicet.api.errors import invalid
from videlicet.api.v1_3.common import Caller
from videlicet.errors import NotFound
from videlicet.rights import Purpose
from videlicet.types import Kind, Resource, random_id

#: How long a page token is good.
LIFETIME = timedelta(hours=1)

_TOKEN = re.compile(r"([0-9a-f]{24})-([1-9][0-9]{0,5})")


def keep(
    call: Caller, form: str, settings: Mapping[str, Any], media: Sequence[bytes | Path]
) -> Resource:
    """Keep a search of one interface (``form``); those of the tenant that have expired go."""
    now = datetime.now(UTC)
    scope = call.scope(Purpose.SEARCH)
    gone, _ = call.catalog.find_resources(scope, Kind.SEARCH, until=now - LIFETIME)
    for old in gone:
        call.store.blobs.delete(scope, f"searches/{old.id}/")
    call.catalog.delete_resources(scope, Kind.SEARCH, expired=now)
    kept = Resource(
        id=random_id(),
        kind=Kind.SEARCH,
        tenant=call.tenant,
        created_at=now,
        updated_at=now,
        parent=form,
        expires_at=now + LIFETIME,
        body={"settings": dict(settings), "media": len(media)},
    )
    for number, data in enumerate(media):
        call.store.blobs.put(scope, _key(kept, number), data)
    call.catalog.put_resource(scope, kept)
    return kept


def token(kept: Resource, number: int) -> str:
    """What names a page of a kept search; the first is 1."""
    return f"{kept.id}-{number}"


def recall(call: Caller, form: str, token: str) -> tuple[Resource, int]:
    """The kept search that a token names, and the number of the page.

    Raises:
        ApiError: 400, if the token is none of the caller's, or has expired.
    """
    kept, number = find(call, form, token)
    if expired(kept):
        raise invalid("The page token has expired.")
    return kept, number


def find(call: Caller, form: str, token: str) -> tuple[Resource, int]:
    """The same, whether it has expired or not; 400 if it is none of the caller's."""
    matched = _TOKEN.fullmatch(token)
    try:
        if matched is None:
            raise NotFound("resource_not_found", "")
        kept = call.catalog.resource(call.scope(Purpose.SEARCH), Kind.SEARCH, matched[1])
        if kept.parent != form:
            raise NotFound("resource_not_found", "")
    except NotFound:
        raise invalid("The page token is not known, or has expired.") from None
    return kept, int(matched[2])


def expired(kept: Resource) -> bool:
    """Whether the tokens of a kept search are good no more."""
    return kept.expires_at is None or kept.expires_at < datetime.now(UTC)


def media_of(call: Caller, kept: Resource) -> list[Path]:
    """The files that came with a kept search, in their order."""
    scope = call.scope(Purpose.SEARCH)
    return [call.store.blobs.path(scope, _key(kept, n)) for n in range(int(kept.body["media"]))]


def _key(kept: Resource, number: int) -> str:
    return f"searches/{kept.id}/{number}"
