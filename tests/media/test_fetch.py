from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.errors import InvalidInput, MediaError, StoreError
from videlicet.media.fetch import check, fetch, is_public

BODY = bytes(range(256)) * 4096


class Handler(BaseHTTPRequestHandler):
    """Serves by path: /video, /page, /missing, /short, /packed, /to/<n> (n redirects to /video),
    /away (a redirect to the cloud's metadata service)."""

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.asked.append((self.path, self.headers["Host"]))
        name, _, rest = self.path.strip("/").partition("/")
        if name == "to":
            left = int(rest)
            self._answer(302, {"Location": f"/to/{left - 1}" if left > 1 else "/video"})
        elif name == "away":
            self._answer(302, {"Location": "http://169.254.169.254/latest/meta-data"})
        elif name == "elsewhere":
            self._answer(302, {"Location": "file:///etc/passwd"})
        elif name == "video":
            self._answer(200, {"Content-Length": str(len(BODY))}, BODY)
        elif name == "endless":
            self._answer(200, {}, BODY)
        elif name == "page":
            self._answer(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>")
        elif name == "packed":
            self._answer(200, {"Content-Encoding": "gzip"}, b"x")
        elif name == "short":
            self._answer(200, {"Content-Length": str(len(BODY) * 2)}, BODY)
        else:
            self._answer(404, {})

    def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str]] = []
        self.contacts = 0

    def get_request(self) -> tuple[socket.socket, object]:
        self.contacts += 1
        return super().get_request()


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def open_settings(settings):
    return settings.model_copy(update={"fetch_allowlist": "127.0.0.0/8"})


def at(server: Server, path: str, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.server_port}{path}"


def test_a_file_arrives_whole(server, open_settings, tmp_path):
    calls: list[tuple[int, int | None]] = []
    into = tmp_path / "video.mp4"
    assert fetch(at(server, "/video"), into, open_settings,
                 progress=lambda done, total: calls.append((done, total))) == into  # fmt: skip
    assert into.read_bytes() == BODY
    assert calls[-1] == (len(BODY), len(BODY))
    assert list(tmp_path.iterdir()) == [into]


def test_redirects_are_followed_three_times(server, open_settings, tmp_path):
    fetch(at(server, "/to/3"), tmp_path / "a", open_settings)
    assert (tmp_path / "a").read_bytes() == BODY
    with pytest.raises(InvalidInput) as caught:
        fetch(at(server, "/to/4"), tmp_path / "b", open_settings)
    assert caught.value.code == "url_failed"


@pytest.mark.parametrize("path", ["/away", "/elsewhere"])
def test_a_redirect_is_checked_like_the_first(server, open_settings, tmp_path, path):
    with pytest.raises(InvalidInput) as caught:
        fetch(at(server, path), tmp_path / "a", open_settings)
    assert caught.value.code == "url_not_allowed"


@pytest.mark.parametrize("path", ["/missing", "/page", "/short", "/packed"])
def test_what_the_server_does_not_deliver(server, open_settings, tmp_path, path):
    with pytest.raises(InvalidInput) as caught:
        fetch(at(server, path), tmp_path / "a", open_settings)
    assert caught.value.code == "url_failed"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/video", "/endless"])
def test_a_file_over_the_limit(server, open_settings, tmp_path, path):
    with pytest.raises(MediaError) as caught:
        fetch(
            at(server, path), tmp_path / "a", open_settings.model_copy(update={"fetch_max": 1000})
        )
    assert caught.value.code == "media_too_large"
    assert list(tmp_path.iterdir()) == []


def test_nobody_listens(open_settings, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(InvalidInput) as caught:
            fetch(f"http://127.0.0.1:{port}/a", tmp_path / "a", open_settings)
    assert caught.value.code == "url_failed"


def test_nowhere_to_write_and_a_full_disk(server, open_settings, tmp_path, monkeypatch):
    with pytest.raises(StoreError) as caught:
        fetch(at(server, "/video"), tmp_path / "no" / "a", open_settings)
    assert caught.value.code == "store_not_writable"

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError) as caught:
        fetch(at(server, "/video"), tmp_path / "a", open_settings)
    assert caught.value.code == "disk_full"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "127.1",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "[::1]",
        "0177.0.0.1",
    ],
)
def test_no_private_host_is_ever_contacted(settings, tmp_path, host):
    with serving() as canary:
        for url in (at(canary, "/video", host), f"http://{host}/video"):
            with pytest.raises(InvalidInput) as caught:
                fetch(url, tmp_path / "a", settings)
            assert caught.value.code in ("url_not_allowed", "url_failed")
        assert canary.contacts == 0


@pytest.mark.parametrize(
    "url",
    [
        "gopher://example.org/a",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "http:///a",
        "http://user:secret@93.184.216.34/a",
        "http://93.184.216.34:8080/a",
        "http://93.184.216.34:99999/a",
        "http://93.184.216.34/a\nb",
        "//93.184.216.34/a",
        "http://[::1",
    ],
)
def test_odd_addresses_are_refused(settings, url):
    with pytest.raises(InvalidInput) as caught:
        check(url, settings)
    assert caught.value.code == "url_not_allowed"
    assert "secret" not in caught.value.message


def _resolver(monkeypatch, *answers: list[str]) -> list[str]:
    """A name server that answers differently each time it is asked for ``video.example``."""
    real = socket.getaddrinfo
    asked: list[str] = []

    def resolve(host, port, *rest, **options):
        if host == "video.example":
            addresses = answers[min(len(asked), len(answers) - 1)]
            asked.append(host)
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in addresses
            ]
        return real(host, port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_one_private_address_among_public_ones_is_enough(settings, monkeypatch):
    _resolver(monkeypatch, ["93.184.216.34", "10.0.0.8"])
    with pytest.raises(InvalidInput) as caught:
        check("https://video.example/a", settings)
    assert caught.value.code == "url_not_allowed"


def test_the_address_checked_is_the_address_used(server, settings, tmp_path, monkeypatch):
    # Were the name asked for again on connecting, it would lead somewhere else.
    asked = _resolver(monkeypatch, ["127.0.0.1"], ["192.0.2.1"])
    allowed = settings.model_copy(update={"fetch_allowlist": "video.example, other.example"})
    server.asked.clear()
    fetch(at(server, "/video", "video.example"), tmp_path / "a", allowed)
    assert asked == ["video.example"]
    assert server.asked == [("/video", f"video.example:{server.server_port}")]


def test_a_public_name_is_allowed(settings, monkeypatch):
    _resolver(monkeypatch, ["93.184.216.34"])
    target = check("https://video.example/a?b=c", settings)
    assert (target.host, target.port) == ("video.example", 443)
    assert target.addresses == (ipaddress.ip_address("93.184.216.34"),)


def test_an_unknown_name(settings, monkeypatch):
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(InvalidInput) as caught:
        check("https://video.example/a", settings)
    assert caught.value.code == "url_failed"


@given(st.ip_addresses(v=4))
def test_an_address_wrapped_in_another_is_judged_by_itself(address):
    number = int(address)
    wrapped = [
        ipaddress.IPv6Address(0xFFFF00000000 | number),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    assert all(is_public(outer) == is_public(address) for outer in wrapped)
    if address.is_private or address.is_loopback or address.is_multicast or address.is_link_local:
        assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.0.1",
        "192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.0.255", "192.0.2.1", "192.88.99.1",
        "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
        "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "64:ff9b:1::1", "100::1", "100:0:0:1::1", "2001:2::1", "2001:db8::1",
        "2001:1ff::1", "3fff::1", "5f00::1", "fc00::1", "fdff::1", "fe80::1", "fec0::1", "feff::1",
        "ff02::1", "4000::1",
    ],
)  # fmt: skip
def test_special_addresses_are_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "192.0.1.1", "198.17.0.1", "223.255.255.255",
     "2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "64:ff9b::1.1.1.1"],
)  # fmt: skip
def test_ordinary_addresses_are_public(address):
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses())
def test_what_python_knows_as_special_is_not_public(address):
    wrapped = address.version == 6 and (address.teredo or address.sixtofour or address.ipv4_mapped)
    if not address.is_global and not wrapped:
        assert not is_public(address)
