"""The child's end of the pipe: messages out, and how failures are reported."""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from typing import Any

from videlicet.media.process import PREFIX

#: Messages decoded ahead of the parent's reading.
AHEAD = 4


class MediaRefusal(Exception):
    """Something is wrong with the file; ``code`` is one of :class:`MediaError`'s."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ChildChannel:
    """Sends messages from a thread of its own, so that decoding goes on while the parent works."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: queue.Queue[tuple[bytes, Any] | None] = queue.Queue(AHEAD)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._last = time.monotonic()

    def send(self, kind: str, body: Any = b"", **header: object) -> None:
        """Queue one message; ``body`` is bytes or a contiguous array. Waits while the queue is
        full."""
        raw = json.dumps({"kind": kind, **header}).encode()
        view = memoryview(body).cast("B") if len(body) else memoryview(b"")
        self._queue.put((PREFIX.pack(len(raw), view.nbytes) + raw, view))
        self._last = time.monotonic()

    def alive(self) -> None:
        """Say that work goes on, if nothing was said for a while."""
        if time.monotonic() - self._last > 5:
            self.send("alive")

    def refuse(self, code: str, message: str) -> None:
        """Tell the parent why nothing more comes."""
        self.send("error", code=code, message=message)

    def close(self) -> None:
        """Wait until everything is with the parent."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (message := self._queue.get()) is not None:
            try:
                for part in message:
                    view = memoryview(part)
                    while view:
                        view = view[os.write(self._descriptor, view) :]
            except BrokenPipeError:  # the parent has seen enough
                os._exit(0)
