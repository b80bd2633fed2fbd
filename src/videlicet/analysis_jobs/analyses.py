"""Analyses that somebody waits for by asking: durable work on what has been observed.

An analysis is a resource. Its ``parent`` is the batch it came in, if it did; its ``body`` holds
``job`` (see :mod:`videlicet.analyze.run`), ``source`` and ``params`` (what was asked, to be
told again), ``custom_id``, ``index_id`` and ``video_id`` (where its evidence is, or will be),
``own`` (the id of an asset that came with the request and goes when it has been answered), or
``pictures`` (the names of pictures that are looked at instead, which are blobs meanwhile), and at
the end ``result`` or ``error`` and ``completed_at``.

It is ``queued`` until its video has been observed, then ``pending`` until a worker takes it, then
``processing``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from videlicet.errors import Cancelled, NotFound, TaskError, VidelicetError, from_json
from videlicet.ingest.indexing import remove_asset
from videlicet.models.cards import chosen_cards
from videlicet.rights import Purpose
from videlicet.store.catalog.memberships import batched
from videlicet.store.catalog.schema import to_stored_time
from videlicet.types import AssetOwner, Index, Kind, Resource, Video, VideoStatus, random_id
from videlicet.webhooks import delivery

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.analyze.run import AnalysisRequest
    from videlicet.jobs.context import WorkerContext
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store
    from videlicet.types import Asset

QUEUED, PENDING, PROCESSING = "queued", "pending", "processing"
READY, FAILED, CANCELED = "ready", "failed", "canceled"
LIVE, ENDED = (QUEUED, PENDING, PROCESSING), (READY, FAILED, CANCELED)
#: How long an asset that came with a request may wait for its analysis to be made, or answered at
#: once.
MAX_UNCLAIMED_AGE = timedelta(hours=1)
#: What the hidden index is called in which files are observed that stand in no other; further ones,
#: for other models, have a word more.
HIDDEN_INDEX = "~analysis"
EVENTS = {
    READY: delivery.ANALYZED,
    FAILED: delivery.ANALYSIS_FAILED,
    CANCELED: delivery.ANALYSIS_CANCELED,
}


def find_observed_index(
    scope: Scope, store: Store, settings: Settings, asset: Asset
) -> tuple[Index, Video | None]:
    """Where an asset has been observed with all the models of today, or is being observed: an index
    with the video in it. Else the hidden index, and no video."""
    cards = chosen_cards(settings.models)
    indexes = {
        index.id: index
        for index in store.catalog.indexes(scope, hidden=True)
        if dict(index.cards) == cards
    }
    blocked = [
        video
        for video in store.catalog.videos(scope, asset_id=asset.id)
        if video.index_id in indexes and video.status is not VideoStatus.FAILED
    ]
    if blocked:
        best = max(blocked, key=lambda video: video.status is VideoStatus.READY)
        return indexes[best.index_id], best
    return _hidden_index_among(indexes.values()) or _ensure_hidden_index(scope, store, cards), None


def _ensure_hidden_index(scope: Scope, store: Store, cards: dict[str, str]) -> Index:
    with store.database.advisory_lock("analysis index"):
        every = store.catalog.indexes(scope, hidden=True)
        if there := _hidden_index_among(index for index in every if dict(index.cards) == cards):
            return there
        # What was observed with the models of yesterday stays in an index of its own; and others
        # may call theirs what they like.
        taken = {index.name for index in every}
        name = f"{HIDDEN_INDEX} {random_id()}" if HIDDEN_INDEX in taken else HIDDEN_INDEX
        return store.catalog.create_index(scope, name, cards, {"hidden": True})


def _hidden_index_among(indexes: Iterable[Index]) -> Index | None:
    """The index among these that is observed in for analyses only."""
    return next(
        (one for one in indexes if one.hidden and one.name.partition(" ")[0] == HIDDEN_INDEX), None
    )


def queue_ready(context: WorkerContext) -> None:
    """Have the analyses run whose videos have been observed, or never will be."""
    catalog, scope = context.store.catalog, context.scope
    queued = catalog.resource_keys(scope, Kind.ANALYSIS, status=[QUEUED])
    awaited = {key.video_id for key in queued if key.video_id}
    status: dict[str, VideoStatus] = {}
    for some in batched(sorted(awaited)):
        status |= catalog.video_keys(scope, some)
    for key in queued:
        # A video that is not there any more will never be observed either.
        if status.get(key.video_id or "", VideoStatus.FAILED).ended:
            with suppress(NotFound):
                catalog.update_resource(scope, Kind.ANALYSIS, key.id, when=[QUEUED], status=PENDING)


def run_analysis_job(context: WorkerContext, tenant: str, id: str) -> str:
    """Run one analysis; its status."""
    scope = context.tenant_scope(tenant)
    catalog = context.store.catalog
    try:
        one = catalog.update_resource(
            scope, Kind.ANALYSIS, id, when=[PENDING, PROCESSING], status=PROCESSING
        )
        if one.status in ENDED:
            # Whoever ended it may have been killed before the rest was done.
            finish_analysis(scope, context.store, one)
        if one.status != PROCESSING:
            return one.status
        try:
            body: dict[str, Any] = {"result": _result(context, scope, one)}
            status = READY
        except VidelicetError as error:
            if context.closing:
                return PROCESSING
            body, status = {"error": error.to_json()}, FAILED
        return end_analysis(scope, context.store, one, status, body).status
    except NotFound:
        return "gone"
    finally:
        context.work_available.set()


def fail_analysis(context: WorkerContext, tenant: str, id: str, error: VidelicetError) -> str:
    """Fail an analysis for a fault of ours."""
    scope = context.tenant_scope(tenant)
    try:
        one = context.store.catalog.resource(scope, Kind.ANALYSIS, id)
        return end_analysis(scope, context.store, one, FAILED, {"error": error.to_json()}).status
    except NotFound:
        return "gone"
    finally:
        context.work_available.set()


def end_analysis(
    scope: Scope,
    store: Store,
    one: Resource,
    status: str,
    body: dict[str, Any],
    *,
    when: Collection[str] = LIVE,
) -> Resource:
    """Say how an analysis ended, if it is as ``when`` says; what came with it goes."""
    ended = store.catalog.update_resource(
        scope, Kind.ANALYSIS, one.id, when=when, status=status,
        body={**body, "completed_at": to_stored_time(datetime.now(UTC))},
    )  # fmt: skip
    if ended.status in ENDED:  # else it was begun meanwhile
        finish_analysis(scope, store, ended)
    return ended


def finish_analysis(scope: Scope, store: Store, ended: Resource) -> None:
    """Delete the inputs of an analysis that has ended, and announce its end. Done again it
    changes nothing."""
    if ended.body.get("own"):
        with suppress(NotFound):
            remove_asset(store.scope(scope.narrowed(Purpose.MANAGE)), store, ended.body["own"])
    if ended.body.get("pictures"):
        store.blobs.delete(scope, image_prefix(ended.id))
    if ended.parent:
        return  # a batch of a thousand is not announced a thousand times
    error = ended.body.get("error")
    data = {
        "id": ended.id,
        "custom_id": ended.body.get("custom_id"),
        "created_at": to_stored_time(ended.created_at),
        "status": ended.status,
        "video_source": ended.body["source"],
        "error": None if error is None else {"message": error["message"]},
    }
    delivery.announce(scope, store, EVENTS[ended.status], data, ended.id)


def sweep(scope: Scope, store: Store) -> None:
    """Clear away what came with requests and nobody waits for any more, as where a server was
    killed; and batches whose time is over."""
    catalog = store.catalog
    delete_expired_batches(scope, store)
    known = {key.split("/")[1] for key in store.blobs.list(scope, "analyses/")}
    for some in batched(sorted(known)):
        ended, _ = catalog.find_resources(scope, Kind.ANALYSIS, ids=some, status=ENDED)
        for one in ended:
            finish_analysis(store.scope(scope.within(one.tenant)), store, one)
    # Requests that are waited for end within minutes.
    old, _ = catalog.list_assets(
        scope, owners=[AssetOwner.ANALYSIS], until=datetime.now(UTC) - MAX_UNCLAIMED_AGE
    )
    for asset in old:
        _, claims = catalog.find_resources(
            scope, Kind.ANALYSIS, status=LIVE, body=[(["own"], "==", asset.id)], limit=0
        )
        if not claims:
            managing = store.scope(scope.within(asset.tenant).narrowed(Purpose.MANAGE))
            with suppress(NotFound):
                remove_asset(managing, store, asset.id)


def delete_expired_batches(scope: Scope, store: Store) -> None:
    """Delete the batches whose time is over, with their analyses."""
    now = datetime.now(UTC)
    batches, _ = store.catalog.find_resources(scope, Kind.BATCH)
    for batch in batches:
        if batch.expires_at is not None and batch.expires_at < now:
            store.catalog.delete_resources(scope, Kind.ANALYSIS, parent=batch.id)
            with suppress(NotFound):
                store.catalog.delete_resource(scope, Kind.BATCH, batch.id)


def _result(context: WorkerContext, scope: Scope, one: Resource) -> dict[str, Any]:
    from videlicet.analyze.backends import analysis_backend
    from videlicet.analyze.run import AnalysisRequest, run_analysis
    from videlicet.models.registry import load

    job = AnalysisRequest.from_json(one.body["job"])
    reading = context.store.scope(scope.narrowed(Purpose.ANALYZE))
    if one.body.get("pictures"):
        all_evidence = _image_evidence(context, reading, one)
    else:
        all_evidence = [_video_evidence(context, reading, one, job)]
    encoder = load(all_evidence[0].index.cards["text"], context.settings)

    def check() -> None:
        # A worker that is to stop does not wait for a language model; it is asked again later.
        if context.closing:
            raise Cancelled("cancelled", "The worker stops.")

    backend = analysis_backend(reading, context.store, context.settings, encoder, check)
    done = run_analysis(backend, encoder, all_evidence, job)
    return {"generation_id": random_id(), **done.to_json()}


def _video_evidence(
    context: WorkerContext, scope: Scope, one: Resource, job: AnalysisRequest
) -> AssetEvidence:
    from videlicet.analyze.run import load_request_evidence

    try:
        video = context.store.catalog.video(scope, one.body["video_id"])
    except NotFound:
        raise TaskError("task_failed", "The video was deleted before it was analysed.") from None
    if video.status is not VideoStatus.READY:
        if video.error is not None:
            raise from_json(video.error)
        raise TaskError("task_failed", "The video could not be observed.")
    within = context.store.scope(scope, one.body["index_id"])
    return load_request_evidence(within, context.store, video.asset_id, job)


def _image_evidence(context: WorkerContext, scope: Scope, one: Resource) -> list[AssetEvidence]:
    from videlicet.analyze.evidence.images import ImageModels, image_evidence
    from videlicet.models.registry import load

    cards = chosen_cards(context.settings.models)
    models = ImageModels(
        *(load(cards[role], context.settings) for role in ("text", "vision", "ocr"))
    )
    return [
        image_evidence(
            name, context.store.blobs.path(scope, image_key(one.id, n)), models, context.settings
        )
        for n, name in enumerate(one.body["pictures"])
    ]


def image_prefix(id: str) -> str:
    """What the blob keys of an analysis begin with."""
    return f"analyses/{id}/"


def image_key(id: str, number: int) -> str:
    """The blob key of one of the pictures of an analysis."""
    return f"{image_prefix(id)}{number}"
