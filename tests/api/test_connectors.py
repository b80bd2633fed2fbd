"""Data connectors through the official SDK, at a stand-in for Google."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.api.google import CLIENT, SECRET, Google, google
from tests.api.sdk import Watched, ended, require_status, sdk
from tests.api.server import DOUBLES, Client, Server, hosted
from twelvelabs import TwelveLabs
from twelvelabs.imports import ImportFilesRequestItemsItem

from videlicet.rights import Grant, Purpose
from videlicet.store import open_store
from videlicet.types import Kind

BACK = "https://127.0.0.1/back?from=drive"


@pytest.fixture(scope="module")
def drive(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    with google() as one:
        one.files = {"video": recording, "folder": tmp_path_factory.mktemp("folder")}
        yield one


@pytest.fixture(scope="module")
def server(drive: Google, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    chosen = {
        "VIDELICET_GOOGLE_CLIENT_ID": CLIENT,
        "VIDELICET_GOOGLE_CLIENT_SECRET": SECRET,
        "VIDELICET_GOOGLE_URL": drive.url,
        "VIDELICET_FETCH_ALLOWLIST": "127.0.0.1",
    }
    with hosted(tmp_path_factory.mktemp("server") / "home", **DOUBLES, **chosen) as one:
        yield one


@pytest.fixture(scope="module")
def watched(server: Server, client: Client) -> Iterator[Watched]:
    with sdk(server, str(client.headers["x-api-key"])) as one:
        yield Watched(one)


@pytest.fixture(scope="module")
def user(watched: Watched) -> TwelveLabs:
    return watched.client


def allow(client: Client, redirect_uri: str = BACK, **fields: Any) -> dict[str, str]:
    """What comes back to the redirect URI after the user was asked. The SDK cannot begin it: it
    takes ``connections:`` for the scheme of an address."""
    begun = client.ok(
        "POST", "/connections:authorize",
        json={"provider": "google_drive", "redirect_uri": redirect_uri, **fields},
    )  # fmt: skip
    asked = httpx.get(begun["authorize_url"])
    assert parse_qs(urlsplit(begun["authorize_url"]).query)["state"] == [begun["state"]]
    came = httpx.get(asked.headers["location"])
    assert came.status_code == 302, came.text
    target = urlsplit(came.headers["location"])
    query = {name: values[-1] for name, values in parse_qs(target.query).items()}
    assert (target.hostname, target.path, query.pop("from")) == ("127.0.0.1", "/back", "drive")
    return query


@pytest.fixture(scope="module")
def connection(client: Client) -> str:
    came = allow(client, custom_id="label-7")
    assert (came["status"], came["custom_id"]) == ("ok", "label-7")
    return came["connection_id"]


def test_redirect_uris_are_kept_by_tenant(user: TwelveLabs, server: Server) -> None:
    uris = user.data_connectors
    made = uris.create_redirect_uri(redirect_uri=BACK)
    assert made.redirect_uri == BACK
    assert made.created_at is not None
    require_status(409, lambda: uris.create_redirect_uri(redirect_uri=BACK))
    for bad in (
        "http://127.0.0.1/back", "https://*.example.org/x", "https://127.0.0.1/x#y",
        "https://10.0.0.1/x", "nonsense",
    ):  # fmt: skip
        require_status(422, lambda bad=bad: uris.create_redirect_uri(redirect_uri=bad))
    (listed,) = uris.list_redirect_uris().data or []
    assert listed.id == made.id
    with sdk(server, server.key(tenant="other")) as other:
        assert other.data_connectors.list_redirect_uris().data == []
        require_status(404, lambda: other.data_connectors.delete_redirect_uri(str(made.id)))
        other.data_connectors.create_redirect_uri(redirect_uri=BACK)
    uris.delete_redirect_uri(str(made.id))
    assert uris.list_redirect_uris().data == []
    require_status(404, lambda: uris.delete_redirect_uri(str(made.id)))


def test_a_registered_uri_keeps_others_out(user: TwelveLabs, client: Client) -> None:
    made = user.data_connectors.create_redirect_uri(redirect_uri="https://127.0.0.1/only")
    answer = client.post(
        "/connections:authorize", json={"provider": "google_drive", "redirect_uri": BACK}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")
    user.data_connectors.delete_redirect_uri(str(made.id))


def test_a_connection(
    user: TwelveLabs, server: Server, client: Client, drive: Google, connection: str
) -> None:
    found = user.data_connectors.retrieve_connection(connection)
    assert (found.provider, found.status, found.custom_id) == (
        "google_drive", "active", "label-7",
    )  # fmt: skip
    assert found.account is not None
    assert (found.account.external_id, found.account.display_name) == ("perm-1", "ada@example.org")
    assert "https://www.googleapis.com/auth/drive.readonly" in (found.scopes or [])
    assert connection in {one.id for one in user.data_connectors.list_connections().data or []}
    token = user.data_connectors.create_connection_picker_token(connection)
    assert token.access_token == drive.access_token
    assert 0 < (token.expires_in or 0) <= 3600
    with sdk(server, server.key(tenant="other")) as other:
        require_status(404, lambda: other.data_connectors.retrieve_connection(connection))
    # No token is to be read in the database, or shown.
    with open_store(server.settings) as store:
        scope = store.scope(Grant("tests", Purpose.MANAGE))
        kept = store.catalog.resource(scope, Kind.CONNECTION, connection)
    assert "secret" not in str(kept.body)
    assert "secret" not in client.get(f"connections/{connection}").text


def test_a_user_who_says_no(client: Client, drive: Google) -> None:
    drive.denies = True
    try:
        assert allow(client) == {"error": "access_denied"}
    finally:
        drive.denies = False


def test_a_callback_that_nobody_began(server: Server) -> None:
    url = f"{server.root}/connections/google_drive/callback"
    for state in ("nonsense", ""):
        answer = httpx.get(url, params={"state": state, "code": "x"})
        assert (answer.status_code, answer.json()["code"]) == (400, "authorization_invalid")


def test_imports(user: TwelveLabs, drive: Google, connection: str, recording: Path) -> None:
    wanted = [ImportFilesRequestItemsItem(source_id=id) for id in ("video", "folder", "none")]
    result = user.imports.import_files(connection, items=wanted)
    assert result.has_failures
    film_item, folder, none = result.items or []
    assert (film_item.action, film_item.status) == ("created", "processing")
    for item in (folder, none):
        assert (item.action, item.asset_id, item.status) == ("rejected", None, None)
        assert item.error is not None
        assert item.error.code == "connector_file_refused"
    asset_id = str(film_item.asset_id)
    asset = ended(lambda: user.assets.retrieve(asset_id))
    assert (asset.status, asset.method, asset.filename) == ("ready", "connector", recording.name)
    assert asset.size == recording.stat().st_size
    assert asset.source is not None
    assert asset.source.details is not None
    assert asset.source.type == "connector"
    assert (asset.source.details.source_id, asset.source.details.source_link) == (
        "video", "https://drive.example/video",
    )  # fmt: skip

    again = user.imports.import_files(connection, items=wanted[:1])
    (item,) = again.items or []
    assert (item.action, item.asset_id, item.status) == ("skipped", asset_id, "ready")
    assert drive.downloads == ["video"]

    listed = user.imports.list_imports(connection).data or []
    assert [one.id for one in listed] == [again.id, result.id]
    assert (listed[1].item_count, listed[1].custom_id) == (3, "label-7")
    detail = user.imports.retrieve_import(connection, str(result.id))
    assert [one.action for one in detail.items or []] == ["created", "rejected", "rejected"]
    require_status(404, lambda: user.imports.retrieve_import(connection, "none"))
    require_status(404, lambda: user.imports.import_files("none", items=wanted))


@pytest.mark.slow
def test_what_failed_is_fetched_again(
    user: TwelveLabs, drive: Google, connection: str, recording: Path
) -> None:
    drive.files["late"] = recording
    wanted = [ImportFilesRequestItemsItem(source_id="late")]
    drive.broken = True
    try:
        (first,) = user.imports.import_files(connection, items=wanted).items or []
        asset_id = str(first.asset_id)
        assert ended(lambda: user.assets.retrieve(asset_id)).status == "failed"
    finally:
        drive.broken = False
    (second,) = user.imports.import_files(connection, items=wanted).items or []
    assert (second.action, second.asset_id) == ("retried", first.asset_id)
    assert ended(lambda: user.assets.retrieve(asset_id)).status == "ready"


def test_access_that_has_ended(client: Client, user: TwelveLabs, drive: Google) -> None:
    drive.lifetime = 1  # used up before it is used
    try:
        id = allow(client)["connection_id"]
        before = drive.issued
        user.data_connectors.create_connection_picker_token(id)
        assert drive.issued == before + 1  # refreshed
        drive.expired = True
        wanted = [ImportFilesRequestItemsItem(source_id="video")]
        body = require_status(409, lambda: user.imports.import_files(id, items=wanted))
        assert body["code"] == "connection_expired"
        assert user.data_connectors.retrieve_connection(id).status == "expired"
        require_status(409, lambda: user.data_connectors.create_connection_picker_token(id))
    finally:
        drive.lifetime, drive.expired = 3600, False
    user.data_connectors.delete_connection(id)


def test_a_connection_is_revoked_with_its_deletion(
    client: Client, user: TwelveLabs, drive: Google, watched: Watched
) -> None:
    id = allow(client)["connection_id"]
    wanted = [ImportFilesRequestItemsItem(source_id="video")]
    (item,) = user.imports.import_files(id, items=wanted).items or []
    drive.revoked.clear()
    user.data_connectors.delete_connection(id)
    assert drive.revoked == [drive.refresh_token]
    require_status(404, lambda: user.data_connectors.retrieve_connection(id))
    require_status(404, lambda: user.imports.list_imports(id))
    assert user.assets.retrieve(str(item.asset_id)).status == "ready"
    assert watched.forgotten_of("imports.", "data_connectors.") == {
        "data_connectors.authorize_connection"
    }


@pytest.mark.slow
def test_a_server_without_a_client_of_its_own(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("bare") / "home"
    with hosted(home, **DOUBLES) as bare, Client(bare, bare.key()) as client:
        answer = client.post(
            "/connections:authorize", json={"provider": "google_drive", "redirect_uri": BACK}
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "connector_not_configured")
        assert client.ok("GET", "connections")["data"] == []
