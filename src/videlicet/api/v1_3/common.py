"""What endpoints of v1.3 share: its forms of user metadata and of filters in queries."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import Request

from videlicet.api.errors import invalid_parameter
from videlicet.api.json_bodies import parse_json
from videlicet.services.user_metadata import checked_metadata


def parse_metadata(value: Any, *, nulls: bool = False) -> dict[str, Any]:
    """User metadata of a JSON body, or of a form, where it is a JSON text. With ``nulls`` a null
    stays, as the wish to delete its key."""
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError:
            raise invalid_parameter("user_metadata must be a JSON object.") from None
    return checked_metadata(value, allow_null=nulls)


_DEEP = re.compile(r"(\w+)\[([^\]]*)\]")


def deep_object(request: Request, name: str, *, numeric: bool = False) -> dict[str, str]:
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
            row = parse_json(plain)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise invalid_parameter(f"{name} must be a JSON object.")
        found |= {
            str(key): value if isinstance(value, str) else json.dumps(value)
            for key, value in row.items()
        }
    return found


def number_bounds(request: Request, name: str) -> list[tuple[str, float]]:
    """A number filter: ``name=5``, or ``name[gte]=1&name[lte]=9``; as operators and bounds."""
    found = []
    for key, value in deep_object(request, name, numeric=True).items():
        if key not in ("gte", "lte"):
            raise invalid_parameter(f"{name} takes gte and lte.")
        found.append((">=" if key == "gte" else "<=", _parse_number(name, value)))
    plain = request.query_params.get(name)
    if plain is not None and not plain.startswith("{"):
        found.append(("==", _parse_number(name, plain)))
    return found


def _parse_number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise invalid_parameter(f"{name} must be a number.") from None
    if value != value or abs(value) == float("inf"):
        raise invalid_parameter(f"{name} must be a number.")
    return value
