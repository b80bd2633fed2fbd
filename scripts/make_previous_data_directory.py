"""Make the data directory of an earlier version that ``tests/store/test_previous.py`` opens.

Run it in a checkout of that version, with its own environment; OUT is the folder
``tests/store/previous`` of this one::

    git worktree add ../previous 118e8c3
    cd ../previous && make .venv/dev
    .venv/bin/python ../videlicet/scripts/make_previous_data_directory.py OUT

It serves a new data directory with the models for tests, makes one of everything that has an id,
and writes ``<commit>.tar.gz`` (the data directory) and ``<commit>.json`` (what the HTTP interface,
the Python interface and the built-in analysis answered).
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, os.getcwd())

from tests import samples
from tests.api import world
from tests.api.server import DOUBLES, served

import videlicet
from videlicet.models.fakes import draw_text

#: Folders and files that a data directory makes again when it lacks them.
DERIVED = {"cache", "staging", "writer.lock"}
#: Answers that tell of more than what is stored.
CHANGING = {"/v1/models", "/v1/doctor", "/v1/webhooks/{webhook_id}/deliveries"}
#: Questions of the golden answers.
SEARCHES = ("red", "invoice", "something blue and then green")
QUESTION = "What is written about the invoice?"
LANES: tuple[list[str], ...] = (["visual"], ["text"], [])


def make_video(path: Path) -> Path:
    """Six seconds of three colours, the second with text on the screen."""
    pictures = []
    for colour, text in ((samples.RED, ""), (samples.BLUE, "invoice 4711"), (samples.GREEN, "")):
        for number in range(10):
            frame = samples.picture((320, 184), colour, step=number)
            pictures.append(draw_text(frame, text) if text else frame)
    return samples.video(path, size=(320, 184), rate=5, pictures=pictures)


def build(home: Path, folder: Path) -> dict[str, Any]:
    """Fill a data directory over HTTP; its answers to every GET that names what does not expire."""
    with served(home, **DOUBLES) as server:
        made = world.build(
            server, "local", make_video(folder / "colours.mp4"), samples.image(folder / "red.png")
        )
        client, native = made.client, made.native
        client.ok(
            "POST", "indexes", headers={"idempotency-key": "the-same-again"},
            json={
                "index_name": "empty",
                "models": [{"model_name": "marengo3.0", "model_options": ["visual"]}],
            },
        )  # fmt: skip
        client.ok("DELETE", f"assets/{made.ids['waiting']}")  # its upload expires in a day
        passing = expiring(home)
        answers = {}
        for form, caller in (("v1.3", client), ("v1", native)):
            for path in sorted(paths(server.root, form)):
                if path in CHANGING or not (named := filled(path, made.ids)):
                    continue
                answer = caller.request("GET", named.removeprefix(f"/{form}/"))
                lasts = not any(id in named + answer.text for id in passing)
                if answer.status_code == 200 and lasts and answer.text.startswith("{"):
                    answers[named] = json.loads(answer.text.replace(server.root, ""))
        key = str(client.headers["x-api-key"])
        made.close()
    return {"key": key, "ids": made.ids, "answers": answers}


def paths(root: str, form: str) -> Iterator[str]:
    """Paths of GETs that the description of an interface names."""
    import httpx

    name = "openapi.json" if form == "v1.3" else f"{form}/openapi.json"
    for path, row in httpx.get(f"{root}/{name}", timeout=120).json()["paths"].items():
        if "get" in row:
            yield path if path.startswith(f"/{form}/") else f"/{form}{path}"


def filled(path: str, ids: dict[str, str]) -> str | None:
    """A path with ids in it, ``None`` if some of its parameters have none."""
    try:
        return world.filled(path, ids)
    except KeyError:
        return None


def expiring(home: Path) -> list[str]:
    """Ids of what will not be there any more when the answers are compared."""
    with sqlite3.connect(f"file:{home / 'library.sqlite'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT id FROM resources WHERE expires_at IS NOT NULL")
        return [id for (id,) in rows]


def embedded(home: Path) -> dict[str, Any]:
    """What the Python interface finds and answers."""
    with videlicet.open(home) as library:
        searches = []
        for text in SEARCHES:
            for lanes in LANES:
                page = library.search(text, index="films", modalities=lanes)
                hits = [
                    {
                        "asset": hit.asset_id,
                        "start": float(hit.span.start),
                        "end": float(hit.span.end),
                        "score": hit.score,
                        "evidence": sorted(str(one.modality) for one in hit.evidence),
                    }
                    for hit in page.hits
                ]
                searches.append({"text": text, "modalities": lanes, "hits": hits})
        answer = library.ask(QUESTION, index="films").to_json()
        return {
            "indexes": sorted(index.name for index in library.indexes()),
            "assets": sorted([asset.id, asset.name] for asset in library.assets("films")),
            "tasks": sorted([task.id, str(task.status)] for task in library.tasks("films")),
            "searches": searches,
            "question": QUESTION,
            "answer": answer,
        }


def pack(home: Path, to: Path) -> None:
    """The data directory as an archive that is the same for the same files."""
    for file in home.glob("*.sqlite"):
        with sqlite3.connect(file) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database.execute("VACUUM")
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(home.rglob("*")):
            name = path.relative_to(home)
            if name.parts[0] in DERIVED or path.name.endswith(("-wal", "-shm", ".log")):
                continue
            member = archive.gettarinfo(path, f"home/{name}")
            member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
            archive.addfile(member, path.open("rb") if path.is_file() else None)
    to.write_bytes(gzip.compress(data.getvalue(), 9, mtime=0))


def main(out: str) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short=7", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    folder = Path(tempfile.mkdtemp(prefix="previous-"))
    try:
        home = folder / "home"
        golden = build(home, folder)
        golden["python"] = embedded(home)
        pack(home, Path(out) / f"{commit}.tar.gz")
        text = json.dumps(golden, indent=1, sort_keys=True, ensure_ascii=False)
        if str(folder) in text:
            raise SystemExit(f"the answers name {folder}")
        (Path(out) / f"{commit}.json").write_text(text + "\n")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
