"""Videos: assets in indexes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from videlicet.errors import NotFound
from videlicet.rights import IndexScope, Scope, allowed_of, authorize
from videlicet.store.catalog.expressions import is_any_of
from videlicet.store.catalog.indexes import tenant_conditions
from videlicet.store.catalog.memberships import ensure_slot, require_index, slot_of
from videlicet.store.catalog.metadata import filter_field, write_metadata
from videlicet.store.catalog.repository import Repository
from videlicet.store.catalog.rows import video_of, video_row
from videlicet.store.catalog.schema import (
    assets,
    casefolded,
    indexes,
    memberships_table,
    video_metadata,
    videos,
)
from videlicet.store.catalog.tasks import put_task
from videlicet.store.records import MANAGING, READING, WRITING, VideoFilter
from videlicet.types import Task, Video, VideoStatus

#: The numbers of a video that lists are filtered and sorted by.
NUMBERS = ("duration", "fps", "width", "height", "size")
#: What a video keeps for as long as it lives.
_FIXED = frozenset({"id", "index_id", "asset", "created_at"})


class Videos(Repository):
    """The videos' share of the catalog."""

    def add_video(self, scope: Scope, video: Video, task: Task | None = None) -> None:
        """Enter an asset in an index, or put another record in the place of the one that says so;
        with the task that indexes it, if given: both or neither.

        Raises:
            NotFound: ``index_not_found`` or ``asset_not_found``.
        """
        authorize(scope, WRITING, "asset")
        self._require_asset(scope, video.asset_id)
        with self._write_transaction() as connection:
            tenant = connection.execute(
                select(assets.c.tenant).where(
                    assets.c.id == video.asset_id, *tenant_conditions(scope, assets)
                )
            ).scalar()
            if tenant is None:
                raise _no_asset(video.asset_id)
            put_video_row(connection, scope, video, tenant)
            if task is not None:
                put_task(connection, scope, task)

    def video(self, scope: Scope, video_id: str) -> Video:
        """A video by id.

        Raises:
            NotFound: ``resource_not_found``.
        """
        authorize(scope, READING, "asset")
        with self._read_transaction() as connection:
            found = _first(connection, _videos(scope).where(videos.c.id == video_id))
        if found is None:
            raise _unknown(video_id)
        self._require_asset(scope, found.asset_id)
        return found

    def video_of(self, scope: IndexScope, asset_id: str) -> Video | None:
        """The video of an asset in the index, ``None`` where it is not in it."""
        authorize(scope, READING, "asset")
        self._require_asset(scope, asset_id)
        query = _videos(scope).where(memberships_table.c.asset_id == asset_id)
        with self._read_transaction() as connection:
            return _first(connection, query)

    def videos(
        self,
        scope: Scope,
        *,
        asset_id: str | None = None,
        ids: Collection[str] | None = None,
        status: Collection[VideoStatus] = (),
    ) -> list[Video]:
        """Videos of the scope's index, or of all indexes of its tenant, in the order they were
        added; of one asset, or with some ids, if given."""
        authorize(scope, READING, "asset")
        query = _videos(scope).order_by(videos.c.created_at, videos.c.slot)
        if asset_id is not None:
            query = query.where(memberships_table.c.asset_id == asset_id)
        if ids is not None:
            query = query.where(is_any_of(videos.c.id, ids))
        if status:
            query = query.where(videos.c.status.in_([one.value for one in status]))
        with self._read_transaction() as connection:
            found = [video_of(row) for row in connection.execute(query).mappings()]
        allowed = allowed_of(self._policy, scope, {one.asset_id for one in found})
        return [one for one in found if one.asset_id in allowed]

    def find_videos(
        self,
        scope: IndexScope,
        wanted: VideoFilter,
        *,
        sort_by: str = "created_at",
        ascending: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> tuple[list[Video], int]:
        """A page of the index's videos, and how many there are in all. ``sort_by`` is
        ``created_at``, ``updated_at``, ``name`` or one of :data:`NUMBERS` (0 where there is none,
        then by creation); equal keys are in the order of adding.

        Raises:
            NotFound: ``index_not_found``.
        """
        authorize(scope, READING, "asset")
        query = _videos(scope).where(*_conditions(wanted))
        keys: list[ColumnElement[Any]] = [videos.c.slot]
        if sort_by in NUMBERS:
            keys = [func.coalesce(assets.c[sort_by], 0), videos.c.created_at, *keys]
        else:
            keys.insert(0, assets.c.name if sort_by == "name" else videos.c[sort_by])
        with self._read_transaction() as connection:
            require_index(connection, scope.index_id)
            if self._policy.selective:
                found = connection.execute(
                    query.with_only_columns(memberships_table.c.asset_id)
                ).scalars()
                allowed = allowed_of(self._policy, scope, found.all())
                query = query.where(is_any_of(memberships_table.c.asset_id, allowed))
            total = connection.execute(
                select(func.count()).select_from(query.with_only_columns(videos.c.id).subquery())
            ).scalar_one()
            page = query.order_by(*(key.asc() if ascending else key.desc() for key in keys))
            rows = connection.execute(page.offset(offset).limit(limit)).mappings().all()
        return [video_of(row) for row in rows], int(total)

    def video_keys(self, scope: Scope, video_ids: Collection[str]) -> dict[str, VideoStatus]:
        """The status of those of the videos that there are."""
        authorize(scope, READING, "asset")
        query = _videos(scope).with_only_columns(
            videos.c.id, videos.c.status, memberships_table.c.asset_id
        )
        with self._read_transaction() as connection:
            rows = connection.execute(query.where(is_any_of(videos.c.id, video_ids))).all()
        allowed = allowed_of(self._policy, scope, {row.asset_id for row in rows})
        return {row.id: VideoStatus(row.status) for row in rows if row.asset_id in allowed}

    def video_ids(self, scope: IndexScope, asset_ids: Collection[str]) -> dict[str, str]:
        """The ids of the videos in the index of those of the assets that it holds, by asset."""
        authorize(scope, READING, "asset")
        query = _videos(scope).with_only_columns(memberships_table.c.asset_id, videos.c.id)
        with self._read_transaction() as connection:
            rows = connection.execute(
                query.where(is_any_of(memberships_table.c.asset_id, asset_ids))
            ).all()
        allowed = allowed_of(self._policy, scope, {row.asset_id for row in rows})
        return {row.asset_id: row.id for row in rows if row.asset_id in allowed}

    def index_size(self, scope: IndexScope) -> tuple[int, float]:
        """How many videos of the index are ready, and their seconds together."""
        authorize(scope, READING, "asset")
        query = _videos(scope).where(videos.c.status == VideoStatus.READY.value)
        with self._read_transaction() as connection:
            if self._policy.selective:
                found = connection.execute(
                    query.with_only_columns(memberships_table.c.asset_id)
                ).scalars()
                allowed = allowed_of(self._policy, scope, found.all())
                query = query.where(is_any_of(memberships_table.c.asset_id, allowed))
            count, seconds = connection.execute(
                query.with_only_columns(
                    func.count(), func.coalesce(func.sum(assets.c.duration), 0.0)
                )
            ).one()
        return int(count), float(seconds)

    def update_video(
        self, scope: Scope, video_id: str, *, when: Collection[VideoStatus] = (), **changes: Any
    ) -> Video:
        """Change fields of a video in one transaction and return it; ``updated_at`` is set. With
        ``when``, one of any other status stays as it is. ``metadata`` is replaced as a whole.

        Raises:
            NotFound: ``resource_not_found``.
            TypeError: a name that is no field of a video.
        """
        authorize(scope, MANAGING, "asset")
        if fixed := _FIXED & set(changes):
            raise TypeError(f"update_video cannot set {', '.join(sorted(fixed))}")
        with self._write_transaction() as connection:
            there = _first(connection, _videos(scope).where(videos.c.id == video_id))
            if there is None:
                raise _unknown(video_id)
            if when and there.status not in when:
                return there
            changed = replace(there, **{"updated_at": datetime.now(UTC), **changes})
            slot = slot_of(connection, there.index_id, there.asset_id)
            assert slot is not None
            _write(connection, slot, changed, is_new=False)
            return changed


def put_video_row(connection: Connection, scope: Scope, video: Video, tenant: str) -> None:
    """Write a video of an asset of a tenant within a transaction; the first ``created_at`` stays.

    Raises:
        NotFound: ``index_not_found``.
    """
    there = select(indexes.c.id).where(indexes.c.id == video.index_id, indexes.c.tenant == tenant)
    reached = scope.index_id in (None, video.index_id) and scope.covers(tenant)
    if not reached or not connection.execute(there).first():
        raise NotFound(
            "index_not_found", f"There is no index {video.index_id!r}.", subject=video.index_id
        )
    slot = ensure_slot(connection, video.index_id, video.asset_id)
    created_at = connection.execute(
        select(videos.c.created_at).where(videos.c.slot == slot)
    ).scalar()
    if created_at is not None:
        video = replace(video, created_at=created_at)
    _write(connection, slot, video, is_new=created_at is None)


def _write(connection: Connection, slot: int, video: Video, *, is_new: bool) -> None:
    row = video_row(video)
    if is_new:
        connection.execute(insert(videos).values(slot=slot, **row))
    else:
        connection.execute(update(videos).where(videos.c.slot == slot).values(row))
    write_metadata(connection, video_metadata, {"slot": slot}, video.metadata)


def _videos(scope: Scope) -> Select[Any]:
    """Videos within the scope's reach, with their assets."""
    columns = [column.label(f"asset_{column.name}") for column in assets.c]
    query = (
        select(videos, memberships_table.c.index_id, *columns)
        .join(memberships_table, memberships_table.c.key == videos.c.slot)
        .join(assets, assets.c.id == memberships_table.c.asset_id)
        .where(*tenant_conditions(scope, assets))
    )
    if scope.index_id is not None:
        query = query.where(memberships_table.c.index_id == scope.index_id)
    return query


def _first(connection: Connection, query: Select[Any]) -> Video | None:
    row = connection.execute(query).mappings().first()
    return None if row is None else video_of(row)


def _conditions(wanted: VideoFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.status:
        conditions.append(videos.c.status.in_(list(wanted.status)))
    if wanted.name_part is not None:
        folded = casefolded(wanted.name_part)
        conditions.append(assets.c.name_folded.contains(folded, autoescape=True))
    if wanted.created_since is not None:
        conditions.append(videos.c.created_at >= wanted.created_since)
    if wanted.updated_since is not None:
        conditions.append(videos.c.updated_at >= wanted.updated_since)
    if wanted.item_id is not None:
        conditions.append(videos.c.item_id == wanted.item_id)
    for name, bounds in wanted.numbers.items():
        column = assets.c[name]
        tests: Mapping[str, Any] = {"==": column.__eq__, ">=": column.__ge__, "<=": column.__le__}
        conditions += [tests[operator](bound) for operator, bound in bounds]
    conditions += [_has_value(key, text) for key, text in wanted.metadata]
    return conditions


def _has_value(key: str, text: str) -> ColumnElement[bool]:
    """Whether a key of the metadata has a value that reads like this text."""
    if "\x00" in key + text:
        return false()  # PostgreSQL takes no such text, so nothing stored has it
    rows = video_metadata.c
    quoted = json.dumps(text)
    forms = [
        and_(rows.kind == "str", rows.text == text),
        # An element of a JSON array of texts; quotes inside of one are escaped.
        and_(
            rows.kind == "list",
            or_(
                rows.value.startswith(f"[{quoted}", autoescape=True),
                rows.value.contains(f", {quoted}", autoescape=True),
            ),
        ),
    ]
    if text.casefold() in ("true", "false"):
        forms.append(and_(rows.kind == "bool", rows.number == float(text.casefold() == "true")))
    with suppress(ValueError):
        forms.append(and_(rows.kind.in_(("int", "float")), rows.number == float(text)))
    return exists(
        select(rows.key).where(
            rows.slot == videos.c.slot, rows.key == filter_field(key), or_(*forms)
        )
    )


def _no_asset(asset_id: str) -> NotFound:
    return NotFound("asset_not_found", f"There is no asset {asset_id!r}.", subject=asset_id)


def _unknown(video_id: str) -> NotFound:
    return NotFound("resource_not_found", f"There is no video {video_id!r}.", subject=video_id)
