"""Requests that are no good, at every endpoint: each is answered with a status that the description
names and an error that clients can read, and none is a fault."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.server import DOUBLES, Server, served
from tests.api.world import METHODS, World, filled, operations, unknown

pytestmark = pytest.mark.slow

DOCUMENTS = ("/openapi.json", "/v1/openapi.json")
FORM = "multipart/form-data"

#: Bodies under the type that JSON comes with.
BODIES = {
    "nothing": b"",
    "half": b"{",
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "NUL bytes": b"\x00" * 50,
    "NUL as an escape": rb'{"name": "a\u0000", "user_metadata": {"a": "\u0000"}}',
    "half a pair": rb'{"name": "\ud800", "metadata": {"\ud800": 1}}',
    "deep, without end": b"[" * 100_000,
    "deep": b'{"metadata": {"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
    "deep objects": b'{"user_metadata": ' + b'{"a": ' * 900 + b"1" + b"}" * 901,
    "deep, with an escape": rb'{"\u0061": ' + b"[" * 900 + b"]" * 900 + b"}",
    "huge integers": b'{"total_size": 1' + b"0" * 5_000 + b', "limit": 1' + b"0" * 40 + b"}",
    "not finite": b'{"metadata": {"a": 1e999}, "user_metadata": {"a": -1e999}, "threshold": NaN}',
    "a list": b"[]",
    "a text": b'"x"',
    "null": b"null",
}
#: Types under which a good JSON body is not what is meant.
TYPES = (
    "text/plain", "application/xml", "application/x-www-form-urlencoded", FORM,
    f"{FORM}; boundary=x", f'{FORM}; boundary="{"y" * 300}"', "application/json; charset=utf-16",
    "application/vnd.api+json", "x", "",
)  # fmt: skip
#: Values of parameters, as they stand in an address.
VALUES = (
    "%00", "%ff", "%ed%a0%80", "9" * 30, "9" * 5_000, "-1", "1e999", "NaN", "", "%7B", "%5B%5D",
    "%7B%22a%22%3A%5B%7B%7D%5D%7D", "%7B%22a%22%3A" * 700, "0001-01-01T00:00:00%2B23:59",
    "9999-12-31T23:59:59-23:59", "2020-01-01T00:00:00%2B99:99", "%F0%9F%98%80",
)  # fmt: skip
#: Whole queries, and ids.
QUERIES = ("%ff=%ff", "&&&=%", "%zz", "page[]=1&page=1&page=2", "page=%D9%A3", "%00=1")
IDS = (
    "%00", "%ff", "%ed%a0%80", "9" * 5_000, "%F0%9F%98%80", "%2e%2e", "a%00b", "'--", "%20", "%0a",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("bad") / "home"
    with served(home, **DOUBLES, VIDELICET_RATE_LIMIT="10000000") as one:
        yield one


@pytest.fixture(scope="module")
def documents(server: Server) -> dict[str, Any]:
    return {path: httpx.get(server.root + path).json() for path in DOCUMENTS}


@pytest.fixture(params=DOCUMENTS)
def document(request: pytest.FixtureRequest, documents: dict[str, Any]) -> Any:
    return documents[request.param]


def ask(
    world: World, method: str, path: str, content: bytes | None = None, kind: str = ""
) -> httpx.Response:
    """Ask with an address that is sent as it stands."""
    url = httpx.URL(str(world.client.base_url)).copy_with(raw_path=path.encode())
    headers = {"content-type": kind} if kind else {}
    return world.client.request(method, url, content=content, headers=headers)


def require_told(answer: httpx.Response, statuses: set[str], what: object) -> None:
    """An answer is one of those described, and an error says what it is."""
    assert str(answer.status_code) in statuses, (what, answer.status_code, answer.text[:300])
    assert answer.status_code < 500, what
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/json", what
        body = answer.json()
        problem = body["error"] if answer.status_code == 413 and "error" in body else body
        assert problem["code"], what
        assert problem["message"], what


def test_bodies(world: World, document: Any) -> None:
    for method, path, row in operations(document):
        if "requestBody" not in row:
            continue
        place, statuses = filled(path, world.ids), set(row["responses"])
        for name, body in BODIES.items():
            answer = ask(world, method, place, body, "application/json")
            require_told(answer, statuses, (method, path, name))
        for kind in TYPES:
            answer = ask(world, method, place, b'{"name": "x"}', kind)
            require_told(answer, statuses, (method, path, kind))


def test_forms(world: World, document: Any) -> None:
    """Fields of forms that hold what they should not."""
    bad = [
        b"\x00",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"9" * 5_000,
        b"1e999",
        b'{"a":' * 5_000,
        b"[" * 9_000,
    ]
    for method, path, row in operations(document):
        content = row.get("requestBody", {}).get("content", {})
        if FORM not in content:
            continue
        reference = content[FORM]["schema"]["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][reference]
        usual = {"index_id": world.ids["index"], "model_name": "marengo3.0", "method": "direct",
                 "search_options": "visual", "query_text": "red", "text": "red"}  # fmt: skip
        for field in schema["properties"]:
            for value in bad:
                fields = {
                    name: text.encode()
                    for name, text in usual.items()
                    if name in schema["properties"]
                }
                if field.endswith("_file") or field == "file":
                    continue
                body = b"".join(
                    b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
                    % (name.encode(), text)
                    for name, text in {**fields, field: value}.items()
                ) + b"--x--\r\n"  # fmt: skip
                answer = ask(world, method, path, body, f"{FORM}; boundary=x")
                require_told(answer, set(row["responses"]), (method, path, field, value[:10]))
        for file in (
            b"",
            b"\x00" * 100,
            b"\xff\xd8\xff\xe0" + b"x" * 100,
            b"RIFF\x00\x00\x00\x00WAVE",
        ):
            for field in schema["properties"]:
                if not (field.endswith("_file") or field == "file"):
                    continue
                form = {name: text for name, text in usual.items() if name in schema["properties"]}
                form |= {"query_media_type": "image"} if field == "query_media_file" else {}
                answer = world.client.post(
                    httpx.URL(f"{world.client.base_url}".replace("/v1.3/", path)),
                    data=form, files={field: ("x", file)},
                )  # fmt: skip
                require_told(answer, set(row["responses"]), (path, field, file[:8]))


def test_queries(world: World, document: Any) -> None:
    seen: set[str] = set()
    for method, path, row in operations(document):
        named = [one["name"] for one in row.get("parameters", []) if one["in"] == "query"]
        if not named:
            continue
        named += ["x", "user_metadata", "user_metadata[a]", "duration[gte]", "width"]
        # What bears the same name elsewhere is read in the same way.
        values = {name: VALUES[:2] if name in seen else VALUES for name in named}
        seen |= set(named)
        ids = world.ids if method == "GET" else unknown(world.ids)
        place, statuses = filled(path, ids), set(row["responses"])
        queries = [f"{name}={value}" for name in named for value in values[name]]
        for query in [*QUERIES, *queries]:
            answer = ask(world, method, f"{place}?{query}")
            require_told(answer, statuses, (method, path, query[:60]))


def test_ids(world: World, document: Any) -> None:
    for method, path, row in operations(document):
        if "{" not in path:
            continue
        for id in IDS:
            answer = ask(world, method, re.sub(r"{\w+}", id, path), b"{}", "application/json")
            require_told(answer, set(row["responses"]), (method, path, id[:20]))
            assert answer.status_code >= 400


def test_methods(world: World, document: Any) -> None:
    """What an address does not know is 405, and says what it does know."""
    for path, row in document["paths"].items():
        for method in sorted({*METHODS, "options", "trace", "brew"} - set(row)):
            # A word in the place of an id is an id that is not known.
            twins = [one for one in document["paths"] if method in document["paths"][one]]
            place = filled(path, world.ids)
            if any(re.fullmatch(re.sub(r"{\w+}", "[^/]+", one), place) for one in twins):
                continue
            answer = ask(world, method.upper(), place)
            require_told(answer, {"405"}, (method, path))
            assert answer.json()["code"] == "method_not_allowed"
            assert {one.upper() for one in row} == set(answer.headers["allow"].split(", "))


def test_deep_metadata_in_forms(world: World, recording: Path) -> None:
    """What is text in a form is JSON all the same."""
    deep = '{"a":' * 900 + "1" + "}" * 900
    for text in (deep, '{"a":' * 50_000, '{"a": 1e999}', json.dumps({"a": "\ud800"})):
        form = {"method": "direct", "user_metadata": text}
        answer = world.client.post("assets", data=form, files={"file": ("x", b"x")})
        assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")
        form = {"index_id": world.ids["index"], "query_text": "red", "search_options": "visual"}
        answer = world.client.post("search", data={**form, "filter": text})
        assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")


def test_media_that_are_none(world: World, documents: dict[str, Any]) -> None:
    """Whatever base64 holds that cannot be read is told in the way that is described."""
    v1_3, v1 = (documents[path]["paths"] for path in DOCUMENTS)
    embed, search = "/v1.3/embed-v2", "/v1/indexes/{index_id}/search"
    for junk in (
        b"x",
        b"\xff\xd8\xff\xe0" + b"x" * 100,
        b"RIFF\x00\x00\x00\x00WAVE",
        b"\x00" * 100,
    ):
        source = {"base64_string": base64.b64encode(junk).decode()}
        for kind in ("image", "audio", "video"):
            body: dict[str, Any] = {"input_type": kind, "model_name": "marengo3.0"}
            body[kind] = {"media_source": source}
            answer = world.client.post("embed-v2", json=body)
            require_told(answer, set(v1_3[embed]["post"]["responses"]), (kind, junk[:8]))
            assert answer.status_code == 400
            place = filled(search, world.ids).removeprefix("/v1/")
            answer = world.native.post(place, json={"parts": [{kind: source}]})
            require_told(answer, set(v1[search]["post"]["responses"]), (kind, junk[:8]))
            assert answer.status_code == 400
