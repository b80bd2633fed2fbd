"""How often terms occur, and which of them a ranking can afford to look at.

Finding the rows that hold a term is cheap in FTS5 (25 ns a row), ranking them is not (1.2 µs). So a
ranking takes terms from the rarest up until they hold ``budget`` rows; commoner terms count in
rows that hold a rare one too, which is where they can change the order.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from videlicet.store.texts.tables import count_rows, quote_term

_KEPT = 50_000


@dataclass(frozen=True, slots=True, order=True)
class TermCount:
    """Rows that hold a term; ``edge`` is the last row counted where counting stopped early, and
    ``rows`` then an estimate."""

    rows: int
    term: str
    last_row: int | None = None


@dataclass(frozen=True, slots=True)
class RankedQuery:
    """What to match, and the last row to look at (``None``: all of them)."""

    match: str
    last_row: int | None


class TermCounter:
    """Counts of one process, kept while the text they are of does not change."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, str, int], TermCount] = {}
        self._totals: dict[int, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def count(
        self, connection: Connection, space: Row[Any], table: str, match: str, limit: int
    ) -> TermCount:
        """Rows of ``table`` that match; beyond ``limit``, extrapolated from where it was met."""
        key = (space.version, table, match, limit)
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return known
        rows, last = connection.exec_driver_sql(
            "SELECT count(*), max(rowid) FROM "
            f"(SELECT rowid FROM {table} WHERE {table} MATCH ? LIMIT ?)",
            (match, limit),
        ).one()
        counted = TermCount(rows, match)
        if rows == limit:
            low, high = connection.exec_driver_sql(
                # Apart, or SQLite reads them all.
                "SELECT (SELECT min(row) FROM text_rows WHERE space = :s), "
                "(SELECT max(row) FROM text_rows WHERE space = :s)",
                {"s": space.key},
            ).one()
            share = max(1.0, (high - low + 1) / (last - low + 1))
            counted = TermCount(round(rows * share), match, last)
        with self._lock:
            if len(self._known) > _KEPT:
                self._known.clear()
            self._known[key] = counted
        return counted

    def total(self, connection: Connection, space: Row[Any]) -> int:
        """Rows in a space."""
        with self._lock:
            version, rows = self._totals.get(space.key, (-1, 0))
        if version != space.version:
            rows = count_rows(connection, space.key)
            with self._lock:
                self._totals[space.key] = (space.version, rows)
        return rows

    def plan_queries(
        self,
        connection: Connection,
        space: Row[Any],
        table: str,
        terms: Collection[str],
        budget: int,
        reach: int,
    ) -> list[RankedQuery]:
        """What to rank: rows with any of the rarest terms, and those of them with another one of
        at most ``reach`` budgets."""
        counted = sorted(
            one
            for term in terms
            if (one := self.count(connection, space, table, quote_term(term), budget)).rows
        )
        rare: list[TermCount] = []
        spent = 0
        for one in counted:
            spent += one.rows
            if rare and spent > budget:
                break
            rare.append(one)
        if not rare:
            return []
        # A single term that is too common by itself: its rows differ only in length, so the
        # first ones do.
        any_rare = " OR ".join(one.term for one in rare)
        found = [RankedQuery(any_rare, rare[0].last_row)]
        rest = [one for one in counted[len(rare) :] if one.rows <= reach * budget]
        if rest:
            both = f"({any_rare}) AND ({' OR '.join(one.term for one in rest)})"
            found.append(
                RankedQuery(both, self.count(connection, space, table, both, budget).last_row)
            )
        return found
