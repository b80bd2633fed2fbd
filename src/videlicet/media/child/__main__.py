"""The fork server of the decoders: it imports what they need once, and forks a process for each
request. It reads no file itself, so each decoder begins in the same clean state.

For each request the parent sends one byte with descriptors: a control socket, the child's standard
streams, and the files. The control socket tells the child's process id, and its exit code when it
has ended; a child whose control socket is closed is killed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from videlicet.media.child.operation import import_operations, run_operation
from videlicet.media.fork_server import LARGEST_REQUEST, NUMBER


def main() -> None:
    """Serve until the parent closes its end, or has died."""
    # A signal to all processes of a service is for the parent, which may have work to finish.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    requests = socket.socket(fileno=int(sys.argv[1]))
    if sys.platform == "linux":  # elsewhere some libraries do not work in a fork once imported
        import_operations()
        gc.freeze()
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    controls: dict[int, socket.socket] = {}
    selector = selectors.DefaultSelector()
    selector.register(requests, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is requests:
                data, descriptors, *_ = socket.recv_fds(requests, 1, LARGEST_REQUEST)
                if not data:
                    return  # the children end with their standard input
                control = socket.socket(fileno=descriptors[0])
                pid = os.fork()
                if not pid:
                    _run_child(descriptors[1:])
                for descriptor in descriptors[1:]:
                    os.close(descriptor)
                controls[pid] = control
                selector.register(control, selectors.EVENT_READ, pid)
                with contextlib.suppress(OSError):
                    control.send(NUMBER.pack(pid))
            elif key.fileobj == woken:
                os.read(woken, 4096)
                for pid, code in _ended():
                    control = controls.pop(pid)
                    with contextlib.suppress(KeyError):
                        selector.unregister(control)
                    with control, contextlib.suppress(OSError):
                        control.send(NUMBER.pack(code))
            elif key.data in controls:
                # The parent says nothing there: it has closed the socket.
                selector.unregister(key.fileobj)
                os.kill(key.data, signal.SIGKILL)


def _ended() -> list[tuple[int, int]]:
    """Children that have ended, with their exit codes (negative: a signal's number)."""
    found = []
    with contextlib.suppress(ChildProcessError):
        while (status := os.waitpid(-1, os.WNOHANG))[0]:
            found.append((status[0], os.waitstatus_to_exitcode(status[1])))
    return found


def _run_child(descriptors: Sequence[int]) -> NoReturn:
    """What the forked process does; ``descriptors`` are its standard streams and its files."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        streams, files = descriptors[:3], descriptors[3:]
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        _close_all_but(files)
        run_operation(files)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


def _close_all_but(kept: Sequence[int]) -> None:
    """Close what the fork server and its other children have open."""
    first = 3
    for descriptor in sorted(kept):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


if __name__ == "__main__":
    main()
