"""Search in a knowledge store: over its videos and pictures together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from videlicet.rights import Purpose
from videlicet.types import GroupBy, Modality, PartKind, Query, QueryPart

if TYPE_CHECKING:
    from videlicet.search.engine import Ranking
    from videlicet.services.caller import Caller
    from videlicet.types import Index, Video

#: What videos are found by: what is seen, and what is heard.
MODALITIES = {
    "visual": frozenset({Modality.VISUAL, Modality.TEXT}),
    "audio": frozenset({Modality.SOUND, Modality.SPEECH}),
}


def rank_items(
    caller: Caller,
    index: Index,
    text: str,
    items: Sequence[Video],
    modalities: Collection[str],
    group: GroupBy,
) -> list[Ranking]:
    """What matches among some items: videos by some of ``MODALITIES``, pictures by what they show.

    Raises:
        InvalidQuery: the text cannot be searched for.
    """
    wanted = frozenset(one for name in modalities for one in MODALITIES[name])
    query = Query((QueryPart(PartKind.TEXT, text),), wanted, group_by=group)
    parts: dict[frozenset[Modality], list[str]] = {}
    for item in items:
        is_video = item.item_type == "video"
        # Pictures have no sound: where pictures are looked for anyway one search is enough.
        senses = wanted if is_video or MODALITIES["visual"] <= wanted else MODALITIES["visual"]
        parts.setdefault(senses, []).append(item.asset_id)
    searcher, scope = caller.platform.searcher(index), caller.scope(Purpose.SEARCH, index.id)
    # Asked of nothing too, so that words that cannot be searched for are always refused.
    return [
        searcher.ranking(scope, replace(query, modalities=senses, asset_ids=tuple(ids)))
        for senses, ids in (parts or {wanted: []}).items()
    ]
