"""Embeddings, first form: one object for each kind of input, and tasks for films."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import File, Form, Query, UploadFile

from videlicet.api.errors import invalid, missing, unknown
from videlicet.api.v1_3 import assets
from videlicet.api.v1_3.common import Call, Caller, Pages, router_for, text_of, time_of
from videlicet.api.v1_3.embed_requests import check_length
from videlicet.api.v1_3.media_sources import LARGEST_PICTURE, fetched
from videlicet.api.v1_3.models import known
from videlicet.api.v1_3.schemas.common import Page
from videlicet.api.v1_3.schemas.embed import Answer, Made, TaskOut
from videlicet.embedding.clips import vectors_of
from videlicet.embedding.inputs import Models, pictures, recording, texts
from videlicet.errors import NotFound, VidelicetError
from videlicet.models.cards import chosen_cards
from videlicet.rights import Purpose
from videlicet.telemetry import traces
from videlicet.types import Kind, Resource, random_id

router = router_for("embeddings")

#: How long the answer of a task is kept.
KEPT = timedelta(days=7)
#: Seconds of a clip: usual, least and most.
CLIP, SHORTEST, LONGEST = 6.0, 2.0, 10.0
Option = Literal["visual", "audio", "transcription", "visual-text"]


def models_of(call: Caller) -> Models:
    """The models that inputs are read with."""
    encoders = call.service.encoders(chosen_cards(call.settings.models))
    return Models(encoders.text, encoders.vision, encoders.speech, encoders.sound)


@router.post("/embed", response_model=Answer, response_model_exclude_none=True)
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
    name = known(model_name)
    models = models_of(call)
    answer: dict[str, Any] = {"model_name": name}
    if text is not None:
        if not text.strip():
            raise invalid("text is empty.")
        rows, _ = texts(models, [text])
        answer["text_embedding"] = {"segments": [{"float": _list(rows[0])}]}
    if image_file is not None or image_url:
        if image_file is not None:
            vector = pictures(models, [image_file.file.read()], call.settings)[0]
            facts: dict[str, Any] = {"input_filename": image_file.filename}
        else:
            assert image_url is not None
            with fetched(call, image_url, "image_url", LARGEST_PICTURE) as path:
                vector = pictures(models, [path], call.settings)[0]
            facts = {"input_url": image_url}
        answer["image_embedding"] = {"segments": [{"float": _list(vector)}], "metadata": facts}
    if audio_file is not None:
        with _refusing():
            vectors = _audio(call, models, audio_file.file.read(), audio_start_offset_sec)
        answer["audio_embedding"] = vectors | {"metadata": {"input_filename": audio_file.filename}}
    elif audio_url:
        with _refusing(), fetched(call, audio_url, "audio_url") as path:
            vectors = _audio(call, models, path, audio_start_offset_sec)
        answer["audio_embedding"] = vectors | {"metadata": {"input_url": audio_url}}
    if len(answer) == 1:
        raise missing("text")
    return answer


@contextmanager
def _refusing() -> Iterator[None]:
    """Refuse a sound that cannot be read."""
    try:
        yield
    except VidelicetError as error:
        if error.status >= 500:
            raise
        raise invalid(f"audio: {error.message}") from None


def _audio(call: Caller, models: Models, source: Any, start: float) -> dict[str, Any]:
    check = partial(check_length, "audio")
    span, strips = recording(models, source, call.settings, ["audio", "transcription"], check)
    request = {
        "options": ["audio", "transcription"], "scopes": ["clip"], "types": ["fused"],
        "clip": CLIP, "start": start,
    }  # fmt: skip
    rows = vectors_of(strips, span, request)
    if not rows:
        raise invalid("audio: nothing is to be heard.")
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


@router.post("/embed/tasks", response_model=Made)
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
    """Have the vectors of a film computed."""
    name = known(model_name)
    scopes = {part for one in video_embedding_scope or ["clip"] for part in one.split(",")}
    if strange := scopes - {"clip", "video"}:
        raise invalid(f"video_embedding_scope: there is no {min(strange)!r}.")
    if (video_start_offset_sec is None) != (video_end_offset_sec is None):
        raise invalid("video_start_offset_sec and video_end_offset_sec come together.")
    if (
        video_start_offset_sec is not None
        and video_end_offset_sec is not None
        and (video_end_offset_sec <= video_start_offset_sec)
    ):
        raise invalid("video_end_offset_sec must be after video_start_offset_sec.")
    request = {
        "options": ["visual", "audio", "transcription"],
        "scopes": ["clip" if one == "clip" else "asset" for one in sorted(scopes)],
        "types": ["separate"],
        "clip": video_clip_length,
        "start": video_start_offset_sec,
        "end": video_end_offset_sec,
    }
    body = {"hls": False, "thumbnail": False}
    if video_file is not None:
        file = assets.make(
            call, method="direct", name=video_file.filename or "upload", source=video_file.file,
            body=body,
        )  # fmt: skip
        facts: dict[str, Any] = {"input_filename": file.name}
    elif video_url:
        assets.check_url(call, video_url, "video_url")
        file = assets.make(
            call, method="url", name=assets.name_in(video_url), body={**body, "url": video_url}
        )
        facts = {"input_url": video_url}
    else:
        raise missing("video_file")
    facts |= {
        "video_clip_length": video_clip_length,
        "video_embedding_scope": sorted(scopes),
        "video_embedding_option": request["options"],
    }
    return {"_id": begin(call, 1, name, file.id, request, facts).id}


def begin(
    call: Caller, form: int, name: str, file_id: str, request: dict[str, Any], facts: dict[str, Any]
) -> Resource:
    """A new embedding task of one of the two forms."""
    now = datetime.now(UTC)
    task = Resource(
        id=random_id(), kind=Kind.EMBEDDING, tenant=call.tenant, created_at=now, updated_at=now,
        status="processing", parent=str(form), expires_at=now + KEPT,
        body={
            "file_id": file_id, "model_name": name, "request": request, "facts": facts,
            **traces.carried(),
        },
    )  # fmt: skip
    call.catalog.put_resource(call.scope(Purpose.INGEST), task)
    call.service.work.wake()
    return task


def task_of(call: Caller, form: int, task_id: str) -> Resource:
    """An embedding task of one of the two forms."""
    try:
        found = call.catalog.resource(call.scope(Purpose.EMBED_EXPORT), Kind.EMBEDDING, task_id)
    except NotFound:
        raise unknown("embedding task", task_id) from None
    if found.parent != str(form):
        raise unknown("embedding task", task_id)
    return found


def tasks(
    call: Caller,
    pages: Pages,
    form: int,
    started_at: str | None,
    ended_at: str | None,
    status: str | None,
    show: Callable[[Resource], dict[str, Any]],
) -> Any:
    """A page of embedding tasks, without their vectors."""
    rows, total = call.catalog.find_resources(
        call.scope(Purpose.EMBED_EXPORT), Kind.EMBEDDING, parent=str(form),
        status=[status] if status else (), since=time_of("started_at", started_at),
        until=time_of("ended_at", ended_at), offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.of([show(row) for row in rows], total)


@router.get("/embed/tasks", response_model=Page[TaskOut], response_model_exclude_none=True)
def find_tasks(
    call: Call,
    pages: Pages,
    started_at: str | None = None,
    ended_at: str | None = None,
    status: str | None = None,
) -> Any:
    """List embedding tasks, newest first."""
    return tasks(call, pages, 1, started_at, ended_at, status, shown)


@router.get("/embed/tasks/{task_id}", response_model=TaskOut, response_model_exclude_none=True)
def retrieve(
    call: Call, task_id: str, embedding_option: Annotated[list[Option] | None, Query()] = None
) -> Any:
    """The vectors of a task that is ready."""
    task = task_of(call, 1, task_id)
    row = shown(task)
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
    "/embed/tasks/{task_id}/status", response_model=TaskOut, response_model_exclude_none=True
)
def status(call: Call, task_id: str) -> Any:
    """How far a task is."""
    return shown(task_of(call, 1, task_id))


def shown(task: Resource) -> dict[str, Any]:
    """A task without its vectors."""
    error = task.body.get("error")
    facts = dict(task.body["facts"])
    if "duration" in task.body:
        facts["duration"] = task.body["duration"]
    return {
        "_id": task.id,
        "model_name": task.body["model_name"],
        "status": task.status,
        "created_at": text_of(task.created_at),
        "updated_at": text_of(task.updated_at),
        "video_embedding": {"metadata": facts},
        "error": None if error is None else {"message": error["message"]},
    }


def _list(vector: Any) -> list[float]:
    return [round(float(value), 7) for value in vector]
