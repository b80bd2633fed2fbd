"""A stand-in for what Google documents: OAuth 2.0 for web servers, and the Drive API v3."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT, SECRET = "client-1", "client-secret-1"


class _Handler(BaseHTTPRequestHandler):
    server: Google

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/o/oauth2/v2/auth":
            self._authorize(query)
        elif self.headers["authorization"] != f"Bearer {self.server.access_token}":
            self._answer(401, {"error": {"code": 401, "message": "Invalid Credentials"}})
        elif parts.path == "/drive/v3/about":
            user = {"permissionId": "perm-1", "emailAddress": "ada@example.org"}
            self._answer(200, {"user": user})
        elif parts.path.startswith("/drive/v3/files/"):
            self._file(parts.path.rpartition("/")[2], query)
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        size = int(self.headers["content-length"])
        form = {k: v[-1] for k, v in parse_qs(self.rfile.read(size).decode()).items()}
        if self.path == "/token":
            self._token(form)
        elif self.path == "/revoke":
            self.server.revoked.append(form["token"])
            self._answer(200, {})
        else:
            self._answer(404, {})

    def _authorize(self, query: dict[str, str]) -> None:
        """The user allows it at once."""
        assert query["client_id"] == CLIENT
        assert (query["response_type"], query["access_type"]) == ("code", "offline")
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self.server.codes)}"
        self.server.codes[code] = query
        back = {"state": query["state"], "code": code}
        if self.server.denies:
            back = {"state": query["state"], "error": "access_denied"}
        self.send_response(302)
        self.send_header("location", f"{query['redirect_uri']}?{urlencode(back)}")
        self.send_header("content-length", "0")
        self.end_headers()

    def _token(self, form: dict[str, str]) -> None:
        assert (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
        refused = {"error": "invalid_grant"}
        if form["grant_type"] == "authorization_code":
            asked = self.server.codes.pop(form["code"], None)
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if (
                asked is None
                or asked["code_challenge"] != proof
                or asked["redirect_uri"] != form["redirect_uri"]
            ):
                self._answer(400, refused)
                return
            self.server.scope = asked["scope"]
        elif self.server.expired or form["refresh_token"] != self.server.refresh_token:
            self._answer(400, refused)
            return
        self.server.issued += 1
        row = {
            "access_token": self.server.access_token, "token_type": "Bearer",
            "expires_in": self.server.lifetime, "scope": self.server.scope,
        }  # fmt: skip
        if form["grant_type"] == "authorization_code":
            row["refresh_token"] = self.server.refresh_token
        self._answer(200, row)

    def _file(self, id: str, query: dict[str, str]) -> None:
        found = self.server.files.get(id)
        if found is None:
            self._answer(404, {"error": {"code": 404, "message": "File not found"}})
        elif query.get("alt") != "media":
            self._answer(
                200,
                {
                    "id": id, "name": found.name, "mimeType": "video/mp4",
                    "size": str(found.stat().st_size), "trashed": False,
                    "webViewLink": f"https://drive.example/{id}",
                    "capabilities": {"canDownload": True},
                } if found.is_file() else {
                    "id": id, "name": found.name,
                    "mimeType": "application/vnd.google-apps.folder", "trashed": False,
                },
            )  # fmt: skip
        elif self.server.broken:
            self._answer(500, {})
        else:
            self.server.downloads.append(id)
            data = found.read_bytes()
            self.send_response(200)
            self.send_header("content-type", "video/mp4")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def _answer(self, status: int, row: Any) -> None:
        data = json.dumps(row).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is told."""


class Google(ThreadingHTTPServer):
    """One account; ``files`` are in it by id."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, Path] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh_token = "refresh-secret-1"
        self.scope = ""
        self.lifetime = 3600
        #: How often tokens were given, and whether Google refuses.
        self.issued = 0
        self.expired = self.denies = self.broken = False
        self.downloads: list[str] = []
        self.revoked: list[str] = []

    @property
    def access_token(self) -> str:
        return f"access-secret-{self.issued}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def google() -> Iterator[Google]:
    server = Google()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
