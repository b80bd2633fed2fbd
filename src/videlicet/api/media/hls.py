"""Videos for players, which cannot send a key: HLS, and the original file, by signed addresses.

HLS is made on demand: a playlist names stretches of a few seconds, and each is cut out of the
original when it is first asked for. Nothing is transcoded ahead. Timestamps go on from stretch to
stretch, so players see one stream.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import anyio
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from videlicet.api.errors import not_found
from videlicet.api.media.thumbnails import SignedAsset, original_of
from videlicet.api.state import ServerState
from videlicet.ingest.progress import printable_source
from videlicet.media.cut import SOUND_FRAME, cut_clip
from videlicet.types import Asset, Span

router = APIRouter(tags=["media"])

#: Length of a segment: about six seconds, and a whole number of frames of sound.
SEGMENT_SECONDS = 282 * SOUND_FRAME
#: Where the clock of a stream begins: encoders need some room before the first frame.
STREAM_START = Fraction(10)
#: Raised when segments come to be cut otherwise, so that kept ones are not sent any more.
EDITION = 1
_CACHE_CONTROL = "private, max-age=3600"


@router.get("/media/assets/{asset_id}/hls/index.m3u8", response_class=Response)
@router.head("/media/assets/{asset_id}/hls/index.m3u8", include_in_schema=False)
def playlist(request: Request, asset: SignedAsset) -> Response:
    """The playlist of an asset; the addresses in it are signed too."""
    server: ServerState = request.app.state.server
    if asset.recording is None:
        raise not_found("asset", asset.id)
    duration = asset.recording.span.duration
    # A playlist is read once: the last address must be good when the video is nearly over.
    lifetime = server.platform.settings.signed_url_ttl + float(duration)
    lines = [
        "#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{round(SEGMENT_SECONDS)}",
        "#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS",
    ]  # fmt: skip
    for number in range(max(1, math.ceil(duration / SEGMENT_SECONDS))):
        length = min(SEGMENT_SECONDS, duration - number * SEGMENT_SECONDS)
        path = f"/media/assets/{asset.id}/hls/{number}.ts"
        lines += [f"#EXTINF:{float(length):.3f},", server.signer.sign(path, lifetime)]
    lines += ["#EXT-X-ENDLIST", ""]
    return Response("\n".join(lines), media_type="application/vnd.apple.mpegurl")


@router.get("/media/assets/{asset_id}/hls/{number}.ts", response_class=Response)
@router.head("/media/assets/{asset_id}/hls/{number}.ts", include_in_schema=False)
def segment(request: Request, asset: SignedAsset, number: int) -> Response:
    """One stretch of an asset."""
    server: ServerState = request.app.state.server
    if asset.recording is None or number < 0:
        raise not_found("segment", str(number))
    whole = asset.recording.span
    start = whole.start + number * SEGMENT_SECONDS
    if start >= whole.end:
        raise not_found("segment", str(number))
    span = Span(start, min(whole.end, start + SEGMENT_SECONDS))

    def cut(out: Path) -> None:
        original = original_of(request, asset)
        cut_clip(
            original,
            span,
            out,
            server.platform.settings,
            stream_at=STREAM_START + number * SEGMENT_SECONDS,
        )

    name = f"hls-{EDITION}-{number}.ts"
    tag = f'"{(asset.sha256 or "")[:32]}-{EDITION}-{number}"'
    if tag in request.headers.get("if-none-match", ""):
        return _not_modified(tag)
    return OpenFileResponse(server.segments.open(asset.id, name, cut), "video/mp2t", {"etag": tag})


@router.get("/media/assets/{asset_id}/original", response_class=Response)
@router.head("/media/assets/{asset_id}/original", include_in_schema=False)
def original(request: Request, asset: SignedAsset) -> Response:
    """The file as it was uploaded, to be saved or played while it comes."""
    tag = f'"{asset.sha256}"'
    if tag in request.headers.get("if-none-match", ""):
        return _not_modified(tag)
    # Whatever it claims to be, no browser is to show it as a page.
    headers = {"etag": tag, "content-security-policy": "default-src 'none'; sandbox"}
    path = original_of(request, asset)
    name = printable_source(asset.name)
    return OpenFileResponse(path.open("rb"), _type_of(asset), headers, name=name)


class OpenFileResponse(FileResponse):
    """Whole or in ranges, from a file that is open already: it may be deleted meanwhile."""

    def __init__(
        self, file: BinaryIO, kind: str, headers: Mapping[str, str], name: str | None = None
    ) -> None:
        import os

        super().__init__(
            file.name,
            media_type=kind,
            headers={"cache-control": _CACHE_CONTROL, **headers},
            filename=name,
            stat_result=os.fstat(file.fileno()),
        )
        self._file = file

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()

    @asynccontextmanager
    async def _open_file(self) -> AsyncIterator[anyio.AsyncFile[bytes]]:
        yield anyio.wrap_file(self._file)


def _not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"etag": tag, "cache-control": _CACHE_CONTROL})


def _type_of(asset: Asset) -> str:
    kind = asset.media_type or ""
    return kind if kind.startswith(("video/", "audio/", "image/")) else "application/octet-stream"
