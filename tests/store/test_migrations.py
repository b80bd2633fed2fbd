"""A data directory of every older version is brought forward with all that is in it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import create_engine

import videlicet.store
from videlicet.errors import from_json
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.settings import load
from videlicet.store import open_store
from videlicet.store.home import Home
from videlicet.types import Kind, video_id_of

WHEN = "2026-01-01T00:00:00.000000+00:00"
MEDIA = {
    "container": "mov,mp4", "span": ["0", "20"], "bit_rate": None, "tags": {}, "details": {},
    "video": {
        "index": 0, "codec": "h264", "width": 640, "height": 360, "rotation": 0,
        "time_base": "1/25", "average_rate": "25", "frames": 500, "hdr": False,
    },
    "audio": [],
}  # fmt: skip
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
            ("a", "analysis", '{"own": "f1"}'),
            ("b", "analysis", '{"own": "f2"}'),
            ("c", "delivery", '{"event": {"data": {"id": "m1"}}}'),
            ("d", "entity", '{"own": "f1"}'),
        ):
            base.execute(
                "INSERT INTO resources (id, kind, tenant, parent, name, name_folded, status, "
                "created_at, updated_at, body) VALUES (?, ?, 'local', '', '', '', '', ?, ?, ?)",
                (id, kind, when, when, body),
            )
    with open_store(load(home.root), write=True) as store:
        rows, _ = store.catalog.find_resources(
            store.scope(GRANT), Kind.ANALYSIS, body=[(("own",), "==", "f1")]
        )
        assert [row.id for row in rows] == ["a"]
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
            "VALUES ('v', 'analysis', 'local', ?, ?, 'failed', '', 'a.mp4', 'a.mp4', ?)",
            (when, when, json.dumps({"items": [{"error": {"code": "writer_busy"}}]})),
        )
    with open_store(load(home.root), write=True) as store:
        found = store.catalog.task(store.scope(GRANT), "t").error
        assert found == {**error, "code": "source_missing"}
        from_json(found)
        (row,) = store.catalog.find_resources(store.scope(GRANT), Kind.ANALYSIS)[0]
        assert row.body == {"items": [{"error": {"code": "database_locked"}}]}


def _resource(
    base: sqlite3.Connection, kind: str, id: str, parent: str, status: str, body: dict[str, Any]
) -> None:
    base.execute(
        "INSERT INTO resources (id, kind, tenant, created_at, updated_at, status, parent, name, "
        "name_folded, body) VALUES (?, ?, 'local', ?, ?, ?, ?, ?, ?, ?)",
        (
            id, kind, WHEN, WHEN, status, parent, body.pop("name", "a.mp4"), "a.mp4",
            json.dumps(body),
        ),
    )  # fmt: skip


def _observed(base: sqlite3.Connection, slot: int, index: str, asset: str, **metadata: str) -> None:
    """An asset in an index, as it was before videos had a table."""
    base.execute(
        "INSERT OR IGNORE INTO assets VALUES "
        "(?, ?, 'a.mp4', 'a.mp4', ?, 5, ?, ?, ?, 20.0, 640, 360, 'mov,mp4', 1, 0, 'local')",
        (
            asset, "5" * 64, f"/{asset}.mp4", None, json.dumps(MEDIA), WHEN,
        ),
    )  # fmt: skip
    base.execute("INSERT INTO slots VALUES (?, ?, ?)", (slot, index, asset))
    base.execute(
        "INSERT INTO indexed_assets VALUES (?, ?, 'ready', ?, ?, ?)",
        (slot, f"e{slot}", WHEN, WHEN, '["a note"]'),
    )
    base.executemany(
        "INSERT OR IGNORE INTO asset_metadata VALUES (?, ?, 'str', ?, NULL, ?, ?)",
        [(asset, key, json.dumps(value), value, value) for key, value in metadata.items()],
    )


@pytest.fixture
def before_videos(tmp_path: Path) -> Home:
    """Files that were sent over HTTP and files that were added by path, in two indexes."""
    home = as_of("0007", tmp_path / "home")
    with closing(sqlite3.connect(home.database)) as base, base:
        for index in ("i", "j"):
            base.execute(
                "INSERT INTO indexes (id, name, cards, created_at, tenant, options, updated_at) "
                "VALUES (?, ?, '{}', ?, 'local', '{}', ?)",
                (index, index, WHEN, WHEN),
            )
        sent = {
            "method": "direct", "blob": "files/f/original", "size": 5, "sha256": "5" * 64,
            "kind": "video", "file_type": "video/mp4", "media": MEDIA, "hls": True,
            "thumbnail": False, "user_metadata": {"of": "file"}, "trace": "t",
        }  # fmt: skip
        _resource(base, "file", "f", "", "ready", sent)
        for slot, (index, video) in enumerate((("i", "vi"), ("j", "vj")), 1):
            values = {"topic": index, "tags": ["x", "y"], "size": "big"}
            _observed(base, slot, index, video, **{"topic": index, "user.size": "big"})
            body = {
                "file_id": "f", "user_metadata": values, "video_stream": True, "indexed_at": WHEN,
                "duration": 20.0,
            }  # fmt: skip
            _resource(base, "video", video, index, "ready", body)
            _task(base, f"t{index}", index, f"video:{video}", "ready", video)
        # Not observed, or not yet.
        error = {"code": "media_no_stream", "message": "f2", "subject": None}
        _resource(
            base,
            "file",
            "f2",
            "",
            "failed",
            {"method": "url", "url": "https://a.b/c", "error": error},
        )
        _resource(base, "video", "v2", "i", "failed", {"file_id": "f2", "error": error})
        _task(base, "t2", "i", "video:v2", "failed", None)
        _resource(base, "file", "f3", "analysis", "processing", {"method": "multipart", "parts": 3})
        _resource(
            base,
            "video",
            "v3",
            "j",
            "queued",
            {"file_id": "f3", "store_id": "s", "item_id": "item"},
        )
        _task(base, "t3", "j", "video:v3", "queued", None)
        _task(base, "gone", "i", "video:gone", "ready", None)
        # Added by path to both indexes; a server has seen it in one.
        for slot, index in ((3, "i"), (4, "j")):
            _observed(base, slot, index, "p", word="path")
            _task(base, f"p{index}", index, "/p.mp4", "ready", "p")
        _resource(base, "file", "p", "", "ready", {"path": "/p.mp4", "file_type": "video/mp4"})
        _resource(
            base, "video", "p", "i", "ready", {"file_id": "p", "user_metadata": {"word": "old"}}
        )
        _resource(base, "match", "m", "q", "", {"name": "vi"})
        _resource(base, "search", "s", "", "", {})
    return home


def _task(
    base: sqlite3.Connection, id: str, index: str, source: str, status: str, asset: str | None
) -> None:
    base.execute(
        "INSERT INTO tasks (id, index_id, source, status, created_at, updated_at, done_s, "
        "attempts, asset_id, tenant) VALUES (?, ?, ?, ?, ?, ?, 0, 1, ?, 'local')",
        (id, index, source, status, WHEN, WHEN, asset),
    )


def test_files_and_videos_get_tables(before_videos: Home) -> None:
    with open_store(load(before_videos.root), write=True) as store:
        catalog, scope = store.catalog, store.scope(GRANT)
        assets = {one.id: one for one in catalog.assets(scope)}
        assert set(assets) == {"f", "f2", "f3", "p"}
        sent, path = assets["f"], assets["p"]
        assert (sent.status, sent.owner, sent.method) == ("ready", "tenant", "direct")
        assert (sent.blob, sent.size, sent.type) == ("files/f/original", 5, "video")
        assert (sent.metadata, sent.thumbnail, sent.trace) == ({"of": "file"}, False, "t")
        assert (sent.duration, sent.width, sent.fps) == (20.0, 640, 25.0)
        assert (assets["f2"].status, assets["f2"].source) == ("failed", "https://a.b/c")
        assert assets["f2"].error is not None
        assert (assets["f3"].owner, assets["f3"].chunks) == ("analysis", 3)
        assert (path.owner, path.method, path.source) == ("index", "path", "/p.mp4")
        assert (path.media_type, path.metadata) == ("video/mp4", {"word": "path"})

        videos = {one.id: one for one in catalog.videos(scope)}
        second = video_id_of("j", "p")
        assert set(videos) == {"vi", "vj", "v2", "v3", "p", second}
        assert {one.asset_id for one in videos.values()} == set(assets)
        assert (videos["vi"].asset_id, videos["vi"].index_id) == ("f", "i")
        assert (videos["vi"].status, videos["vi"].notes) == ("ready", ("a note",))
        assert videos["vi"].metadata == {"topic": "i", "tags": ["x", "y"], "size": "big"}
        assert (videos["v2"].status, videos["v3"].status) == ("failed", "queued")
        assert (videos["v3"].store_id, videos["v3"].item_id) == ("s", "item")
        assert (videos["p"].index_id, videos[second].index_id) == ("i", "j")
        assert videos["p"].metadata == videos[second].metadata == {"word": "path"}

        for index in ("i", "j"):
            within = store.scope(GRANT, index)
            assert catalog.find_assets(within, {"topic": index}) == {"f"}
            assert catalog.find_assets(within, {"user.size": "big"}) == {"f"}
            assert catalog.find_assets(within, {"word": "path"}) == {"p"}
        tasks = {one.id: one for one in catalog.tasks(scope)}
        assert [tasks["ti"].source, tasks["ti"].asset_id, tasks["ti"].video_id] == ["", "f", "vi"]
        assert [tasks["gone"].source, tasks["gone"].asset_id] == ["", None]
        assert [tasks["pj"].source, tasks["pj"].video_id] == ["/p.mp4", second]
        assert [tasks["t3"].attempts, tasks["t2"].attempts] == [2, 1], "a plan names the old id"
        assert catalog.resource(scope, Kind.MATCH, "m").name == "f"

        for id in assets:
            store.delete_asset(scope, id)
        assert catalog.videos(scope) == []
        assert (
            store.scan(store.scope(GRANT.within(EVERY_TENANT)), [b"/p.mp4", b"https://a.b"]) == []
        )


def test_ann_indexes_are_forgotten_to_be_built_anew(tmp_path: Path) -> None:
    home = as_of("0008", tmp_path / "home")
    old = home.root / "sketches" / "g1"
    old.mkdir(parents=True)
    with closing(sqlite3.connect(home.database)) as base, base:
        base.execute(
            "INSERT INTO indexes (id, name, cards, created_at, tenant, options, updated_at) "
            "VALUES ('i', 'videos', '{}', ?, 'local', '{}', ?)",
            (WHEN, WHEN),
        )
        base.execute(
            "INSERT INTO vector_spaces VALUES (1, 'i', 'visual', 's', 2, 7, ?)",
            (json.dumps({"generation": "g1", "groups": 16, "probes": 4}),),
        )
    with open_store(load(home.root), write=True) as store:
        (space,) = store.vectors.statistics(store.scope(GRANT, "i"))
        assert (space["index"], space["rows"]) == (None, 0)
    assert not old.parent.exists()
    with closing(sqlite3.connect(home.database)) as base:
        assert base.execute("SELECT version FROM vector_spaces").fetchall() == [(8,)]
        assert base.execute("SELECT * FROM erasures").fetchall() == []
