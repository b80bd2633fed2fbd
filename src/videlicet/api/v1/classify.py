"""Classification of an index's videos with labels of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from videlicet.analyze.classify.classifier import (
    Category,
    Classification,
    Example,
    classifier,
    subject_of,
)
from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import invalid
from videlicet.api.parameters import Pages
from videlicet.api.routing import router_for
from videlicet.api.schemas import Page
from videlicet.api.v1.schemas import Classified, Classify, LabelExample
from videlicet.rights import Purpose
from videlicet.services.indexes import get_index
from videlicet.services.indexing import get_video
from videlicet.types import Index, Kind, Span, instant

router = router_for("classification")


@router.post(
    "/indexes/{index_id}/classify",
    response_model=Page[Classified],
    response_model_exclude_none=True,
)
def classify(call: Call, pages: Pages, index_id: str, body: Classify) -> Any:
    """Label videos, or each of their shots. A label is given where its probability is at least its
    threshold; else it is ``none``. Pages are of videos, which are ready and in the order of their
    making."""
    index = get_index(call, index_id)
    scope = call.scope(Purpose.ANALYZE, index.id)
    encoders = call.platform.encoders(index.cards)
    one = classifier(
        scope, call.store, encoders,
        [
            Category(
                label.name, label.description, _examples(call, index, label.examples),
                label.threshold,
            )
            for label in body.labels
        ],
        threshold=body.threshold,
        none=_examples(call, index, body.none),
    )  # fmt: skip
    taught = any(label.examples for label in body.labels)
    ids, total = _videos(call, pages, index, body.videos)
    rows = []
    for id in ids:
        subject = subject_of(scope, call.store, id, encoders, frames=taught)
        origin = subject.material.asset.media.span.start
        found = one.shots(subject) if body.per == "shot" else [one.whole(subject)]
        rows += [_shown(each, origin) for each in found]
    return pages.of(rows, total)


def _videos(
    call: HttpCaller, pages: Pages, index: Index, named: Sequence[str] | None
) -> tuple[list[str], int]:
    """The videos of a page, and how many there are on all."""
    if named is None:
        found, total = call.catalog.find_resources(
            call.manage, Kind.VIDEO, parent=index.id, status=["ready"], ascending=True,
            offset=pages.offset, limit=pages.limit,
        )  # fmt: skip
        return [row.id for row in found], total
    for id in named:
        _ready(call, index, id)
    return list(named[pages.offset : pages.offset + pages.limit]), len(named)


def _ready(call: HttpCaller, index: Index, video_id: str) -> None:
    if get_video(call, index, video_id).status != "ready":
        raise invalid(f"The video {video_id} is not ready.")


def _examples(call: HttpCaller, index: Index, given: Sequence[LabelExample]) -> tuple[Example, ...]:
    found = []
    for one in given:
        _ready(call, index, one.video_id)
        if (one.start is None) != (one.end is None):
            raise invalid("examples: start and end come together.")
        span = None
        if one.start is not None and one.end is not None:
            if one.end <= one.start:
                raise invalid("examples: end must be after start.")
            asset = call.catalog.asset(call.scope(Purpose.ANALYZE), one.video_id)
            origin = asset.media.span.start
            span = Span(origin + instant(one.start), origin + instant(one.end))
        found.append(Example(one.video_id, span))
    return tuple(found)


def _shown(one: Classification, origin: Fraction) -> dict[str, Any]:
    return {
        "video_id": one.asset_id,
        "start": float(one.span.start - origin),
        "end": float(one.span.end - origin),
        "label": one.label,
        "score": one.score,
        "scores": one.scores,
        "citations": [
            {
                **piece.to_json(),
                "start": float(piece.span.start - origin),
                "end": float(piece.span.end - origin),
            }
            for piece in one.citations
        ],
    }
