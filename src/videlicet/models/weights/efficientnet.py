"""EfficientNet-Lite as an ONNX graph, built from its trained tensors.

The network is that of Tan and Le (2019) without squeeze-and-excitation and with ReLU6, as in the
``efficientnet/lite`` reference. Batch normalisation is folded into the convolutions. The graph
is written field by field and its arithmetic is elementwise IEEE, so the bytes are the same
wherever it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from videlicet.errors import ModelError

#: Stride of the first block of each stage; the number of blocks follows from the weights.
_STRIDES = (1, 2, 2, 2, 1, 2, 1)
_REPEATS = (1, 2, 2, 3, 3, 4, 1)
_DEPTH = {"lite0": 1.0, "lite1": 1.1, "lite2": 1.2}
_EPSILON = 1e-3
_IR_VERSION, _OPSET = 8, 13

Tensors = Mapping[str, NDArray[Any]]


def build(tensors: Tensors, variant: str) -> bytes:
    """The ONNX model of one variant (``lite0``, ``lite1``, ``lite2``).

    Input ``pictures`` float32 (n, 3, h, w), already scaled; outputs ``features`` float32
    (n, 1280), the last layer's mean over the picture, and ``probabilities`` float32 (n, 1000).
    """
    try:
        return _Graph(tensors, variant).serialize()
    except KeyError as error:
        raise ModelError(
            "weights_checksum_mismatch", f"The weights lack the tensor {error}."
        ) from error


def _strides(variant: str) -> list[int]:
    strides = []
    last = len(_STRIDES) - 1
    for stage, (stride, repeats) in enumerate(zip(_STRIDES, _REPEATS, strict=True)):
        # Lite models scale the depth of every stage but the first and the last.
        count = repeats if stage in (0, last) else int(np.ceil(_DEPTH[variant] * repeats))
        strides += [stride, *[1] * (count - 1)]
    return strides


class _Graph:
    def __init__(self, tensors: Tensors, variant: str) -> None:
        self._tensors = tensors
        self._model = onnx.ModelProto(ir_version=_IR_VERSION, producer_name="videlicet")
        self._model.opset_import.add(domain="", version=_OPSET)
        self._graph = self._model.graph
        self._graph.name = f"efficientnet-{variant}"
        self._value("zero", np.float32(0))
        self._value("six", np.float32(6))
        self._inputs_and_outputs()
        x = self._conv("pictures", "_conv_stem", "_bn0", stride=2)
        x = self._relu6(x)
        for number, stride in enumerate(_strides(variant)):
            x = self._block(x, f"_blocks.{number}.", stride)
        x = self._relu6(self._conv(x, "_conv_head", "_bn1"))
        x = self._node("GlobalAveragePool", [x], "pooled")
        features = self._node("Flatten", [x], "features", axis=1)
        self._value("fc.weight", self._tensors["_fc.weight"])
        self._value("fc.bias", self._tensors["_fc.bias"])
        logits = self._node("Gemm", [features, "fc.weight", "fc.bias"], "logits", transB=1)
        self._node("Softmax", [logits], "probabilities", axis=1)

    def serialize(self) -> bytes:
        return bytes(self._model.SerializeToString(deterministic=True))

    def _inputs_and_outputs(self) -> None:
        for values, name, shape in (
            (self._graph.input, "pictures", ("n", 3, "h", "w")),
            (self._graph.output, "features", ("n", 1280)),
            (self._graph.output, "probabilities", ("n", 1000)),
        ):
            kind = values.add(name=name).type.tensor_type
            kind.elem_type = onnx.TensorProto.FLOAT
            for size in shape:
                if isinstance(size, str):
                    kind.shape.dim.add(dim_param=size)
                else:
                    kind.shape.dim.add(dim_value=size)

    def _block(self, x: str, at: str, stride: int) -> str:
        entry = x
        entry_channels = self._tensors[at + "_depthwise_conv.weight"].shape[0]
        if at + "_expand_conv.weight" in self._tensors:
            entry_channels = self._tensors[at + "_expand_conv.weight"].shape[1]
            x = self._relu6(self._conv(x, at + "_expand_conv", at + "_bn0"))
        x = self._relu6(self._conv(x, at + "_depthwise_conv", at + "_bn1", stride=stride))
        x = self._conv(x, at + "_project_conv", at + "_bn2")
        channels = self._tensors[at + "_project_conv.weight"].shape[0]
        if stride == 1 and channels == entry_channels:
            x = self._node("Add", [x, entry], at + "out")
        return x

    def _conv(self, x: str, conv: str, norm: str, stride: int = 1) -> str:
        weight = self._tensors[conv + ".weight"].astype(np.float64)
        scale = self._tensors[norm + ".weight"] / np.sqrt(
            self._tensors[norm + ".running_var"].astype(np.float64) + _EPSILON
        )
        shift = self._tensors[norm + ".bias"] - self._tensors[norm + ".running_mean"] * scale
        self._value(conv + ".weight", weight * scale[:, None, None, None])
        self._value(conv + ".bias", shift)
        kernel = weight.shape[2]
        return self._node(
            "Conv",
            [x, conv + ".weight", conv + ".bias"],
            conv,
            auto_pad=b"SAME_UPPER",
            group=weight.shape[0] if weight.shape[1] == 1 else 1,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
        )

    def _relu6(self, x: str) -> str:
        return self._node("Clip", [x, "zero", "six"], x + ".relu6")

    def _value(self, name: str, value: NDArray[Any] | np.float32) -> None:
        array = np.ascontiguousarray(value, dtype="<f4")
        self._graph.initializer.add(
            name=name,
            data_type=onnx.TensorProto.FLOAT,
            dims=np.shape(value),
            raw_data=array.tobytes(),
        )

    def _node(
        self, kind: str, inputs: list[str], output: str, **attributes: int | list[int] | bytes
    ) -> str:
        node = self._graph.node.add(op_type=kind, name=output, input=inputs, output=[output])
        for name, value in attributes.items():
            if isinstance(value, bytes):
                node.attribute.add(name=name, type=onnx.AttributeProto.STRING, s=value)
            elif isinstance(value, int):
                node.attribute.add(name=name, type=onnx.AttributeProto.INT, i=value)
            else:
                node.attribute.add(name=name, type=onnx.AttributeProto.INTS, ints=value)
        return output
