"""Pictures and films for players and pages, which cannot send a key: signed addresses.

HLS is made on demand: a playlist names stretches of a few seconds, and each is cut out of the
original when it is asked for. Nothing is transcoded ahead.
"""

from __future__ import annotations

import math
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from videlicet.api.errors import ApiError, unknown
from videlicet.errors import NotFound, VidelicetError
from videlicet.ingest import files
from videlicet.ingest.videos import media_of
from videlicet.media.cut import cut_clip, thumbnail
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.types import Kind, Resource, Span

router = APIRouter(tags=["media"])

#: Seconds of one HLS segment, and width of a thumbnail.
SEGMENT, WIDTH = 6, 480
_GRANT = Grant("media", Purpose.SEARCH, EVERY_TENANT)


def _opened(
    request: Request,
    asset_id: str,
    expires: Annotated[str, Query()] = "",
    signature: Annotated[str, Query()] = "",
) -> Resource:
    """The ready asset of a signed address."""
    service = request.app.state.service
    if not service.signer.allows(request.url.path, expires, signature):
        raise ApiError(403, "signature_invalid", "The address is not valid, or has expired.")
    try:
        file: Resource = service.store.catalog.resource(_GRANT, Kind.FILE, asset_id)
    except NotFound:
        raise unknown("asset", asset_id) from None
    if file.status != files.READY:
        raise unknown("asset", asset_id)
    return file


File = Annotated[Resource, Depends(_opened)]


@router.get("/media/assets/{asset_id}/thumbnail.jpg", response_class=Response)
def representative(request: Request, file: File) -> Response:
    """A picture that stands for an asset."""
    media = media_of(file)
    if media is None:
        return _picture(request, file)
    return _still(request, file, media.span.start + media.span.duration / 10)


@router.get("/media/assets/{asset_id}/frames/{milliseconds}.jpg", response_class=Response)
def frame(request: Request, file: File, milliseconds: int) -> Response:
    """The picture that is shown at a moment."""
    media = media_of(file)
    if media is None:
        raise unknown("asset", file.id)
    return _still(request, file, media.span.start + Fraction(max(0, milliseconds), 1000))


@router.get("/media/assets/{asset_id}/hls/index.m3u8", response_class=Response)
def playlist(request: Request, file: File) -> Response:
    """The playlist of an asset; the addresses in it are signed too."""
    service = request.app.state.service
    media = media_of(file)
    if media is None:
        raise unknown("asset", file.id)
    duration = float(media.span.duration)
    lines = [
        "#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{SEGMENT}",
        "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS",
    ]  # fmt: skip
    for number in range(max(1, math.ceil(duration / SEGMENT))):
        length = min(SEGMENT, duration - number * SEGMENT)
        path = f"/media/assets/{file.id}/hls/{number}.ts"
        signed = service.signer.sign(path, service.settings.media_lifetime)
        # Every segment is a film of its own, so clocks start anew.
        lines += ["#EXT-X-DISCONTINUITY", f"#EXTINF:{length:.3f},", signed]
    lines += ["#EXT-X-ENDLIST", ""]
    return Response("\n".join(lines), media_type="application/vnd.apple.mpegurl")


@router.get("/media/assets/{asset_id}/hls/{number}.ts", response_class=Response)
def segment(request: Request, file: File, number: int) -> Response:
    """One stretch of an asset."""
    service = request.app.state.service
    media = media_of(file)
    if media is None or number < 0:
        raise unknown("segment", str(number))
    start = media.span.start + number * SEGMENT
    if start >= media.span.end:
        raise unknown("segment", str(number))
    span = Span(start, min(media.span.end, start + SEGMENT))
    with tempfile.TemporaryDirectory(prefix="videlicet-") as folder:
        out = Path(folder) / "segment.ts"
        cut_clip(_original(request, file), span, out, service.settings, container="mpegts")
        data = out.read_bytes()
    return Response(
        data, media_type="video/mp2t", headers={"cache-control": "private, max-age=3600"}
    )


def _original(request: Request, file: Resource) -> Path:
    return files.bytes_of(_GRANT, request.app.state.service.store, file)


def _still(request: Request, file: Resource, at: Fraction) -> Response:
    settings = request.app.state.service.settings
    try:
        data = thumbnail(_original(request, file), at, WIDTH, settings)
    except VidelicetError as error:
        if error.code == "media_no_stream":
            raise unknown("picture of asset", file.id) from None
        raise
    return Response(
        data, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"}
    )


def _picture(request: Request, file: Resource) -> Response:
    """An uploaded picture, made small."""
    import io

    from PIL import Image

    from videlicet.media.cut import load_image

    if file.body.get("kind") != "image":
        raise unknown("picture of asset", file.id)
    pixels: Any = load_image(
        _original(request, file), request.app.state.service.settings, max_side=WIDTH
    )
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=85)
    return Response(
        out.getvalue(), media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"}
    )
