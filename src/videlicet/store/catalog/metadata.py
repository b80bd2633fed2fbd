"""What users attach to assets and videos, as filters see it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, delete, insert

from videlicet.errors import InvalidInput
from videlicet.store.catalog.schema import casefolded

#: Fields of every asset that a filter may name. What users attach under one of these names is
#: filtered by as ``user.<name>``.
BUILT_IN = frozenset(
    {
        "id", "name", "source", "sha256", "size", "container", "created_at", "duration", "width",
        "height", "has_video", "has_audio", "and", "or", "not",
    }
)  # fmt: skip

_LARGEST_INT = 2**53


def write_metadata(
    connection: Connection, table: Table, owner: Mapping[str, Any], metadata: Mapping[str, Any]
) -> None:
    """Replace what filters see of the metadata of an asset or a video. ``owner`` is the column
    that names it, and its value.

    Raises:
        InvalidInput: as :func:`metadata_rows`.
    """
    rows = [{**owner, **row} for row in metadata_rows(metadata)]
    its = [table.c[name] == value for name, value in owner.items()]
    connection.execute(delete(table).where(*its))
    if rows:
        connection.execute(insert(table), rows)


def merge_metadata(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata with changes; ``None`` takes a key away."""
    return {key: value for key, value in {**old, **changes}.items() if value is not None}


def filter_field(key: str) -> str:
    """The name under which filters know a key of user metadata."""
    return f"user.{key}" if key in BUILT_IN else key


def metadata_rows(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows that filters see for what a user attaches to an asset or a video.

    Raises:
        InvalidInput: a key is empty or too long, or a value is none of text, whole number up to
            2**53, finite number, true, false, and list of texts.
    """
    return [_metadata_row(key, value) for key, value in metadata.items()]


def _metadata_row(key: str, value: Any) -> dict[str, Any]:
    def refuse(why: str) -> InvalidInput:
        return InvalidInput("invalid_argument", f"Metadata {key!r} {why}.", subject=str(key))

    if not isinstance(key, str) or not 0 < len(key) <= 200 or not _plain(key):
        raise refuse("is not a name of 1 to 200 characters")
    row: dict[str, Any] = {"key": filter_field(key), "value": "", "number": None}
    row |= {"text": None, "text_folded": None}
    match value:
        case bool():
            row |= {"kind": "bool", "number": float(value)}
        case int():
            if abs(value) > _LARGEST_INT:
                raise refuse("is too large a number; keep it as text")
            row |= {"kind": "int", "number": float(value)}
        case float():
            if not math.isfinite(value):
                raise refuse("is not a finite number")
            row |= {"kind": "float", "number": value}
        case str():
            if not _plain(value):
                raise refuse("holds characters that are not text")
            row |= {"kind": "str", "text": value, "text_folded": casefolded(value)}
        case list() if all(isinstance(one, str) and _plain(one) for one in value):
            row |= {"kind": "list"}
        case _:
            raise refuse("is not text, a number, true, false or a list of texts")
    row["value"] = json.dumps(value, ensure_ascii=True)
    return row


def _plain(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
