"""Lines of text in a frame: PP-OCR through RapidOCR, with the card's own weights."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from videlicet.models.base import ModelCard, TextLine
from videlicet.models.weights import open_files
from videlicet.types import Box

if TYPE_CHECKING:
    from videlicet.models.architectures import LoadModel
    from videlicet.models.base import Frame
    from videlicet.settings import Settings


class PaddleReader:
    """Finds text at a reduced size, and reads it at the frame's own size."""

    def __init__(self, card: ModelCard, settings: Settings, load: LoadModel) -> None:
        files = open_files(settings, card)
        given = card.preprocessing
        self.card = card
        self._least = float(str(given["least_confidence"]))
        self._detector = str(files["PP-OCRv6_det_small.onnx"])
        self._recogniser = str(files["PP-OCRv6_rec_small.onnx"])
        self._finder = self._engine(int(str(given["find_side"])), read=False)
        self._reader = self._engine(int(str(given["read_side"])), read=True)

    def find(self, frame: Frame) -> list[Box]:
        """Where text is, without reading it, in reading order."""
        found = self._finder(_bgr(frame))
        boxes = getattr(found, "boxes", None)
        return [] if boxes is None else [_box(corners, frame) for corners in boxes]

    def read(self, frame: Frame) -> list[TextLine]:
        """Every line of text in reading order, with confidence 0..1."""
        found = self._reader(_bgr(frame))
        if getattr(found, "txts", None) is None or found.boxes is None:
            return []
        return [
            TextLine(str(text).strip(), _box(corners, frame), float(score))
            for text, corners, score in zip(found.txts, found.boxes, found.scores, strict=True)
            if score >= self._least and str(text).strip()
        ]

    def _engine(self, side: int, *, read: bool) -> Any:
        # RapidOCR sets up its own log on import; it says nothing that the caller needs.
        logging.getLogger("RapidOCR").disabled = True
        from rapidocr import RapidOCR

        return RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                "Global.use_rec": read,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                # With a path of ours RapidOCR never looks for a download.
                "Det.model_path": self._detector,
                "Det.limit_type": "max",
                "Det.limit_side_len": side,
                "Rec.model_path": self._recogniser,
            }
        )


def _bgr(frame: Frame) -> Frame:
    return np.ascontiguousarray(frame[..., ::-1])


def _box(corners: Any, frame: Frame) -> Box:
    """The upright rectangle around four corners given in pixels."""
    height, width = frame.shape[:2]
    points = np.clip(np.asarray(corners, np.float64) / (width, height), 0.0, 1.0)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return Box(float(left), float(top), float(right - left), float(bottom - top))
