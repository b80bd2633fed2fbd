"""Work of seconds: making assets ready, and computing embeddings that were asked for."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from videlicet.embedding import TimedVectors
from videlicet.errors import (
    Cancelled,
    InvalidInput,
    MediaError,
    NotFound,
    VidelicetError,
    from_json,
)
from videlicet.ingest import files
from videlicet.ingest.plan import IndexingPlan, staging
from videlicet.models.base import rows_in
from videlicet.models.cards import chosen_cards
from videlicet.store.files import path_of_asset
from videlicet.types import Asset, Kind, Modality, Resource, Span

if TYPE_CHECKING:
    from pathlib import Path

    from videlicet.ingest.context import IngestContext

PROCESSING, READY, FAILED = "processing", "ready", "failed"


def run_prepare(context: IngestContext, tenant: str, asset_id: str) -> str:
    """Make an asset ready; its status. One that was deleted meanwhile is ``gone``."""
    scope = context.worker.tenant_scope(tenant)
    try:
        with context.worker.exclusive(files.prepare_lock(asset_id)):
            return files.prepare_asset(
                scope, context.store, context.settings, asset_id, lambda: _require_running(context)
            ).status
    except NotFound:
        return "gone"
    except VidelicetError as error:
        if context.worker.closing:
            return PROCESSING  # nothing is wrong with it: the next worker begins anew
        return give_up_asset(context, tenant, asset_id, error)


def give_up_asset(context: IngestContext, tenant: str, asset_id: str, error: VidelicetError) -> str:
    """Fail an asset for a fault of ours, or of what is around it."""
    scope = context.worker.tenant_scope(tenant)
    try:
        return files.fail_asset(scope, context.store, context.settings, asset_id, error).status
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


def run_embedding(context: IngestContext, tenant: str, task_id: str) -> str:
    """Run one embedding task; its status.

    The body of the task holds ``file_id``, the asset's id, and ``request`` (see
    :mod:`videlicet.embedding.clips`, or :mod:`videlicet.embedding.documents`); the answer is kept
    in it as ``data``.
    """
    from videlicet.embedding.clips import NOTES, add_metadata, embed_clips

    scope = context.worker.tenant_scope(tenant)
    catalog = context.store.catalog
    try:
        task = catalog.resource(scope, Kind.EMBEDDING, task_id)
        if task.status != PROCESSING:
            return task.status
        try:
            if task.body["facts"].get("input_type") == "document":
                body: dict[str, Any] = _embed_document(context, tenant, task)
            else:
                heard = _observed(context, tenant, task)
                _require_start_within(task, heard.span)
                if notes := task.body["request"].get("notes"):
                    encoder = context.models(
                        {"text": chosen_cards(context.settings.models)["text"]}
                    )
                    heard.strips[NOTES] = add_metadata(encoder.text, notes, heard.span)
                body = {
                    "data": embed_clips(heard.strips, heard.span, task.body["request"]),
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


def _require_start_within(task: Resource, span: Span) -> None:
    start = task.body["request"].get("start")
    if start is not None and start >= span.duration:
        raise InvalidInput(
            "invalid_argument", f"The recording ends before {start:g} s.", subject="start"
        )


@dataclass(frozen=True, slots=True)
class FileObservations:
    """Everything the models say along a recording, by kind."""

    span: Span
    strips: dict[str, TimedVectors]


def _asset(context: IngestContext, tenant: str, task: Resource) -> tuple[Asset, Path]:
    """The asset of an embedding task, ready, and where its bytes are."""
    scope = context.worker.tenant_scope(tenant)
    asset_id = task.body["file_id"]
    with context.worker.exclusive(files.prepare_lock(asset_id)):
        asset = files.prepare_asset(
            scope, context.store, context.settings, asset_id, lambda: _require_running(context)
        )
    if asset.error is not None:
        raise from_json(asset.error)
    return asset, path_of_asset(scope, context.store, asset)


def _embed_document(context: IngestContext, tenant: str, task: Resource) -> dict[str, Any]:
    """The vectors of a document, with what was settled once its kind was known."""
    from videlicet.embedding import documents
    from videlicet.media.pages import MEDIA_TYPE

    asset, path = _asset(context, tenant, task)
    kind = str(asset.media_type)
    pdf = kind == MEDIA_TYPE
    if not pdf and not kind.startswith("text/"):
        raise MediaError(
            "media_not_recognised", f"{asset.name} is no PDF and no plain text.", subject=asset.name
        )
    request = documents.resolve_options(task.body["request"], pdf)
    cards = chosen_cards(context.settings.models)
    text = context.model(cards["text"])
    vision = context.model(cards["vision"]) if "visual" in request["options"] else None
    if pdf:
        with files.with_display_name(path, asset.name):
            rows = documents.embed_pdf(
                text, vision, path, context.settings, request,
                lambda: _require_running(context),
            )  # fmt: skip
    else:
        if (asset.size or 0) > documents.LONGEST:
            raise MediaError(
                "media_too_large",
                f"{asset.name} is longer than {documents.LONGEST} bytes.",
                subject=asset.name,
            )
        rows = documents.embed_text(text, path.read_text("utf-8", "replace"), request)
    if not rows:
        raise MediaError("media_no_stream", f"{asset.name} has no words.", subject=asset.name)
    asked = {"embedding_options": request["options"], "embedding_scopes": request["scopes"]}
    return {"data": rows, "request": request, "facts": {**task.body["facts"], **asked}}


def _observed(context: IngestContext, tenant: str, task: Resource) -> FileObservations:
    asset, path = _asset(context, tenant, task)
    settings = context.settings
    if asset.type == "image" and task.body["facts"].get("input_type") == "image":
        return _observe_image(context, path)
    media = asset.recording
    if media is None or asset.sha256 is None:
        raise MediaError(
            "media_no_stream", f"{asset.name} is no video and no sound.", subject=asset.name
        )
    wanted = task.body["request"]["options"]
    if "visual" not in wanted:
        media = replace(media, video=None)
    if "audio" not in wanted and "transcription" not in wanted:
        media = replace(media, audio=())
    # A vector has the first encoder of each role; nothing on the screen is read.
    roles = {"text", "vision", "sound"} | ({"speech"} if "transcription" in wanted else set())
    cards = {r: card for r, card in chosen_cards(context.settings.models).items() if r in roles}
    plan = IndexingPlan(
        index_id="", asset_id=task.id, sha256=asset.sha256, name=asset.name, stamp=(),
        media=media, cards=cards, sample_rate=settings.sample_rate,
        segment_min=settings.segment_min, segment_max=settings.segment_max,
    )  # fmt: skip
    with files.with_display_name(path, asset.name):
        return FileObservations(media.span, timed_vectors_of(context, tenant, plan, path))


def _observe_image(context: IngestContext, path: Path) -> FileObservations:
    """What a single picture shows, as a recording of one instant would."""
    from videlicet.media.cut import load_image

    cards = chosen_cards(context.settings.models)
    text, vision = context.model(cards["text"]), context.model(cards["vision"])
    seen = vision.encode_frames([load_image(path, context.settings)])
    span = Span(Fraction(0), Fraction(1))
    vectors = {"looks": TimedVectors([span], seen.features)}
    meaning = rows_in(text.card.space, vision, seen)
    if meaning is not None:
        vectors["meaning"] = TimedVectors([span], meaning)
    return FileObservations(span, vectors)


def timed_vectors_of(
    context: IngestContext, tenant: str, plan: IndexingPlan, path: Path
) -> dict[str, TimedVectors]:
    """What the models of a plan say of a file: ``meaning``, ``looks``, ``sounds``, ``words``."""
    from videlicet.ingest.passes.assemble import assemble
    from videlicet.ingest.passes.journal import journal_of
    from videlicet.ingest.passes.observe import observe
    from videlicet.ingest.passes.task_group import TaskGroup

    models = context.models(plan.cards)
    crew = TaskGroup(context.pool, context.order(), lambda: context.worker.closing, tenant)
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
    vectors = {}
    for name, place in wanted.items():
        if rows := list(found.vectors.get(place, {}).values()):
            vectors[name] = TimedVectors(
                [row.span for row in rows], np.stack([row.vector for row in rows])
            )
    return vectors


def _require_running(context: IngestContext) -> None:
    if context.worker.closing:
        raise Cancelled("cancelled", "The worker is being stopped.")
