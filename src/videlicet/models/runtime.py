"""ONNX Runtime sessions as every model here uses them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    EPFail,
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    RuntimeException,
)

from videlicet.errors import ModelError

_FAILURES = (
    EPFail, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile, RuntimeException,
)  # fmt: skip


class Graph:
    """A graph ready to run on the CPU; :meth:`run` may be called from several threads at once.

    One thread for each call is right where many calls run side by side, as in ingest: two cores
    are done sooner with two frames in two threads than with one after the other on both.

    Raises:
        ModelError: ``model_failed``, if the graph cannot be loaded.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._path = path
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except _FAILURES as error:
            raise ModelError(
                "model_failed", f"{path.name} cannot be loaded: {error}", subject=str(path)
            ) from error

    def run(self, feeds: Mapping[str, Any]) -> list[Any]:
        """Every output of the graph, in its order.

        Raises:
            ModelError: ``model_failed``.
        """
        try:
            return list(self._session.run(None, dict(feeds)))
        except _FAILURES as error:
            raise ModelError(
                "model_failed", f"{self._path.name} broke off: {error}", subject=str(self._path)
            ) from error
