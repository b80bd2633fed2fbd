"""SQL that SQLAlchemy has no word for, in both databases' dialects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _OneOf(FunctionElement[bool]):
    """A column, and a JSON array of the values that it may have."""

    name = "one_of"
    inherit_cache = True
    type = Boolean()


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


def one_of(column: ColumnElement[Any], values: Iterable[str | int]) -> ColumnElement[bool]:
    """Whether a column has one of these values, of which there may be any number: they are one
    parameter, where ``IN`` has one for each and databases bound how many a statement may have."""
    possible = [value for value in values if not isinstance(value, str) or _is_storable(value)]
    return _OneOf(column, literal(json.dumps(possible), Text))


def _is_storable(text: str) -> bool:
    """Whether both databases can hold it; what they cannot hold equals nothing that they do."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
