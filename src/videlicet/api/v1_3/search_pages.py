"""Pages of a search: all are cut from the one ranked list that was made when it was asked."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from videlicet.api.errors import invalid
from videlicet.api.v1_3 import search_cursors
from videlicet.api.v1_3.common import Caller, text_of
from videlicet.ingest import videos
from videlicet.rights import Purpose
from videlicet.search.engine import Ranking
from videlicet.types import Index, Kind, Modality, Resource, Span, Utterance

#: Marks the kept searches of this interface.
FORM = "1.3"


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a video that matches; the best is 1."""

    video_id: str
    span: Span
    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """A hit, with all clips of its video where hits are videos."""

    best: Clip
    clips: tuple[Clip, ...] = ()


def listed(ranking: Ranking) -> list[Ranked]:
    """All hits of a search, in their order."""
    return [
        Ranked(
            Clip(best.asset_id, best.span, best.score, rank),
            tuple(Clip(m.asset_id, m.span, m.score, n) for n, m in enumerate(inside, 1)),
        )
        for rank, (best, inside) in enumerate(ranking.groups, 1)
    ]


def first(
    call: Caller, index: Index, settings: Mapping[str, Any], ranking: Ranking
) -> dict[str, Any]:
    """The first page of a search that was just made. The list is kept where there are more."""
    hits = listed(ranking)
    facts = {**settings, "cards": list(ranking.cards)}
    again = None
    if len(hits) > int(settings["limit"]):
        again = search_cursors.keep(call, FORM, {**facts, "hits": _packed(hits)}, [])
    return _page(call, index, facts, hits, 1, again)


def later(call: Caller, index: Index, found: Resource, number: int) -> dict[str, Any]:
    """Another page of a search that was kept."""
    settings = found.body["settings"]
    hits = _unpacked(settings["hits"]) if "hits" in settings else []
    if (number - 1) * int(settings["limit"]) >= len(hits):
        raise invalid("The page token is not known, or has expired.")
    return _page(call, index, settings, hits, number, found)


def _page(
    call: Caller,
    index: Index,
    settings: Mapping[str, Any],
    hits: Sequence[Ranked],
    number: int,
    again: Resource | None,
) -> dict[str, Any]:
    limit = int(settings["limit"])
    last = max(1, -(-len(hits) // limit))
    asked, present = number, _present(call, hits[(number - 1) * limit : number * limit])
    # Clients stop at an empty page: one whose videos were all deleted meanwhile is passed over.
    while not present and number < last:
        number += 1
        present = _present(call, hits[(number - 1) * limit : number * limit])
    expires = datetime.now(UTC) + search_cursors.LIFETIME if again is None else again.expires_at
    info: dict[str, Any] = {
        "limit_per_page": limit,
        "total_results": len(hits),
        "page_expires_at": text_of(expires),
    }
    if settings["group_by"] == "video":
        info["total_inner_matches"] = sum(len(hit.clips) for hit in hits)
    if again is not None and number < last:
        info["next_page_token"] = search_cursors.token(again, number + 1)
    if again is not None and asked > 1:
        info["prev_page_token"] = search_cursors.token(again, asked - 1)
    count, duration = call.catalog.sum_of(
        call.scope(Purpose.SEARCH), Kind.VIDEO, "duration", parent=index.id, status=[videos.READY]
    )
    return {
        "data": _items(call, index, settings, present),
        "page_info": info,
        "search_pool": {
            "total_count": count, "total_duration": duration, "index_id": index.id,
        },
        "models": list(settings["cards"]),
    }  # fmt: skip


def _present(call: Caller, hits: Sequence[Ranked]) -> list[Ranked]:
    """Those whose videos have not been deleted meanwhile."""
    names = call.catalog.names(call.scope(Purpose.SEARCH), {hit.best.video_id for hit in hits})
    return [hit for hit in hits if hit.best.video_id in names]


def _items(
    call: Caller, index: Index, settings: Mapping[str, Any], hits: Sequence[Ranked]
) -> list[dict[str, Any]]:
    clips = [clip for hit in hits for clip in (hit.clips or (hit.best,))]
    ids = {clip.video_id for clip in clips}
    scope = call.scope(Purpose.SEARCH, index.id)
    said = call.catalog.observations_at(
        scope,
        [(clip.video_id, Modality.SPEECH, clip.span) for clip in clips],
    )
    words = {
        (clip.video_id, clip.span): " ".join(
            row.payload.text for row in rows if isinstance(row.payload, Utterance)
        )
        for clip, rows in zip(clips, said, strict=True)
    }
    rows, _ = call.catalog.find_resources(scope, Kind.VIDEO, ids=ids)
    shown = {row.id: row for row in rows}
    spans = {one.id: one.media.span for one in call.catalog.assets(scope, among=ids)}
    thumbnails = "thumbnail" in (index.options.get("addons") or [])

    def metadata(video_id: str) -> dict[str, Any] | None:
        if not settings["metadata"] or video_id not in shown:
            return None
        return dict(shown[video_id].body.get("user_metadata") or {})

    def item(clip: Clip) -> dict[str, Any]:
        whole = spans[clip.video_id]
        span = clip.span.clamp(whole).shift(-whole.start)
        video = shown.get(clip.video_id)
        seen = thumbnails and video is not None and video.body.get("width") is not None
        return {
            "start": float(span.start),
            "end": float(span.end),
            "video_id": clip.video_id,
            "rank": clip.rank,
            "score": round(100 * clip.score, 2),
            "confidence": "high" if clip.score >= 0.6 else "medium" if clip.score >= 0.3 else "low",
            "thumbnail_url": call.address(_frame(video, span))
            if seen and video is not None
            else None,
            "transcription": words[clip.video_id, clip.span] or None,
            "user_metadata": metadata(clip.video_id),
        }

    if settings["group_by"] == "clip":
        return [item(hit.best) for hit in hits]
    return [
        {
            "id": hit.best.video_id,
            "video_id": hit.best.video_id,
            "rank": hit.best.rank,
            "clips": [item(clip) for clip in hit.clips],
            "user_metadata": metadata(hit.best.video_id),
        }
        for hit in hits
    ]


def _frame(video: Resource, span: Span) -> str:
    return f"/media/assets/{video.body['file_id']}/frames/{round(1000 * span.midpoint)}.jpg"


def _packed(hits: Sequence[Ranked]) -> str:
    """The list, small enough to keep with every search."""
    rows = [
        [_row(hit.best), [_row(clip)[1:] for clip in hit.clips]] for hit in hits
    ]  # the clips are of the hit's video
    return base64.b85encode(zlib.compress(json.dumps(rows).encode(), 6)).decode()


def _row(clip: Clip) -> list[Any]:
    return [clip.video_id, *clip.span.to_json(), round(clip.score, 6)]


def _unpacked(text: str) -> list[Ranked]:
    rows = json.loads(zlib.decompress(base64.b85decode(text)))
    return [
        Ranked(
            _clip(rank, *best), tuple(_clip(n, best[0], *one) for n, one in enumerate(inside, 1))
        )
        for rank, (best, inside) in enumerate(rows, 1)
    ]


def _clip(rank: int, video_id: str, start: str, end: str, score: float) -> Clip:
    return Clip(video_id, Span.from_json((start, end)), score, rank)
