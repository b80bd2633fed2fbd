"""Classification of an index's videos with labels of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from videlicet.api.caller import Call
from videlicet.api.parameters import Pages
from videlicet.api.routing import V1, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1.schemas import ClassificationRequest, ClassifiedSegment, LabelExample
from videlicet.services.classification import (
    LabelDefinition,
    Labelled,
    VideoExample,
    classify_videos,
)
from videlicet.services.indexes import get_index

router = router_for("classification", V1)


@router.post(
    "/indexes/{index_id}/classify",
    response_model=Page[ClassifiedSegment],
    response_model_exclude_none=True,
)
def classify(call: Call, pages: Pages, index_id: str, body: ClassificationRequest) -> Any:
    """Label videos, or each of their shots. A label is given where its probability is at least its
    threshold; else it is ``none``. Pages are of videos, which are ready and in the order of their
    making."""
    found, total = classify_videos(
        call, get_index(call, index_id),
        [
            LabelDefinition(one.name, one.description, _examples(one.examples), one.threshold)
            for one in body.labels
        ],
        body.videos, threshold=body.threshold, none=_examples(body.none),
        by_shot=body.per == "shot", offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.response([_label_row(one) for one in found], total)


def _examples(given: Sequence[LabelExample]) -> list[VideoExample]:
    return [VideoExample(one.video_id, one.start, one.end) for one in given]


def _label_row(row: Labelled) -> dict[str, Any]:
    one, video = row.classification, row.video
    origin = video.asset.media.span.start
    return {
        "video_id": video.id,
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
