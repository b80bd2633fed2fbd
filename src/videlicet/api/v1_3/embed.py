"""Embeddings, first form: one object for each kind of input, and tasks for videos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import File, Form, Query, UploadFile

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import invalid_parameter, missing_parameter
from videlicet.api.parameters import Pages, format_time, parse_time
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.models import require_known
from videlicet.api.v1_3.schemas.embed import EmbeddingResponse, EmbeddingTask, EmbeddingTaskCreated
from videlicet.embedding.clips import embed_clips
from videlicet.embedding.inputs import EmbeddingModels, embed_images, embed_lines, embed_recording
from videlicet.errors import VidelicetError
from videlicet.services import assets, embeddings
from videlicet.services.assets import NewAsset
from videlicet.services.embeddings import EmbeddingRequest
from videlicet.services.media import MAX_PICTURE_SIZE, fetch_media
from videlicet.types import Resource

router = router_for("embeddings", V1_3)

#: Marks the tasks of this form.
FORM = "1"
#: Seconds of a clip: usual, least and most.
CLIP, SHORTEST, LONGEST = 6.0, 2.0, 10.0
Option = Literal["visual", "audio", "transcription", "visual-text"]


@router.post("/embed", response_model=EmbeddingResponse, response_model_exclude_none=True)
def create(
    call: Call,
    model_name: Annotated[str, Form()],
    text: Annotated[str | None, Form()] = None,
    image_url: Annotated[str | None, Form()] = None,
    audio_url: Annotated[str | None, Form()] = None,
    audio_start_offset_sec: Annotated[float, Form(ge=0)] = 0.0,
    image_file: Annotated[UploadFile | None, File()] = None,
    audio_file: Annotated[UploadFile | None, File()] = None,
) -> Any:
    """Vectors of a text, a picture, a sound, or of each of them."""
    name = require_known(model_name)
    models = embeddings.input_models(call)
    answer: dict[str, Any] = {"model_name": name}
    if text is not None:
        if not text.strip():
            raise invalid_parameter("text is empty.")
        rows, _ = embed_lines(models, [text])
        answer["text_embedding"] = {"segments": [{"float": _rounded(rows[0])}]}
    if image_file is not None or image_url:
        if image_file is not None:
            vector = embed_images(models, [image_file.file.read()], call.settings)[0]
            facts: dict[str, Any] = {"input_filename": image_file.filename}
        else:
            assert image_url is not None
            with fetch_media(call, image_url, "image_url", MAX_PICTURE_SIZE) as path:
                vector = embed_images(models, [path], call.settings)[0]
            facts = {"input_url": image_url}
        answer["image_embedding"] = {"segments": [{"float": _rounded(vector)}], "metadata": facts}
    if audio_file is not None:
        with _refuse_unreadable_audio():
            vectors = _audio(call, models, audio_file.file.read(), audio_start_offset_sec)
        answer["audio_embedding"] = vectors | {"metadata": {"input_filename": audio_file.filename}}
    elif audio_url:
        with fetch_media(call, audio_url, "audio_url") as path, _refuse_unreadable_audio():
            vectors = _audio(call, models, path, audio_start_offset_sec)
        answer["audio_embedding"] = vectors | {"metadata": {"input_url": audio_url}}
    if len(answer) == 1:
        raise missing_parameter("text")
    return answer


@contextmanager
def _refuse_unreadable_audio() -> Iterator[None]:
    """Refuse a sound that cannot be read."""
    try:
        yield
    except VidelicetError as error:
        if error.status >= 500:
            raise
        raise invalid_parameter(f"audio: {error.message}") from None


def _audio(call: HttpCaller, models: EmbeddingModels, source: Any, start: float) -> dict[str, Any]:
    check = partial(embeddings.require_short, "audio")
    span, vectors = embed_recording(
        models, source, call.settings, ["audio", "transcription"], check
    )
    request = {
        "options": ["audio", "transcription"], "scopes": ["clip"], "types": ["fused"],
        "clip": CLIP, "start": start,
    }  # fmt: skip
    rows = embed_clips(vectors, span, request)
    if not rows:
        raise invalid_parameter("audio: nothing is to be heard.")
    return {
        "segments": [
            {
                "float": row["embedding"],
                "start_offset_sec": row["start"],
                "end_offset_sec": row["end"],
            }
            for row in rows
        ]
    }


@router.post("/embed/tasks", response_model=EmbeddingTaskCreated)
def create_task(
    call: Call,
    model_name: Annotated[str, Form()],
    video_url: Annotated[str | None, Form()] = None,
    video_start_offset_sec: Annotated[float | None, Form(ge=0)] = None,
    video_end_offset_sec: Annotated[float | None, Form(gt=0)] = None,
    video_clip_length: Annotated[float, Form(ge=SHORTEST, le=LONGEST)] = CLIP,
    video_embedding_scope: Annotated[list[str] | None, Form()] = None,
    video_file: Annotated[UploadFile | None, File()] = None,
) -> Any:
    """Have the vectors of a video computed."""
    name = require_known(model_name)
    scopes = {part for one in video_embedding_scope or ["clip"] for part in one.split(",")}
    if strange := scopes - {"clip", "video"}:
        raise invalid_parameter(f"video_embedding_scope: there is no {min(strange)!r}.")
    if (video_start_offset_sec is None) != (video_end_offset_sec is None):
        raise invalid_parameter("video_start_offset_sec and video_end_offset_sec come together.")
    if (
        video_start_offset_sec is not None
        and video_end_offset_sec is not None
        and (video_end_offset_sec <= video_start_offset_sec)
    ):
        raise invalid_parameter("video_end_offset_sec must be after video_start_offset_sec.")
    request = {
        "options": ["visual", "audio", "transcription"],
        "scopes": ["clip" if one == "clip" else "asset" for one in sorted(scopes)],
        "types": ["separate"],
        "clip": video_clip_length,
        "start": video_start_offset_sec,
        "end": video_end_offset_sec,
    }
    if video_file is not None:
        new = NewAsset(video_file.filename or "upload", hls=False, thumbnail=False)
        asset = assets.upload_asset(call, new, video_file.file)
        facts: dict[str, Any] = {"input_filename": asset.name}
    elif video_url:
        new = NewAsset(assets.name_in(video_url), hls=False, thumbnail=False)
        asset = assets.fetch_asset(call, new, video_url, "video_url")
        facts = {"input_url": video_url}
    else:
        raise missing_parameter("video_file")
    facts |= {
        "video_clip_length": video_clip_length,
        "video_embedding_scope": sorted(scopes),
        "video_embedding_option": request["options"],
    }
    wanted = EmbeddingRequest(FORM, name, asset.id, request, facts)
    return {"_id": embeddings.create_task(call, wanted).id}


def task_page(
    call: HttpCaller,
    pages: Pages,
    form: str,
    started_at: str | None,
    ended_at: str | None,
    status: str | None,
    show: Callable[[Resource], dict[str, Any]],
) -> Any:
    """A page of embedding tasks, without their vectors."""
    rows, total = embeddings.list_tasks(
        call, form, status=status, since=parse_time("started_at", started_at),
        until=parse_time("ended_at", ended_at), offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.response([show(row) for row in rows], total)


@router.get("/embed/tasks", response_model=Page[EmbeddingTask], response_model_exclude_none=True)
def find_tasks(
    call: Call,
    pages: Pages,
    started_at: str | None = None,
    ended_at: str | None = None,
    status: str | None = None,
) -> Any:
    """List embedding tasks, newest first."""
    return task_page(call, pages, FORM, started_at, ended_at, status, task_to_json)


@router.get(
    "/embed/tasks/{task_id}", response_model=EmbeddingTask, response_model_exclude_none=True
)
def retrieve(
    call: Call, task_id: str, embedding_option: Annotated[list[Option] | None, Query()] = None
) -> Any:
    """The vectors of a task that is ready."""
    task = embeddings.get_task(call, FORM, task_id)
    row = task_to_json(task)
    if task.status == "ready":
        row["video_embedding"]["segments"] = [
            {
                "float": one["embedding"],
                "start_offset_sec": one["start"],
                "end_offset_sec": one["end"],
                "embedding_option": one["option"],
                "embedding_scope": "video" if one["scope"] == "asset" else one["scope"],
            }
            for one in task.body["data"]
            if not embedding_option or one["option"] in embedding_option
        ]
    return row


@router.get(
    "/embed/tasks/{task_id}/status", response_model=EmbeddingTask, response_model_exclude_none=True
)
def status(call: Call, task_id: str) -> Any:
    """How far a task is."""
    return task_to_json(embeddings.get_task(call, FORM, task_id))


def task_to_json(task: Resource) -> dict[str, Any]:
    """A task without its vectors."""
    error = task.body.get("error")
    facts = dict(task.body["facts"])
    if "duration" in task.body:
        facts["duration"] = task.body["duration"]
    return {
        "_id": task.id,
        "model_name": task.body["model_name"],
        "status": task.status,
        "created_at": format_time(task.created_at),
        "updated_at": format_time(task.updated_at),
        "video_embedding": {"metadata": facts},
        "error": None if error is None else {"message": error["message"]},
    }


def _rounded(vector: Any) -> list[float]:
    return [round(float(value), 7) for value in vector]
