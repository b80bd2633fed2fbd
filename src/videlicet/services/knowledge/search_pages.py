"""Pages of a search in a knowledge store: the whole list of hits is made once, and stored for the
later pages."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from videlicet.errors import InvalidQuery
from videlicet.services import search_cursors
from videlicet.services.indexing import videos_of
from videlicet.services.knowledge.items import items_of
from videlicet.services.knowledge.search import rank_items
from videlicet.services.knowledge.stores import get_store, store_index
from videlicet.services.problems import invalid
from videlicet.services.search_pages import display_span, transcripts_at
from videlicet.types import GroupBy, Modality, Resource, Span, Video

if TYPE_CHECKING:
    from videlicet.search.engine import Ranking
    from videlicet.search.moments import Moment
    from videlicet.services.caller import Caller
    from videlicet.types import Index

#: Marks the stored searches of knowledge stores.
FORM = "1.3 knowledge assets"
#: How evidence of a modality is called; all others are visual.
_SENSES = {Modality.SOUND: "audio", Modality.SPEECH: "audio"}
#: A token of a stored search, and when it expires: one that has expired can be told from an unknown
#: one even when the search is gone.
_TOKEN = re.compile(r"([0-9a-f-]{1,40})\.([0-9a-f]{1,11})")


@dataclass(frozen=True, slots=True)
class ItemSearch:
    """A search of a store. ``types`` are ``video`` and ``image``, ``item_ids`` the items to look
    among, if not all. ``modalities`` (``visual``, ``audio``) are what videos are found by."""

    text: str
    types: Collection[str] = ("video", "image")
    item_ids: Collection[str] | None = None
    modalities: Sequence[str] = ("visual",)
    group_by: GroupBy = GroupBy.MOMENT
    limit: int = 10


@dataclass(frozen=True, slots=True)
class ItemClip:
    """A stretch of an item that matches, on the clock that begins with its recording, what it was
    found by, and what is said in it."""

    span: Span
    modalities: tuple[str, ...]
    transcript: str


@dataclass(frozen=True, slots=True)
class ItemHit:
    """An item that was found; the best has rank 1, and its best clip is the first."""

    video: Video
    rank: int
    clips: tuple[ItemClip, ...]


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A page of hits. ``options`` are those of the interface."""

    hits: Sequence[ItemHit]
    options: Mapping[str, Any]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class _Clip:
    span: Span
    modalities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Hit:
    """A hit as it is stored: times are those of the recording."""

    asset_id: str
    rank: int
    clips: tuple[_Clip, ...]


def first_page(
    caller: Caller, store_id: str, wanted: ItemSearch, options: Mapping[str, Any]
) -> ItemPage:
    """Search a store. ``options`` is whatever the interface needs to show later pages too.

    Raises:
        NotFound: ``resource_not_found``.
        InvalidQuery: the text cannot be searched for.
    """
    index = store_index(caller, get_store(caller, store_id))
    items = [
        video
        for video in items_of(caller, index, wanted.item_ids, ready=True)
        if video.item_type in wanted.types
    ]
    hits = _rank(rank_items(caller, index, wanted.text, items, wanted.modalities, wanted.group_by))
    settings = {"index_id": index.id, "limit": wanted.limit, "options": dict(options)}
    stored = None
    if len(hits) > wanted.limit:
        stored = search_cursors.store(caller, FORM, {**settings, "hits": _pack(hits)}, [])
    return _page(caller, index, settings, hits, 1, stored)


def later_page(caller: Caller, store_id: str, token: str, options: Mapping[str, Any]) -> ItemPage:
    """Another page of a stored search; ``options`` replace those that the search was made with.

    Raises:
        NotFound: ``resource_not_found``.
        InvalidQuery: ``page_token_invalid`` or ``page_token_expired``.
        InvalidInput: ``invalid_argument``, the token is one of another store.
    """
    index = store_index(caller, get_store(caller, store_id))
    stored, number = _load(caller, token)
    settings = stored.body["settings"]
    if settings["index_id"] != index.id:
        raise invalid("page_token belongs to another knowledge store.")
    settings = {**settings, "options": {**settings["options"], **options}}
    return _page(caller, index, settings, _unpack(settings["hits"]), number, stored)


def _rank(rankings: Iterable[Ranking]) -> list[_Hit]:
    """All hits of one search, or of several over different items, best first."""
    groups = [group for ranking in rankings for group in ranking.groups]
    groups.sort(key=lambda group: -group[0].score)
    return [
        _Hit(best.asset_id, rank, tuple(map(_clip, inside or (best,))))
        for rank, (best, inside) in enumerate(groups, 1)
    ]


def _clip(moment: Moment) -> _Clip:
    found = {
        _SENSES.get(one.lane.modality, "visual") for one in moment.candidates if one.evidence > 0
    }
    return _Clip(moment.span, tuple(sorted(found, reverse=True)))


def _page(
    caller: Caller,
    index: Index,
    settings: Mapping[str, Any],
    hits: Sequence[_Hit],
    number: int,
    stored: Resource | None,
) -> ItemPage:
    limit = int(settings["limit"])
    last = max(1, -(-len(hits) // limit))
    if number > last:
        raise search_cursors.unknown_token()
    present = _present(caller, index, hits[(number - 1) * limit : number * limit])
    # Clients stop at an empty page: one whose items were all deleted meanwhile is passed over.
    while not present and number < last:
        number += 1
        present = _present(caller, index, hits[(number - 1) * limit : number * limit])
    more = stored is not None and number < last
    return ItemPage(
        present, settings["options"], _token(stored, number + 1) if stored and more else None
    )


def _present(caller: Caller, index: Index, hits: Sequence[_Hit]) -> list[ItemHit]:
    """The hits whose items have not been deleted meanwhile, with what is said in their clips."""
    videos = videos_of(caller, index, {hit.asset_id for hit in hits})
    present = [hit for hit in hits if hit.asset_id in videos]
    places = [(hit.asset_id, clip.span) for hit in present for clip in hit.clips]
    said = transcripts_at(caller, index, places)

    def clip_of(hit: _Hit, clip: _Clip) -> ItemClip:
        span = display_span(videos[hit.asset_id], clip.span)
        return ItemClip(span, clip.modalities, said[hit.asset_id, clip.span])

    return [
        ItemHit(videos[hit.asset_id], hit.rank, tuple(clip_of(hit, clip) for clip in hit.clips))
        for hit in present
    ]


def _token(stored: Resource, number: int) -> str:
    assert stored.expires_at is not None
    return f"{search_cursors.token(stored, number)}.{int(stored.expires_at.timestamp()):x}"


def _load(caller: Caller, token: str) -> tuple[Resource, int]:
    matched = _TOKEN.fullmatch(token)
    if matched is None:
        raise search_cursors.unknown_token()
    expired = InvalidQuery("page_token_expired", "page_token has expired; search again.")
    if int(matched[2], 16) < datetime.now(UTC).timestamp():
        raise expired
    found, number = search_cursors.find(caller, FORM, matched[1])
    if search_cursors.is_expired(found):
        raise expired
    return found, number


def _pack(hits: Iterable[_Hit]) -> str:
    """The list, small enough to be stored with every search."""
    rows = [
        [hit.asset_id, [[*clip.span.to_json(), *clip.modalities] for clip in hit.clips]]
        for hit in hits
    ]
    return base64.b85encode(zlib.compress(json.dumps(rows).encode(), 6)).decode()


def _unpack(text: str) -> list[_Hit]:
    """What :func:`_pack` has packed."""
    rows = json.loads(zlib.decompress(base64.b85decode(text)))
    return [
        _Hit(
            asset_id,
            rank,
            tuple(_Clip(Span.from_json((start, end)), tuple(m)) for start, end, *m in clips),
        )
        for rank, (asset_id, clips) in enumerate(rows, 1)
    ]
