"""What a search in a knowledge store found: ranked, kept for later pages, and shown."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from videlicet.api.caller import HttpCaller
from videlicet.rights import Purpose
from videlicet.search.engine import Ranking
from videlicet.search.moments import Moment
from videlicet.types import Index, Kind, Modality, Resource, Span, Utterance

#: Marks the kept searches of knowledge stores.
FORM = "1.3 knowledge"

_SENSES = {Modality.SOUND: "audio", Modality.SPEECH: "audio"}


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a video that matches. ``modalities`` are those of v1.3."""

    span: Span
    modalities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RankedHit:
    """A hit; the best has rank 1. ``clips`` are those of its video, the best first."""

    video_id: str
    rank: int
    clips: tuple[Clip, ...]


def rank_hits(*rankings: Ranking) -> list[RankedHit]:
    """All hits of one search, or of several over different items, best first."""
    groups = [group for ranking in rankings for group in ranking.groups]
    groups.sort(key=lambda group: -group[0].score)
    return [
        RankedHit(best.asset_id, rank, tuple(map(_clip, inside or (best,))))
        for rank, (best, inside) in enumerate(groups, 1)
    ]


def _clip(moment: Moment) -> Clip:
    found = {
        _SENSES.get(one.lane.modality, "visual") for one in moment.candidates if one.evidence > 0
    }
    return Clip(moment.span, tuple(sorted(found, reverse=True)))


def pack_hits(hits: Iterable[RankedHit]) -> str:
    """The list, small enough to keep with every search."""
    rows = [
        [hit.video_id, [[*clip.span.to_json(), *clip.modalities] for clip in hit.clips]]
        for hit in hits
    ]
    return base64.b85encode(zlib.compress(json.dumps(rows).encode(), 6)).decode()


def unpack_hits(text: str) -> list[RankedHit]:
    """What :func:`packed` has packed."""
    rows = json.loads(zlib.decompress(base64.b85decode(text)))
    return [
        RankedHit(
            video_id,
            rank,
            tuple(Clip(Span.from_json((start, end)), tuple(m)) for start, end, *m in clips),
        )
        for rank, (video_id, clips) in enumerate(rows, 1)
    ]


def hit_rows(
    call: HttpCaller, index: Index, hits: Sequence[RankedHit], metadata: bool
) -> list[dict[str, Any]]:
    """Hits as v1.3 shows them, without those whose items have been deleted meanwhile."""
    scope = call.scope(Purpose.SEARCH, index.id)
    ids = {hit.video_id for hit in hits}
    rows, _ = call.catalog.find_resources(scope, Kind.VIDEO, parent=index.id, ids=ids)
    videos = {row.id: row for row in rows}
    spans = {one.id: one.media.span for one in call.catalog.assets(scope, among=ids)}
    present = [hit for hit in hits if hit.video_id in videos and hit.video_id in spans]
    clips = [(hit.video_id, clip) for hit in present for clip in hit.clips]
    said = call.catalog.observations_at(
        scope,
        [(id, Modality.SPEECH, clip.span) for id, clip in clips],
    )
    words = {
        (id, clip.span): " ".join(
            row.payload.text for row in rows if isinstance(row.payload, Utterance)
        )
        for (id, clip), rows in zip(clips, said, strict=True)
    }

    def match(id: str, clip: Clip) -> dict[str, Any]:
        whole = spans[id]
        span = clip.span.clamp(whole).shift(-whole.start)
        return {
            "start_sec": float(span.start),
            "end_sec": float(span.end),
            "modalities": list(clip.modalities),
            "transcription": words[id, clip.span] or None,
        }

    def row(hit: RankedHit) -> dict[str, Any]:
        video = videos[hit.video_id]
        kind = video.body["asset_type"]
        return {
            "asset_type": kind,
            "rank": hit.rank,
            "item_id": video.body["item_id"],
            "metadata": _metadata(video) if metadata else None,
            "matches": [match(video.id, clip) for clip in hit.clips] if kind == "video" else None,
        }

    return [row(hit) for hit in present]


def _metadata(video: Resource) -> dict[str, Any]:
    names = ["width", "height", "size"]
    if video.body["asset_type"] == "video":
        names.append("duration")
    return {
        "system": {name: video.body.get(name) for name in names},
        "user": video.body["user_metadata"],
    }
