"""Processes forked from one that has imported the decoders' libraries: a decoder starts in
milliseconds, and none inherits anything of the program that it works for.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

#: A process id, or an exit code, on a control socket.
NUMBER = struct.Struct(">i")
#: Descriptors that one request may bring; Linux passes 253 at most.
LARGEST_REQUEST = 253
_INHERITED_VARIABLES = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    root = str(Path(__file__).parents[2])
    search = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return kept | {
        "PYTHONPATH": os.pathsep.join(search),
        # A library's thread pools and allocator arenas count against the address space.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "PYTHONWARNINGS": "ignore",
    }


class ForkServerGone(Exception):
    """The fork server ended before it forked; the message is what it last said."""


class ForkedProcess:
    """A process that the fork server has forked."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        #: Its exit code (negative: a signal's number), or None while it runs, and for ever where
        #: the fork server was killed.
        self.exit_code: int | None = None
        pid = self._receive()
        if pid is None:
            control.close()
            raise ForkServerGone
        self.pid = pid

    def _receive(self) -> int | None:
        with contextlib.suppress(ConnectionError):
            data = self._control.recv(NUMBER.size, socket.MSG_WAITALL)
            if len(data) == NUMBER.size:
                return int(NUMBER.unpack(data)[0])
        return None

    def wait(self, seconds: float) -> bool:
        """Whether it ended within this time, or can be waited for no more."""
        waiting = select.poll()
        waiting.register(self._control, select.POLLIN)
        if not waiting.poll(seconds * 1000):
            return False
        if self.exit_code is None:
            self.exit_code = self._receive()
        return True

    def kill(self) -> None:
        """Have it killed; harmless when it has ended."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Kill it and wait until it is gone."""
        if self._control.fileno() >= 0:
            self.kill()
            if self.exit_code is None:
                self.exit_code = self._receive()
            self._control.close()


class ForkServer:
    """The parent's end of a process that runs :mod:`videlicet.media.child`."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "videlicet.media.child", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    pass_fds=[theirs.fileno()],
                    env=_environment(),
                    cwd="/",
                    start_new_session=True,
                )
        except BaseException:
            self._socket.close()
            self._errors.close()
            raise

    def fork(self, streams: Sequence[int], files: Sequence[int]) -> ForkedProcess:
        """A process with these standard streams, and with ``files`` open.

        Raises :class:`ForkServerGone`.
        """
        control, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._socket, [b"."], [theirs.fileno(), *streams, *files])
        except ConnectionError as error:
            control.close()
            raise ForkServerGone(self.log()) from error
        except BaseException:
            control.close()
            raise
        try:
            return ForkedProcess(control)
        except ForkServerGone as error:
            raise ForkServerGone(self.log()) from error

    def log(self) -> str:
        """What it last wrote on standard error."""
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 2000))
        return self._errors.read().decode("utf-8", "backslashreplace").strip()

    def close(self) -> None:
        """End it; what it forked ends when its parent lets it go."""
        self._socket.close()
        self._process.wait()
        self._errors.close()


_lock = threading.Lock()
_running: ForkServer | None = None


def fork(streams: Sequence[int], files: Sequence[int]) -> ForkedProcess:
    """A process of this program's fork server, which is started with the first, and again if it
    was killed.

    Raises :class:`ForkServerGone`: it cannot start.
    """
    server = _server(None)
    try:
        return server.fork(streams, files)
    except ForkServerGone:
        return _server(server).fork(streams, files)


def _server(gone: ForkServer | None) -> ForkServer:
    """The fork server; a new one in place of ``gone``."""
    global _running
    with _lock:
        if _running is gone:
            if gone is not None:
                gone.close()
            _running = ForkServer()
        assert _running is not None
        return _running


@atexit.register
def _close() -> None:
    if _running is not None:
        _running.close()
