"""What endpoints share of their parameters: pages, sorting, and times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Query

from videlicet.api.errors import invalid_parameter
from videlicet.api.schemas import PageInfo

#: Most items on a page, and how many there are where nobody says.
MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE = 50, 10


class PageParameters:
    """``page`` and ``page_limit`` of a list."""

    def __init__(
        self,
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
        page_limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = DEFAULT_PAGE_SIZE,
    ) -> None:
        self.page = page
        self.limit = page_limit

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def page_info(self, total: int) -> PageInfo:
        return PageInfo(
            page=self.page,
            limit_per_page=self.limit,
            total_page=-(-total // self.limit),
            total_results=total,
        )

    def response(self, rows: Sequence[Any], total: int) -> dict[str, Any]:
        """A page of what was found."""
        return {"data": list(rows), "page_info": self.page_info(total)}


Pages = Annotated[PageParameters, Depends()]


def format_time(when: datetime | str | None) -> str | None:
    """A time as v1.3 writes it: RFC 3339 in UTC, ending in Z."""
    if when is None:
        return None
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(name: str, text: str | None) -> datetime | None:
    """A time from a filter: RFC 3339, or a date."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid_parameter(f"{name} must be a time in RFC 3339 form.") from None


def is_ascending(sort_option: str | None) -> bool:
    """``asc`` or ``desc`` (which is usual)."""
    if sort_option not in (None, "asc", "desc"):
        raise invalid_parameter("sort_option must be asc or desc.")
    return sort_option == "asc"


def sort_column(sort_by: str | None, *, known: Sequence[str] = ("created_at", "updated_at")) -> str:
    """A column to sort by."""
    if sort_by is None:
        return "created_at"
    if sort_by not in known:
        raise invalid_parameter(f"sort_by must be one of {', '.join(known)}.")
    return sort_by
