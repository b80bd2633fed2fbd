"""What the endpoints share: pages, times, user metadata, and the scope of a request."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, overload

from fastapi import APIRouter, Depends, Query, Request

from videlicet.api.access import READ, WRITE, authenticated_key, grant_of
from videlicet.api.errors import invalid
from videlicet.api.middleware.idempotency import IdempotentRoute
from videlicet.api.state import ServerState
from videlicet.api.v1_3.schemas.common import PageInfo, Problem
from videlicet.errors import NotFound
from videlicet.rights import IndexScope, Purpose, Scope
from videlicet.services.platform import Platform
from videlicet.store import Store
from videlicet.store.catalog import Catalog

#: Most items on a page, and how many there are where nobody says.
MOST, USUAL = 50, 10
#: Most keys of user metadata, and the longest value.
MOST_KEYS, LONGEST = 100, 10_000
#: Most lists and objects within each other in JSON.
DEEPEST = 64
#: What may stand for something that cannot be stored.
_SUSPECT = re.compile(rb"\\u|NaN|Infinity|[eE]\+?[0-9]{2}|[0-9]{300}")


class Paging:
    """``page`` and ``page_limit`` of a list."""

    def __init__(
        self,
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
        page_limit: Annotated[int, Query(ge=1, le=MOST)] = USUAL,
    ) -> None:
        self.page = page
        self.limit = page_limit

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def info(self, total: int) -> PageInfo:
        return PageInfo(
            page=self.page,
            limit_per_page=self.limit,
            total_page=-(-total // self.limit),
            total_results=total,
        )

    def of(self, rows: Sequence[Any], total: int) -> dict[str, Any]:
        """A page of what was found."""
        return {"data": list(rows), "page_info": self.info(total)}


Pages = Annotated[Paging, Depends()]


async def require_text(request: Request) -> None:
    """Refuse JSON that is nothing to store: half of a surrogate pair, a NUL, a number that is not
    finite, or lists in lists without end."""
    if "json" not in request.headers.get("content-type", ""):
        return
    body = await request.body()
    if not _SUSPECT.search(body) and body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    try:
        value = parsed(body)
    except TooDeep:
        raise invalid(f"The body is nested more than {DEEPEST} deep.") from None
    except ValueError:
        return  # told elsewhere
    if not _all_plain(value):
        raise invalid(
            "The body holds characters that are not text, or numbers that are not finite."
        )


class TooDeep(ValueError):
    """JSON that is nested deeper than anything here needs."""


def parsed(text: str | bytes) -> Any:
    """What JSON from a caller says.

    Raises:
        ValueError: it is none; ``TooDeep``, if it is nested too deep.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise TooDeep from None
    if _deeper(value, DEEPEST):
        raise TooDeep
    return value


def _deeper(value: Any, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return left == 0 or any(_deeper(one, left - 1) for one in inner)


def _all_plain(value: Any) -> bool:
    match value:
        case str():
            return _plain(value)
        case float():
            return math.isfinite(value)
        case dict():
            return all(_plain(key) and _all_plain(item) for key, item in value.items())
        case list():
            return all(map(_all_plain, value))
        case _:
            return True


class Caller:
    """Who asks: the service, and scopes for what is wanted of it."""

    def __init__(self, request: Request) -> None:
        self.server: ServerState = request.app.state.server
        self.service: Platform = self.server.platform
        self.store: Store = self.service.store
        self.catalog: Catalog = self.store.catalog
        self.settings = self.service.settings
        #: What tells that the client has hung up.
        self.receive = request.receive
        self._key = authenticated_key(request.state)
        self.tenant = self._key.tenant
        base = self.settings.public_url or str(request.base_url)
        #: What absolute addresses begin with.
        self.base = base.rstrip("/")

    @overload
    def scope(self, purpose: Purpose, index_id: None = None) -> Scope: ...

    @overload
    def scope(self, purpose: Purpose, index_id: str) -> IndexScope: ...

    def scope(self, purpose: Purpose, index_id: str | None = None) -> Scope:
        """What the key of the request reaches for a purpose: its tenant, or one index of it, named
        by id only.

        Raises:
            NotFound: ``index_not_found``.
        """
        scope = self.store.scope(grant_of(self._key, purpose), index_id)
        if scope.index_id != index_id:
            raise NotFound("index_not_found", f"There is no index {index_id!r}.", subject=index_id)
        return scope

    @property
    def may_read(self) -> bool:
        """Whether the key is for more than changing things."""
        return not self._key.scopes or READ in self._key.scopes

    @property
    def may_write(self) -> bool:
        """Whether the key is for more than reading."""
        return not self._key.scopes or WRITE in self._key.scopes

    @property
    def manage(self) -> Scope:
        return self.scope(Purpose.MANAGE)

    def address(self, path: str, seconds: float | None = None) -> str:
        """The absolute, signed address of a path that needs no key."""
        lifetime = self.settings.signed_url_ttl if seconds is None else seconds
        return self.base + self.server.signer.sign(path, lifetime)


Call = Annotated[Caller, Depends()]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        400: "The request is not as it should be.",
        401: "The API key is not valid.",
        403: "The API key is not for this.",
        404: "There is no such thing.",
        408: "The body came too slowly.",
        409: "Not in the state it is in.",
        413: "The body is too large.",
        429: "Too many requests.",
        431: "The head of the request is too large.",
        500: "Something went wrong on the server.",
        503: "Not now: try again in a moment.",
        507: "There is no room left.",
    }.items()
}


def router_for(tag: str) -> APIRouter:
    """A router with what all have in common."""
    return APIRouter(tags=[tag], responses=PROBLEMS, route_class=IdempotentRoute)


def text_of(when: datetime | str | None) -> str | None:
    """A time as v1.3 writes it: RFC 3339 in UTC, ending in Z."""
    if when is None:
        return None
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def time_of(name: str, text: str | None) -> datetime | None:
    """A time from a filter: RFC 3339, or a date."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid(f"{name} must be a time in RFC 3339 form.") from None


def ascending(sort_option: str | None) -> bool:
    """``asc`` or ``desc`` (which is usual)."""
    if sort_option not in (None, "asc", "desc"):
        raise invalid("sort_option must be asc or desc.")
    return sort_option == "asc"


def sorted_by(sort_by: str | None, *, known: Sequence[str] = ("created_at", "updated_at")) -> str:
    """A column to sort by."""
    if sort_by is None:
        return "created_at"
    if sort_by not in known:
        raise invalid(f"sort_by must be one of {', '.join(known)}.")
    return sort_by


def metadata_of(value: Any, *, nulls: bool = False) -> dict[str, Any]:
    """User metadata as it is kept; empty texts and lists are left out. With ``nulls`` a null stays,
    as the wish to delete its key."""
    if isinstance(value, str):
        try:
            value = parsed(value)
        except ValueError:
            raise invalid("user_metadata must be a JSON object.") from None
    if not isinstance(value, Mapping):
        raise invalid("user_metadata must be an object.")
    if len(value) > MOST_KEYS:
        raise invalid(f"user_metadata holds {MOST_KEYS} keys at most.")
    kept: dict[str, Any] = {}
    for key, item in value.items():
        if not key or len(key) > 200 or not _plain(key):
            raise invalid("A key of user_metadata is empty, too long or not text.")
        if item is None:
            if nulls:
                kept[key] = None
            continue
        if item in ("", []):
            continue
        if isinstance(item, list):
            good = all(isinstance(one, str) and _plain(one) for one in item)
        elif isinstance(item, str):
            good = len(item) <= LONGEST and _plain(item)
        elif isinstance(item, float):
            good = item == item and abs(item) != float("inf")
        else:
            good = isinstance(item, bool) or (isinstance(item, int) and abs(item) <= 2**53)
        if not good:
            raise invalid(
                f"user_metadata.{key} must be a text, a number, true, false or a list of texts."
            )
        kept[key] = item
    return kept


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata after a PATCH: null deletes a key."""
    both = {**old, **new}
    return {key: value for key, value in both.items() if value is not None}


_DEEP = re.compile(r"(\w+)\[([^\]]*)\]")


def deep(request: Request, name: str, *, numeric: bool = False) -> dict[str, str]:
    """``name[key]=value`` of a query, and ``name={"key": value}``; of a ``numeric`` filter the
    plain value may be something else."""
    found: dict[str, str] = {}
    for key, value in request.query_params.multi_items():
        matched = _DEEP.fullmatch(key)
        if matched and matched[1] == name:
            found[matched[2]] = value
    plain = request.query_params.get(name)
    if plain is not None and (plain.startswith("{") or not numeric):
        try:
            row = parsed(plain)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise invalid(f"{name} must be a JSON object.")
        found |= {
            str(key): value if isinstance(value, str) else json.dumps(value)
            for key, value in row.items()
        }
    return found


def numbers(request: Request, name: str) -> list[tuple[str, float]]:
    """A number filter: ``name=5``, or ``name[gte]=1&name[lte]=9``; as operators and bounds."""
    found = []
    for key, value in deep(request, name, numeric=True).items():
        if key not in ("gte", "lte"):
            raise invalid(f"{name} takes gte and lte.")
        found.append((">=" if key == "gte" else "<=", _number(name, value)))
    plain = request.query_params.get(name)
    if plain is not None and not plain.startswith("{"):
        found.append(("==", _number(name, plain)))
    return found


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise invalid(f"{name} must be a number.") from None
    if value != value or abs(value) == float("inf"):
        raise invalid(f"{name} must be a number.")
    return value


def _plain(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
