"""Evaluations: how well an index answers queries whose right answers the caller knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from videlicet.errors import NotFound
from videlicet.services.assets import get_asset, require_ready
from videlicet.services.indexing import asset_ids
from videlicet.services.problems import invalid, unknown
from videlicet.types import Kind, PartKind, Resource, random_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.types import Index

PROCESSING, READY, FAILED = "processing", "ready", "failed"


@dataclass(frozen=True, slots=True)
class RelevantVideo:
    """A right answer: a whole video, or a part of it in seconds from its start."""

    video_id: str
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class TestQuery:
    """A query with its right answers. ``value`` is a text, or the id of an asset."""

    id: str
    modality: PartKind
    value: str
    kind: str
    relevant: Sequence[RelevantVideo]


@dataclass(frozen=True, slots=True)
class NewEvaluation:
    """What is to be measured, and how."""

    name: str
    queries: Sequence[TestQuery]
    scope: str
    resamples: int
    seed: int


def create_evaluation(caller: Caller, index: Index, new: NewEvaluation) -> Resource:
    """An evaluation of an index, which a server runs in the background.

    Raises:
        InvalidInput: ``invalid_argument``, for queries that cannot be used; ``asset_not_ready``.
        NotFound: ``asset_not_found``.
    """
    for number, query in enumerate(new.queries):
        _check_query(caller, number, query)
    if len({query.id for query in new.queries}) < len(new.queries):
        raise invalid("queries: two have the same id.")
    _require_videos(caller, index, new)
    now = datetime.now(UTC)
    made = Resource(
        id=random_id(), kind=Kind.EVALUATION, tenant=caller.tenant, created_at=now,
        updated_at=now, status=PROCESSING, parent=index.id, name=new.name,
        body={
            "queries": [
                {**asdict(query), "modality": query.modality.value} for query in new.queries
            ],
            "scope": new.scope, "resamples": new.resamples, "seed": new.seed, "done": 0,
        },
    )  # fmt: skip
    caller.catalog.put_resource(caller.manage, made)
    return made


def _check_query(caller: Caller, number: int, query: TestQuery) -> None:
    if query.modality is not PartKind.TEXT:
        require_ready(get_asset(caller, query.value), f"queries.{number}")
    elif not any(character.isalnum() for character in query.value):
        raise invalid(f"queries.{number}.text has no words.")
    for right in query.relevant:
        if (right.start is None) != (right.end is None):
            raise invalid(f"queries.{number}.relevant: start and end come together.")
        if right.start is not None and right.end is not None and right.end <= right.start:
            raise invalid(f"queries.{number}.relevant: end must be after start.")


def _require_videos(caller: Caller, index: Index, new: NewEvaluation) -> None:
    wanted = {right.video_id for query in new.queries for right in query.relevant}
    if strange := wanted - set(asset_ids(caller, index, wanted)):
        raise invalid(f"queries.relevant: the index holds no video {min(strange)!r}.")


def list_evaluations(
    caller: Caller, index_id: str | None = None, *, offset: int = 0, limit: int | None = None
) -> tuple[list[Resource], int]:
    """A page of evaluations, newest first, and how many there are in all; of one index, if
    given."""
    return caller.catalog.find_resources(
        caller.manage, Kind.EVALUATION, parent=index_id, offset=offset, limit=limit
    )


def get_evaluation(caller: Caller, evaluation_id: str) -> Resource:
    """An evaluation of the caller's.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        return caller.catalog.resource(caller.manage, Kind.EVALUATION, evaluation_id)
    except NotFound:
        raise unknown("evaluation", evaluation_id) from None


def delete_evaluation(caller: Caller, evaluation_id: str) -> None:
    """Delete an evaluation; one that is running is broken off.

    Raises:
        NotFound: ``resource_not_found``.
    """
    found = get_evaluation(caller, evaluation_id)
    caller.catalog.delete_resource(caller.manage, Kind.EVALUATION, found.id)
