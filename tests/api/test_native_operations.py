"""For operators: the doctor over HTTP."""

from __future__ import annotations

from pathlib import Path

from tests.api.server import Client, Server
from tests.cluster.services import blobs


def test_the_doctor(server: Server, native: Client, client: Client, recording: Path) -> None:
    client.add_video(client.index(), recording)
    assert native.ok("GET", "doctor") == {"sound": True, "findings": []}
    stored = blobs(server.home)
    stored.put("strange/blob", b"")
    found = native.ok("GET", "doctor")
    assert found["sound"]
    (one,) = found["findings"]
    assert (one["level"], one["subject"]) == ("warning", "blobs")
    assert one["remedy"]
    # It only looks, and the server goes on.
    assert stored.head("strange/blob")
    assert client.ok("GET", "indexes")["data"][0]["video_count"] == 1


def test_who_may_ask(server: Server) -> None:
    for options in ({"scopes": ["read"]}, {"tenant": "other"}):
        with Client(server, server.key(**options), "v1") as one:
            answer = one.get("doctor")
            assert (answer.status_code, answer.json()["code"]) == (403, "api_not_allowed")
    with Client(server, server.key(scopes=["read", "write"]), "v1") as one:
        assert one.get("doctor").status_code == 200
