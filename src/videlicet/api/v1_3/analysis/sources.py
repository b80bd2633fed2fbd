"""What is to be analysed: a video, observed first where it was not yet, or pictures."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import anyio
from anyio import to_thread

from videlicet.analysis_jobs import analyses
from videlicet.analyze.evidence.images import Models, of_picture
from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.api.caller import HttpCaller
from videlicet.api.errors import ApiError, invalid, missing, of_library, unknown
from videlicet.api.media_sources import decoded, opened
from videlicet.api.schemas import MediaSource
from videlicet.api.v1_3.analysis.schemas import NamedPicture, Picture, Prompt, Source
from videlicet.errors import NotFound, from_json
from videlicet.ingest import files, videos
from videlicet.ingest.indexing import enter, remove_file
from videlicet.models.cards import chosen_cards
from videlicet.rights import Purpose
from videlicet.services import assets
from videlicet.services.assets import NewAsset
from videlicet.services.media import MAX_PICTURE_SIZE
from videlicet.types import Index, Kind, Resource

if TYPE_CHECKING:
    from videlicet.models.base import OcrReader

#: Seconds for which a request waits until a video has been observed; clients wait 600.
WAIT = 540.0
_LOOK_EVERY = 0.2
_PLACE = re.compile(r"<@([^<>@]{1,64})>")


@dataclass(frozen=True, slots=True)
class Subject:
    """A video, and where what is known of it stands or will stand. ``own`` is the id of a file
    that came with the request."""

    index: Index
    video: Resource
    source: dict[str, Any]
    own: str | None = None


def begin(call: HttpCaller, source: Source | None, video_id: str | None = None) -> Subject:
    """The video of a source, on its way to be observed if it was not."""
    if source is None and video_id is None:
        raise missing("video")
    named = source or Source(type="video_id", video_id=video_id)
    given = {
        name: value
        for name in ("url", "asset_id", "base64_string", "video_id")
        if (value := getattr(named, name))
    }
    if len(given) != 1:
        raise invalid("video takes exactly one of url, asset_id and base64_string.")
    ((kind, value),) = given.items()
    if kind == "video_id":
        return _of_video(call, value)
    told = {"type": kind} if kind == "base64_string" else {"type": kind, kind: value}
    if kind == "asset_id":
        return _of_file(call, assets.get_asset(call, value), told)
    if not call.may_write:
        raise _read_only()
    if kind == "url":
        new = NewAsset(assets.name_in(value), hls=False, thumbnail=False, parent=analyses.OWN)
        file = assets.fetch_asset(call, new, value, "video.url")
    else:
        new = NewAsset("upload", hls=False, thumbnail=False, parent=analyses.OWN)
        file = assets.upload_asset(call, new, io.BytesIO(decoded(value, "video")))
    return _of_file(call, file, told, own=file.id)


def _of_video(call: HttpCaller, video_id: str) -> Subject:
    try:
        video = call.catalog.resource(call.manage, Kind.VIDEO, video_id)
        index = call.catalog.index(call.manage, video.parent)
    except NotFound:
        raise unknown("video", video_id) from None
    told = {"type": "video_id", "video_id": video_id, "index_id": index.id}
    return Subject(index, video, told)


def _of_file(
    call: HttpCaller, file: Resource, told: dict[str, Any], own: str | None = None
) -> Subject:
    if file.status == files.FAILED:
        raise ApiError(400, "asset_not_ready", "The asset could not be read; upload it again.")
    if file.status == files.READY and file.body.get("kind") not in ("video", "audio"):
        raise ApiError(400, "asset_type_not_supported", "Only videos and sounds can be analysed.")
    scope = call.scope(Purpose.INGEST)
    index, video = analyses.place_of(scope, call.store, call.settings, file)
    if video is None:
        if not call.may_write:
            raise _read_only()
        video, _ = enter(scope, call.store, index, file, {})
        call.platform.work.wake()
    return Subject(index, video, told, own)


def _read_only() -> ApiError:
    return ApiError(
        403, "api_not_allowed",
        "Nothing is known of this video yet, and the key may only read: index it first, or use a "
        "key that may write.",
    )  # fmt: skip


async def observed(call: HttpCaller, subject: Subject) -> None:
    """Wait until a video has been observed.

    Raises:
        ApiError: 400, where it cannot be; 503 ``request_canceled_or_timed_out``, where it takes
            longer than clients wait (it goes on; ask again).
    """
    with anyio.move_on_after(WAIT):
        while True:
            video = await to_thread.run_sync(_look, call, subject.video.id)
            if video.status == videos.READY:
                return
            if video.status == videos.FAILED:
                raise _failed(video)
            await anyio.sleep(_LOOK_EVERY)
    raise ApiError(
        503, "request_canceled_or_timed_out",
        "The video is still being observed. Ask again later, or make a task of it.",
        headers={"Retry-After": "30"},
    )  # fmt: skip


def _look(call: HttpCaller, video_id: str) -> Resource:
    try:
        return call.catalog.resource(call.manage, Kind.VIDEO, video_id)
    except NotFound:
        raise unknown("video", video_id) from None


def _failed(video: Resource) -> ApiError:
    error = video.body.get("error")
    if error is None:
        return ApiError(400, "asset_not_ready", "The video could not be observed.")
    told = of_library(from_json(error))
    return ApiError(400, told.code, told.message)


async def done_with(call: HttpCaller, subject: Subject | None) -> None:
    """Take away what came with the request only, even where the client has gone."""
    if subject is not None and subject.own is not None:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(_remove, call, subject.own)


def _remove(call: HttpCaller, file_id: str) -> None:
    try:
        remove_file(call.manage, call.store, file_id)
    except NotFound:
        return


# -- pictures -----------------------------------------------------------------------------------


def bytes_of(call: HttpCaller, given: Sequence[Picture]) -> list[tuple[str, bytes]]:
    """The bytes of pictures by their names, in their order."""
    names = [one.name for one in given]
    if len(set(names)) < len(names):
        raise invalid("image: two pictures have the same name.")
    found = []
    for one in given:
        source = MediaSource(url=one.url, asset_id=one.asset_id, base64_string=one.base64_string)
        with opened(call, source, f"image {one.name}", MAX_PICTURE_SIZE) as media:
            data = media if isinstance(media, bytes) else media.read_bytes()
        found.append((one.name, data))
    return found


def pictures(call: HttpCaller, given: Sequence[Picture]) -> list[AssetEvidence]:
    """What can be seen and read in pictures, in their order."""
    encoders = call.platform.encoders(chosen_cards(call.settings.models))
    reader = cast("OcrReader", encoders.model(encoders.cards["ocr"]))
    models = Models(encoders.text, encoders.vision, reader)
    return [of_picture(name, data, models, call.settings) for name, data in bytes_of(call, given)]


def text_of(call: HttpCaller, prompt: str | None, prompt_v2: Prompt | None) -> str:
    """The words of a prompt. In place of a picture stands what can be seen and read in it."""
    if prompt is not None and prompt_v2 is not None:
        raise invalid("prompt and prompt_v2 cannot both be given.")
    if prompt_v2 is None:
        return prompt or ""
    return filled(call, prompt_v2.input_text, prompt_v2.media_sources or [])


def filled(call: HttpCaller, text: str, sources: Sequence[NamedPicture]) -> str:
    """A text whose ``<@name>`` say what is in the pictures of these names."""
    wanted = set(_PLACE.findall(text))
    known = {one.name: one for one in sources}
    if strange := wanted - set(known):
        raise invalid(f"There is no picture named {min(strange)!r} among media_sources.")
    if not wanted:
        return text
    shown = {
        material.asset.name: ", ".join(piece.text for piece in material.pieces)
        for material in pictures(call, [known[name] for name in sorted(wanted)])
    }
    return _PLACE.sub(lambda m: shown[m[1]] or m[1], text)
