"""Full text in SQLite FTS5: the tables, and the statements over them.

Names of tables are built from the whole numbers that key ``text_spaces``; everything else is a
parameter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from videlicet.store.catalog.memberships import find_slots
from videlicet.store.catalog.rows import span_of, span_text
from videlicet.store.catalog.schema import text_rows, text_spaces
from videlicet.store.records import TextMatch, TextRow
from videlicet.types import Modality

#: Made once: every search looks several times, and building a statement takes longer than that.
_SPACE = select(text_spaces).where(
    text_spaces.c.index_id == bindparam("index_id"),
    text_spaces.c.modality == bindparam("modality"),
)


def space_row(connection: Connection, index_id: str, modality: Modality) -> Row[Any] | None:
    """The row of a space, ``None`` where nothing was put into it."""
    values = {"index_id": index_id, "modality": modality.value}
    return connection.execute(_SPACE, values).first()


def ensure_space(connection: Connection, index_id: str, modality: Modality) -> int:
    """The key of a space, made with its tables where there is none."""
    found = space_row(connection, index_id, modality)
    if found is not None:
        return int(found.key)
    key = add_space(connection, index_id, modality)
    create_fts_tables(connection, key)
    return key


def add_space(connection: Connection, index_id: str, modality: Modality) -> int:
    """A new space, without tables; returns its key."""
    made = connection.execute(
        insert(text_spaces).values(index_id=index_id, modality=modality.value, version=0)
    )
    return int(made.inserted_primary_key[0])  # type: ignore[index]


def create_fts_tables(connection: Connection, key: int) -> None:
    """The word lists of a space."""
    connection.exec_driver_sql(
        f"CREATE VIEW text_view_{key} AS SELECT row, text FROM text_rows WHERE space = {key}"
    )
    for name, tokenizer in (
        ("words", "porter unicode61 remove_diacritics 2"),
        ("grams", "trigram"),
    ):
        connection.exec_driver_sql(
            f"CREATE VIRTUAL TABLE text_{name}_{key} USING fts5(text, "
            f"content='text_view_{key}', content_rowid='row', tokenize='{tokenizer}')"
        )


def add_rows(connection: Connection, space: int, slot: int, rows: Iterable[TextRow]) -> None:
    """Put a slot's rows into a space and its word lists."""
    first = connection.exec_driver_sql("SELECT coalesce(max(row), 0) + 1 FROM text_rows").scalar()
    assert isinstance(first, int)
    numbered = list(enumerate(rows, first))
    connection.execute(
        insert(text_rows),
        [
            {"row": n, "space": space, "slot": slot, "id": row.id, "span": span_text(row.span),
             "text": row.text}
            for n, row in numbered
        ],
    )  # fmt: skip
    for table in (f"text_words_{space}", f"text_grams_{space}"):
        connection.exec_driver_sql(
            f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", [(n, r.text) for n, r in numbered]
        )
    mark_changed(connection, space)


def mark_changed(connection: Connection, space: int) -> None:
    """Raise the version of a space."""
    connection.execute(
        update(text_spaces)
        .where(text_spaces.c.key == space)
        .values(version=text_spaces.c.version + 1)
    )


def slots_of(
    connection: Connection, index_id: str, asset_ids: Collection[str] | None
) -> list[int] | None:
    """The slots a search is limited to, ``None`` for all."""
    return None if asset_ids is None else find_slots(connection, index_id, asset_ids)


def match_query(table: str, match: str, within: list[int] | None) -> tuple[str, tuple[Any, ...]]:
    """A statement (and its values) for every row that matches, in the order of rows."""
    sql = (
        "SELECT r.row, r.id, r.span, r.text, s.asset_id "
        f"FROM {table} f JOIN text_rows r ON r.row = f.rowid JOIN slots s ON s.key = r.slot "
        f"WHERE {table} MATCH ?"
    )
    values: tuple[Any, ...] = (match,)
    if within is not None:
        sql += " AND r.slot IN (SELECT value FROM json_each(?))"
        values += (json.dumps(within),)
    return sql, values


def rank_rows(
    connection: Connection,
    table: str,
    match: str,
    edge: int | None,
    k: int,
    within: list[int] | None,
) -> Sequence[Row[Any]]:
    """The ``k`` rows up to ``edge`` that match best by BM25, best first; ``rank`` is minus BM25."""
    values: tuple[Any, ...] = (match,)
    if within is None:
        # FTS5 itself sorts by rank.
        inner = f"SELECT rowid, rank FROM {table} WHERE {table} MATCH ?"
        order = "rank"
    else:
        # Ranking comes after the filter here; the plus keeps SQLite from probing row by row.
        inner = (
            f"SELECT rowid, bm25({table}) AS score FROM {table} WHERE {table} MATCH ? "
            "AND +rowid IN (SELECT row FROM text_rows "
            "WHERE slot IN (SELECT value FROM json_each(?)))"
        )
        order = "score"
        values += (json.dumps(within),)
    if edge is not None:
        inner += " AND rowid <= ?"
        values += (edge,)
    return connection.exec_driver_sql(
        f"SELECT r.row, r.id, r.span, r.text, s.asset_id, f.{order} AS rank "
        f"FROM ({inner} ORDER BY {order} LIMIT ?) f "
        "JOIN text_rows r ON r.row = f.rowid JOIN slots s ON s.key = r.slot "
        f"ORDER BY f.{order}, r.row",
        (*values, k),
    ).all()


def rows_containing(
    connection: Connection, space: int, wanted: str, within: list[int] | None
) -> Sequence[Row[Any]]:
    """Rows that hold one or two characters: these have no triple, so every row is looked at."""
    pattern = "%" + re.sub(r"([%_\\])", r"\\\1", wanted) + "%"
    sql = (
        "SELECT r.row, r.id, r.span, r.text, s.asset_id "
        "FROM text_rows r JOIN slots s ON s.key = r.slot "
        "WHERE r.space = ? AND r.text LIKE ? ESCAPE '\\'"
    )
    values: tuple[Any, ...] = (space, pattern)
    if within is not None:
        sql += " AND r.slot IN (SELECT value FROM json_each(?))"
        values += (json.dumps(within),)
    return connection.exec_driver_sql(sql, values).all()


def match_of(row: Row[Any], score: float) -> TextMatch:
    """A match from a row with id, span, text and asset."""
    return TextMatch(row.id, row.asset_id, span_of(row.span), row.text, score)


def count_rows(connection: Connection, space: int) -> int:
    """Rows in a space."""
    found = connection.exec_driver_sql(
        "SELECT count(*) FROM text_rows WHERE space = ?", (space,)
    ).scalar()
    return int(found or 0)


def quote_term(term: str) -> str:
    """A term as FTS5 reads it literally."""
    return '"' + term.replace('"', '""') + '"'
