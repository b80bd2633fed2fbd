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
from tests.api.world import World, build, filled, operations, unknown

Document = dict[str, Any]
#: Headers that are never twice the same.
_OWN_HEADERS = re.compile(r"date|x-ratelimit-.*|x-request-id|content-length")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_SIGNED = re.compile(r"\?expires=\d+&signature=[0-9a-f]+")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("tenants") / "home"
    with served(home, **DOUBLES, VIDELICET_RATE_LIMIT="10000000") as one:
        yield one


@pytest.fixture(scope="module")
def worlds(
    server: Server, film: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, World]]:
    """Two tenants who have the same."""
    picture = samples.image(tmp_path_factory.mktemp("picture") / "picture.png")
    both = [build(server, tenant, film, picture) for tenant in ("local", "other")]
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


def test_nothing_of_another_tenant_is_there(
    worlds: tuple[World, World], documents: list[Document]
) -> None:
    owner, asker = worlds
    nobody = unknown(owner.ids)
    before = everything(owner, documents)
    for document in documents:
        for method, path, row in operations(document):
            name = f"{method} {path}"
            cases = CASES.get(name, [Case()])
            several = len(re.findall("{", path)) > 1
            variants = [(case, case.own) for case in cases]
            if several:  # the last id only is another's
                variants += [(case, "all but the last") for case in cases if not case.own]
            if "{" not in path and "requestBody" not in row:
                variants = []
            for case, own in variants:
                require_same(asker, owner.ids, nobody, method, path, case, own)
            for query in QUERIES.get(name, ()):
                case = Case(query=query)
                require_same(asker, owner.ids, nobody, method, path, case, "all")
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
    answers = []
    for ids in (theirs, nobody):
        match own:
            case "all":
                place = filled(path, asker.ids)
            case "all but the last":
                place = filled(path, asker.ids, ids)
            case _:
                place = filled(path, ids)
        options = put_in(case.options, ids, asker.ids)
        if case.query:
            place += "?" + put_in(case.query, ids, asker.ids)
        url = httpx.URL(f"{asker.client.base_url}".replace("/v1.3/", place))
        answers.append(asker.client.request(method, url, **options))
    what = (method, path, own, case, answers[0].text)
    assert answers[0].status_code < 500, what
    assert plain(answers[0], {}) == plain(
        answers[1], dict(zip(nobody.values(), theirs.values(), strict=True))
    ), what
    if own == "" and "{" in path:
        assert answers[0].status_code >= 400, what


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
                found[path] = f"{answer.status_code} {_SIGNED.sub('', answer.text)}"
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
                assert not [id for id in owner.ids.values() if id in answer.text], path
                if any(one["name"] == "page" for one in row.get("parameters", [])):
                    empty = newcomer.get(f"{server.root}{path}").json()
                    assert (empty["data"], empty["page_info"]["total_results"]) == ([], 0), path


def test_twins_of_requests_are_of_one_tenant(worlds: tuple[World, World]) -> None:
    owner, asker = worlds
    headers = {"Idempotency-Key": "the same"}
    for number, body in enumerate(({"name": "Twins"}, {"name": "Others"})):
        key = {"Idempotency-Key": f"the same {number}"}
        first = owner.client.post("entity-collections", json=body, headers=key)
        other = asker.client.post("entity-collections", json=body, headers=key)
        assert first.status_code == other.status_code == 201
        assert first.json()["_id"] != other.json()["_id"]
        assert "idempotent-replayed" not in other.headers
        again = owner.client.post("entity-collections", json=body, headers=key)
        assert again.headers["idempotent-replayed"] == "true"
        # What was another request there is no conflict here.
        strange = asker.client.post("entity-collections", json={"name": "x"}, headers=headers)
        assert strange.status_code == 201
        headers = {"Idempotency-Key": f"the same {number}, too"}
    for one in worlds:
        for row in one.client.ok("GET", "entity-collections")["data"]:
            if row["_id"] != one.ids["collection"]:
                one.client.ok("DELETE", f"entity-collections/{row['_id']}")


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
    assert len(opened) >= 4
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
