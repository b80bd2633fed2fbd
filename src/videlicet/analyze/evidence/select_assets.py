"""Which videos of an index are read for a question: all of a small one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.types import GroupBy, PartKind, Query, QueryPart, Status

if TYPE_CHECKING:
    from videlicet.rights import IndexScope
    from videlicet.search.engine import Searcher

#: Of larger indexes only so many videos are read for an answer: those that a search finds first.
MOST_READ = 24


def ready(scope: IndexScope, searcher: Searcher) -> list[str]:
    """The assets of the scope's index that have been observed, in the order they were added."""
    rows = searcher.store.catalog.list_indexed(scope, Status.READY)
    return [row.asset_id for row in rows]


def promising(scope: IndexScope, searcher: Searcher, question: str) -> list[str]:
    """The assets that are likely to hold the answer to a question, the likeliest first."""
    everything = ready(scope, searcher)
    if len(everything) <= MOST_READ:
        return everything
    # Words in quotation marks would have to occur exactly.
    part = QueryPart(PartKind.TEXT, question.replace('"', " "))
    query = Query((part,), group_by=GroupBy.ASSET, page_size=MOST_READ)
    return [hit.asset_id for hit in searcher.search(scope, query).hits]
