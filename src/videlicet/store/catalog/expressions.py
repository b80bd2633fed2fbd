"""SQL that SQLAlchemy has no word for, in both databases' dialects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import JSON, Boolean, ColumnElement, Integer, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _OneOf(FunctionElement[bool]):
    """A column, and a JSON array of the values that it may have."""

    name = "one_of"
    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> _OneOf:
        # SQLite has no booleans, so SQLAlchemy would compare this with 1; no index serves that.
        return self


@compiles(_OneOf, "sqlite")
def _sqlite(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({values})))"


@compiles(_OneOf, "postgresql")
def _postgresql(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    parts = list(element.clauses)
    column, values = (compiler.process(part, **options) for part in parts)
    value = f"json_array_elements_text(CAST({values} AS JSON))"
    if isinstance(parts[0].type, Integer):
        value = f"CAST({value} AS BIGINT)"
    return f"({column} IN (SELECT {value}))"


def is_any_of(column: ColumnElement[Any], values: Iterable[str | int]) -> ColumnElement[bool]:
    """Whether a column has one of these values, of which there may be any number: they are one
    parameter, where ``IN`` has one for each and databases bound how many a statement may have."""
    possible = [value for value in values if not isinstance(value, str) or _is_storable(value)]
    return _OneOf(column, literal(json.dumps(possible), Text))


class _WithoutKeys(FunctionElement[Any]):
    """A JSON object, and keys to leave out of it."""

    name = "without_keys"
    inherit_cache = True
    type = JSON()


@compiles(_WithoutKeys, "sqlite")
def _remove(element: _WithoutKeys, compiler: SQLCompiler, **options: Any) -> str:
    column, *keys = (compiler.process(part, **options) for part in element.clauses)
    paths = [f"'$.\"' || {key} || '\"'" for key in keys]
    return f"json_remove({', '.join([column, *paths])})"


@compiles(_WithoutKeys, "postgresql")
def _minus(element: _WithoutKeys, compiler: SQLCompiler, **options: Any) -> str:
    column, *keys = (compiler.process(part, **options) for part in element.clauses)
    return f"(CAST({column} AS JSONB){''.join(f' - CAST({key} AS TEXT)' for key in keys)})"


def without_keys(column: ColumnElement[Any], keys: Iterable[str]) -> ColumnElement[Any]:
    """A column of JSON objects without some of their keys, which then are not read."""
    left_out = [literal(key, Text) for key in keys]
    return _WithoutKeys(column, *left_out) if left_out else column


def _is_storable(text: str) -> bool:
    """Whether both databases can hold it; what they cannot hold equals nothing that they do."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
