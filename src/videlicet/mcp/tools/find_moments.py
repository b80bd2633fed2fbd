"""The tool that finds moments."""

from __future__ import annotations

import base64
import binascii
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import InvalidInput, InvalidQuery, VidelicetError
from videlicet.mcp import schemas
from videlicet.mcp.context import index_of
from videlicet.mcp.pictures import Picture, extract_stills
from videlicet.mcp.presentation import MAX_EVIDENCE_CHARS, reason, seconds
from videlicet.rights import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from videlicet.mcp.context import ToolContext
    from videlicet.types import Hit, Video

#: Bytes of the largest picture to look for, and seconds for which one at an address is waited for.
LARGEST, WAIT = 32 * 1024**2, 30.0
#: Width of a moment's picture.
WIDTH = 320


def find_moments(
    context: ToolContext, asked: schemas.FindMoments
) -> tuple[schemas.FoundMoments, list[Picture]]:
    """A page of the moments that match, best first, with pictures if they are asked for."""
    from videlicet.search.compose import build_query
    from videlicet.search.lanes import lane_names
    from videlicet.services import filters
    from videlicet.services.indexing import to_asset_ids, videos_of

    if strange := set(asked.lanes) - set(lane_names()):
        known = ", ".join(lane_names())
        raise InvalidInput(
            "invalid_argument", f"lanes: there is no {min(strange)!r}, only {known}.",
            subject="lanes",
        )  # fmt: skip
    index = index_of(context, asked.index)
    caller = context.caller
    scope = caller.scope(Purpose.SEARCH, index.id)
    among = None if asked.video_ids is None else to_asset_ids(caller, index, asked.video_ids)
    filter = filters.of_assets(caller, index, asked.filter)
    with _image(context, asked) as image:
        query = build_query(
            asked.query, image, None, None, (), asked.modalities, filter, among, asked.threshold,
            "moment", asked.limit, asked.page,
        )  # fmt: skip
        query = replace(query, lanes=frozenset(asked.lanes))
        found = caller.platform.searcher(index).search(scope, query)
    videos = videos_of(caller, index, {hit.asset_id for hit in found.hits})
    pictures: list[Picture] = []
    hits = []
    # Without those that have been deleted since they were found.
    present = [hit for hit in found.hits if hit.asset_id in videos]
    for place, hit in enumerate(present):
        asset = videos[hit.asset_id].asset
        row = _hit_row(hit, videos[hit.asset_id])
        if asked.thumbnails and place < schemas.MOST_PICTURES:
            frame = next((e.frame for e in hit.evidence if e.frame is not None), hit.span.midpoint)
            try:
                pictures += extract_stills(context, asset, [frame], WIDTH)
                row = row.model_copy(update={"picture": len(pictures)})
            except VidelicetError as error:
                row = row.model_copy(update={"picture_error": reason(error.to_json())})
        hits.append(row)
    return (
        schemas.FoundMoments(
            index_id=index.id, hits=hits, total=found.total, next_page=found.next_page
        ),
        pictures,
    )


@contextmanager
def _image(context: ToolContext, asked: schemas.FindMoments) -> Iterator[bytes | Path | None]:
    """The picture to look for: its bytes, or a file that is there while the context lasts."""
    if asked.image_base64 is not None and asked.image_url is not None:
        raise InvalidInput(
            "invalid_argument", "Give one of image_base64 and image_url.", subject="image_url"
        )
    if asked.image_base64 is not None:
        yield _decoded(asked.image_base64)
    elif asked.image_url is not None:
        from videlicet.media.fetch import fetch

        limits = context.caller.settings
        settings = limits.model_copy(
            update={
                "fetch_max": min(limits.fetch_max, LARGEST),
                "fetch_timeout": min(limits.fetch_timeout, WAIT),
            }
        )
        with tempfile.TemporaryDirectory(prefix="videlicet-") as folder:
            yield fetch(asked.image_url, Path(folder) / "picture", settings)
    else:
        yield None


def _decoded(text: str) -> bytes:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not 0 < len(data) <= LARGEST:
        raise InvalidQuery(
            "query_media_invalid",
            f"image_base64 is not a picture of at most {LARGEST} bytes in base64.",
            subject="image_base64",
        )
    return data


def _hit_row(hit: Hit, video: Video) -> schemas.Hit:
    origin = video.asset.media.span.start
    return schemas.Hit(
        rank=hit.rank,
        video_id=video.id,
        name=hit.asset_name,
        start=seconds(hit.span.start - origin),
        end=seconds(hit.span.end - origin),
        score=round(hit.score, 4),
        evidence=[
            schemas.Evidence(
                lane=one.lane,
                modality=one.modality.value,
                start=seconds(one.span.start - origin),
                end=seconds(one.span.end - origin),
                score=round(one.score, 4),
                text=None if one.text is None else one.text[:MAX_EVIDENCE_CHARS],
            )
            for one in hit.evidence
        ],
    )
