"""Full text over words said and shown: ranked, exact phrases, and substrings with reading errors.

SQLite FTS5, two tables for every (index, modality): words (Porter stems, for BM25 and phrases) and
grams (every three characters, for substrings). docs/decisions/0002-full-text.md says why. The
tables are derived from ``text_rows`` and change in the same transaction.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from videlicet.errors import InvalidInput
from videlicet.rights import IndexScope, authorize
from videlicet.store.catalog.memberships import require_slot, slot_of
from videlicet.store.catalog.repository import Repository
from videlicet.store.catalog.schema import text_rows, text_spaces
from videlicet.store.records import MANAGING, SEARCHING, WRITING, TextMatch, TextRow
from videlicet.store.texts.tables import (
    add_rows,
    count_rows,
    ensure_space,
    mark_changed,
    match_of,
    match_query,
    quote_term,
    rank_rows,
    rows_containing,
    slots_of,
    space_row,
)
from videlicet.store.texts.term_counts import TermCounter
from videlicet.types import Modality

#: Rows a ranking may look at, and where a filter leaves fewer to rank.
_RANKED_ROWS = 8_000
_FILTERED_BUDGET = 100_000
#: A term that occurs in more than this many budgets of rows says nothing beside a rarer one.
_COMMON_TERM_FACTOR = 8
#: The same for letter triples, and how many of them stand for a long query.
_GRAM_BUDGET = 3_000
_GRAMS = 24
#: Candidates whose similarity is computed letter by letter.
_RESCORED = 400
#: Exact matches looked at for each one wanted; the shortest are returned.
_LOOKED_AT = 20
#: Beyond this many rows a term's frequency is estimated.
_COUNTED = 20_000
#: Least similarity of a substring match.
_SIMILAR = 0.7

_TOKEN = re.compile(r"\w+(?:['’]\w+)*")


class Texts(Repository):
    """Reads and writes of the full text of one store."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._counter = TermCounter()

    def put(self, scope: IndexScope, asset_id: str, rows: Sequence[TextRow]) -> None:
        """Replace all text of an asset in an index, in one transaction. Blank rows are left out.

        Raises:
            InvalidInput: text that is not valid Unicode.
            NotFound: ``index_not_found``, or ``asset_not_found`` where the asset is not entered in
                the index (any more).
        """
        authorize(scope, WRITING, "texts")
        self._require_asset(scope, asset_id)
        kept = by_modality(rows)
        with self._write_transaction() as connection:
            slot = require_slot(connection, scope.index_id, asset_id)
            self.delete_slot(connection, slot)
            for modality, texts in kept.items():
                space = ensure_space(connection, scope.index_id, modality)
                add_rows(connection, space, slot, texts)

    def delete_asset(self, scope: IndexScope, asset_id: str) -> None:
        """Take all text of an asset in an index away, bytes included."""
        authorize(scope, MANAGING, "texts")
        with self._write_transaction() as connection:
            slot = slot_of(connection, scope.index_id, asset_id)
            if slot is not None:
                self.purge_slots(connection, [slot])
        self._database.checkpoint()

    def bm25(
        self,
        scope: IndexScope,
        modality: Modality,
        query: str,
        k: int,
        asset_ids: Collection[str] | None = None,
    ) -> list[TextMatch]:
        """The ``k`` best rows that hold any word of ``query``, by BM25 over word stems.

        Very common words only count where the query has no rarer ones.
        """
        authorize(scope, SEARCHING, "texts")
        asset_ids = self._allowed(scope, asset_ids)
        words = list(dict.fromkeys(_TOKEN.findall(_clean(query).casefold())))
        with self._search_transaction(scope.index_id) as connection:
            space = space_row(connection, scope.index_id, modality)
            if space is None or not words:
                return []
            within = slots_of(connection, scope.index_id, asset_ids)
            rows = self._ranked(
                connection, space, f"text_words_{space.key}", words, k, within,
                _RANKED_ROWS if within is None else _FILTERED_BUDGET, _COMMON_TERM_FACTOR,
            )  # fmt: skip
        return [match_of(row, -row.rank) for row in rows]

    def phrase(
        self,
        scope: IndexScope,
        modality: Modality,
        phrase: str,
        k: int,
        asset_ids: Collection[str] | None = None,
    ) -> list[TextMatch]:
        """Rows that hold exactly these words in this order (case, accents and punctuation aside;
        no stemming), shortest first, each with score 1."""
        authorize(scope, SEARCHING, "texts")
        asset_ids = self._allowed(scope, asset_ids)
        wanted = _words(phrase)
        if not wanted:
            return []
        with self._search_transaction(scope.index_id) as connection:
            space = space_row(connection, scope.index_id, modality)
            if space is None:
                return []
            within = slots_of(connection, scope.index_id, asset_ids)
            sql, values = match_query(f"text_words_{space.key}", quote_term(_clean(phrase)), within)
            found: list[Row[Any]] = []
            for row in connection.exec_driver_sql(sql, values):
                if _holds(_words(row.text), wanted):
                    found.append(row)
                    if len(found) == k * _LOOKED_AT:
                        break
        return [match_of(row, 1.0) for row in _shortest(found, k)]

    def substring(
        self,
        scope: IndexScope,
        modality: Modality,
        query: str,
        k: int,
        asset_ids: Collection[str] | None = None,
    ) -> list[TextMatch]:
        """Rows that hold ``query`` anywhere, whatever the case, or nearly so (misread letters).

        The score is the similarity of the best aligned stretch, 0.7 to 1; 1 is an exact substring.
        """
        authorize(scope, SEARCHING, "texts")
        asset_ids = self._allowed(scope, asset_ids)
        wanted = " ".join(_clean(query).split())
        if not wanted:
            return []
        with self._search_transaction(scope.index_id) as connection:
            space = space_row(connection, scope.index_id, modality)
            if space is None:
                return []
            within = slots_of(connection, scope.index_id, asset_ids)
            table = f"text_grams_{space.key}"
            if len(wanted) < 3:
                rows = rows_containing(connection, space.key, wanted, within)
                return [match_of(row, 1.0) for row in _shortest(rows, k)]
            sql, values = match_query(table, quote_term(wanted), within)
            rows = connection.exec_driver_sql(f"{sql} LIMIT ?", (*values, k * _LOOKED_AT)).all()
            hits = [match_of(row, 1.0) for row in _shortest(rows, k)]
            if len(hits) < k:
                known = {hit.id for hit in hits}
                near = self._fuzzy_matches(connection, space, table, wanted, within)
                hits += [m for m in near if m.id not in known][: k - len(hits)]
        return hits

    def frequencies(
        self, scope: IndexScope, modality: Modality, terms: Iterable[str]
    ) -> tuple[dict[str, int], int]:
        """In how many rows each term occurs (by its stem), and how many rows there are.

        Counts beyond 20,000 are estimates.
        """
        authorize(scope, SEARCHING, "texts")
        with self._search_transaction(scope.index_id) as connection:
            space = space_row(connection, scope.index_id, modality)
            if space is None:
                return dict.fromkeys(terms, 0), 0
            table = f"text_words_{space.key}"
            counts = {
                term: self._counter.count(connection, space, table, quote_term(term), _COUNTED).rows
                for term in terms
            }
            return counts, self._counter.total(connection, space)

    def statistics(self, scope: IndexScope) -> dict[str, int]:
        """Rows by modality."""
        authorize(scope, MANAGING | SEARCHING, "texts")
        with self._search_transaction(scope.index_id) as connection:
            found = connection.execute(
                select(text_spaces).where(text_spaces.c.index_id == scope.index_id)
            ).all()
            return {row.modality: count_rows(connection, row.key) for row in found}

    # -- inside a caller's transaction ----------------------------------------------------------

    def delete_slot(self, connection: Connection, slot: int) -> list[int]:
        """Take a slot's rows away; returns the spaces they stood in."""
        found = connection.execute(
            select(text_rows.c.row, text_rows.c.space, text_rows.c.text).where(
                text_rows.c.slot == slot
            )
        ).all()
        touched = sorted({row.space for row in found})
        for space in touched:
            gone = [(row.row, row.text) for row in found if row.space == space]
            for table in (f"text_words_{space}", f"text_grams_{space}"):
                # An FTS5 table that keeps no text of its own must be given what it deletes.
                connection.exec_driver_sql(
                    f"INSERT INTO {table} ({table}, rowid, text) VALUES ('delete', ?, ?)", gone
                )
            mark_changed(connection, space)
        connection.execute(delete(text_rows).where(text_rows.c.slot == slot))
        return touched

    def purge_slots(self, connection: Connection, gone: Iterable[int]) -> None:
        """Take slots' rows away and rewrite the word lists, so that no term of theirs is left."""
        touched = {space for slot in gone for space in self.delete_slot(connection, slot)}
        for space in sorted(touched):
            for table in (f"text_words_{space}", f"text_grams_{space}"):
                connection.exec_driver_sql(f"INSERT INTO {table} ({table}) VALUES ('optimize')")

    def purge_index(self, connection: Connection, index_id: str) -> None:
        """Take all text of an index away, and drop its tables."""
        chosen = select(text_spaces.c.key).where(text_spaces.c.index_id == index_id)
        keys = connection.execute(chosen).scalars().all()
        connection.execute(delete(text_rows).where(text_rows.c.space.in_(chosen)))
        for key in keys:
            connection.exec_driver_sql(f"DROP TABLE text_words_{key}")
            connection.exec_driver_sql(f"DROP TABLE text_grams_{key}")
            connection.exec_driver_sql(f"DROP VIEW text_view_{key}")
        connection.execute(delete(text_spaces).where(text_spaces.c.index_id == index_id))

    def close(self) -> None:
        """Let go of what is this text's own."""

    def evict_stale_copies(self) -> bool:
        """Erase this machine's copies of text that is gone; false where a reader is in the way of
        the last bytes, and the next call goes on. Without a shared store there are no copies."""
        return True

    def _search_transaction(self, index_id: str) -> AbstractContextManager[Connection]:
        """A view of an index's text to search in."""
        return self._read_transaction()

    # -- inside a search -------------------------------------------------------------------------

    def _ranked(
        self,
        connection: Connection,
        space: Row[Any],
        table: str,
        terms: Collection[str],
        k: int,
        within: list[int] | None,
        budget: int,
        reach: int,
    ) -> list[Row[Any]]:
        """The ``k`` rows that hold the terms best, best first, each once."""
        best: dict[int, Row[Any]] = {}
        for choice in self._counter.plan_queries(connection, space, table, terms, budget, reach):
            for row in rank_rows(connection, table, choice.match, choice.last_row, k, within):
                known = best.get(row.row)
                if known is None or row.rank < known.rank:
                    best[row.row] = row
        return sorted(best.values(), key=lambda row: (row.rank, row.row))[:k]

    def _fuzzy_matches(
        self,
        connection: Connection,
        space: Row[Any],
        table: str,
        wanted: str,
        within: list[int] | None,
    ) -> list[TextMatch]:
        """Rows that share letter triples with ``wanted``, rescored letter by letter."""
        from rapidfuzz import fuzz

        folded = wanted.casefold()
        grams = list(dict.fromkeys(folded[i : i + 3] for i in range(len(folded) - 2)))
        step = -(-len(grams) // _GRAMS)
        rows = self._ranked(
            connection, space, table, grams[::step], _RESCORED, within, _GRAM_BUDGET, 0
        )
        scored: list[tuple[float, Row[Any]]] = []
        for row in rows:
            text = row.text.casefold()
            # A text shorter than what is wanted cannot hold it: compare it as a whole.
            compare = fuzz.partial_ratio if len(text) >= len(folded) else fuzz.ratio
            similarity = compare(folded, text, score_cutoff=100 * _SIMILAR) / 100
            if similarity >= _SIMILAR:
                scored.append((similarity, row))
        scored.sort(key=lambda pair: (-pair[0], len(pair[1].text), pair[1].id))
        return [match_of(row, similarity) for similarity, row in scored]


def by_modality(rows: Sequence[TextRow]) -> dict[Modality, list[TextRow]]:
    """The rows that say anything, of those with one id the last.

    Raises:
        InvalidInput: text that is not valid Unicode.
    """
    found: dict[Modality, dict[str, TextRow]] = {}
    for row in rows:
        _check(row.text)
        if row.text.strip():
            found.setdefault(row.modality, {})[row.id] = row
    return {modality: list(texts.values()) for modality, texts in found.items()}


def _clean(text: str) -> str:
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c)))


def _shortest(rows: Iterable[Row[Any]], k: int) -> list[Row[Any]]:
    return sorted(rows, key=lambda row: (len(row.text), row.row))[:k]


def _holds(words: Sequence[str], wanted: Sequence[str]) -> bool:
    n = len(wanted)
    return any(words[i : i + n] == wanted for i in range(len(words) - n + 1))


def _check(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("invalid_argument", "A text row is not valid Unicode.") from error
