"""The tool that lists indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.mcp import schemas
from videlicet.rights import Purpose
from videlicet.search.lanes import modalities_of

if TYPE_CHECKING:
    from videlicet.mcp.context import ToolContext


def list_indexes(context: ToolContext, _: schemas.ListIndexes) -> schemas.IndexPage:
    """Every index of the caller's."""
    scope = context.caller.scope(Purpose.MANAGE)
    catalog = context.caller.catalog
    return schemas.IndexPage(
        indexes=[
            schemas.Index(
                id=index.id,
                name=index.name,
                videos=len(catalog.members(context.caller.store.scope(scope, index.id))),
                modalities=list[str](modalities_of(index.cards)),
                created_at=index.created_at.isoformat(),
            )
            for index in catalog.indexes(scope)
        ]
    )
