"""Filters of interfaces that know videos by their own ids: searches know assets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from videlicet.services.indexing import asset_ids

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.types import Index


def of_assets(caller: Caller, index: Index, filter: Mapping[str, Any]) -> Mapping[str, Any]:
    """A filter whose field ``id`` is that of a video, for assets of an index. Whatever is wrong
    with it stays, to be refused by whoever uses it."""
    named = set(ids_in(filter))
    return replace_ids(filter, asset_ids(caller, index, named)) if named else filter


def replace_ids(filter: Any, ids: Mapping[str, str]) -> Any:
    """A filter with other values for its field ``id``; what ``ids`` does not have stays."""
    if not isinstance(filter, Mapping):
        return filter
    return {key: _replaced(key, value, ids) for key, value in filter.items()}


def _replaced(key: Any, value: Any, ids: Mapping[str, str]) -> Any:
    if key in ("and", "or") and _is_list(value):
        return [replace_ids(one, ids) for one in value]
    if key == "not":
        return replace_ids(value, ids)
    if key != "id":
        return value
    if isinstance(value, Mapping):
        return {operator: _other(one, ids) for operator, one in value.items()}
    return _other(value, ids)


def _other(value: Any, ids: Mapping[str, str]) -> Any:
    if _is_list(value):
        return [_other(one, ids) for one in value]
    return ids.get(value, value) if isinstance(value, str) else value


def ids_in(filter: Any) -> Iterator[str]:
    """What a filter compares the field ``id`` with."""
    if not isinstance(filter, Mapping):
        return
    for key, value in filter.items():
        if key in ("and", "or") and _is_list(value):
            for one in value:
                yield from ids_in(one)
        elif key == "not":
            yield from ids_in(value)
        elif key == "id":
            yield from _texts(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif _is_list(value):
        for one in value:
            yield from _texts(one)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
