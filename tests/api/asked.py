"""What endpoints that take a body, or ids in their query, are asked about another tenant's things.

``$index`` and the like stand for ids that are asked about, ``$my_index`` for one of the asker's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """What comes with a request, and whose the ids in its path are (``all`` are the asker's)."""

    options: dict[str, Any] = field(default_factory=dict)
    own: str = ""
    query: str = ""


def _json(own: str = "", **body: Any) -> Case:
    return Case({"json": body}, own)


def _form(**fields: Any) -> Case:
    return Case({"data": fields}, "all")


def _source(kind: str) -> dict[str, Any]:
    return {"media_source": {"asset_id": f"${kind}"}}


#: Parameters of queries that hold no id.
PLAIN_PARAMETERS = {
    "page", "page_limit", "sort_by", "sort_option", "index_name", "model_options", "model_family",
    "created_at", "updated_at", "filename", "name", "status", "asset_types", "force", "include",
    "embedding_option", "transcription", "include_user_metadata", "started_at", "ended_at",
    "modality", "start", "end", "analysis_mode", "video_url", "count", "query", "form",
}  # fmt: skip

#: Queries that name things.
QUERIES = {
    "GET /v1.3/assets": ["asset_ids=$asset", "asset_ids=$image"],
    "GET /v1.3/tasks": ["index_id=$index"],
    "GET /v1/tasks": ["index_id=$index"],
    "GET /v1/evaluations": ["index_id=$index"],
    "GET /v1/saved-searches": ["index_id=$index"],
    "GET /v1.3/analyze/tasks": ["asset_id=$asset"],
}

_STORE = "/v1.3/knowledge-stores/{knowledge_store_id}"
_GROUP = f"{_STORE}/item-collections/{{collection_id}}"


def _question(content: str = "What is red?", **fields: Any) -> dict[str, Any]:
    return {"input": [{"type": "message", "role": "user", "content": content}], **fields}


def _video(kind: str = "asset") -> dict[str, Any]:
    return {"video": {"type": f"{kind}_id", f"{kind}_id": f"${kind}"}}


_WANTED = {"prompt": "What is red?", "stream": False}
_METADATA = _json(user_metadata={"stolen": True})
_SEARCH = {"query_text": "red", "search_options": "visual"}

#: Bodies, by endpoint. Each endpoint has at least one case.
CASES: dict[str, list[Case]] = {
    "POST /v1.3/indexes": [
        _json(index_name="x", models=[])
    ],
    "PUT /v1.3/indexes/{index_id}": [_json(index_name="stolen")],
    "POST /v1.3/assets/multipart-uploads": [
        _json(filename="x", type="video", total_size=0)
    ],
    "POST /v1.3/assets/multipart-uploads/{upload_id}": [
        _json(completed_chunks=[{"chunk_index": 1, "proof": "0" * 32, "chunk_size": 10}])
    ],
    "POST /v1.3/assets/multipart-uploads/{upload_id}/presigned-urls": [_json(start=1, count=1)],
    "POST /v1.3/assets": [_form(method="url", url="http://127.0.0.1/x")],
    "PUT /v1.3/assets/{asset_id}/user-metadata": [_METADATA],
    "PATCH /v1.3/assets/{asset_id}/user-metadata": [_METADATA],
    "POST /v1.3/indexes/{index_id}/indexed-assets": [
        _json(asset_id="$asset"), _json(asset_id="$my_asset"), _json("all", asset_id="$asset"),
        _json("all", asset_id="$waiting"),
    ],
    "PATCH /v1.3/indexes/{index_id}/videos/{video_id}": [_METADATA],
    "PUT /v1.3/indexes/{index_id}/videos/{video_id}": [_METADATA],
    "PATCH /v1.3/indexes/{index_id}/indexed-assets/{video_id}": [_METADATA],
    "POST /v1.3/tasks": [
        _form(index_id="$index", video_url="http://127.0.0.1/x.mp4"),
        Case({"data": {"index_id": "$index"}, "files": {"video_file": ("x.mp4", b"x")}}),
    ],
    "POST /v1.3/search": [
        _form(index_id="$index", **_SEARCH),
        _form(index_id="$my_index", filter='{"id": ["$video"]}', **_SEARCH),
        _form(index_id="$my_index", filter='{"id": "$video"}', **_SEARCH),
        _form(index_id="$my_index", **{**_SEARCH, "query_text": "<@$entity> runs"}),
    ],
    "POST /v1.3/embed": [_form(model_name="marengo3.0", image_url="http://127.0.0.1/x")],
    "POST /v1.3/embed/tasks": [_form(model_name="marengo3.0", video_url="http://127.0.0.1/x")],
    "POST /v1.3/embed-v2": [
        _json(model_name="marengo3.0", input_type="image", image=_source("image")),
        _json(model_name="marengo3.0", input_type="audio", audio=_source("asset")),
        _json(model_name="marengo3.0", input_type="video", video=_source("asset")),
        _json(model_name="marengo3.0", input_type="video", video=_source("waiting")),
        _json(
            model_name="marengo3.0", input_type="text_image",
            text_image={"input_text": "red", **_source("image")},
        ),
        _json(
            model_name="marengo3.0", input_type="multi_input",
            multi_input={
                "input_text": "<@one>",
                "media_sources": [{"name": "one", "media_type": "image", "asset_id": "$image"}],
            },
        ),
    ],
    "POST /v1.3/embed-v2/tasks": [
        _json(model_name="marengo3.0", input_type="image", image=_source("image")),
        _json(model_name="marengo3.0", input_type="audio", audio=_source("asset")),
        _json(model_name="marengo3.0", input_type="video", video=_source("asset")),
    ],
    "POST /v1.3/connections:authorize": [_json(provider="google_drive", redirect_uri="")],
    "POST /v1.3/connections/redirect-uris": [_json(redirect_uri="")],
    "POST /v1.3/connections/{connection_id}/imports": [_json(items=[{"source_id": "x"}])],
    "POST /v1.3/entity-collections": [_json(name="")],
    "PATCH /v1.3/entity-collections/{entity_collection_id}": [_json(name="stolen")],
    "POST /v1.3/entity-collections/{entity_collection_id}/entities": [
        _json(name="x", asset_ids=["$image"]), _json(name="x", asset_ids=["$my_image"]),
        _json("all", name="x", asset_ids=["$image"]),
        _json("all", name="x", asset_ids=["$my_image", "$asset"]),
    ],
    "POST /v1.3/entity-collections/{entity_collection_id}/entities/bulk": [
        _json(entities=[{"name": "x", "asset_ids": ["$my_image"]}]),
        _json("all", entities=[{"name": "x", "asset_ids": ["$image"]}]),
    ],
    "PATCH /v1.3/entity-collections/{entity_collection_id}/entities/{entity_id}": [
        _json(name="stolen", metadata={"a": 2})
    ],
    "POST /v1.3/entity-collections/{entity_collection_id}/entities/{entity_id}/assets": [
        _json(asset_ids=["$my_image"]), _json("all", asset_ids=["$image"]),
        _json("all", asset_ids=["$waiting"]),
    ],
    "DELETE /v1.3/entity-collections/{entity_collection_id}/entities/{entity_id}/assets": [
        _json(asset_ids=["$image"]), _json("all", asset_ids=["$image"]),
    ],
    "POST /v1.3/knowledge-stores": [_json(name="")],
    f"PATCH {_STORE}": [_json(name="stolen")],
    f"POST {_STORE}/search": [
        _json(query={"text": "red"}),
        _json(query={"text": "red"}, page_token="$store_page"),
        _json("all", query={"text": "red"}, page_token="$store_page"),
        _json("all", query={"text": "red"}, filter={"item_id": {"eq": "$item"}}),
        _json("all", query={"text": "red"}, filter={"item_id": {"in": ["$item"]}}),
    ],
    f"POST {_STORE}/items": [
        _json(asset_id="$asset"), _json(asset_id="$my_asset"), _json("all", asset_id="$asset"),
        _json("all", asset_id="$waiting"),
    ],
    f"POST {_STORE}/item-collections": [_json(name="stolen")],
    f"PATCH {_GROUP}": [_json(name="stolen")],
    f"POST {_GROUP}/items/add": [
        _json(item_ids=["$item"]), _json(item_ids=["$my_item"]), _json("all", item_ids=["$item"]),
    ],
    f"POST {_GROUP}/items/remove": [_json(item_ids=["$item"]), _json(item_ids=["$my_item"])],
    "POST /v1.3/responses": [
        _json(**_question(knowledge_store_id="$store")),
        _json("all", **_question(knowledge_store_id="$my_store", session_id="$session")),
        _json(
            "all",
            **_question(
                knowledge_store_id="$my_store", selections=[{"kind": "item", "id": "$item"}]
            ),
        ),
        _json(
            "all",
            **_question(
                "What is in {{sel:0}}?", knowledge_store_id="$my_store",
                selections=[{"kind": "collection", "id": "$group"}],
            ),
        ),
    ],
    "POST /v1.3/analyze": [
        _json(**_video(), **_WANTED), _json(video_id="$video", **_WANTED),
        _json(
            model_name="pegasus1.6", image=[{"name": "one", "asset_id": "$image"}], **_WANTED
        ),
        _json(
            **_video(), stream=False,
            prompt_v2={
                "input_text": "Is it <@one>?",
                "media_sources": [{"name": "one", "media_type": "image", "asset_id": "$image"}],
            },
        ),
    ],
    "POST /v1.3/analyze/tasks": [
        _json(**_video(), prompt="What is red?"), _json(video_id="$video", prompt="What is red?"),
        _json(
            model_name="pegasus1.6", image=[{"name": "one", "asset_id": "$image"}],
            prompt="What is red?",
        ),
    ],
    "POST /v1.3/analyze/batches": [
        _json(
            model_name="pegasus1.5", analysis_mode="general",
            requests=[{**_video(), "prompt": {"input_text": "What is red?"}}],
        ),
    ],
    "POST /v1.3/gist": [_json(video_id="$video", types=["title"])],
    "POST /v1.3/summarize": [_json(video_id="$video", type="summary")],
    "POST /v1/indexes/{index_id}/ask": [
        _json(question="What is red?"), _json("all", question="What is red?", videos=["$video"]),
    ],
    "POST /v1/indexes/{index_id}/extract": [
        _json(schema={"type": "object"}, videos=["$my_video"]),
        _json("all", schema={"type": "object"}, videos=["$video"]),
    ],
    "POST /v1/indexes/{index_id}/compare": [
        _json(left="$my_video", right="$my_video"),
        _json("all", left="$video", right="$my_video"),
        _json("all", left="$my_video", right="$video"),
    ],
    "POST /v1/indexes/{index_id}/videos/{video_id}/summary": [_json(sentences=2)],
    "POST /v1/indexes/{index_id}/search": [
        _json(parts=[{"text": "red"}]),
        _json(page="$page"), _json("all", page="$page"),
        _json("all", parts=[{"image": {"asset_id": "$image"}}]),
        _json("all", parts=[{"audio": {"asset_id": "$asset"}}]),
        _json("all", parts=[{"video": {"asset_id": "$asset"}}]),
        _json("all", parts=[{"text": "red"}], videos=["$video"]),
        _json("all", parts=[{"text": "red"}], filter={"id": "$video"}),
        _json("all", parts=[{"text": "red"}], filter={"id": {"in": ["$video"]}}),
    ],
    "POST /v1/indexes/{index_id}/classify": [
        _json(labels=[{"name": "red"}]),
        _json("all", labels=[{"name": "red"}], videos=["$video"]),
        _json(
            "all", none=[{"video_id": "$my_video"}],
            labels=[{"name": "red", "examples": [{"video_id": "$video"}] * 2}],
        ),
        _json(
            "all", none=[{"video_id": "$video"}],
            labels=[{"name": "red", "examples": [{"video_id": "$my_video"}] * 2}],
        ),
    ],
    "POST /v1/embeddings": [_json(model="text-embedding-3-small", input="red")],
    "POST /v1/rerank": [_json(query="red", documents=[])],
    "POST /v1/saved-searches": [
        _json(name="x", index_id="$index", parts=[{"text": "red"}]),
        _json(name="x", index_id="$my_index", parts=[{"image": {"asset_id": "$image"}}]),
        _json(name="x", index_id="$my_index", parts=[{"video": {"asset_id": "$asset"}}]),
    ],
    "POST /v1/webhooks": [_json(url="http://127.0.0.1/x")],
    "POST /v1/evaluations": [
        _json(index_id="$index", queries=[{"text": "red", "relevant": [{"video_id": "$video"}]}]),
        _json(
            index_id="$my_index",
            queries=[{"text": "red", "relevant": [{"video_id": "$video"}]}],
        ),
        _json(
            index_id="$my_index",
            queries=[{"image": "$image", "relevant": [{"video_id": "$my_video"}]}],
        ),
    ],
}  # fmt: skip
