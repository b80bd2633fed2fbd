"""What is to be extracted from items, as v1.3 asks for it."""

from __future__ import annotations

from typing import Any

from videlicet.api.errors import invalid_parameter
from videlicet.api.v1_3.analysis.requests import check_schema
from videlicet.api.v1_3.knowledge.schemas import IngestionConfig, SchemaEnrichment
from videlicet.services.knowledge.enrichment import schema_of_description


def enrichment_of(config: IngestionConfig) -> dict[str, Any]:
    """What is to be extracted, as the index of a store keeps it: ``schema`` and ``prompt``.

    Raises:
        ApiError: 400, where nothing can be.
        InvalidInput: ``schema_invalid``.
    """
    chosen = config.enrichment_config
    if isinstance(chosen, SchemaEnrichment):
        schema = chosen.json_schema
        if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
            raise invalid_parameter("json_schema: type must be object, with properties.")
        return {"schema": check_schema(schema), "prompt": ""}
    return {"schema": schema_of_description(chosen.description), "prompt": chosen.description}
