"""Tensors out of a legacy PyTorch file (before PyTorch 1.6), without PyTorch.

Such a file is a row of pickles and then raw storage bytes. Unpickling may run code, so only the
four names a state dictionary is made of are let through, and none of them is PyTorch's own.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videlicet.errors import ModelError

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Storage:
    def __init__(self, kind: np.dtype[Any], count: int) -> None:
        self.kind = kind
        self.count = count
        self.data: NDArray[Any] | None = None


class _Tensor:
    def __init__(
        self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
    ) -> None:
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def array(self) -> NDArray[Any]:
        data = self.storage.data
        if data is None:
            raise _broken("a tensor without bytes")
        if len(self.shape) != len(self.strides) or min((*self.strides, self.offset)) < 0:
            raise _broken("a tensor of impossible shape")
        reach = sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if min((*self.shape, 1)) < 1 or self.offset + reach >= len(data):
            raise _broken("a tensor that reaches beyond its bytes")
        steps = [step * data.itemsize for step in self.strides]
        view = np.lib.stride_tricks.as_strided(data[self.offset :], self.shape, steps)
        return np.ascontiguousarray(view).reshape(self.shape)


def _rebuild(
    storage: _Storage,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    _grad: bool = False,
    _hooks: object = None,
) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise _broken("a tensor of something that is not storage")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _Reader(pickle.Unpickler):
    """Lets through a plain state dictionary and nothing else."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise _broken(f"the name {module}.{name}, which weights have no use for")

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", np.dtype() as kind, str(key), str(), int(count), None) if count >= 0:
                return self.storages.setdefault(key, _Storage(kind, count))
        raise _broken("storage of an unknown form")


def read_state(data: bytes) -> dict[str, NDArray[Any]]:
    """The named tensors of a legacy PyTorch state dictionary.

    Raises:
        ModelError: ``weights_checksum_mismatch``, if the file is of another form or asks for
            anything beyond plain tensors.
    """
    file = io.BytesIO(data)
    try:
        if _Reader(file).load() != _MAGIC or _Reader(file).load() != _PROTOCOL:
            raise _broken("another file format")
        system = _Reader(file).load()
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise _broken("another byte order")
        reader = _Reader(file)
        state = reader.load()
        for key in _Reader(file).load():
            storage = reader.storages[key]
            if int.from_bytes(file.read(8), "little") != storage.count:
                raise _broken("storage of another size")
            raw = file.read(storage.count * storage.kind.itemsize)
            storage.data = np.frombuffer(raw, dtype=storage.kind, count=storage.count)
        return {str(name): tensor.array() for name, tensor in state.items()}
    except (
        pickle.UnpicklingError, EOFError, KeyError, ValueError, TypeError, AttributeError,
        IndexError, ImportError, OverflowError, MemoryError,
    ) as error:  # fmt: skip
        raise _broken(f"bytes that cannot be read ({error})") from error


def _broken(what: str) -> ModelError:
    return ModelError("weights_checksum_mismatch", f"The PyTorch weights hold {what}.")
