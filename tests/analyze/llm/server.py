"""A server of chat completions that does what a test says, wrong or right."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Call(BaseHTTPRequestHandler):
    """One request; ``body`` is what it asks."""

    server: Fake

    def do_POST(self) -> None:
        self.body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.calls.append(self)
        number = min(len(self.server.calls), len(self.server.acts)) - 1
        try:
            self.server.acts[number](self)
        except (BrokenPipeError, ConnectionResetError):
            self.server.left.set()

    def until_hung_up(self) -> None:
        """Say nothing until the client hangs up."""
        self.server.asked.set()
        if self.connection.recv(1) == b"":
            self.server.left.set()

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()

    def raw(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.wfile.flush()

    def chunk(self, content: str | None = None, **more: Any) -> None:
        choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
        self.raw(f"data: {json.dumps({'choices': [choice], **more})}\n\n")

    def end(self, reason: str = "stop", usage: dict[str, int] | None = None) -> None:
        choice = {"index": 0, "delta": {}, "finish_reason": reason}
        self.raw(f"data: {json.dumps({'choices': [choice]})}\n\n")
        if usage:
            self.raw(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n")
        self.raw("data: [DONE]\n\n")

    def refuse(self, status: int, message: str = "no", **headers: str) -> None:
        data = json.dumps({"error": {"message": message}}).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


Act = Callable[[Call], None]


def saying(*parts: str, reason: str = "stop", usage: tuple[int, int] | None = None) -> Act:
    """Says so, part by part."""

    def act(call: Call) -> None:
        call.begin()
        for part in parts:
            call.chunk(part)
        answer = None
        if usage:
            answer = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": 0}
        call.end(reason, answer)

    return act


class Fake(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, acts: tuple[Act, ...]) -> None:
        super().__init__(("127.0.0.1", 0), Call)
        self.acts = acts
        self.calls: list[Call] = []
        #: Set once a silent call was asked, once somebody hung up, and to let go of requests that
        #: wait.
        self.asked, self.left, self.go = threading.Event(), threading.Event(), threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, *_: Any) -> None:
        """Clients hang up in these tests."""


@contextmanager
def fake(*acts: Act) -> Iterator[Fake]:
    """A server that does each of these in turn, and the last one ever after."""
    server = Fake(acts)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.go.set()
        server.shutdown()
        thread.join()
        server.server_close()
