"""What the models said of each asset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select, text

from videlicet.errors import InvalidInput, NotFound
from videlicet.rights import IndexScope, authorize
from videlicet.store.catalog.memberships import require_slot
from videlicet.store.catalog.repository import Repository
from videlicet.store.catalog.rows import observation_of, observation_row, span_of
from videlicet.store.catalog.schema import memberships_table, observations
from videlicet.store.records import READING, WRITING
from videlicet.types import Embedding, Modality, Observation, Span

#: Made as text once: thousands of rows are put at a time.
_INSERT = text(
    "INSERT INTO observations (slot, id, modality, card, start, finish, span, payload) "
    "VALUES (:slot, :id, :modality, :card, :start, :finish, :span, :payload)"
)


class Observations(Repository):
    """The observations' share of the catalog."""

    def put_observations(
        self, scope: IndexScope, asset_id: str, seen: Iterable[Observation]
    ) -> int:
        """Replace all observations of an asset in the index, in one transaction.

        Of observations with one id the last stays. Embeddings are left out: they belong into the
        vectors. Returns how many are kept.

        Raises:
            InvalidInput: an observation of another asset.
            NotFound: ``index_not_found``, or ``asset_not_found`` where the asset is not entered in
                the index (any more).
        """
        authorize(scope, WRITING, "observations")
        self._require_asset(scope, asset_id)
        self.require_writer()
        unique: dict[str, dict[str, Any]] = {}
        for one in seen:
            if one.asset_id != asset_id:
                raise InvalidInput(
                    "invalid_argument",
                    f"An observation of asset {one.asset_id} was put under {asset_id}.",
                    subject=one.asset_id,
                )
            if not isinstance(one.payload, Embedding):
                row = observation_row(one)
                unique[row["id"]] = row
        with self._write_transaction() as connection:
            slot = require_slot(connection, scope.index_id, asset_id)
            connection.execute(delete(observations).where(observations.c.slot == slot))
            if unique:
                connection.execute(_INSERT, [{"slot": slot, **row} for row in unique.values()])
        return len(unique)

    def observations(
        self,
        scope: IndexScope,
        asset_id: str,
        modality: Modality | None = None,
        within: Span | None = None,
    ) -> list[Observation]:
        """Observations of an asset in the order of time; with ``within``, those that share time
        with it (instants inside it count)."""
        authorize(scope, READING, "observations")
        self._require_asset(scope, asset_id)
        if modality is not None and within is not None:
            return self.observations_at(scope, [(asset_id, modality, within)])[0]
        query = _rows().where(
            memberships_table.c.index_id == scope.index_id, memberships_table.c.asset_id == asset_id
        )
        if modality is not None:
            query = query.where(observations.c.modality == modality.value)
        with self._read_transaction() as connection:
            found = [observation_of(row) for row in connection.execute(query)]
        return sorted(
            (one for one in found if within is None or _meets(one.span, within)),
            key=lambda one: one.span,
        )

    def observations_at(
        self, scope: IndexScope, places: Sequence[tuple[str, Modality, Span]]
    ) -> list[list[Observation]]:
        """What :meth:`observations` gives within each (asset, modality, span), in one transaction:
        for the many small looks behind a page of hits."""
        authorize(scope, READING, "observations")
        for asset_id in dict.fromkeys(asset_id for asset_id, _, _ in places):
            self._require_asset(scope, asset_id)
        with self._read_transaction() as connection:
            return [_at(connection, scope.index_id, *place) for place in places]

    def spans(self, scope: IndexScope, asset_id: str, modality: Modality) -> list[Span]:
        """Where an asset was observed in one modality, in order, each span once. Much faster than
        :meth:`observations`."""
        authorize(scope, READING, "observations")
        self._require_asset(scope, asset_id)
        query = (
            select(observations.c.span)
            .join(memberships_table, memberships_table.c.key == observations.c.slot)
            .where(
                memberships_table.c.index_id == scope.index_id,
                memberships_table.c.asset_id == asset_id,
                observations.c.modality == modality.value,
            )
            .order_by(observations.c.start, observations.c.finish)
        )
        with self._read_transaction() as connection:
            found = dict.fromkeys(connection.execute(query).scalars())
        return [span_of(text) for text in found]

    def observation(self, scope: IndexScope, id: str) -> Observation:
        """One observation of an index.

        Raises:
            NotFound: ``segment_not_found``.
        """
        authorize(scope, READING, "observations")
        query = _rows().where(
            memberships_table.c.index_id == scope.index_id, observations.c.id == id
        )
        with self._read_transaction() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound("segment_not_found", f"There is no observation {id!r}.", subject=id)
        self._require_asset(scope, row.asset_id)
        return observation_of(row)


def _rows() -> Select[Any]:
    # Rows keep the order they were put in, so that equal spans stay in the models' own order.
    return (
        select(observations, memberships_table.c.asset_id)
        .join(memberships_table, memberships_table.c.key == observations.c.slot)
        .order_by(observations.c.row)
    )


#: Made once: building a statement takes longer than running this one.
_AT = _rows().where(
    memberships_table.c.index_id == bindparam("index_id"),
    memberships_table.c.asset_id == bindparam("asset_id"),
    observations.c.modality == bindparam("modality"),
    observations.c.start <= bindparam("end"),
    observations.c.finish >= bindparam("start"),
)


def _at(
    connection: Connection, index_id: str, asset_id: str, modality: Modality, within: Span
) -> list[Observation]:
    values = {
        "index_id": index_id,
        "asset_id": asset_id,
        "modality": modality.value,
        # Floats only narrow the search, one microsecond wider; exact time decides below.
        "end": float(within.end) + 1e-6,
        "start": float(within.start) - 1e-6,
    }
    found = [observation_of(row) for row in connection.execute(_AT, values)]
    return sorted((o for o in found if _meets(o.span, within)), key=lambda one: one.span)


def _meets(span: Span, within: Span) -> bool:
    if span.start == span.end or within.start == within.end:
        return span.start <= within.end and within.start <= span.end
    return span.start < within.end and within.start < span.end
