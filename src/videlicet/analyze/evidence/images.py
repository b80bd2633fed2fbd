"""The evidence of a single picture, as of a recording that lasts one second."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from videlicet.analyze.evidence.load import MAX_LABELS, MIN_LABEL_SCORE, AssetEvidence
from videlicet.embedding.spans import TimedVectors
from videlicet.embedding.texts import embed_texts
from videlicet.models.base import rows_in
from videlicet.types import Asset, EvidenceItem, Index, MediaInfo, Modality, Span, derived_id

if TYPE_CHECKING:
    from videlicet.models.base import FrameEncoder, OcrReader, TextEncoder
    from videlicet.settings import Settings

_SPAN = Span.of(0, 1)


@dataclass(frozen=True, slots=True)
class ImageModels:
    """What pictures are looked at with."""

    text: TextEncoder
    vision: FrameEncoder
    ocr: OcrReader


def image_evidence(
    name: str, source: bytes | Path, models: ImageModels, settings: Settings
) -> AssetEvidence:
    """What the models see and read in a picture.

    Raises:
        InvalidQuery: ``query_media_invalid``, it is none.
    """
    from videlicet.media.cut import load_image

    frame = load_image(source, settings)
    data = source if isinstance(source, bytes) else source.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    asset_id = derived_id("picture", sha256)
    now = datetime.now(UTC)
    seen = models.vision.encode_frames([frame])
    pieces = [
        EvidenceItem(
            asset_id, _SPAN, Modality.VISUAL, label, (models.vision.card.id,), confidence=score
        )
        for label, score in [name for names in seen.labels for name in names][:MAX_LABELS]
        if score >= MIN_LABEL_SCORE
    ]
    pieces += [
        EvidenceItem(
            asset_id, _SPAN, Modality.TEXT, line.text, (models.ocr.card.id,),
            confidence=line.confidence,
        )
        for line in models.ocr.read(frame)
    ]  # fmt: skip
    media = MediaInfo("image", _SPAN, None, (), None)
    cards = {
        "text": models.text.card.id,
        "vision": models.vision.card.id,
        "ocr": models.ocr.card.id,
    }
    looks = rows_in(models.text.card.space, models.vision, seen)
    vectors = [
        looks[0]
        if item.modality is Modality.VISUAL and looks is not None
        else embed_texts(models.text, [item.text])[0]
        for item in pieces
    ]
    wide = models.text.dimensions
    none = TimedVectors((), np.zeros((0, wide), np.float32))
    return AssetEvidence(
        asset=Asset(
            asset_id, name, now, size=len(data), sha256=sha256, type="image", recording=media
        ),
        index=Index("", "pictures", cards, now),
        span=_SPAN,
        items=tuple(pieces),
        vectors=np.stack(vectors) if vectors else np.zeros((0, wide), np.float32),
        shots=(_SPAN,),
        frame_vectors=none if looks is None else TimedVectors([_SPAN], looks),
    )
