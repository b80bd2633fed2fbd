"""How a carrier's bytes become the file that a card pins."""

from __future__ import annotations

from collections.abc import Callable

from videlicet.errors import ModelError


def _copy(data: bytes) -> bytes:
    return data


def _efficientnet(variant: str) -> Callable[[bytes], bytes]:
    def convert(data: bytes) -> bytes:
        from videlicet.models.weights.efficientnet import build
        from videlicet.models.weights.torchfile import read_state

        return build(read_state(data), variant)

    return convert


_WAYS: dict[str, Callable[[bytes], bytes]] = {
    "copy": _copy,
    **{
        f"efficientnet-{variant}": _efficientnet(variant) for variant in ("lite0", "lite1", "lite2")
    },
}


def convert(data: bytes, way: str) -> bytes:
    """``data`` converted in one of the ways that cards name."""
    if way not in _WAYS:
        raise ModelError("weights_unavailable", f"There is no conversion called {way!r}.")
    return _WAYS[way](data)
