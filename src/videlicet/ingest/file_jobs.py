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
from videlicet.store.files import path_of_file
from videlicet.types import Kind, Modality, Resource, Span

if TYPE_CHECKING:
    from pathlib import Path

    from videlicet.ingest.context import IngestContext

PROCESSING, READY, FAILED = "processing", "ready", "failed"


def prepare(context: IngestContext, tenant: str, file_id: str) -> str:
    """Make a file ready; its status. One that was deleted meanwhile is ``gone``."""
    scope = context.worker.tenant_scope(tenant)
    try:
        with context.worker.exclusive(files.lock_of(file_id)):
            return files.prepare(
                scope, context.store, context.settings, file_id, lambda: _check(context)
            ).status
    except NotFound:
        return "gone"
    except VidelicetError as error:
        if context.worker.closing:
            return PROCESSING  # nothing is wrong with it: the next worker begins anew
        return give_up_file(context, tenant, file_id, error)


def give_up_file(context: IngestContext, tenant: str, file_id: str, error: VidelicetError) -> str:
    """Fail a file for a fault of ours, or of what is around it."""
    scope = context.worker.tenant_scope(tenant)
    try:
        return files.fail(scope, context.store, context.settings, file_id, error).status
    except NotFound:
        return "gone"


def give_up_embedding(
    context: IngestContext, tenant: str, task_id: str, error: VidelicetError
) -> str:
    """Fail an embedding task for a fault of ours."""
    scope = context.worker.tenant_scope(tenant)
    shutil.rmtree(staging(context.settings, task_id), ignore_errors=True)
    try:
        return context.store.catalog.update_resource(
            scope, Kind.EMBEDDING, task_id, when=[PROCESSING], status=FAILED,
            body={"error": error.to_json()},
        ).status  # fmt: skip
    except NotFound:
        return "gone"


def embed(context: IngestContext, tenant: str, task_id: str) -> str:
    """Run one embedding task; its status.

    The body of the task holds ``file_id`` and ``request`` (see :mod:`videlicet.embedding.clips`,
    or :mod:`videlicet.embedding.documents`); the answer is kept in it as ``data``.
    """
    from videlicet.embedding.clips import NOTES, noted, vectors_of

    scope = context.worker.tenant_scope(tenant)
    catalog = context.store.catalog
    try:
        task = catalog.resource(scope, Kind.EMBEDDING, task_id)
        if task.status != PROCESSING:
            return task.status
        try:
            if task.body["facts"].get("input_type") == "document":
                body: dict[str, Any] = _read(context, tenant, task)
            else:
                heard = _observed(context, tenant, task)
                _require_begun(task, heard.span)
                if notes := task.body["request"].get("notes"):
                    encoder = context.models(
                        {"text": chosen_cards(context.settings.models)["text"]}
                    )
                    heard.strips[NOTES] = noted(encoder.text, notes, heard.span)
                body = {
                    "data": vectors_of(heard.strips, heard.span, task.body["request"]),
                    "duration": float(heard.span.duration),
                }
            status = READY
        except VidelicetError as error:
            if context.worker.closing:
                return PROCESSING
            body, status = {"error": error.to_json()}, FAILED
        catalog.update_resource(
            scope, Kind.EMBEDDING, task_id, when=[PROCESSING], status=status, body=body
        )
    except NotFound:
        status = "gone"
    shutil.rmtree(staging(context.settings, task_id), ignore_errors=True)
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


def _file(context: IngestContext, tenant: str, task: Resource) -> tuple[Resource, Path]:
    """The file of an embedding task, ready, and where its bytes are."""
    scope = context.worker.tenant_scope(tenant)
    with context.worker.exclusive(files.lock_of(task.body["file_id"])):
        file = files.prepare(
            scope, context.store, context.settings, task.body["file_id"], lambda: _check(context)
        )
    if file.body.get("error") is not None:
        raise from_json(file.body["error"])
    return file, path_of_file(scope, context.store, file)


def _read(context: IngestContext, tenant: str, task: Resource) -> dict[str, Any]:
    """The vectors of a document, with what was settled once its kind was known."""
    from videlicet.embedding import documents
    from videlicet.media.pages import MEDIA_TYPE

    file, path = _file(context, tenant, task)
    kind = str(file.body.get("file_type"))
    pdf = kind == MEDIA_TYPE
    if not pdf and not kind.startswith("text/"):
        raise MediaError(
            "media_not_recognised", f"{file.name} is no PDF and no plain text.", subject=file.name
        )
    request = documents.settled(task.body["request"], pdf)
    cards = chosen_cards(context.settings.models)
    text = context.model(cards["text"])
    vision = context.model(cards["vision"]) if "visual" in request["options"] else None
    if pdf:
        with files.named(path, file.name):
            rows = documents.of_pdf(
                text, vision, path, context.settings, request,
                lambda: _check(context),
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


def _observed(context: IngestContext, tenant: str, task: Resource) -> Observed:
    file, path = _file(context, tenant, task)
    settings = context.settings
    if file.body.get("kind") == "image" and task.body["facts"].get("input_type") == "image":
        return _pictured(context, path)
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
    cards = {r: card for r, card in chosen_cards(context.settings.models).items() if r in roles}
    plan = Plan(
        index_id="", asset_id=task.id, sha256=file.body["sha256"], name=file.name, stamp=(),
        media=media, cards=cards, sample_rate=settings.sample_rate,
        segment_min=settings.segment_min, segment_max=settings.segment_max,
    )  # fmt: skip
    with files.named(path, file.name):
        return Observed(media.span, strips_of(context, tenant, plan, path))


def _pictured(context: IngestContext, path: Path) -> Observed:
    """What a single picture shows, as a recording of one instant would."""
    from videlicet.media.cut import load_image

    cards = chosen_cards(context.settings.models)
    text, vision = context.model(cards["text"]), context.model(cards["vision"])
    seen = vision.encode_frames([load_image(path, context.settings)])
    span = Span(Fraction(0), Fraction(1))
    strips = {"looks": Strip([span], seen.features)}
    meaning = rows_in(text.card.space, vision, seen)
    if meaning is not None:
        strips["meaning"] = Strip([span], meaning)
    return Observed(span, strips)


def strips_of(context: IngestContext, tenant: str, plan: Plan, path: Path) -> dict[str, Strip]:
    """What the models of a plan say of a file: ``meaning``, ``looks``, ``sounds``, ``words``."""
    from videlicet.ingest.passes.assemble import assemble
    from videlicet.ingest.passes.journal import journal_of
    from videlicet.ingest.passes.observe import observe
    from videlicet.ingest.passes.pool import Crew

    models = context.models(plan.cards)
    crew = Crew(context.pool, context.order(), lambda: context.worker.closing, tenant)
    with journal_of(plan, context.settings) as journal:
        observe(path, plan, models, crew, journal, context.settings, lambda _: lambda _: None)
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


def _check(context: IngestContext) -> None:
    if context.worker.closing:
        raise Cancelled("cancelled", "The worker is being stopped.")
