"""Work of seconds: making files ready, and computing embeddings that were asked for."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from videlicet.embedding import Strip
from videlicet.errors import (
    Cancelled,
    InvalidInput,
    MediaError,
    NotFound,
    VidelicetError,
    from_json,
)
from videlicet.ingest import files
from videlicet.ingest.plan import Plan, staging
from videlicet.ingest.videos import media_of
from videlicet.models.base import rows_in
from videlicet.models.cards import chosen_cards
from videlicet.types import Kind, Modality, Resource, Span

if TYPE_CHECKING:
    from pathlib import Path

    from videlicet.jobs.context import Runtime

PROCESSING, READY, FAILED = "processing", "ready", "failed"


def prepare(runtime: Runtime, tenant: str, file_id: str) -> str:
    """Make a file ready; its status. One that was deleted meanwhile is ``gone``."""
    scope = runtime.store.scope(runtime.scope.within(tenant))
    try:
        with runtime.alone(files.lock_of(file_id)):
            return files.prepare(
                scope, runtime.store, runtime.settings, file_id, lambda: _check(runtime)
            ).status
    except NotFound:
        return "gone"
    except VidelicetError as error:
        if runtime.closing:
            return PROCESSING  # nothing is wrong with it: the next worker begins anew
        return give_up_file(runtime, tenant, file_id, error)


def give_up_file(runtime: Runtime, tenant: str, file_id: str, error: VidelicetError) -> str:
    """Fail a file for a fault of ours, or of what is around it."""
    scope = runtime.store.scope(runtime.scope.within(tenant))
    try:
        return files.fail(scope, runtime.store, runtime.settings, file_id, error).status
    except NotFound:
        return "gone"


def give_up_embedding(runtime: Runtime, tenant: str, task_id: str, error: VidelicetError) -> str:
    """Fail an embedding task for a fault of ours."""
    scope = runtime.store.scope(runtime.scope.within(tenant))
    shutil.rmtree(staging(runtime.settings, task_id), ignore_errors=True)
    try:
        return runtime.store.catalog.update_resource(
            scope, Kind.EMBEDDING, task_id, when=[PROCESSING], status=FAILED,
            body={"error": error.to_json()},
        ).status  # fmt: skip
    except NotFound:
        return "gone"


def embed(runtime: Runtime, tenant: str, task_id: str) -> str:
    """Run one embedding task; its status.

    The body of the task holds ``file_id`` and ``request`` (see :mod:`videlicet.embedding.clips`,
    or :mod:`videlicet.embedding.documents`); the answer is kept in it as ``data``.
    """
    from videlicet.embedding.clips import NOTES, noted, vectors_of

    scope = runtime.store.scope(runtime.scope.within(tenant))
    catalog = runtime.store.catalog
    try:
        task = catalog.resource(scope, Kind.EMBEDDING, task_id)
        if task.status != PROCESSING:
            return task.status
        try:
            if task.body["facts"].get("input_type") == "document":
                body: dict[str, Any] = _read(runtime, tenant, task)
            else:
                heard = _observed(runtime, tenant, task)
                _require_begun(task, heard.span)
                if notes := task.body["request"].get("notes"):
                    encoder = runtime.models(
                        {"text": chosen_cards(runtime.settings.models)["text"]}
                    )
                    heard.strips[NOTES] = noted(encoder.text, notes, heard.span)
                body = {
                    "data": vectors_of(heard.strips, heard.span, task.body["request"]),
                    "duration": float(heard.span.duration),
                }
            status = READY
        except VidelicetError as error:
            if runtime.closing:
                return PROCESSING
            body, status = {"error": error.to_json()}, FAILED
        catalog.update_resource(
            scope, Kind.EMBEDDING, task_id, when=[PROCESSING], status=status, body=body
        )
    except NotFound:
        status = "gone"
    shutil.rmtree(staging(runtime.settings, task_id), ignore_errors=True)
    return status


def _require_begun(task: Resource, span: Span) -> None:
    start = task.body["request"].get("start")
    if start is not None and start >= span.duration:
        raise InvalidInput(
            "invalid_argument", f"The recording ends before {start:g} s.", subject="start"
        )


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything the models say along a recording, by kind."""

    span: Span
    strips: dict[str, Strip]


def _file(runtime: Runtime, tenant: str, task: Resource) -> tuple[Resource, Path]:
    """The file of an embedding task, ready, and where its bytes are."""
    scope = runtime.store.scope(runtime.scope.within(tenant))
    with runtime.alone(files.lock_of(task.body["file_id"])):
        file = files.prepare(
            scope, runtime.store, runtime.settings, task.body["file_id"], lambda: _check(runtime)
        )
    if file.body.get("error") is not None:
        raise from_json(file.body["error"])
    return file, files.bytes_of(scope, runtime.store, file)


def _read(runtime: Runtime, tenant: str, task: Resource) -> dict[str, Any]:
    """The vectors of a document, with what was settled once its kind was known."""
    from videlicet.embedding import documents
    from videlicet.media.pages import MEDIA_TYPE

    file, path = _file(runtime, tenant, task)
    kind = str(file.body.get("file_type"))
    pdf = kind == MEDIA_TYPE
    if not pdf and not kind.startswith("text/"):
        raise MediaError(
            "media_not_recognised", f"{file.name} is no PDF and no plain text.", subject=file.name
        )
    request = documents.settled(task.body["request"], pdf)
    cards = chosen_cards(runtime.settings.models)
    text = runtime.model(cards["text"])
    vision = runtime.model(cards["vision"]) if "visual" in request["options"] else None
    if pdf:
        with files.named(path, file.name):
            rows = documents.of_pdf(
                text, vision, path, runtime.settings, request,
                lambda: _check(runtime),
            )  # fmt: skip
    else:
        if file.body["size"] > documents.LONGEST:
            raise MediaError(
                "media_too_large",
                f"{file.name} is longer than {documents.LONGEST} bytes.",
                subject=file.name,
            )
        rows = documents.of_text(text, path.read_text("utf-8", "replace"), request)
    if not rows:
        raise MediaError("media_no_stream", f"{file.name} has no words.", subject=file.name)
    asked = {"embedding_options": request["options"], "embedding_scopes": request["scopes"]}
    return {"data": rows, "request": request, "facts": {**task.body["facts"], **asked}}


def _observed(runtime: Runtime, tenant: str, task: Resource) -> Observed:
    file, path = _file(runtime, tenant, task)
    settings = runtime.settings
    if file.body.get("kind") == "image" and task.body["facts"].get("input_type") == "image":
        return _pictured(runtime, path)
    media = media_of(file)
    if media is None:
        raise MediaError(
            "media_no_stream", f"{file.name} is no video and no sound.", subject=file.name
        )
    wanted = task.body["request"]["options"]
    if "visual" not in wanted:
        media = replace(media, video=None)
    if "audio" not in wanted and "transcription" not in wanted:
        media = replace(media, audio=())
    # A vector has the first encoder of each role; nothing on the screen is read.
    roles = {"text", "vision", "sound"} | ({"speech"} if "transcription" in wanted else set())
    cards = {r: card for r, card in chosen_cards(runtime.settings.models).items() if r in roles}
    plan = Plan(
        index_id="", asset_id=task.id, sha256=file.body["sha256"], name=file.name, stamp=(),
        media=media, cards=cards, sample_rate=settings.sample_rate,
        segment_min=settings.segment_min, segment_max=settings.segment_max,
    )  # fmt: skip
    with files.named(path, file.name):
        return Observed(media.span, strips_of(runtime, tenant, plan, path))


def _pictured(runtime: Runtime, path: Path) -> Observed:
    """What a single picture shows, as a recording of one instant would."""
    from videlicet.media.cut import load_image

    cards = chosen_cards(runtime.settings.models)
    text, vision = runtime.model(cards["text"]), runtime.model(cards["vision"])
    seen = vision.encode_frames([load_image(path, runtime.settings)])
    span = Span(Fraction(0), Fraction(1))
    strips = {"looks": Strip([span], seen.features)}
    meaning = rows_in(text.card.space, vision, seen)
    if meaning is not None:
        strips["meaning"] = Strip([span], meaning)
    return Observed(span, strips)


def strips_of(runtime: Runtime, tenant: str, plan: Plan, path: Path) -> dict[str, Strip]:
    """What the models of a plan say of a file: ``meaning``, ``looks``, ``sounds``, ``words``."""
    from videlicet.ingest.passes.assemble import assemble
    from videlicet.ingest.passes.journal import journal_of
    from videlicet.ingest.passes.observe import observe
    from videlicet.ingest.passes.pool import Crew

    models = runtime.models(plan.cards)
    crew = Crew(runtime.pool, runtime.order(), lambda: runtime.closing, tenant)
    with journal_of(plan, runtime.settings) as journal:
        observe(path, plan, models, crew, journal, runtime.settings, lambda _: lambda _: None)
        found = assemble(plan, models, journal)
    import numpy as np

    meaning = models.text.card.space
    wanted = {"meaning": (Modality.VISUAL, meaning), "words": (Modality.SPEECH, meaning)}
    for frames in models.frame_encoders:
        wanted["looks"] = (Modality.VISUAL, frames.card.space)
    for audio in models.audio_encoders:
        wanted["sounds"] = (Modality.SOUND, audio.card.space)
    strips = {}
    for name, place in wanted.items():
        if rows := list(found.vectors.get(place, {}).values()):
            strips[name] = Strip([row.span for row in rows], np.stack([row.vector for row in rows]))
    return strips


def _check(runtime: Runtime) -> None:
    if runtime.closing:
        raise Cancelled("cancelled", "The worker is being stopped.")
