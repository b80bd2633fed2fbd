"""Embeddings, second form: one endpoint for every kind of input."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import invalid_parameter, missing_parameter
from videlicet.api.media_sources import open_source, source_of
from videlicet.api.parameters import Pages, format_time
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import MediaSource, NestedProblem, Page
from videlicet.api.v1_3 import documents
from videlicet.api.v1_3.embed import task_page
from videlicet.api.v1_3.embed import task_to_json as first_form
from videlicet.api.v1_3.embed_requests import (
    CLIP,
    echo_of_request,
    embedding_dimension,
    recording_request,
)
from videlicet.api.v1_3.models import require_known
from videlicet.api.v1_3.schemas.embed import EmbeddingTask
from videlicet.api.v1_3.schemas.embed_v2 import (
    DocumentInput,
    EmbedRequest,
    EmbedResponse,
    EmbedTask,
    EmbedTaskCreated,
    EmbedTaskRequest,
    ImageInput,
    MediaInput,
    MultiInput,
    TextImageInput,
    TextInput,
)
from videlicet.embedding.clips import NOTES, add_metadata, embed_clips
from videlicet.embedding.inputs import EmbeddingModels, embed_images, embed_lines, embed_recording
from videlicet.embedding.space import DIMENSIONS, fuse
from videlicet.errors import MediaError
from videlicet.services import assets, embeddings
from videlicet.services.assets import NewAsset
from videlicet.services.embeddings import EmbeddingRequest, require_short
from videlicet.types import Resource

router = router_for("embeddings", V1_3)

#: Marks the tasks of this form.
FORM = "2"

_PLACE = re.compile(r"<@([^<>@\s]{1,64})>")


@router.post(
    "/embed-v2",
    response_model=EmbedResponse,
    response_model_exclude_none=True,
    responses={413: {"model": NestedProblem}},
)
def create(call: Call, body: EmbedRequest) -> Any:
    """Vectors of one input, at once. Recordings may be ten minutes long."""
    name = require_known(body.model_name)
    wide = embedding_dimension(name, body)
    part = getattr(body, body.input_type)
    if part is None:
        raise missing_parameter(body.input_type)
    models = embeddings.input_models(call)
    match part:
        case TextInput():
            rows, counts = embed_lines(models, [part.input_text])
            answer: dict[str, Any] = {
                "data": [_datum(rows[0], "text")], "usage": _usage(counts),
            }  # fmt: skip
        case TextImageInput():
            rows, counts = embed_lines(models, [part.input_text])
            with open_source(call, part.media_source) as source:
                seen = embed_images(models, [source], call.settings)
            answer = {"data": [_datum(fuse([rows[0], seen[0]]))], "usage": _usage(counts)}
        case ImageInput():
            with open_source(call, part.media_source) as source:
                answer = {
                    "data": [_datum(embed_images(models, [source], call.settings)[0], "visual")]
                }
        case MediaInput():
            return _recording(call, models, name, body.input_type, part, wide)
        case MultiInput():
            answer = _multi_input(call, models, part)
    source_facts = _source_facts(call, getattr(part, "media_source", None))
    kind = {"input_type": body.input_type, **source_facts}
    if body.input_type == "multi_input":
        kind["embedding_dimension"] = wide
    for datum in answer["data"]:
        datum["embedding"] = datum["embedding"][:wide]
    return {**answer, "metadata": kind if body.input_type != "text" else None, "model_name": name}


@router.post(
    "/embed-v2/tasks",
    status_code=202,
    response_model=EmbedTaskCreated,
    response_model_exclude_none=True,
)
def create_task(call: Call, body: EmbedTaskRequest) -> Any:
    """Have the vectors of a recording, a picture or a document computed."""
    name = require_known(body.model_name)
    wide = embedding_dimension(name, body)
    part = getattr(body, body.input_type)
    if part is None:
        raise missing_parameter(body.input_type)
    match part:
        case MediaInput():
            request = recording_request(name, body.input_type, part)
        case DocumentInput():
            request = documents.document_request(call, part, source_of(part.media_source))
        case _:
            request = {
                "options": ["visual"], "scopes": ["asset"], "types": ["separate"], "clip": CLIP,
            }  # fmt: skip
    request["dimension"] = wide
    file_id, facts = _file(call, part.media_source, body.input_type)
    facts |= {"input_type": body.input_type}
    if isinstance(part, MediaInput):
        facts |= echo_of_request(body.input_type, request)
    elif isinstance(part, DocumentInput):
        facts |= {**documents.echo_of_request(request), "embedding_dimension": wide}
    wanted = EmbeddingRequest(FORM, name, file_id, request, facts)
    task = embeddings.create_task(call, wanted)
    return {"_id": task.id, "status": task.status, "metadata": {"embedding_dimension": wide}}


@router.get("/embed-v2/tasks", response_model=Page[EmbeddingTask], response_model_exclude_none=True)
def find_tasks(
    call: Call,
    pages: Pages,
    started_at: str | None = None,
    ended_at: str | None = None,
    status: str | None = None,
) -> Any:
    """List embedding tasks, newest first."""
    return task_page(call, pages, FORM, started_at, ended_at, status, task_summary_to_json)


@router.get("/embed-v2/tasks/{task_id}", response_model=EmbedTask, response_model_exclude_none=True)
def retrieve(call: Call, task_id: str) -> Any:
    """A task, with its vectors once it is ready."""
    return task_to_json(embeddings.get_task(call, FORM, task_id))


def task_summary_to_json(task: Resource) -> dict[str, Any]:
    """A task of the second form in a list: what was asked, under the names of the first form."""
    facts = task.body["facts"]
    kind = str(facts["input_type"])
    metadata = {
        "input_url": facts.get("input_url"),
        "input_filename": facts.get("input_filename"),
        f"{kind}_embedding_option": task.body["request"]["options"],
        f"{kind}_embedding_scope": task.body["request"]["scopes"],
        "duration": task.body.get("duration") if kind in ("audio", "video") else None,
        "video_clip_length": facts.get("clip_length"),
    }
    known = {name: value for name, value in metadata.items() if value is not None}
    return {
        **first_form(task), "video_embedding": None, f"{kind}_embedding": {"metadata": known},
    }  # fmt: skip


def task_to_json(task: Resource) -> dict[str, Any]:
    """A task as the second form shows it."""
    error = task.body.get("error")
    facts = dict(task.body["facts"])
    wide = task.body["request"].get("dimension", DIMENSIONS)
    if facts["input_type"] in ("audio", "video"):
        facts["duration"] = float(task.body.get("duration") or 0.0)
    return {
        "_id": task.id,
        "status": task.status,
        "created_at": format_time(task.created_at),
        "updated_at": format_time(task.updated_at),
        "data": None
        if task.status != "ready"
        else [_datum_of_row(row, facts["input_type"], wide) for row in task.body["data"]],
        "metadata": facts,
        "error": None if error is None else {"message": error["message"]},
    }


def _recording(
    call: HttpCaller, models: EmbeddingModels, name: str, kind: str, part: MediaInput, wide: int
) -> dict[str, Any]:
    request = {**recording_request(name, kind, part), "dimension": wide}

    def check(duration: float) -> None:
        require_short(kind, duration)
        if request["start"] is not None and request["start"] >= duration:
            raise invalid_parameter(f"{kind}.start_sec lies beyond the end.")

    try:
        with open_source(call, part.media_source) as source:
            span, vectors = embed_recording(
                models, source, call.settings, request["options"], check
            )
    except MediaError as error:
        raise invalid_parameter(f"{kind}: {error.message}") from None
    if request["notes"]:
        vectors[NOTES] = add_metadata(models.text, request["notes"], span)
    rows = embed_clips(vectors, span, request)
    return {
        "data": [_datum_of_row(row, kind, wide) for row in rows],
        "metadata": {
            "input_type": kind,
            **_source_facts(call, part.media_source),
            **echo_of_request(kind, request),
            "duration": float(span.duration),
        },
    }


def _multi_input(call: HttpCaller, models: EmbeddingModels, part: MultiInput) -> dict[str, Any]:
    """Words and media together as one vector."""
    sources = part.media_sources or []
    if not part.input_text and not sources:
        raise missing_parameter("multi_input.input_text")
    names = {source.name for source in sources if source.name}
    if part.input_text:
        for name in _PLACE.findall(part.input_text):
            if name not in names:
                raise invalid_parameter(
                    f"multi_input.input_text: there is no source named {name!r}."
                )
    vectors = []
    counts = [0]
    text = _PLACE.sub(" ", part.input_text or "").strip()
    if text:
        rows, counts = embed_lines(models, [text])
        vectors.append(rows[0])
    for source in sources:
        if source.media_type == "image":
            with open_source(call, source) as media:
                vectors.append(embed_images(models, [media], call.settings)[0])
            continue
        wanted = ["audio", "transcription"]
        if source.media_type == "video":
            wanted = ["visual", *wanted]
        try:
            with open_source(call, source) as media:
                if source.media_type == "document":
                    alone = len(sources) == 1 and not part.input_text
                    vector, read = embeddings.embed_document(
                        call, models, source_of(source), media, alone=alone
                    )
                    vectors.append(vector)
                    counts = [*counts, *read]
                    continue
                check = partial(require_short, "multi_input")
                span, timed = embed_recording(models, media, call.settings, wanted, check)
        except MediaError as error:
            raise invalid_parameter(f"multi_input: {error.message}") from None
        request = {"options": wanted, "scopes": ["asset"], "types": ["fused"], "clip": CLIP}
        vectors += [row["embedding"] for row in embed_clips(timed, span, request)]
    if not vectors:
        raise invalid_parameter("multi_input: nothing in it can be seen or heard.")
    return {"data": [_datum(fuse(vectors))], "usage": _usage(counts)}


def _file(call: HttpCaller, source: MediaSource, kind: str) -> tuple[str, dict[str, Any]]:
    """The asset of a source, made for it where it is none yet."""
    import io

    given = source_of(source)
    if given.asset_id is not None:
        file = assets.get_asset(call, given.asset_id)
        assets.require_not_failed(file)
        return file.id, {"input_filename": file.name}
    if given.url is not None:
        new = NewAsset(assets.name_in(given.url), hls=False, thumbnail=False)
        file = assets.fetch_asset(call, new, given.url, "media_source.url")
        return file.id, {"input_url": given.url}
    assert given.data is not None
    name = embeddings.document_name(given.data) if kind == "document" else "upload"
    new = NewAsset(name, hls=False, thumbnail=False)
    return assets.upload_asset(call, new, io.BytesIO(given.data)).id, {}


def _source_facts(call: HttpCaller, source: MediaSource | None) -> dict[str, Any]:
    if source is None:
        return {}
    if source.url:
        return {"input_url": source.url}
    if source.asset_id:
        return {"input_filename": assets.get_asset(call, source.asset_id).name}
    return {}


def _usage(counts: Sequence[int]) -> dict[str, Any]:
    return {"input_tokens": {"text": sum(counts)}, "truncated": False}


def _datum(vector: Any, option: str | None = None) -> dict[str, Any]:
    return {
        "embedding": [round(float(value), 7) for value in vector],
        "embedding_option": option,
    }


def _datum_of_row(row: Mapping[str, Any], kind: str, wide: int) -> dict[str, Any]:
    timed = kind in ("audio", "video")
    return {
        "embedding": row["embedding"][:wide],
        "embedding_option": row["option"],
        "embedding_scope": row["scope"],
        "start_sec": row["start"] if timed else None,
        "end_sec": row["end"] if timed else None,
        "start_page_number": row.get("page"),
        "end_page_number": row.get("page"),
        "quadrant": row.get("quadrant"),
        "chunk_index": row.get("chunk_index"),
    }
