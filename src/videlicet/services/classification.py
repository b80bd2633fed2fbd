"""Classification of videos, or of their shots, with labels of the caller's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from videlicet.analyze.classify.classifier import (
    Category,
    Classification,
    Example,
    classifier,
    subject_of,
)
from videlicet.ingest import videos
from videlicet.rights import Purpose
from videlicet.services.indexing import get_video
from videlicet.services.problems import invalid
from videlicet.types import Kind, Span, instant

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
class Label:
    """A label that may be given."""

    name: str
    description: str = ""
    examples: Sequence[VideoExample] = ()
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """What was labelled; ``origin`` is where the timeline of its video begins."""

    classification: Classification
    origin: Fraction


def classify_videos(
    caller: Caller,
    index: Index,
    labels: Sequence[Label],
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
    scope = caller.scope(Purpose.ANALYZE, index.id)
    encoders = caller.platform.encoders(index.cards)
    categories = [
        Category(one.name, one.description, _examples(caller, index, one.examples), one.threshold)
        for one in labels
    ]
    trained = classifier(
        scope, caller.store, encoders, categories, threshold=threshold,
        none=_examples(caller, index, none),
    )  # fmt: skip
    has_examples = any(one.examples for one in labels)
    ids, total = _page(caller, index, video_ids, offset, limit)
    found = []
    for id in ids:
        subject = subject_of(scope, caller.store, id, encoders, frames=has_examples)
        origin = subject.evidence.asset.media.span.start
        given = trained.shots(subject) if by_shot else [trained.whole(subject)]
        found += [Labelled(one, origin) for one in given]
    return found, total


def _page(
    caller: Caller, index: Index, video_ids: Sequence[str] | None, offset: int, limit: int | None
) -> tuple[list[str], int]:
    if video_ids is None:
        rows, total = caller.catalog.find_resources(
            caller.manage, Kind.VIDEO, parent=index.id, status=[videos.READY], ascending=True,
            offset=offset, limit=limit,
        )  # fmt: skip
        return [row.id for row in rows], total
    for id in video_ids:
        _require_ready(caller, index, id)
    end = None if limit is None else offset + limit
    return list(video_ids[offset:end]), len(video_ids)


def _require_ready(caller: Caller, index: Index, video_id: str) -> None:
    if get_video(caller, index, video_id).status != videos.READY:
        raise invalid(f"The video {video_id} is not ready.")


def _examples(
    caller: Caller, index: Index, examples: Sequence[VideoExample]
) -> tuple[Example, ...]:
    found = []
    for one in examples:
        _require_ready(caller, index, one.video_id)
        if (one.start is None) != (one.end is None):
            raise invalid("examples: start and end come together.")
        span = None
        if one.start is not None and one.end is not None:
            if one.end <= one.start:
                raise invalid("examples: end must be after start.")
            asset = caller.catalog.asset(caller.scope(Purpose.ANALYZE), one.video_id)
            origin = asset.media.span.start
            span = Span(origin + instant(one.start), origin + instant(one.end))
        found.append(Example(one.video_id, span))
    return tuple(found)
