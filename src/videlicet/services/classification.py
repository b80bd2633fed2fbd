"""Classification of videos, or of their shots, with labels of the caller's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videlicet.analyze.classify.classifier import (
    Category,
    Classification,
    Example,
    classifier,
    subject_of,
)
from videlicet.rights import Purpose
from videlicet.services.indexing import get_video, list_videos
from videlicet.services.problems import invalid
from videlicet.store.records import VideoFilter
from videlicet.types import Span, Video, VideoStatus, instant

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.types import Index


@dataclass(frozen=True, slots=True)
class VideoExample:
    """A video that shows what a label means, or a part of it in seconds from its start."""

    video_id: str
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class LabelDefinition:
    """A label that may be given."""

    name: str
    description: str = ""
    examples: Sequence[VideoExample] = ()
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """What was labelled: a video, or a shot of it."""

    classification: Classification
    video: Video


def classify_videos(
    caller: Caller,
    index: Index,
    labels: Sequence[LabelDefinition],
    video_ids: Sequence[str] | None = None,
    *,
    threshold: float,
    none: Sequence[VideoExample] = (),
    by_shot: bool = False,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[Labelled], int]:
    """The labels of a page of an index's ready videos, or of some of them, and how many videos
    there are in all. ``none`` are examples of what belongs to no label; a label is given where its
    probability is at least its threshold.

    Raises:
        InvalidInput: ``invalid_argument``, for labels and examples that cannot be used, or a video
            that is not ready.
        NotFound: ``asset_not_found``.
    """
    categories = [
        Category(one.name, one.description, _examples(caller, index, one.examples), one.threshold)
        for one in labels
    ]
    of_none = _examples(caller, index, none)
    videos, total = _page(caller, index, video_ids, offset, limit)
    found = classify_assets(
        caller, index, categories, [video.asset_id for video in videos], threshold=threshold,
        none=of_none, by_shot=by_shot,
    )  # fmt: skip
    by_asset = {video.asset_id: video for video in videos}
    return [Labelled(one, by_asset[one.asset_id]) for one in found], total


def classify_assets(
    caller: Caller,
    index: Index,
    categories: Sequence[Category],
    asset_ids: Iterable[str],
    *,
    threshold: float,
    none: Sequence[Example] = (),
    by_shot: bool = False,
) -> list[Classification]:
    """The labels of assets of an index, or of their shots, as for :func:`classify_videos`.

    Raises:
        InvalidInput: ``invalid_argument``, for labels and examples that cannot be used.
        NotFound: ``asset_not_found``.
    """
    scope = caller.scope(Purpose.ANALYZE, index.id)
    encoders = caller.platform.encoders(index.cards)
    trained = classifier(
        scope, caller.store, encoders, categories, threshold=threshold, none=tuple(none)
    )
    has_examples = any(one.examples for one in categories)
    found: list[Classification] = []
    for id in asset_ids:
        subject = subject_of(scope, caller.store, id, encoders, frames=has_examples)
        found += trained.shots(subject) if by_shot else [trained.whole(subject)]
    return found


def _page(
    caller: Caller, index: Index, video_ids: Sequence[str] | None, offset: int, limit: int | None
) -> tuple[list[Video], int]:
    if video_ids is None:
        ready = VideoFilter(status=[VideoStatus.READY])
        return list_videos(caller, index, ready, ascending=True, offset=offset, limit=limit)
    videos = [_ready_video(caller, index, id) for id in video_ids]
    return videos[offset : None if limit is None else offset + limit], len(videos)


def _ready_video(caller: Caller, index: Index, video_id: str) -> Video:
    video = get_video(caller, index, video_id)
    if video.status is not VideoStatus.READY:
        raise invalid(f"The video {video_id} is not ready.")
    return video


def _examples(
    caller: Caller, index: Index, examples: Sequence[VideoExample]
) -> tuple[Example, ...]:
    found = []
    for one in examples:
        video = _ready_video(caller, index, one.video_id)
        if (one.start is None) != (one.end is None):
            raise invalid("examples: start and end come together.")
        span = None
        if one.start is not None and one.end is not None:
            if one.end <= one.start:
                raise invalid("examples: end must be after start.")
            origin = video.asset.media.span.start
            span = Span(origin + instant(one.start), origin + instant(one.end))
        found.append(Example(video.asset_id, span))
    return tuple(found)
