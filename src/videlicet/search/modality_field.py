"""The name of a modality in a request, for pydantic."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from videlicet.types.kinds import searchable


class _Registered:
    """Accepts the modalities that are registered, and lists them in the description."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_require, core_schema.str_schema())

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "enum": [str(one) for one in searchable()]}


def _require(name: str) -> str:
    known = searchable()
    if name not in known:
        raise ValueError(f"should be one of {', '.join(known)}")
    return name


#: Largest number of modalities that a request may name.
MOST_MODALITIES = 32

ModalityName = Annotated[str, _Registered()]
