"""What is to be observed of a video, and how it is said that it waits or has failed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from videlicet.errors import Cancelled, MediaError, NotFound, VidelicetError
from videlicet.types import MediaInfo, Video, VideoStatus

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.store import Store

#: A video in one of these has not ended.
UNFINISHED = (VideoStatus.QUEUED, VideoStatus.VALIDATING, VideoStatus.INDEXING)


def observable_media(video: Video) -> MediaInfo:
    """What is to be observed of a video whose asset is ready.

    Raises:
        MediaError: ``media_no_stream``, it is nothing to observe, or not what it was taken for.
    """
    asset, wanted = video.asset, video.item_type
    media = asset.media if wanted == asset.type == "image" else asset.recording
    if media is None or wanted not in (None, asset.type):
        what = {"video": "video", "image": "picture"}.get(str(wanted), "video and no sound")
        raise MediaError("media_no_stream", f"{asset.name} is no {what}.", subject=asset.name)
    return media


def fail_video(scope: Scope, store: Store, video_id: str, error: VidelicetError) -> None:
    """Fail the video of a task, unless it is ready. A cancelled task leaves one alone that another
    task is at, or the same task once more."""
    if isinstance(error, Cancelled):
        others = store.catalog.tasks(scope, video_id=video_id)
        if any(not one.status.ended for one in others):
            return
    with suppress(NotFound):  # deleted meanwhile
        store.catalog.update_video(
            scope, video_id, when=UNFINISHED, status=VideoStatus.FAILED, error=error.to_json()
        )


def requeue_video(scope: Scope, store: Store, video_id: str) -> None:
    """Have a video, if it had failed, wait again."""
    with suppress(NotFound):  # deleted meanwhile
        store.catalog.update_video(
            scope, video_id, when=[VideoStatus.FAILED], status=VideoStatus.QUEUED, error=None
        )
