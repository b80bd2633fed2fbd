"""A data directory of every older version is brought forward with all that is in it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import create_engine

import videlicet.store
from videlicet.errors import from_json
from videlicet.rights import Grant, Purpose
from videlicet.settings import load
from videlicet.store import open_store
from videlicet.store.home import Home
from videlicet.types import Kind

GRANT = Grant("tests", Purpose.MANAGE)
SCRIPTS = Path(videlicet.store.__file__).with_name("migrations")

pytestmark = pytest.mark.embedded("SQLite's own way of changing tables")


def as_of(revision: str, root: Path) -> Home:
    """A data directory with the tables of an older revision."""
    home = Home(root)
    home.create()
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = create_engine(f"sqlite:///{home.database}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        upgrade(config, revision)
    engine.dispose()
    return home


def test_from_the_first_tables(tmp_path: Path) -> None:
    home = as_of("0001", tmp_path / "home")
    when = "2026-01-01T00:00:00.000000+00:00"
    with closing(sqlite3.connect(home.database)) as base, base:
        base.execute("INSERT INTO indexes VALUES ('i', 'films', '{}', ?)", (when,))
        base.execute("INSERT INTO slots VALUES (1, 'i', 'a')")
        base.execute(
            "INSERT INTO tasks VALUES "
            "('t', 'i', '/a.mp4', 'ready', ?, ?, 'a', NULL, 1.0, 1.0, 1, NULL)",
            (when, when),
        )
    with open_store(load(home.root), write=True) as store:
        index = store.catalog.index(store.scope(GRANT), "films")
        assert (index.id, index.tenant, index.options) == ("i", "local", {})
        assert index.updated_at == index.created_at
        assert store.catalog.members(store.scope(GRANT, "i")) == ["a"]
        assert store.catalog.task(store.scope(GRANT), "t").tenant == "local"
        other = Grant("tests", Purpose.MANAGE, "other")
        store.catalog.create_index(other, "films", {})
    with closing(sqlite3.connect(home.database)) as base:
        assert base.execute("PRAGMA foreign_key_check").fetchall() == []
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_bodies_are_looked_up_by_is_brought_forward(tmp_path: Path) -> None:
    home = as_of("0003", tmp_path / "home")
    when = "2026-01-01T00:00:00.000000+00:00"
    with closing(sqlite3.connect(home.database)) as base, base:
        for id, kind, body in (
            ("a", "video", '{"file_id": "f1", "item_id": "i1"}'),
            ("b", "video", '{"file_id": "f2"}'),
            ("c", "delivery", '{"event": {"data": {"id": "m1"}}}'),
            ("d", "file", '{"file_id": "f1"}'),
        ):
            base.execute(
                "INSERT INTO resources (id, kind, tenant, parent, name, name_folded, status, "
                "created_at, updated_at, body) VALUES (?, ?, 'local', '', '', '', '', ?, ?, ?)",
                (id, kind, when, when, body),
            )
    with open_store(load(home.root), write=True) as store:
        for path, value, found in (("file_id", "f1", "a"), ("item_id", "i1", "a")):
            rows, _ = store.catalog.find_resources(
                store.scope(GRANT), Kind.VIDEO, body=[((path,), "==", value)]
            )
            assert [row.id for row in rows] == [found]
        store.catalog.delete_match_deliveries(store.scope(GRANT), "m1")
        assert store.catalog.find_resources(store.scope(GRANT), Kind.DELIVERY) == ([], 0)


def test_the_role_reader_becomes_ocr(tmp_path: Path) -> None:
    home = as_of("0004", tmp_path / "home")
    when = "2026-01-01T00:00:00.000000+00:00"
    cards = '{"text": "all-minilm-l6-v2", "reader": "pp-ocrv6-small"}'
    with closing(sqlite3.connect(home.database)) as base, base:
        base.execute(
            "INSERT INTO indexes (id, tenant, name, cards, created_at, options, updated_at) "
            "VALUES ('i', 'local', 'films', ?, ?, '{}', ?)",
            (cards, when, when),
        )
    with open_store(load(home.root), write=True) as store:
        index = store.catalog.index(store.scope(GRANT), "films")
    assert index.cards == {"text": "all-minilm-l6-v2", "ocr": "pp-ocrv6-small"}


def test_codes_of_stored_errors(tmp_path: Path) -> None:
    home = as_of("0005", tmp_path / "home")
    when = "2026-01-01T00:00:00.000000+00:00"
    error = {"code": "media_gone", "message": "code: media_gone", "subject": None}
    with closing(sqlite3.connect(home.database)) as base, base:
        base.execute(
            "INSERT INTO indexes (id, name, cards, created_at, tenant, options, updated_at) "
            "VALUES ('i', 'films', '{}', ?, 'local', '{}', ?)",
            (when, when),
        )
        base.execute(
            "INSERT INTO tasks (id, index_id, source, status, created_at, updated_at, done_s, "
            "attempts, error, tenant) "
            "VALUES ('t', 'i', '/a.mp4', 'failed', ?, ?, 0, 1, ?, 'local')",
            (when, when, json.dumps(error)),
        )
        base.execute(
            "INSERT INTO resources (id, kind, tenant, created_at, updated_at, status, parent, "
            "name, name_folded, body) "
            "VALUES ('v', 'video', 'local', ?, ?, 'failed', '', 'a.mp4', 'a.mp4', ?)",
            (when, when, json.dumps({"items": [{"error": {"code": "writer_busy"}}]})),
        )
    with open_store(load(home.root), write=True) as store:
        found = store.catalog.task(store.scope(GRANT), "t").error
        assert found == {**error, "code": "source_missing"}
        from_json(found)
        (row,) = store.catalog.find_resources(store.scope(GRANT), Kind.VIDEO)[0]
        assert row.body == {"items": [{"error": {"code": "database_locked"}}]}


def test_queries_become_saved_searches(tmp_path: Path) -> None:
    home = as_of("0006", tmp_path / "home")
    when = "2026-01-01T00:00:00.000000+00:00"
    named = {"id": "q", "name": "reds"}
    event = {"id": "whe_1", "type": "query.matched", "data": {"id": "m", "query": named}}
    other = {"id": "whe_2", "type": "index.task.ready", "data": {"query": "kept"}}
    rows = (
        ("q", "query", "reds", {"error": None}),
        ("t", "trial", "q", {"attempts": 0}),
        ("a", "answer", "key", {}),
        ("m", "match", "asset", {"query": "reds", "asset": "a.mp4"}),
        ("w", "webhook", "https://a.example/", {"events": ["query.matched", "index.task.ready"]}),
        ("all", "webhook", "https://b.example/", {"events": []}),
        ("d", "delivery", "query.matched", {"event": event, "attempts": 1}),
        ("e", "delivery", "index.task.ready", {"event": other, "attempts": 0}),
    )
    with closing(sqlite3.connect(home.database)) as base, base:
        for id, kind, name, body in rows:
            base.execute(
                "INSERT INTO resources (id, kind, tenant, created_at, updated_at, status, parent, "
                "name, name_folded, body) VALUES (?, ?, 'local', ?, ?, '', '', ?, ?, ?)",
                (id, kind, when, when, name, name, json.dumps(body)),
            )
    with open_store(load(home.root), write=True) as store:

        def read(kind: Kind, id: str) -> tuple[str, object]:
            row = store.catalog.resource(store.scope(GRANT), kind, id)
            return row.name, row.body

        assert read(Kind.SAVED_SEARCH, "q") == ("reds", {"error": None})
        assert read(Kind.SAVED_SEARCH_RUN, "t") == ("q", {"attempts": 0})
        assert read(Kind.IDEMPOTENT_RESPONSE, "a") == ("key", {})
        assert read(Kind.MATCH, "m")[1] == {"saved_search": "reds", "asset": "a.mp4"}
        _, webhook = read(Kind.WEBHOOK, "w")
        assert webhook == {"events": ["index.task.ready", "saved_search.matched"]}
        assert read(Kind.WEBHOOK, "all")[1] == {"events": []}
        data = {"id": "m", "saved_search": named}
        sent = {"id": "whe_1", "type": "saved_search.matched", "data": data}
        name, delivery = read(Kind.DELIVERY, "d")
        assert (name, delivery) == ("saved_search.matched", {"event": sent, "attempts": 1})
        name, delivery = read(Kind.DELIVERY, "e")
        assert (name, delivery) == ("index.task.ready", {"event": other, "attempts": 0})
