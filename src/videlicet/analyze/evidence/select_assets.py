"""Which videos of an index are read for a question: all of a small one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.types import GroupBy, PartKind, Query, QueryPart, VideoStatus

if TYPE_CHECKING:
    from videlicet.rights import IndexScope
    from videlicet.search.engine import Searcher

#: Of larger indexes only so many videos are read for an answer: those that a search finds first.
MAX_ASSETS = 24


def ready_assets(scope: IndexScope, searcher: Searcher) -> list[str]:
    """The assets of the scope's index that have been observed, in the order they were added."""
    videos = searcher.store.catalog.videos(scope, status=[VideoStatus.READY])
    return [video.asset_id for video in videos]


def relevant_assets(scope: IndexScope, searcher: Searcher, question: str) -> list[str]:
    """The assets that are likely to hold the answer to a question, the likeliest first."""
    everything = ready_assets(scope, searcher)
    if len(everything) <= MAX_ASSETS:
        return everything
    # Words in quotation marks would have to occur exactly.
    part = QueryPart(PartKind.TEXT, question.replace('"', " "))
    query = Query((part,), group_by=GroupBy.ASSET, page_size=MAX_ASSETS)
    return [hit.asset_id for hit in searcher.search(scope, query).hits]
