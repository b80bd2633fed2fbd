"""Analyses that somebody waits for by asking: durable work on what has been observed.

An analysis is a resource. Its ``parent`` is the batch it came in, if it did; its ``body`` holds
``job`` (see :mod:`videlicet.analyze.perform`), ``source`` and ``params`` (what was asked, to be
told again), ``custom_id``, ``index_id`` and ``video_id`` (where its evidence is, or will be),
``own`` (the id of a file that came with the request and goes when it has been answered), or
``pictures`` (the names of pictures that are looked at instead, which are blobs meanwhile), and at
the end ``result`` or ``error`` and ``completed_at``.

It is ``queued`` until its video has been observed, then ``pending`` until a worker takes it, then
``processing``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from videlicet.errors import NotFound, TaskError, VidelicetError, from_json
from videlicet.ingest import delivery, videos
from videlicet.ingest.client.entries import remove_file, videos_of
from videlicet.models.cards import chosen_cards
from videlicet.rights import Purpose
from videlicet.store.catalog.schema import instant_text
from videlicet.store.catalog.slots import chunked
from videlicet.types import Index, Kind, Resource, random_id

if TYPE_CHECKING:
    from videlicet.analyze.evidence.gather import Material
    from videlicet.analyze.perform import Job
    from videlicet.ingest.worker.runtime import Runtime
    from videlicet.rights import Grant
    from videlicet.settings import Settings
    from videlicet.store import Store

QUEUED, PENDING, PROCESSING = "queued", "pending", "processing"
READY, FAILED, CANCELED = "ready", "failed", "canceled"
LIVE, ENDED = (QUEUED, PENDING, PROCESSING), (READY, FAILED, CANCELED)
#: The parent of files that came with a request and are nobody's asset.
OWN = "analysis"
#: What the hidden index is called in which files are observed that stand in no other.
INDEX = "~analysis"
EVENTS = {
    READY: delivery.ANALYZED,
    FAILED: delivery.ANALYSIS_FAILED,
    CANCELED: delivery.ANALYSIS_CANCELED,
}


def place_of(
    grant: Grant, store: Store, settings: Settings, file: Resource
) -> tuple[Index, Resource | None]:
    """Where a file has been observed with all the models of today, or is being observed: an index
    with the video in it. Else the hidden index, and no video."""
    cards = chosen_cards(settings.models)
    indexes = {
        index.id: index
        for index in store.catalog.indexes(grant, hidden=True)
        if dict(index.cards) == cards
    }
    held = [
        video
        for video in videos_of(grant, store, file.id)
        if video.parent in indexes and video.status != videos.FAILED
    ]
    if held:
        best = max(held, key=lambda video: video.status == videos.READY)
        return indexes[best.parent], best
    for index in indexes.values():
        if index.hidden and index.name == INDEX:
            return index, None
    return _hidden(grant, store, cards), None


def _hidden(grant: Grant, store: Store, cards: dict[str, str]) -> Index:
    with store.database.held("analysis index"):
        try:
            there = store.catalog.index(grant, INDEX)
        except NotFound:
            pass
        else:
            if dict(there.cards) == cards:
                return there
            # Made with the models of yesterday, whose observations stay with it.
            store.catalog.rename_index(grant, there.id, f"{INDEX} {there.id}")
        return store.catalog.create_index(grant, INDEX, cards, {"hidden": True})


def waiting(runtime: Runtime) -> list[Resource]:
    """Analyses that a worker may take: those whose videos have been observed, or never will be."""
    catalog, grant = runtime.store.catalog, runtime.grant
    queued, _ = catalog.find_resources(grant, Kind.ANALYSIS, status=[QUEUED], ascending=True)
    wanted = {str(one.body["video_id"]) for one in queued if one.body["video_id"]}
    there = {row.id: row.status for row in _among(runtime, wanted)}
    for one in queued:
        # A video that is not there any more will never be observed either.
        if there.get(str(one.body["video_id"]), videos.FAILED) in (videos.READY, videos.FAILED):
            with suppress(NotFound):
                catalog.update_resource(grant, Kind.ANALYSIS, one.id, when=[QUEUED], status=PENDING)
    found, _ = catalog.find_resources(
        grant, Kind.ANALYSIS, status=[PENDING, PROCESSING], ascending=True
    )
    return found


def _among(runtime: Runtime, ids: Iterable[str]) -> list[Resource]:
    return [
        row
        for some in chunked(ids)
        for row in runtime.store.catalog.find_resources(runtime.grant, Kind.VIDEO, ids=some)[0]
    ]


def run(runtime: Runtime, tenant: str, id: str) -> str:
    """Run one analysis; its status."""
    grant = replace(runtime.grant, tenant=tenant)
    catalog = runtime.store.catalog
    try:
        one = catalog.update_resource(
            grant, Kind.ANALYSIS, id, when=[PENDING, PROCESSING], status=PROCESSING
        )
        if one.status != PROCESSING:
            return one.status
        try:
            body: dict[str, Any] = {"result": _result(runtime, grant, one)}
            status = READY
        except VidelicetError as error:
            if runtime.closing:
                return PROCESSING
            body, status = {"error": error.to_json()}, FAILED
        return end(grant, runtime.store, one, status, body).status
    except NotFound:
        return "gone"
    finally:
        runtime.stirred.set()


def give_up(runtime: Runtime, tenant: str, id: str, error: VidelicetError) -> str:
    """Fail an analysis for a fault of ours."""
    grant = replace(runtime.grant, tenant=tenant)
    try:
        one = runtime.store.catalog.resource(grant, Kind.ANALYSIS, id)
        return end(grant, runtime.store, one, FAILED, {"error": error.to_json()}).status
    except NotFound:
        return "gone"
    finally:
        runtime.stirred.set()


def end(
    grant: Grant,
    store: Store,
    one: Resource,
    status: str,
    body: dict[str, Any],
    *,
    when: Collection[str] = LIVE,
) -> Resource:
    """Say how an analysis ended, if it is as ``when`` says; what came with it goes."""
    ended = store.catalog.update_resource(
        grant, Kind.ANALYSIS, one.id, when=when, status=status,
        body={**body, "completed_at": instant_text(datetime.now(UTC))},
    )  # fmt: skip
    if ended.status not in ENDED:
        return ended  # it was begun meanwhile
    if ended.body.get("own"):
        with suppress(NotFound):
            remove_file(replace(grant, purpose=Purpose.MANAGE), store, ended.body["own"])
    if ended.body.get("pictures"):
        store.blobs.delete(grant, f"analyses/{one.id}/")
    if ended.parent:
        return ended  # a batch of a thousand is not told of a thousand times
    error = ended.body.get("error")
    data = {
        "id": ended.id,
        "custom_id": ended.body.get("custom_id"),
        "created_at": instant_text(ended.created_at),
        "status": ended.status,
        "video_source": ended.body["source"],
        "error": None if error is None else {"message": error["message"]},
    }
    delivery.announce(grant, store, EVENTS[ended.status], data, ended.id)
    return ended


def _result(runtime: Runtime, grant: Grant, one: Resource) -> dict[str, Any]:
    from videlicet.analyze.analysts import analyst_of
    from videlicet.analyze.perform import Job, perform

    job = Job.from_json(one.body["job"])
    reading = replace(grant, purpose=Purpose.ANALYZE)
    if one.body.get("pictures"):
        materials = _pictures(runtime, reading, one)
    else:
        materials = [_material(runtime, reading, one, job)]
    encoder = runtime.models({"text": materials[0].index.cards["text"]}).text
    analyst = analyst_of(reading, runtime.store, runtime.settings, encoder)
    done = perform(analyst, encoder, materials, job)
    return {"generation_id": random_id(), **done.to_json()}


def _material(runtime: Runtime, grant: Grant, one: Resource, job: Job) -> Material:
    from videlicet.analyze.perform import read

    try:
        video = runtime.store.catalog.resource(grant, Kind.VIDEO, one.body["video_id"])
    except NotFound:
        raise TaskError("task_failed", "The video was deleted before it was analysed.") from None
    if video.status != videos.READY:
        error = video.body.get("error")
        if error is not None:
            raise from_json(error)
        raise TaskError("task_failed", "The video could not be observed.")
    index = runtime.store.catalog.index(grant, one.body["index_id"])
    return read(grant, runtime.store, index, video.id, job)


def _pictures(runtime: Runtime, grant: Grant, one: Resource) -> list[Material]:
    from videlicet.analyze.evidence.pictures import Models, of_picture

    loaded = runtime.models(chosen_cards(runtime.settings.models))
    assert loaded.vision is not None
    assert loaded.reader is not None
    models = Models(loaded.text, loaded.vision, loaded.reader)
    return [
        of_picture(
            name, runtime.store.blobs.path(grant, picture(one.id, n)), models, runtime.settings
        )
        for n, name in enumerate(one.body["pictures"])
    ]


def picture(id: str, number: int) -> str:
    """The blob key of one of the pictures of an analysis."""
    return f"analyses/{id}/{number}"
