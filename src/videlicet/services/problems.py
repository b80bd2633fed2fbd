"""The errors that services share, each made in one place."""

from __future__ import annotations

from videlicet.errors import InvalidInput, NotFound, NotPermitted

#: Codes of what is not found, where it is not ``resource_not_found``.
_CODES = {
    "asset": "asset_not_found",
    "video": "asset_not_found",
    "index": "index_not_found",
    "task": "task_not_found",
}


def invalid(message: str) -> InvalidInput:
    """An argument that cannot be used; the message begins with its name."""
    return InvalidInput("invalid_argument", message)


def unknown(what: str, id: str) -> NotFound:
    """There is nothing of this kind and id that the caller may see."""
    code = _CODES.get(what, "resource_not_found")
    return NotFound(code, f"There is no {what} {id!r}.", subject=id)


def read_only(message: str) -> NotPermitted:
    """The caller may only read."""
    return NotPermitted("scope_not_permitted", message, subject="write")
