"""The names of a registry's entries, for the published descriptions."""

from __future__ import annotations

from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from videlicet.registry import Registry


class NameIn:
    """Lists the entries in the description of a string. Which there are is checked where the entry
    is asked for, so that no package is looked for before a description is."""

    def __init__(self, registry: Registry[Any], *, without: str = "", closed: bool = True) -> None:
        """``without`` is how the names of entries begin that are left out; where the list is not
        ``closed``, the entries are examples."""
        self._registry = registry
        self._without = without
        self._closed = closed

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        names = self._registry.names()
        if self._without:
            names = [one for one in names if not one.startswith(self._without)]
        return {"type": "string", "enum" if self._closed else "examples": names}
