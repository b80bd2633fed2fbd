"""Videos of the HTTP interface: an uploaded file in an index.

A video's id is the asset id of what is derived from it, so the same file in two indexes shares
nothing but its bytes. Its ``parent`` is the index; its ``body`` holds ``file_id``,
``user_metadata``, ``video_stream``, ``indexed_at``, ``error`` and, copied from the file when that
is ready, ``duration``, ``width``, ``height``, ``fps`` and ``size``.

An item of a knowledge store is one too. Beside that its body holds ``store_id``, ``item_id``,
``enrichment`` (what was extracted from it), and ``asset_type``, which its file is to be: ``video``,
or ``image``, which is taken in like a film of one second with one frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from videlicet.errors import Cancelled, MediaError, NotFound, VidelicetError
from videlicet.media.records import PICTURE
from videlicet.store.catalog.rows import BUILT_IN, media_from_json
from videlicet.types import Kind, MediaInfo, MetadataValue, Resource, Span, Task, VideoStream

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.store import Store

#: Starts the source of a task that takes in a video.
SCHEME = "video:"
#: Where a video stands.
QUEUED, VALIDATING, INDEXING, READY, FAILED = (
    "queued", "validating", "indexing", "ready", "failed",
)  # fmt: skip


def source_of_video(video_id: str) -> str:
    """The source of the task that takes a video in."""
    return SCHEME + video_id


def video_id_of(source: str) -> str | None:
    """The id of the video that a task's source names, if it names one."""
    return source.removeprefix(SCHEME) if source.startswith(SCHEME) else None


def media_facts(file: Resource) -> dict[str, Any]:
    """What a video's body copies from its file, so that lists can be filtered by it."""
    found: dict[str, Any] = {"size": file.body.get("size")}
    if (media := media_of(file)) is not None:
        found["duration"] = float(media.span.duration)
        if media.video is not None:
            rate = media.video.average_rate
            found |= {
                "width": media.video.width,
                "height": media.video.height,
                "fps": None if rate is None else float(rate),
            }
    elif picture := file.body.get("image"):
        found |= {"width": picture["width"], "height": picture["height"]}
    return found


def media_of(file: Resource) -> MediaInfo | None:
    """Container facts of a video or sound file that is ready."""
    row = file.body.get("media")
    return None if row is None else media_from_json(row)


def observable_media(video: Resource, file: Resource) -> MediaInfo:
    """What is to be observed of a video whose file is ready.

    Raises:
        MediaError: ``media_no_stream``, it is nothing to observe, or not what it was taken for.
    """
    wanted, kind = video.body.get("asset_type"), file.body.get("kind")
    media = _picture(file) if wanted == kind == "image" else media_of(file)
    if media is None or wanted not in (None, kind):
        what = {"video": "video", "image": "picture"}.get(str(wanted), "video and no sound")
        raise MediaError("media_no_stream", f"{file.name} is no {what}.", subject=file.name)
    return media


def _picture(file: Resource) -> MediaInfo:
    facts = file.body["image"]
    stream = VideoStream(
        index=0, codec=str(facts.get("format", PICTURE)).lower(), width=facts["width"],
        height=facts["height"], rotation=0, time_base=Fraction(1), average_rate=None, frames=1,
        hdr=False,
    )  # fmt: skip
    return MediaInfo(PICTURE, Span.of(0, 1), stream, (), None)


def filterable_metadata(metadata: Mapping[str, Any]) -> dict[str, MetadataValue]:
    """The values that searches can filter by: lists are only kept."""
    return {
        filter_field(key): value for key, value in metadata.items() if not isinstance(value, list)
    }


def filter_field(key: str) -> str:
    """The name under which filters know a key of user metadata."""
    return f"user.{key}" if key in BUILT_IN else key


def set_status(scope: Scope, store: Store, video_id: str, status: str, **body: Any) -> None:
    """Say where a video stands; one that was deleted meanwhile is nobody's concern."""
    try:
        store.catalog.update_resource(scope, Kind.VIDEO, video_id, status=status, body=body)
    except NotFound:
        return


def fail_video(scope: Scope, store: Store, task: Task, error: VidelicetError) -> None:
    """Fail the video of a task. A cancelled task leaves one alone that is ready, or that another
    task takes in, or the same task once more."""
    video_id = video_id_of(task.source)
    if video_id is None:
        return
    when: tuple[str, ...] = ()
    if isinstance(error, Cancelled):
        others = store.catalog.tasks(store.scope(scope, task.index_id), source=task.source)
        if any(not one.status.ended for one in others):
            return
        when = (QUEUED, VALIDATING, INDEXING)
    with suppress(NotFound):  # deleted meanwhile
        store.catalog.update_resource(
            scope, Kind.VIDEO, video_id, when=when, status=FAILED, body={"error": error.to_json()}
        )


def requeue_video(scope: Scope, store: Store, source: str) -> None:
    """Have the video that a task takes in, if it had failed, wait again."""
    video_id = video_id_of(source)
    if video_id is None:
        return
    with suppress(NotFound):  # deleted meanwhile
        store.catalog.update_resource(
            scope, Kind.VIDEO, video_id, when=[FAILED], status=QUEUED, body={"error": None}
        )
