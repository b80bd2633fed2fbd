"""Several servers of one store behind one address, as a balancer would have them: each connection
goes to the next server in turn, past those that are not there."""

from __future__ import annotations

import contextlib
import itertools
import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def balanced(port: int, servers: Sequence[int]) -> Iterator[None]:
    """Listen on ``port`` of this machine for as long as the block runs, and pass connections on to
    the ports of ``servers``."""
    turns = itertools.cycle(servers)

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with _reach(itertools.islice(turns, len(servers))) as there:
                back = threading.Thread(target=_pass, args=(there, self.request), daemon=True)
                back.start()
                _pass(self.request, there)
                back.join()

    class Balancer(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True
        request_queue_size = 128
        # Clients may keep their connections for longer than the block.
        block_on_close = False

    with Balancer(("127.0.0.1", port), Connection) as balancer:
        thread = threading.Thread(target=balancer.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            balancer.shutdown()
            thread.join()


def _reach(ports: Iterator[int]) -> socket.socket:
    for port in ports:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port))
    raise ConnectionRefusedError("no server is there")


def _pass(source: socket.socket, sink: socket.socket) -> None:
    """Whatever comes, until either side has closed; then both are closed."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
