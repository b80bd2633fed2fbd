"""Two towers with random weights, as small ONNX graphs."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime

from videlicet.models.base import FrameEncoding, ModelCard
from videlicet.settings import Settings

Load = Callable[[str], Any]


def _tower(inputs: int, outputs: int, seed: int) -> onnxruntime.InferenceSession:
    """Rows times a random matrix, at unit length."""
    weights = np.random.default_rng(seed).normal(size=(inputs, outputs)).astype(np.float32)
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("MatMul", ["rows", "weights"], ["product"]),
            onnx.helper.make_node("LpNormalization", ["product"], ["unit"], axis=1, p=2),
        ],
        "tower",
        [onnx.helper.make_tensor_value_info("rows", onnx.TensorProto.FLOAT, [None, inputs])],
        [onnx.helper.make_tensor_value_info("unit", onnx.TensorProto.FLOAT, [None, outputs])],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9
    )
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


class ExampleText:
    """A text is the words in it, each in one of some buckets."""

    max_tokens = 64

    def __init__(self, card: ModelCard, settings: Settings, load: Load) -> None:
        self.card = card
        self.dimensions = card.dimensions or 0
        self._buckets = int(str(card.preprocessing["buckets"]))
        self._tower = _tower(self._buckets, self.dimensions, seed=1)

    def encode(self, texts: Sequence[str]) -> Any:
        rows = np.zeros((len(texts), self._buckets), np.float32)
        for number, text in enumerate(texts):
            for word in _words(text):
                rows[number, zlib.crc32(word.encode()) % self._buckets] += 1
        return self._tower.run(None, {"rows": rows})[0]

    def count_tokens(self, text: str) -> int:
        return len(_words(text))


class ExampleFrames:
    """A frame is its pixels at a small size."""

    batch_size = 4

    def __init__(self, card: ModelCard, settings: Settings, load: Load) -> None:
        self.card = card
        self.dimensions = card.dimensions or 0
        self._side = int(str(card.preprocessing["side"]))
        self._mean = float(str(card.preprocessing["mean"]))
        self._scale = float(str(card.preprocessing["scale"]))
        self._tower = _tower(3 * self._side**2, self.dimensions, seed=2)

    def encode_frames(self, frames: Sequence[Any]) -> FrameEncoding:
        pixels = np.zeros((len(frames), 3 * self._side**2), np.float32)
        for number, frame in enumerate(frames):
            rows = np.linspace(0, frame.shape[0] - 1, self._side).astype(int)
            columns = np.linspace(0, frame.shape[1] - 1, self._side).astype(int)
            pixels[number] = (frame[np.ix_(rows, columns)].reshape(-1) - self._mean) / self._scale
        found = self._tower.run(None, {"rows": pixels})[0]
        # Words find frames in the space of the frames themselves.
        return FrameEncoding(features=found, semantics=found)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
