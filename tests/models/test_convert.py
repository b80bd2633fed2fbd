from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

from videlicet.errors import ModelError
from videlicet.models.runtime import Graph
from videlicet.models.weights.convert import convert
from videlicet.models.weights.efficientnet import build
from videlicet.models.weights.torchfile import read_state

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class _Name:
    """Pickles as a bare global name, whatever it names."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Call:
    def __init__(self, function: _Name, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments


class _Storage:
    def __init__(self, key: str, count: int, kind: str = "FloatStorage") -> None:
        self.key, self.count, self.kind = key, count, kind


class _Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    """The pure Python pickler, taught to write names of things that are not installed."""

    def save(self, thing: Any, save_persistent_id: bool = True) -> None:
        if isinstance(thing, _Name):
            self.write(f"c{thing.module}\n{thing.name}\n".encode())
        elif isinstance(thing, _Call):
            self.save(thing.function)
            self.save(thing.arguments)
            self.write(b"R")
        elif isinstance(thing, _Storage):
            self.save(("storage", _Name("torch", thing.kind), thing.key, "cpu", thing.count, None))
            self.write(b"Q")
        else:
            super().save(thing, save_persistent_id)


def tensor(key: str, count: int, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0,
           kind: str = "FloatStorage") -> _Call:  # fmt: skip
    rebuild = _Name("torch._utils", "_rebuild_tensor_v2")
    return _Call(rebuild, _Storage(key, count, kind), offset, shape, strides, False, OrderedDict())


def legacy(state: Any, storages: dict[str, bytes], sizes: dict[str, int]) -> bytes:
    out = io.BytesIO()
    for head in (MAGIC, PROTOCOL, {"protocol_version": PROTOCOL, "little_endian": True}):
        out.write(pickle.dumps(head, 2))
    _Pickler(out, 2).dump(state)
    out.write(pickle.dumps(list(storages), 2))
    for key, raw in storages.items():
        out.write(struct.pack("<q", sizes[key]) + raw)
    return out.getvalue()


def test_a_legacy_state_is_read_in_any_layout() -> None:
    data = np.arange(12, dtype="<f4")
    state = OrderedDict(
        plain=tensor("0", 12, (3, 4), (4, 1)),
        turned=tensor("0", 12, (4, 3), (1, 4)),
        part=tensor("0", 12, (2, 2), (4, 1), offset=5),
        scalar=tensor("1", 1, (), (), kind="LongStorage"),
    )
    raw = legacy(state, {"0": data.tobytes(), "1": struct.pack("<q", 7)}, {"0": 12, "1": 1})
    found = read_state(raw)
    assert (found["plain"] == data.reshape(3, 4)).all()
    assert (found["turned"] == data.reshape(3, 4).T).all()
    assert (found["part"] == [[5, 6], [9, 10]]).all()
    assert found["scalar"] == 7
    assert all(array.flags.c_contiguous for array in found.values())


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (_Call(_Name("os", "system"), "true"), "the name os.system"),
        (_Call(_Name("builtins", "eval"), "1"), "the name builtins.eval"),
        (_Name("torch", "load"), "the name torch.load"),
        ({"a": tensor("0", 4, (2, 3), (3, 1))}, "reaches beyond its bytes"),
        ({"a": tensor("0", 4, (2, 2), (-2, 1))}, "impossible shape"),
        ({"a": tensor("0", 4, (0,), (1,))}, "reaches beyond its bytes"),
        ({k: tensor(k, 4, (4,), (1,)) for k in "09"}, "without bytes"),
        (
            {"a": _Call(_Name("torch._utils", "_rebuild_tensor_v2"), 1, 0, (1,), (1,))},
            "not storage",
        ),
        ({"a": 3}, "cannot be read"),
    ],
)  # fmt: skip
def test_what_no_weights_need_is_refused(state: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        read_state(legacy(state, {"0": bytes(16)}, {"0": 4}))
    assert caught.value.code == "weights_checksum_mismatch"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 a zip of a newer version",
        pickle.dumps(1, 2),
        pickle.dumps(MAGIC, 2) + pickle.dumps(PROTOCOL, 2) + pickle.dumps({"little_endian": False}),
        legacy(OrderedDict(a=tensor("0", 4, (4,), (1,))), {"0": bytes(16)}, {"0": 5}),
        legacy(OrderedDict(a=tensor("0", 4, (4,), (1,))), {"0": bytes(9)}, {"0": 4}),
    ],
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        read_state(data)
    assert caught.value.code == "weights_checksum_mismatch"


def _tiny_lite0(random: np.random.Generator) -> dict[str, Any]:
    """All tensors of Lite0 with few channels: shapes are what the graph is made from."""
    state: dict[str, Any] = {}

    def norm(name: str, channels: int) -> None:
        state[name + ".weight"] = random.normal(size=channels).astype("f4")
        state[name + ".bias"] = random.normal(size=channels).astype("f4")
        state[name + ".running_mean"] = random.normal(size=channels).astype("f4")
        state[name + ".running_var"] = random.random(channels).astype("f4") + 0.5

    def conv(name: str, out: int, into: int, kernel: int) -> None:
        state[name + ".weight"] = random.normal(size=(out, into, kernel, kernel)).astype("f4")

    conv("_conv_stem", 4, 3, 3)
    norm("_bn0", 4)
    channels = 4
    for number in range(1 + 2 + 2 + 3 + 3 + 4 + 1):
        at, wide = f"_blocks.{number}.", channels if number == 0 else channels * 2
        if number:
            conv(at + "_expand_conv", wide, channels, 1)
            norm(at + "_bn0", wide)
        conv(at + "_depthwise_conv", wide, 1, 3 if number % 2 else 5)
        norm(at + "_bn1", wide)
        conv(at + "_project_conv", 4, wide, 1)
        norm(at + "_bn2", 4)
        channels = 4
    conv("_conv_head", 1280, 4, 1)
    norm("_bn1", 1280)
    state["_fc.weight"] = random.normal(size=(1000, 1280)).astype("f4") / 100
    state["_fc.bias"] = np.zeros(1000, "f4")
    return state


def test_the_graph_is_the_same_bytes_every_time_and_runs(tmp_path: Any) -> None:
    state = _tiny_lite0(np.random.default_rng(0))
    data = build(state, "lite0")
    assert data == build(state, "lite0")
    (tmp_path / "g.onnx").write_bytes(data)
    graph = Graph(tmp_path / "g.onnx")
    pictures = np.random.default_rng(1).normal(size=(2, 3, 65, 97)).astype("f4")
    features, chances = graph.run({"pictures": pictures})
    assert features.shape == (2, 1280)
    assert chances.shape == (2, 1000)
    assert np.allclose(chances.sum(axis=1), 1, atol=1e-5)
    alone, _ = graph.run({"pictures": pictures[:1]})
    assert np.array_equal(alone[0], features[0])
    with pytest.raises(ModelError, match="broke off"):
        graph.run({"pictures": pictures[:, :2]})


def test_lacking_tensors_and_broken_graphs_are_refused(tmp_path: Any) -> None:
    state = _tiny_lite0(np.random.default_rng(0))
    del state["_blocks.3._bn1.bias"]
    with pytest.raises(ModelError, match=r"_blocks\.3\._bn1\.bias"):
        build(state, "lite0")
    (tmp_path / "g.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError) as caught:
        Graph(tmp_path / "g.onnx")
    assert caught.value.code == "model_failed"


def test_conversions_go_by_name() -> None:
    assert convert(b"as it is", "copy") == b"as it is"
    with pytest.raises(ModelError, match="no conversion"):
        convert(b"", "sideways")
