"""Videos that are to be analysed: observed first, where that has not been done yet."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from videlicet.analysis_jobs import analyses
from videlicet.errors import InvalidInput, NotFound, from_json
from videlicet.ingest import files, videos
from videlicet.ingest.indexing import index_file, remove_file
from videlicet.rights import Purpose
from videlicet.services import assets
from videlicet.services.assets import NewAsset
from videlicet.services.problems import read_only, unknown
from videlicet.types import Index, Kind, Resource

if TYPE_CHECKING:
    from videlicet.services.caller import Caller

_UNSEEN = (
    "Nothing is known of this video yet, and the key may only read: index it first, or use a key "
    "that may write."
)


@dataclass(frozen=True, slots=True)
class AnalysisTarget:
    """A video, and the index where its observations are or will be.

    ``source`` is how it was named, to be shown again. ``upload_id`` is the id of a file that came
    with the request and goes with it (:func:`remove_upload`).
    """

    index: Index
    video: Resource
    source: dict[str, Any] = field(default_factory=dict)
    upload_id: str | None = None


def target_video(caller: Caller, video_id: str) -> AnalysisTarget:
    """A video of an index.

    Raises:
        NotFound: ``asset_not_found``.
    """
    try:
        video = caller.catalog.resource(caller.manage, Kind.VIDEO, video_id)
        index = caller.catalog.index(caller.manage, video.parent)
    except NotFound:
        raise unknown("video", video_id) from None
    source = {"type": "video_id", "video_id": video_id, "index_id": index.id}
    return AnalysisTarget(index, video, source)


def target_asset(caller: Caller, asset_id: str) -> AnalysisTarget:
    """An asset; a worker begins to observe it, if none has.

    Raises:
        NotFound: ``asset_not_found``.
        InvalidInput: ``asset_not_ready`` (it failed) or ``asset_type_not_supported``.
        NotPermitted: ``scope_not_permitted``, it was not observed and the caller may only read.
    """
    file = assets.get_asset(caller, asset_id)
    return _observe(caller, file, {"type": "asset_id", "asset_id": asset_id})


def target_url(caller: Caller, url: str) -> AnalysisTarget:
    """What is at a URL; a worker fetches and observes it.

    Raises:
        InvalidInput: ``url_not_allowed``.
        NotPermitted: ``scope_not_permitted``.
    """
    if not caller.may_write:
        raise read_only(_UNSEEN)
    new = NewAsset(assets.name_in(url), hls=False, thumbnail=False, parent=analyses.REQUEST_FILES)
    file = assets.fetch_asset(caller, new, url, "video.url")
    return _observe(caller, file, {"type": "url", "url": url}, upload_id=file.id)


def target_bytes(caller: Caller, data: bytes) -> AnalysisTarget:
    """A video that comes with the request; a worker observes it.

    Raises:
        NotPermitted: ``scope_not_permitted``.
    """
    if not caller.may_write:
        raise read_only(_UNSEEN)
    new = NewAsset("upload", hls=False, thumbnail=False, parent=analyses.REQUEST_FILES)
    file = assets.upload_asset(caller, new, io.BytesIO(data))
    return _observe(caller, file, {"type": "base64_string"}, upload_id=file.id)


def _observe(
    caller: Caller, file: Resource, source: dict[str, Any], upload_id: str | None = None
) -> AnalysisTarget:
    assets.require_not_failed(file)
    if file.status == files.READY and file.body.get("kind") not in ("video", "audio"):
        raise InvalidInput(
            "asset_type_not_supported", "Only videos and sounds can be analysed.", subject=file.id
        )
    scope = caller.scope(Purpose.INGEST)
    index, video = analyses.find_observed_index(scope, caller.store, caller.settings, file)
    if video is None:
        if not caller.may_write:
            raise read_only(_UNSEEN)
        video, _ = index_file(scope, caller.store, index, file, {})
        caller.platform.worker_client.notify()
    return AnalysisTarget(index, video, source, upload_id)


def is_observed(caller: Caller, target: AnalysisTarget) -> bool:
    """Whether the observations of a video are there.

    Raises:
        NotFound: ``asset_not_found``, it was deleted.
        VidelicetError: why it could not be observed, with status 400.
    """
    try:
        video = caller.catalog.resource(caller.manage, Kind.VIDEO, target.video.id)
    except NotFound:
        raise unknown("video", target.video.id) from None
    if video.status != videos.FAILED:
        return video.status == videos.READY
    reason = video.body.get("error")
    if reason is None:
        raise InvalidInput("asset_not_ready", "The video could not be observed.")
    error = from_json(reason)
    # Whatever is wrong with the video is the caller's to correct.
    error.status = 400
    raise error


def remove_upload(caller: Caller, target: AnalysisTarget) -> None:
    """Remove what came with the request only. Done again it changes nothing."""
    if target.upload_id is not None:
        with suppress(NotFound):
            remove_file(caller.manage, caller.store, target.upload_id)
