"""A process that adds assets to a library until it is done or killed.

Usage: ``writer_process.py HOME COUNT``.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.store.samples import INGEST, add, asset, settings

from videlicet.store import open_store


def main(home: str, count: str) -> None:
    with open_store(settings(Path(home), ann_threshold_rows=60), write=True, create=True) as store:
        found = {index.name: index for index in store.catalog.indexes(store.scope(INGEST))}
        index = found.get("main") or store.catalog.create_index(store.scope(INGEST), "main", {})
        print("open", flush=True)
        for n in range(int(count)):
            name = f"{n}.mp4"
            if n % 5 == 4 and store.catalog.video_of(store.scope(INGEST, index.id), asset(name).id):
                store.remove_video(store.scope(INGEST, index.id), asset(name).id)
            add(store, index, name, count=8)
            print(n, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
