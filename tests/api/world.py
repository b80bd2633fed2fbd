"""One thing of every kind that has an id, as a tenant's key makes it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.api.server import Client, Server

#: An address that exists nowhere.
HOOK = "https://videlicet.invalid/hook"
METHODS = ("get", "put", "post", "patch", "delete")
_ID = re.compile(r"[0-9a-f]{24}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class World:
    """Two clients with the same key, and ids by kind."""

    client: Client
    native: Client
    ids: dict[str, str]

    def close(self) -> None:
        self.client.close()
        self.native.close()


def build(server: Server, tenant: str, recording: Path, picture: Path) -> World:
    """A tenant who has one of everything, at rest."""
    key = server.key(tenant=tenant)
    client, native = Client(server, key), Client(server, key, "v1")
    ids = {"webhook": native.ok("POST", "webhooks", json={"url": HOOK})["id"]}
    ids["index"] = index = client.index("films")
    body = {"name": "reds", "index_id": index, "parts": [{"text": "red"}], "threshold": 0.1}
    ids["saved_search"] = native.ok("POST", "saved-searches", json=body)["id"]
    client.add_video(index, recording)  # a twin, so that searches have a second page
    ids["video"] = video = client.add_video(index, recording, {"topic": "colours"})
    ids["asset"] = client.ok("GET", f"indexes/{index}/videos/{video}")["asset_id"]
    ids["task"] = client.ok("GET", "tasks")["data"][0]["_id"]
    ids["image"] = image = client.upload(picture)
    client.ended(f"assets/{image}")
    upload = client.ok(
        "POST", "assets/multipart-uploads",
        json={"filename": "part.mp4", "type": "video", "total_size": 10},
    )  # fmt: skip
    ids["upload"], ids["waiting"] = upload["upload_id"], upload["asset_id"]
    ids["collection"] = client.ok("POST", "entity-collections", json={"name": "People"})["_id"]
    ids["entity"] = client.ok(
        "POST", f"entity-collections/{ids['collection']}/entities",
        json={"name": "Anna", "asset_ids": [image], "metadata": {"a": 1}},
    )["_id"]  # fmt: skip
    ids["vectors"] = client.ok(
        "POST", "embed/tasks", data={"model_name": "marengo3.0"},
        files={"video_file": (recording.name, recording.read_bytes())},
    )["_id"]  # fmt: skip
    ids["vectors_v2"] = client.ok(
        "POST", "embed-v2/tasks",
        json={
            "input_type": "video", "model_name": "marengo3.0",
            "video": {"media_source": {"asset_id": ids["asset"]}},
        },
    )["_id"]  # fmt: skip
    form = {"index_id": index, "query_text": "red", "search_options": "visual", "page_limit": 1}
    ids["token"] = client.ok("POST", "search", data=form)["page_info"]["next_page_token"]
    body = {"parts": [{"text": "red"}], "limit": 1}
    ids["page"] = native.ok("POST", f"indexes/{index}/search", json=body)["next_page"]
    ids["evaluation"] = native.ok(
        "POST", "evaluations",
        json={
            "index_id": index, "name": "colours", "resamples": 100,
            "queries": [{"text": "red", "relevant": [{"video_id": video}]}],
        },
    )["id"]  # fmt: skip
    body = {"redirect_uri": "https://93.184.216.34/connected"}
    ids["redirect_uri"] = client.ok("POST", "connections/redirect-uris", json=body)["_id"]
    ids["exporter"] = "subtitles.srt"
    ids |= _analyses(client, ids["asset"])
    ids |= _knowledge(client, ids["asset"], image)
    client.ended(f"embed/tasks/{ids['vectors']}/status")
    client.ended(f"embed-v2/tasks/{ids['vectors_v2']}")
    # The first of an installation compiles what it measures with.
    native.ended(f"evaluations/{ids['evaluation']}", seconds=300)
    deadline = time.monotonic() + 300
    while not (found := native.ok("GET", f"webhooks/{ids['webhook']}/deliveries")["data"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    ids["delivery"] = found[0]["id"]
    return World(client, native, ids)


def _analyses(client: Client, recording: str) -> dict[str, str]:
    """An analysis, and a batch of one, at rest."""
    one = {"video": {"type": "asset_id", "asset_id": recording}}
    task = client.ok("POST", "analyze/tasks", json={**one, "prompt": "What is red?"})["task_id"]
    row = {**one, "prompt": {"input_text": "What is red?"}}
    body = {"model_name": "pegasus1.5", "analysis_mode": "general", "requests": [row]}
    batch = client.ok("POST", "analyze/batches", json=body)
    client.ended(f"analyze/tasks/{task}")
    client.ended(f"analyze/tasks/{batch['items'][0]['task_id']}")
    return {"analysis": task, "batch": batch["batch_id"]}


def _knowledge(client: Client, recording: str, picture: str) -> dict[str, str]:
    """A knowledge store with a video and a picture in it, a collection, and a conversation."""
    store = client.ok("POST", "knowledge-stores", json={"name": "Colours"})["_id"]
    place = f"knowledge-stores/{store}"
    items = [
        client.ok("POST", f"{place}/items", json={"asset_id": asset})["_id"]
        for asset in (recording, picture)
    ]
    group = client.ok("POST", f"{place}/item-collections", json={"name": "All"})["_id"]
    client.ok("POST", f"{place}/item-collections/{group}/items/add", json={"item_ids": items})
    for item in items:
        assert client.ended(f"{place}/items/{item}")["status"] == "ready"
    body = {"query": {"text": "red or black"}, "page_size": 1}
    again = client.ok("POST", f"{place}/search", json=body)["next_page_token"]
    asked = {
        "knowledge_store_id": store,
        "input": [{"type": "message", "role": "user", "content": "What is red?"}],
    }
    session = client.ok("POST", "responses", json=asked)["session_id"]
    return {
        "store": store, "item": items[0], "group": group, "store_page": again, "session": session,
    }  # fmt: skip


def kind(path: str, name: str) -> str:
    """What kind of id a parameter of a path is; fails for one that nobody has thought of."""
    if name == "task_id":
        for part, found in (
            ("/embed/", "vectors"), ("/embed-v2/", "vectors_v2"), ("/analyze/", "analysis"),
        ):  # fmt: skip
            if part in path:
                return found
        return "task"
    return {
        "index_id": "index", "asset_id": "asset", "video_id": "video",
        "upload_id": "upload", "entity_collection_id": "collection", "entity_id": "entity",
        "token": "token", "page_token": "page", "webhook_id": "webhook",
        "evaluation_id": "evaluation", "saved_search_id": "saved_search",
        "knowledge_store_id": "store", "item_id": "item",
        "collection_id": "group", "session_id": "session", "batch_id": "batch",
        "redirect_uri_id": "redirect_uri", "name": "exporter",
        # An account of a provider is needed for these: any id will do.
        "connection_id": "index", "import_id": "index",
    }[name]  # fmt: skip


def filled(path: str, ids: dict[str, str], last: dict[str, str] | None = None) -> str:
    """A path of a description with ids in it; the last from ``last``, if given."""
    names = re.findall(r"{(\w+)}", path)
    for number, name in enumerate(names, 1):
        source = last if last is not None and number == len(names) else ids
        path = path.replace(f"{{{name}}}", source[kind(path, name)])
    return path


def unknown(ids: dict[str, str]) -> dict[str, str]:
    """As many well-formed ids that name nothing; what follows an id in a token stays."""
    other = str.maketrans("0123456789abcdef", "fedcba9876543210")
    return {name: _ID.sub(lambda found: found[0].translate(other), id) for name, id in ids.items()}


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of everything in an OpenAPI document."""
    return [
        (method.upper(), path, row[method])
        for path, row in document["paths"].items()
        for method in METHODS
        if method in row
    ]
