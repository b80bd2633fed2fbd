"""What a frame shows: EfficientNet-Lite, in words through ConSE (:mod:`videlicet.models.conse`).

Picture-to-picture search uses the last network's penultimate activations in the basis that its
own classifier looks at (see :mod:`videlicet.models.imagenet_classes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from videlicet.models.base import FrameEncoding, ModelCard
from videlicet.models.conse import Conse, unit
from videlicet.models.imagenet_classes import class_names, class_vectors, feature_basis
from videlicet.models.runtime import Graph
from videlicet.models.weights import open_files

if TYPE_CHECKING:
    from videlicet.models.architectures import LoadModel
    from videlicet.models.base import Floats, Frame
    from videlicet.settings import Settings

#: Class names kept for each frame.
_LABELS = 5
#: Pictures nearer to a square than this are seen whole in one view.
_SQUARE = 1.15


class EfficientNetLite:
    """One network of the Lite family, or several whose opinions are averaged."""

    def __init__(self, card: ModelCard, settings: Settings, load: LoadModel) -> None:
        files = open_files(settings, card)
        given = card.preprocessing
        networks = given["networks"]
        assert isinstance(networks, tuple)
        self.card = card
        self.dimensions = card.dimensions or 0
        self.batch_size = 4
        self._networks = [(Graph(files[name]), int(side)) for name, side in networks]
        self._mean, self._scale = float(str(given["mean"])), float(str(given["scale"]))
        self._temperature = float(str(given["temperature"]))
        self._names = class_names(files)
        (text,) = card.needs
        self._words = Conse(class_vectors(card, settings, load(text)), int(str(given["top"])))
        self._basis = feature_basis(card, settings, files[networks[-1][0]])

    def encode_frames(self, frames: Sequence[Frame]) -> FrameEncoding:
        """Each frame by itself: its rows do not depend on its neighbours."""
        looks = [self._encode_frame(frame) for frame in frames]
        features = np.stack([f for f, _ in looks]) if looks else self._none(self.dimensions)
        chances = np.stack([p for _, p in looks]) if looks else self._none(len(self._names))
        return FrameEncoding(
            features=features,
            semantics=self._words.translate(chances),
            labels=tuple(self._label(row) for row in chances),
        )

    def _none(self, width: int) -> Floats:
        return np.zeros((0, width), np.float32)

    def _encode_frame(self, frame: Frame) -> tuple[Floats, Floats]:
        picture = Image.fromarray(frame)
        chances = []
        for graph, side in self._networks:
            # One view for each call: on a CPU that is faster than a batch of them.
            seen = [graph.run({"pictures": self._scaled(v)}) for v in square_crops(picture, side)]
            chances += [p[0] for _, p in seen]
        features = np.mean([f[0] for f, _ in seen], axis=0) @ self._basis
        mean = np.mean(chances, axis=0, dtype=np.float64)
        if self._temperature != 1.0:
            mean = mean ** (1 / self._temperature)
        mean /= mean.sum()
        return unit(features), mean.astype(np.float32)

    def _scaled(self, view: Image.Image) -> Floats:
        pixels = (np.asarray(view, dtype=np.float32) - self._mean) / self._scale
        return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)

    def _label(self, row: Floats) -> tuple[tuple[str, float], ...]:
        best = np.argsort(-row, kind="stable")[:_LABELS]
        return tuple((self._names[i], float(row[i])) for i in best)


def square_crops(picture: Image.Image, side: int) -> list[Image.Image]:
    """The squares of ``side`` pixels that a picture is seen through: the middle and both ends of a
    wide or tall one, so that nothing at its edges is lost; a nearly square one is seen whole."""
    width, height = picture.size
    short = min(width, height)
    if max(width, height) / short <= _SQUARE:
        boxes = [(0, 0, width, height)]
    else:
        right, down = width - short, height - short
        boxes = [
            (x, y, x + short, y + short)
            for x, y in ((0, 0), (right // 2, down // 2), (right, down))
        ]
    return [
        picture.resize((side, side), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
        for box in boxes
    ]
