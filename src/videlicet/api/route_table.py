"""What the application takes, path by path, as its routes say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

_FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """A path with names in it, its methods, and whether it takes a form with files."""

    path: str
    methods: frozenset[str]
    form: bool


def list_endpoints(routes: Sequence[BaseRoute]) -> list[RouteEntry]:
    """Those that are described to users. Much faster than describing them."""
    from fastapi.routing import iter_route_contexts

    found = []
    for one in iter_route_contexts(routes):
        route: Any = one
        if getattr(route, "include_in_schema", False) and getattr(route, "methods", None):
            body = getattr(route, "body_field", None)
            kind = None if body is None else getattr(body.field_info, "media_type", None)
            found.append(RouteEntry(route.path_format, frozenset(route.methods), kind == _FORM))
    return found


def path_regex(template: str) -> str:
    """A regular expression for the paths of a template."""
    return re.sub(r"\\{[^/]*?\\}", "[^/]+", re.escape(template))


class MethodTable:
    """Which methods a path knows, whichever of several routes they belong to."""

    def __init__(self, known: Iterable[RouteEntry]) -> None:
        self._rows: dict[str, set[str]] = {}
        for one in known:
            self._rows.setdefault(one.path, set()).update(one.methods)
        self._patterns = [(re.compile(path_regex(path)), path) for path in self._rows]

    def methods_of(self, path: str) -> set[str]:
        """The methods of a path; a word goes before an id in the same place."""
        fitting = [template for row, template in self._patterns if row.fullmatch(path)]
        fewest = min((one.count("{") for one in fitting), default=0)
        return {
            name
            for template in fitting
            if template.count("{") == fewest
            for name in self._rows[template]
        }
