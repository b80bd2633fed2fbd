"""Running the application: connections that must bring their requests in time, and an end in good
order."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from videlicet.api.middleware.limits import MAX_HEADER_BYTES
from videlicet.errors import InvalidInput
from videlicet.telemetry import traces

if TYPE_CHECKING:
    from videlicet.settings import Settings

#: Seconds for which a connection without a request is kept. Longer than clients keep theirs, so
#: that none is closed in the moment it is used again.
KEEP_ALIVE_S = 75

#: A parameter of mallopt(3).
_M_ARENA_MAX = -8
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_log = logging.getLogger(__name__)


def run(app: Any, settings: Settings, *, host: str, port: int, **options: Any) -> None:
    """Serve ``app`` until the process is asked to stop. At the first signal no more requests are
    taken and those under way are finished, for ``shutdown_timeout`` seconds at most; the second
    ends the process at once. Neither loses what was accepted.

    Raises:
        InvalidInput: ``invalid_argument``, where it cannot listen there.
    """
    _limit_allocator_arenas()
    listening = _listen(host, port)
    traces.start(settings, "videlicet")
    server = _Server(
        uvicorn.Config(
            app,
            http=_protocol(settings.request_timeout),
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=max(1, round(settings.shutdown_timeout)),
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            **options,
        )
    )
    _log.info("serving", extra={"host": host, "port": port})
    server.run(sockets=[listening])
    traces.stop()
    if not server.started:
        sys.exit(1)
    _log.info("stopped")


def _limit_allocator_arenas() -> None:
    """Have threads share what the allocator keeps: with pools of their own, as glibc gives them,
    a server of many clients grows by a third."""
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
    except (OSError, AttributeError):
        return  # another C library, which does not do so


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named: only then does asyncio send small answers without delay.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise InvalidInput(
            "invalid_argument",
            f"{host} cannot be listened to on port {port}: {error.strerror}.",
            subject=str(port),
        ) from error
    return listening


class _Server(uvicorn.Server):
    """Exits with code 0 on a stop signal, rather than dying by it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {one: signal.signal(one, self.handle_exit) for one in _SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            # The worker ends by itself once the line to it is cut.
            os._exit(128 + sig)
        _log.info("stopping")
        self.should_exit = True


def _protocol(timeout: float) -> type[asyncio.Protocol]:
    """Connections whose requests' heads must be complete within so many seconds. (Bodies are
    waited for elsewhere.)"""

    class HeaderTimeoutProtocol(H11Protocol):
        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(cast(asyncio.Transport, transport))
            self._expect()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._expect()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._expect()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget()
            super().connection_lost(exc)

        def _expect(self) -> None:
            """Wait for a head where one has begun, or none has come yet."""
            begun = self.cycle is None or bool(self.conn.trailing_data[0])
            if self.conn.their_state is not h11.IDLE or not begun:
                self._forget()
            elif self._late is None:
                self._late = self.loop.call_later(timeout, self._give_up)

        def _forget(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _give_up(self) -> None:
            self._late = None
            if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
                return
            if self.conn.trailing_data[0]:
                self.transport.write(
                    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n"
                    b"content-length: 0\r\n\r\n"
                )
            self.transport.close()

    return HeaderTimeoutProtocol
