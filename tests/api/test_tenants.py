"""Every endpoint, asked by one tenant with another's ids, answers as it does for ids that name
nothing, and leaves the other's things as they are. An endpoint that no case covers fails here."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests import samples
from tests.api.asked import CASES, PLAIN_PARAMETERS, QUERIES, Case
from tests.api.server import DOUBLES, Server, served
from tests.api.world import World, build, filled, kind, operations, unknown

#: Of these there is nothing yet that one could have.
NOT_THERE = ("/v1.3/connections/{",)
Document = dict[str, Any]
#: Headers that are never twice the same.
_OWN_HEADERS = re.compile(r"date|x-ratelimit-.*|x-request-id|content-length")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
#: How often somebody's address was tried meanwhile, and what it said.
_TRIES = re.compile(r'"attempts":\d+(,"last_error":"[^"]*")?')
_SIGNED = re.compile(r"\?expires=\d+&signature=[0-9a-f]+")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("tenants") / "home"
    with served(home, **DOUBLES, VIDELICET_RATE_LIMIT="10000000") as one:
        yield one


@pytest.fixture(scope="module")
def worlds(
    server: Server, recording: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, World]]:
    """Two tenants who have the same."""
    picture = samples.image(tmp_path_factory.mktemp("picture") / "picture.png")
    both = [build(server, tenant, recording, picture) for tenant in ("local", "other")]
    yield both[0], both[1]
    for one in both:
        one.close()


@pytest.fixture(scope="module")
def documents(server: Server) -> list[Document]:
    return [httpx.get(server.root + path).json() for path in ("/openapi.json", "/v1/openapi.json")]


def test_every_endpoint_has_its_cases(documents: list[Document]) -> None:
    """Each body has a case, and each parameter of a query holds an id or is known not to."""
    every = {f"{m} {p}": row for one in documents for m, p, row in operations(one)}
    bodies = {name for name, row in every.items() if "requestBody" in row}
    assert set(CASES) == bodies
    for name, row in every.items():
        named = {one["name"] for one in row.get("parameters", []) if one["in"] == "query"}
        ids = {query.partition("=")[0] for query in QUERIES.get(name, ())}
        assert named - ids <= PLAIN_PARAMETERS, name
        assert ids <= named, name
    assert set(QUERIES) <= set(every)


def asked(documents: list[Document]) -> Iterator[tuple[str, str, Case, str]]:
    """Method, path and case of everything to ask, with whose ids are in the path."""
    for document in documents:
        for method, path, _ in operations(document):
            name = f"{method} {path}"
            for case in CASES.get(name, [Case()] if "{" in path else []):
                yield method, path, case, case.own
                # A name of an exporter is nobody's.
                if path.count("{") > 1 and not case.own and not path.endswith("{name}"):
                    yield method, path, case, "all but the last"
            for query in QUERIES.get(name, ()):
                yield method, path, Case(query=query), "all"


def test_nothing_of_another_tenant_is_there(
    worlds: tuple[World, World], documents: list[Document]
) -> None:
    owner, asker = worlds
    nobody = unknown(owner.ids)
    before = everything(owner, documents)
    for one in asked(documents):
        require_same(asker, owner.ids, nobody, *one)
    assert everything(owner, documents) == before


def require_same(
    asker: World,
    theirs: dict[str, str],
    nobody: dict[str, str],
    method: str,
    path: str,
    case: Case,
    own: str,
) -> None:
    """What is asked about another's ids is answered as for ids that name nothing."""
    one, other = (ask(asker, ids, method, path, case, own) for ids in (theirs, nobody))
    what = (method, path, own, case, one.text)
    assert one.status_code < 500, what
    names = dict(zip(nobody.values(), theirs.values(), strict=True))
    assert plain(one, {}) == plain(other, names), what
    if own == "" and "{" in path:
        assert one.status_code >= 400, what


def ask(
    asker: World, ids: dict[str, str], method: str, path: str, case: Case, own: str
) -> httpx.Response:
    """Ask about ``ids``, with those in the path that ``own`` says from the asker's own."""
    match own:
        case "all":
            place = filled(path, asker.ids)
        case "all but the last":
            place = filled(path, asker.ids, ids)
        case _:
            place = filled(path, ids)
    if case.query:
        place += "?" + put_in(case.query, ids, asker.ids)
    url = httpx.URL(f"{asker.client.base_url}".replace("/v1.3/", place))
    return asker.client.request(method, url, **put_in(case.options, ids, asker.ids))


def put_in(value: Any, ids: dict[str, str], own: dict[str, str]) -> Any:
    """``$kind`` becomes an id that is asked about, and ``$my_kind`` one of the asker's."""
    match value:
        case str():
            names = {**ids, **{f"my_{kind}": id for kind, id in own.items()}}
            return string.Template(value).substitute(names)
        case dict():
            return {key: put_in(item, ids, own) for key, item in value.items()}
        case list():
            return [put_in(item, ids, own) for item in value]
        case _:
            return value


def plain(answer: httpx.Response, names: dict[str, str]) -> tuple[int, dict[str, str], str]:
    """An answer without what two of the same differ in; ids by other ``names``."""
    headers = {k: v for k, v in answer.headers.items() if not _OWN_HEADERS.fullmatch(k)}
    text = answer.text
    for id, name in names.items():
        text = text.replace(id, name)
    return answer.status_code, headers, _SIGNED.sub("", _TIME.sub("", text))


def everything(world: World, documents: list[Document]) -> dict[str, str]:
    """All that a tenant can see of what is theirs."""
    found = {}
    for document in documents:
        for method, path, _ in operations(document):
            if method == "GET" and not path.endswith(("/doctor", "/deliveries")):
                place = filled(path, world.ids)
                url = httpx.URL(f"{world.client.base_url}".replace("/v1.3/", place))
                answer = world.client.get(url)
                text = _TRIES.sub("", _SIGNED.sub("", answer.text))
                found[path] = f"{answer.status_code} {text}"
    return found


def test_lists_hold_nothing_of_another_tenant(
    server: Server, worlds: tuple[World, World], documents: list[Document]
) -> None:
    """A tenant without anything sees empty lists, and one with things their own only."""
    owner, asker = worlds
    with httpx.Client(headers={"x-api-key": server.key(tenant="empty")}) as newcomer:
        for document in documents:
            for method, path, row in operations(document):
                if method != "GET" or "{" in path:
                    continue
                answer = asker.client.get(f"{server.root}{path}")
                ids = [id for name, id in owner.ids.items() if name != "exporter"]
                assert not [id for id in ids if id in answer.text], path
                if any(one["name"] == "page" for one in row.get("parameters", [])):
                    empty = newcomer.get(f"{server.root}{path}").json()
                    assert (empty["data"], empty["page_info"]["total_results"]) == ([], 0), path


def test_twins_of_requests_are_of_one_tenant(worlds: tuple[World, World]) -> None:
    owner, asker = worlds
    headers = {"Idempotency-Key": "the-same"}
    body = {"name": "Twins"}
    made = [one.client.post("entity-collections", json=body, headers=headers) for one in worlds]
    assert [one.status_code for one in made] == [201, 201]
    assert made[0].json()["_id"] != made[1].json()["_id"]
    assert "idempotent-replayed" not in made[1].headers
    again = owner.client.post("entity-collections", json=body, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    # A key that another tenant has used for something else is no conflict.
    headers = {"Idempotency-Key": "another"}
    assert owner.client.post("entity-collections", json=body, headers=headers).is_success
    assert asker.client.post("entity-collections", json={"name": "x"}, headers=headers).is_success


def test_signed_addresses_open_one_thing(server: Server, worlds: tuple[World, World]) -> None:
    """A signature for one's own thing is none for another's, nor for what is not there."""
    owner, asker = worlds
    nobody = unknown(owner.ids)
    found = asker.client.ok("GET", f"assets/{asker.ids['asset']}")
    hls = asker.client.ok("GET", f"indexes/{asker.ids['index']}/videos/{asker.ids['video']}")["hls"]
    opened = set(re.findall(r'http[^"]+signature=\w+', json.dumps([found, hls])))
    part = asker.client.ok(
        "POST", f"assets/multipart-uploads/{asker.ids['upload']}/presigned-urls",
        json={"start": 1, "count": 1},
    )["upload_urls"][0]["url"]  # fmt: skip
    assert len(opened) == 3
    for url in (*opened, part):
        method = "PUT" if url == part else "GET"
        kind = "upload" if url == part else "asset"
        assert asker.ids[kind] in url
        answers = [
            httpx.request(method, url.replace(asker.ids[kind], ids[kind]), content=b"0" * 10)
            for ids in (owner.ids, nobody)
        ]
        assert {one.status_code for one in answers} == {403}, url
        assert plain(answers[0], {}) == plain(answers[1], {})
        bare = [
            asker.client.request(
                method, f"{server.root}{httpx.URL(url).path}".replace(asker.ids[kind], id)
            )
            for id in (owner.ids[kind], nobody[kind])
        ]
        assert {one.status_code for one in bare} == {403}, url
    chunks = owner.client.ok("GET", f"assets/multipart-uploads/{owner.ids['upload']}")
    assert [one["status"] for one in chunks["uploaded_chunks"]] == ["pending"]


def test_the_cases_ask_about_what_they_say(
    worlds: tuple[World, World], documents: list[Document]
) -> None:
    """Of their own things all of this tells a tenant something else than of nothing: so none of
    the cases above is refused for another reason."""
    _, asker = worlds
    nobody = unknown(asker.ids)
    # Things go in the end, and what is in them before them; an index takes its tasks with it.
    order = sorted(
        asked(documents),
        key=lambda one: (one[0] == "DELETE", -one[1].count("/"), "/indexes/" in one[1]),
    )
    gone = set()
    for method, path, case, own in order:
        if method == "DELETE" and path.endswith("}"):
            last = kind(path, path.rpartition("{")[2][:-1])
            if last in gone:
                continue
            gone.add(last)
        about = "{" in path and own != "all"
        if not about and not re.search(r"\$(?!my_)", str(case)):
            continue
        if path.startswith(NOT_THERE):
            continue
        other = ask(asker, nobody, method, path, case, own)
        one = ask(asker, asker.ids, method, path, case, own)
        names = dict(zip(nobody.values(), asker.ids.values(), strict=True))
        assert plain(one, {}) != plain(other, names), (method, path, own, case, one.text)
