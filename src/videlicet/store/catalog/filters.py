"""Typed filters over what is known of an asset, compiled to one SQL condition.

A filter is ``{field: value}``, ``{field: {operator: value, …}}``, ``{"and": […]}``, ``{"or": […]}``
or ``{"not": …}``; several entries in one object must all hold, and ``{}`` holds for every asset.
Fields are the built-in ones (``BUILT_IN``) and whatever users attached.

========================  ====================================================================
``eq`` ``ne``             equal, not equal; text, numbers and truth values are never equal
``in`` ``nin``            equal to one of, to none of, a list
``gt gte lt lte``         greater, at least, less, at most: numbers, text (by code point), times
``contains``              text holds this text, whatever the case
``exists``                a value is there (true) or not (false)
========================  ====================================================================

Logic is two-valued: where a field has no value, ``eq in gt gte lt lte contains`` are false, and
``ne nin`` (the negations of ``eq in``) are true. Nothing of a filter is pasted into SQL text.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, exists, false, not_, or_, select, true

from videlicet.errors import InvalidQuery
from videlicet.store.catalog.schema import (
    asset_metadata,
    assets,
    casefolded,
    to_stored_time,
    video_metadata,
    videos,
)

#: Deeper nesting is a mistake or an attack.
MAX_DEPTH = 16
MAX_TERMS = 500

_ORDER: Mapping[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_OPERATORS = frozenset({"eq", "ne", "in", "nin", "contains", "exists", *_ORDER})

_TEXTS = {"id", "name", "source", "sha256", "container"}
_NUMBERS = {"size", "duration", "width", "height"}
_TRUTHS = {"has_video", "has_audio"}
_TIMES = {"created_at"}


def compile_filter(condition: Mapping[str, Any], *, of_videos: bool = False) -> ColumnElement[bool]:
    """The filter as a condition on ``assets``; on ``assets`` joined with ``videos``, whose user
    metadata then counts, with ``of_videos``.

    Raises:
        InvalidQuery: ``filter_invalid``; the message names the part that is off.
    """
    return _Compiler(_OF_VIDEOS if of_videos else _OF_ASSETS).condition(condition, 0)


class _Attached:
    """Where user metadata is, and whose it is."""

    def __init__(self, table: Table, is_its: ColumnElement[bool]) -> None:
        self.rows = table.c
        self.is_its = is_its


_OF_ASSETS = _Attached(asset_metadata, asset_metadata.c.asset_id == assets.c.id)
_OF_VIDEOS = _Attached(video_metadata, video_metadata.c.slot == videos.c.slot)


def _invalid(message: str, field: str | None = None) -> InvalidQuery:
    return InvalidQuery("filter_invalid", message, subject=field)


class _Compiler:
    def __init__(self, attached: _Attached) -> None:
        self._attached = attached
        self._terms = 0

    def condition(self, condition: Any, depth: int) -> ColumnElement[bool]:
        if not isinstance(condition, Mapping):
            raise _invalid(f"A filter is an object, not {_kind(condition)}.")
        if depth > MAX_DEPTH:
            raise _invalid(f"A filter may be nested {MAX_DEPTH} deep at most.")
        return and_(true(), *(self._entry(k, v, depth) for k, v in condition.items()))

    def _entry(self, key: Any, value: Any, depth: int) -> ColumnElement[bool]:
        if not isinstance(key, str) or not key:
            raise _invalid(f"A field name is text, not {_kind(key)}.")
        if not _is_text(key):
            raise _invalid("A field name holds characters that are not text.")
        if key in ("and", "or"):
            if not isinstance(value, Sequence) or isinstance(value, str | bytes):
                raise _invalid(f"'{key}' takes a list of filters.", key)
            parts = [self.condition(part, depth + 1) for part in value]
            return and_(true(), *parts) if key == "and" else or_(false(), *parts)
        if key == "not":
            return not_(self.condition(value, depth + 1))
        self._count()
        if isinstance(value, Mapping):
            if not value:
                raise _invalid(f"Field {key!r} has no operator.", key)
            return and_(true(), *(self._term(key, op, v) for op, v in value.items()))
        return self._term(key, "eq", value)

    def _count(self, more: int = 1) -> None:
        self._terms += more
        if self._terms > MAX_TERMS:
            raise _invalid(f"A filter may hold {MAX_TERMS} values at most.")

    def _term(self, field: str, name: Any, value: Any) -> ColumnElement[bool]:
        if name not in _OPERATORS:
            known = ", ".join(sorted(_OPERATORS))
            raise _invalid(f"Unknown operator {name!r} for {field!r}; known: {known}.", field)
        if name == "exists":
            if not isinstance(value, bool):
                raise _invalid(f"'exists' for {field!r} takes true or false.", field)
            there = _exists(self._attached, field)
            return there if value else not_(there)
        if name in ("in", "nin"):
            if not isinstance(value, Sequence) or isinstance(value, str | bytes):
                raise _invalid(f"'{name}' for {field!r} takes a list.", field)
            self._count(len(value))
            any_of = or_(
                false(), *(_test(self._attached, field, "eq", _scalar(field, v)) for v in value)
            )
            return any_of if name == "in" else not_(any_of)
        scalar = _scalar(field, value)
        if name == "ne":
            return not_(_test(self._attached, field, "eq", scalar))
        if name == "contains" and not isinstance(scalar, str):
            raise _invalid(f"'contains' for {field!r} takes text.", field)
        if name in _ORDER and isinstance(scalar, bool):
            raise _invalid(f"'{name}' for {field!r} takes a number, text or a time.", field)
        return _test(self._attached, field, name, scalar)


def _scalar(field: str, value: Any) -> str | int | float | bool:
    if isinstance(value, datetime):
        return to_stored_time(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise _invalid(f"The number for {field!r} is not finite.", field)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63 - 1:
        raise _invalid(f"The number for {field!r} is too large.", field)
    if isinstance(value, str) and not _is_text(value):
        raise _invalid(f"The text for {field!r} holds characters that are not text.", field)
    if not isinstance(value, str | int | float):
        raise _invalid(
            f"A value for {field!r} is text, a number, true or false, not {_kind(value)}.", field
        )
    return value


def _is_text(value: str) -> bool:
    return "\x00" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


def _exists(attached: _Attached, field: str) -> ColumnElement[bool]:
    if field in assets.c and field in _TEXTS | _NUMBERS | _TRUTHS | _TIMES:
        return assets.c[field].is_not(None)
    return exists(select(attached.rows.key).where(attached.is_its, attached.rows.key == field))


def _test(
    attached: _Attached, field: str, name: str, value: str | int | float | bool
) -> ColumnElement[bool]:
    """One comparison that is never NULL, so that ``not`` is exact."""
    if field in _TEXTS:
        if not isinstance(value, str):
            raise _invalid(f"{field!r} is text; compare it with text.", field)
        return _compare(assets.c[field], assets.c.get("name_folded"), field, name, value)
    if field in _NUMBERS:
        if isinstance(value, bool | str):
            raise _invalid(f"{field!r} is a number; compare it with a number.", field)
        column = assets.c[field]
        return and_(column.is_not(None), _ordered(column, name, value))
    if field in _TRUTHS:
        if not isinstance(value, bool):
            raise _invalid(f"{field!r} is true or false.", field)
        return assets.c[field] == int(value)
    if field in _TIMES:
        if name == "contains":
            raise _invalid(f"{field!r} is a time; 'contains' does not apply.", field)
        return _ordered(assets.c[field], name, _time(field, value))
    return _attached(attached, field, name, value)


def _compare(
    column: ColumnElement[str], fold: ColumnElement[str] | None, field: str, name: str, value: str
) -> ColumnElement[bool]:
    if name != "contains":
        return _ordered(column, name, value)
    if field == "name" and fold is not None:
        return fold.contains(casefolded(value), autoescape=True)
    raise _invalid(f"'contains' applies to 'name' and to attached text, not to {field!r}.", field)


def _ordered(column: ColumnElement[Any], name: str, value: Any) -> ColumnElement[bool]:
    result: ColumnElement[bool] = column == value if name == "eq" else _ORDER[name](column, value)
    return result


def _attached(
    attached: _Attached, field: str, name: str, value: str | int | float | bool
) -> ColumnElement[bool]:
    rows = attached.rows
    condition: ColumnElement[bool]
    if isinstance(value, bool):
        condition = and_(rows.kind == "bool", rows.number == float(value))
    elif isinstance(value, str):
        condition = (
            and_(rows.kind == "str", rows.text_folded.contains(casefolded(value), autoescape=True))
            if name == "contains"
            else and_(rows.kind == "str", _ordered(rows.text, name, value))
        )
    else:
        condition = and_(rows.kind.in_(("int", "float")), _ordered(rows.number, name, value))
    return exists(select(rows.key).where(attached.is_its, rows.key == field, condition))


def _time(field: str, value: str | int | float | bool) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise _invalid(
            f"{field!r} is a time such as 2026-05-01 or 2026-05-01T12:00:00Z.", field
        ) from error


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", type(None): "null"}.get(type(value), repr(value))
