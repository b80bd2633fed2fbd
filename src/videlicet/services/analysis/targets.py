"""Videos that are to be analysed: observed first, where that has not been done yet."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from videlicet.analysis_jobs import analyses
from videlicet.errors import InvalidInput, NotFound, from_json
from videlicet.ingest.indexing import add_video, remove_asset
from videlicet.rights import Purpose
from videlicet.services import assets
from videlicet.services.assets import NewAsset
from videlicet.services.problems import read_only, unknown
from videlicet.types import Asset, AssetOwner, AssetStatus, Index, Video, VideoStatus

if TYPE_CHECKING:
    from videlicet.services.caller import Caller

_UNSEEN = (
    "Nothing is known of this video yet, and the key may only read: index it first, or use a key "
    "that may write."
)


@dataclass(frozen=True, slots=True)
class AnalysisTarget:
    """A video, and the index where its observations are or will be.

    ``source`` is how the request named it. ``upload_id`` is the id of an asset that came
    with the request and goes with it (:func:`remove_upload`).
    """

    index: Index
    video: Video
    source: dict[str, Any] = field(default_factory=dict)
    upload_id: str | None = None


def target_video(caller: Caller, video_id: str) -> AnalysisTarget:
    """A video of an index.

    Raises:
        NotFound: ``asset_not_found``.
    """
    try:
        video = caller.catalog.video(caller.manage, video_id)
        index = caller.catalog.index(caller.manage, video.index_id)
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
    asset = assets.get_asset(caller, asset_id)
    return _observe(caller, asset, {"type": "asset_id", "asset_id": asset_id})


def target_url(caller: Caller, url: str) -> AnalysisTarget:
    """What is at a URL; a worker fetches and observes it.

    Raises:
        InvalidInput: ``url_not_allowed``.
        NotPermitted: ``scope_not_permitted``.
    """
    if not caller.may_write:
        raise read_only(_UNSEEN)
    asset = assets.fetch_asset(caller, _of_request(assets.name_in(url)), url, "video.url")
    return _observe(caller, asset, {"type": "url", "url": url}, upload_id=asset.id)


def target_bytes(caller: Caller, data: bytes) -> AnalysisTarget:
    """A video that comes with the request; a worker observes it.

    Raises:
        NotPermitted: ``scope_not_permitted``.
    """
    if not caller.may_write:
        raise read_only(_UNSEEN)
    asset = assets.upload_asset(caller, _of_request("upload"), io.BytesIO(data))
    return _observe(caller, asset, {"type": "base64_string"}, upload_id=asset.id)


def _of_request(name: str) -> NewAsset:
    return NewAsset(name, hls=False, thumbnail=False, owner=AssetOwner.ANALYSIS)


def _observe(
    caller: Caller, asset: Asset, source: dict[str, Any], upload_id: str | None = None
) -> AnalysisTarget:
    assets.require_not_failed(asset)
    if asset.status is AssetStatus.READY and asset.type not in ("video", "audio"):
        raise InvalidInput(
            "asset_type_not_supported", "Only videos and sounds can be analysed.", subject=asset.id
        )
    scope = caller.scope(Purpose.INGEST)
    index, video = analyses.find_observed_index(scope, caller.store, caller.settings, asset)
    if video is None:
        if not caller.may_write:
            raise read_only(_UNSEEN)
        video, _ = add_video(scope, caller.store, index, asset, {})
        caller.platform.worker_client.notify()
    return AnalysisTarget(index, video, source, upload_id)


def is_observed(caller: Caller, target: AnalysisTarget) -> bool:
    """Whether the observations of a video are there.

    Raises:
        NotFound: ``asset_not_found``, it was deleted.
        VidelicetError: why it could not be observed, with status 400.
    """
    try:
        video = caller.catalog.video(caller.manage, target.video.id)
    except NotFound:
        raise unknown("video", target.video.id) from None
    if video.status is not VideoStatus.FAILED:
        return video.status is VideoStatus.READY
    if video.error is None:
        raise InvalidInput("asset_not_ready", "The video could not be observed.")
    error = from_json(video.error)
    # Whatever is wrong with the video is the caller's to correct.
    error.status = 400
    raise error


def remove_upload(caller: Caller, target: AnalysisTarget) -> None:
    """Remove what came with the request only. Done again it changes nothing."""
    if target.upload_id is not None:
        with suppress(NotFound):
            remove_asset(caller.manage, caller.store, target.upload_id)
