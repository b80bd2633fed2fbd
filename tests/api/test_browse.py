"""Pages to browse the interfaces: whole without any other host."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx
import pytest
from tests.api.server import Server


class Links(HTMLParser):
    """What a page names, and the scripts it holds itself."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.led_to: list[str] = []
        self.inline = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        place = found.get("src") or found.get("href")
        if place is not None:
            (self.led_to if tag == "a" else self.loaded).append(place)
        self.inline |= tag == "script" and "src" not in found
        self.inline |= any(name.startswith("on") or name == "style" for name in found)


@pytest.mark.parametrize(("path", "title"), [("/docs", "v1.3"), ("/v1/docs", "v1")])
def test_pages_are_whole(server: Server, path: str, title: str) -> None:
    place = server.root + path
    page = httpx.get(place)
    assert page.status_code == 200
    assert f"<title>Videlicet {title}</title>" in page.text
    policy = dict(
        rule.strip().split(" ", 1) for rule in page.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    links = Links()
    links.feed(page.text)
    assert not links.inline
    assert "//" not in re.sub("<!doctype html>", "", page.text)
    assert len(links.loaded) == 4
    for one in links.loaded:
        found = httpx.get(urljoin(place, one))
        assert found.status_code == 200, one
        assert len(found.content) > 100
        kind = found.headers["content-type"]
        if "css" in kind:
            assert set(re.findall(r"url\(\"?([^:]{1,10})", found.text)) == {"data"}
            assert "@import" not in found.text
        elif one.endswith("start.js"):
            assert "//" not in found.text
            assert "openapi.json" in found.text
        else:
            assert "javascript" in kind or "image/png" in kind
    (other,) = links.led_to
    assert httpx.get(urljoin(place, other)).status_code == 200
    described = httpx.get(urljoin(place, "openapi.json")).json()
    assert described["components"]["securitySchemes"]["key"]["name"] == "x-api-key"
    assert not described.get("servers")


def test_nothing_else_is_served(server: Server) -> None:
    for path in ("/docs/assets/redoc.standalone.js", "/docs/assets/..%2f__init__.py", "/docs/"):
        assert httpx.get(server.root + path).status_code == 404
    assert httpx.get(f"{server.root}/v1/docs/x").status_code == 401
