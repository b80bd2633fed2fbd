"""Pages of a ranked search: the whole list of hits is made once, and stored for the later pages."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from videlicet.errors import NotFound
from videlicet.rights import Purpose
from videlicet.services import filters, search_cursors
from videlicet.services.indexes import IndexSize, get_index, index_size
from videlicet.services.indexing import videos_of
from videlicet.services.problems import invalid
from videlicet.types import Index, Modality, Resource, Span, Utterance, Video

if TYPE_CHECKING:
    from videlicet.search.engine import Ranking
    from videlicet.services.caller import Caller
    from videlicet.types import Query

#: Marks the stored searches of this form.
FORM = "1.3 assets"


@dataclass(frozen=True, slots=True)
class RankedClip:
    """A stretch of an asset that matches; the best has rank 1."""

    asset_id: str
    span: Span
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class RankedHit:
    """A hit, with all clips of its asset where hits are videos."""

    best: RankedClip
    clips: tuple[RankedClip, ...] = ()


@dataclass(frozen=True, slots=True)
class HitContext:
    """What is known of a page's hits, to show them: ``videos`` by the ids of their assets, and what
    is said in each clip."""

    videos: Mapping[str, Video]
    transcripts: Mapping[tuple[str, Span], str]

    def seconds(self, clip: RankedClip) -> Span:
        """A clip on the clock that begins with its recording."""
        return display_span(self.videos[clip.asset_id], clip.span)


@dataclass(frozen=True, slots=True)
class RankedPage:
    """A page of hits; ``total`` and ``clips`` count those of all pages."""

    index: Index
    options: Mapping[str, Any]
    hits: Sequence[RankedHit]
    context: HitContext
    total: int
    clips: int
    limit: int
    cards: Sequence[str]
    size: IndexSize
    expires_at: datetime | None
    next_token: str | None
    previous_token: str | None


def first_page(
    caller: Caller, index: Index, query: Query, *, limit: int, options: Mapping[str, Any]
) -> RankedPage:
    """Search an index; the field ``id`` of the query's filter is that of videos. ``options`` is
    whatever the interface needs to show later pages too."""
    query = replace(query, filter=filters.of_assets(caller, index, query.filter))
    searcher = caller.platform.searcher(index)
    ranking = searcher.ranking(caller.scope(Purpose.SEARCH, index.id), query)
    hits = ranked_hits(ranking)
    settings = {
        **options, "index_id": index.id, "limit": limit, "cards": list(ranking.cards),
    }  # fmt: skip
    stored = None
    if len(hits) > limit:
        stored = search_cursors.store(caller, FORM, {**settings, "hits": _pack(hits)}, [])
    return _page(caller, index, settings, hits, 1, stored)


def later_page(caller: Caller, token: str, options: Mapping[str, Any]) -> RankedPage:
    """Another page of a stored search; ``options`` replace those that the search was made with.

    Raises:
        InvalidInput: ``page_token_invalid`` or ``invalid_argument``.
    """
    stored, number = search_cursors.load(caller, FORM, token)
    settings = {**stored.body["settings"], **options}
    try:
        index = get_index(caller, settings["index_id"])
    except NotFound:
        raise invalid("The page token belongs to an index that was deleted.") from None
    hits = _unpack(settings["hits"]) if "hits" in settings else []
    if (number - 1) * int(settings["limit"]) >= len(hits):
        raise search_cursors.unknown_token()
    return _page(caller, index, settings, hits, number, stored)


def ranked_hits(ranking: Ranking) -> list[RankedHit]:
    """All hits of a search, in their order."""
    return [
        RankedHit(
            RankedClip(best.asset_id, best.span, best.score, rank),
            tuple(RankedClip(m.asset_id, m.span, m.score, n) for n, m in enumerate(inside, 1)),
        )
        for rank, (best, inside) in enumerate(ranking.groups, 1)
    ]


def _page(
    caller: Caller,
    index: Index,
    settings: Mapping[str, Any],
    hits: Sequence[RankedHit],
    number: int,
    stored: Resource | None,
) -> RankedPage:
    limit = int(settings["limit"])
    last = max(1, -(-len(hits) // limit))
    asked = number
    present, videos = _present(caller, index, hits[(number - 1) * limit : number * limit])
    # Clients stop at an empty page: one whose videos were all deleted meanwhile is passed over.
    while not present and number < last:
        number += 1
        present, videos = _present(caller, index, hits[(number - 1) * limit : number * limit])
    clips = [clip for hit in present for clip in (hit.clips or (hit.best,))]
    return RankedPage(
        index=index,
        options=settings,
        hits=present,
        context=HitContext(
            videos, transcripts_at(caller, index, [(clip.asset_id, clip.span) for clip in clips])
        ),
        total=len(hits),
        clips=sum(len(hit.clips) for hit in hits),
        limit=limit,
        cards=list(settings["cards"]),
        size=index_size(caller, index.id, Purpose.SEARCH),
        expires_at=(
            datetime.now(UTC) + search_cursors.LIFETIME if stored is None else stored.expires_at
        ),
        next_token=(
            search_cursors.token(stored, number + 1)
            if stored is not None and number < last
            else None
        ),
        previous_token=(
            search_cursors.token(stored, asked - 1) if stored is not None and asked > 1 else None
        ),
    )


def _present(
    caller: Caller, index: Index, hits: Sequence[RankedHit]
) -> tuple[list[RankedHit], dict[str, Video]]:
    """Those whose videos have not been deleted meanwhile, and the videos by asset."""
    videos = videos_of(caller, index, {hit.best.asset_id for hit in hits})
    return [hit for hit in hits if hit.best.asset_id in videos], videos


def display_span(video: Video, span: Span) -> Span:
    """A stretch of a video on the clock that begins with its recording."""
    whole = video.asset.media.span
    return span.clamp(whole).shift(-whole.start)


def transcripts_at(
    caller: Caller, index: Index, places: Sequence[tuple[str, Span]]
) -> dict[tuple[str, Span], str]:
    """What is said in stretches of assets."""
    said = caller.catalog.observations_at(
        caller.scope(Purpose.SEARCH, index.id),
        [(asset_id, Modality.SPEECH, span) for asset_id, span in places],
    )
    return {
        place: " ".join(row.payload.text for row in rows if isinstance(row.payload, Utterance))
        for place, rows in zip(places, said, strict=True)
    }


def _pack(hits: Sequence[RankedHit]) -> str:
    """The list, small enough to be stored with every search. The clips are of the hit's video."""
    rows = [[_row(hit.best), [_row(clip)[1:] for clip in hit.clips]] for hit in hits]
    return base64.b85encode(zlib.compress(json.dumps(rows).encode(), 6)).decode()


def _row(clip: RankedClip) -> list[Any]:
    return [clip.asset_id, *clip.span.to_json(), round(clip.score, 6)]


def _unpack(text: str) -> list[RankedHit]:
    rows = json.loads(zlib.decompress(base64.b85decode(text)))
    return [
        RankedHit(
            _clip(rank, *best), tuple(_clip(n, best[0], *one) for n, one in enumerate(inside, 1))
        )
        for rank, (best, inside) in enumerate(rows, 1)
    ]


def _clip(rank: int, asset_id: str, start: str, end: str, score: float) -> RankedClip:
    return RankedClip(asset_id, Span.from_json((start, end)), score, rank)
