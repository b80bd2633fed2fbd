"""Searches while something else writes to the store."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.api.server import Client, Server

from videlicet.store.database.sqlite import SqliteDatabase

pytestmark = pytest.mark.slow

SEARCHES = 16


@pytest.mark.embedded("a server of databases has a lock for each row")
def test_searches_that_store_later_pages_are_answered_while_another_writes(
    server: Server, client: Client, recording: Path
) -> None:
    index = client.index("busy")
    client.add_video(index, recording)
    client.add_video(index, recording)
    form = {"index_id": index, "query_text": "red", "search_options": "visual"}
    ended = threading.Event()
    database = SqliteDatabase(server.home / "library.sqlite", server.home)

    def write() -> None:
        while not ended.is_set():
            with database.write_transaction():
                time.sleep(0.1)

    def search(_: int) -> dict[str, object]:
        answer = client.post(
            "search", data={**form, "page_limit": "1"}, files={"nothing": b""}, timeout=120
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["page_info"])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with ThreadPoolExecutor(SEARCHES) as pool:
            pages = list(pool.map(search, range(SEARCHES)))
    finally:
        ended.set()
        writer.join()
        database.close()
    assert len({page["next_page_token"] for page in pages}) == SEARCHES
