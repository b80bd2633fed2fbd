"""A private PostgreSQL and a private object store, for tests of what machines share."""

from __future__ import annotations

import glob
import itertools
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
from obstore.store import LocalStore, ObjectStore, from_url
from tests.processes import PATIENCE, answers, started, wait_until

SECRET = "a secret that all machines know"
BUCKET = "videlicet"
#: Why tests are skipped where there is none.
NO_POSTGRES = "PostgreSQL is not here: install the package postgresql, or put initdb into PATH"


@dataclass
class Services:
    """Both servers, and how many stores were made on them."""

    postgres: Postgres
    objects: str
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def fresh(self, of: str | None = None) -> dict[str, str]:
        """The environment of a store that holds nothing yet, or what the one called ``of`` does."""
        name = f"store{next(self._numbers)}"
        template = f" TEMPLATE {of}" if of else ""
        with psycopg.connect(self.postgres.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}{template}")
        if of:
            bucket = from_url(f"s3://{BUCKET}")
            for page in bucket.list(f"{of}/"):
                for row in page:
                    bucket.copy(row["path"], f"{name}/{row['path'].removeprefix(f'{of}/')}")
        return {
            "VIDELICET_DATABASE_URL": self.postgres.address(name),
            "VIDELICET_OBJECT_STORE_URL": f"s3://{BUCKET}/{name}",
            "VIDELICET_SECRET": SECRET,
        }


#: The servers of this test process, where all its stores are shared ones.
everywhere: Services | None = None


def place(home: Path, shared: Mapping[str, str] | None = None) -> None:
    """Where all stores are shared ones: have ``home`` be the scratch folder of one of its own, or
    of the one that ``shared`` names."""
    file = home / "videlicet.toml"
    if everywhere is None or "VIDELICET_DATABASE_URL" in os.environ or file.exists():
        return
    home.mkdir(parents=True, exist_ok=True)
    lines = [
        f"{name.removeprefix('VIDELICET_').lower()} = {json.dumps(value)}"
        for name, value in (shared or everywhere.fresh()).items()
    ]
    file.write_text("\n".join(lines) + "\n")


def blobs(home: Path) -> ObjectStore:
    """What holds the originals of the library at ``home``, to be tampered with."""
    if everywhere is None:
        return LocalStore(home / "blobs", mkdir=True)
    return from_url(tomllib.loads((home / "videlicet.toml").read_text())["object_store_url"])


def copied(home: Path, to: Path) -> None:
    """Have ``to`` be a library of its own that holds what ``home`` does."""
    if everywhere is None:
        shutil.copytree(home, to)
    else:
        objects = tomllib.loads((home / "videlicet.toml").read_text())["object_store_url"]
        place(to, everywhere.fresh(of=objects.rpartition("/")[2]))


@dataclass
class Postgres:
    """A server on this machine; its tools refuse to run as root."""

    folder: Path
    port: int
    tools: Path

    def address(self, database: str) -> str:
        return f"postgresql://videlicet@127.0.0.1:{self.port}/{database}"

    def run(self, tool: str, *words: str) -> None:
        command = [str(self.tools / tool), *words]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # To a file: a server that outlives the command would keep a pipe open.
        with (self.folder / "tools.log").open("ab") as log:
            subprocess.run(command, check=True, cwd=self.folder, stdout=log, stderr=log, timeout=60)

    def start(self) -> None:
        settings = {
            "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
            "max_connections": 300, "fsync": "off", "synchronous_commit": "off",
            "full_page_writes": "off",
        }  # fmt: skip
        options = " ".join(
            f"-c {name}={str(value) or repr('')}" for name, value in settings.items()
        )
        log = str(self.folder / "server.log")
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", mode, "stop")


def tools() -> Path | None:
    """The folder of PostgreSQL's programs: Debian does not put them into PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    folders = glob.glob("/usr/lib/postgresql/*/bin")
    return Path(max(folders, key=lambda name: int(Path(name).parent.name))) if folders else None


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server while the block runs."""
    found = tools()
    assert found is not None, NO_POSTGRES
    folder = Path(tempfile.mkdtemp(prefix="videlicet-postgres-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    one = Postgres(folder, free_port(), found)
    try:
        one.run(
            "initdb", "-D", str(folder / "data"), "-U", "videlicet", "-A", "trust", "-E", "UTF8",
            "--locale=C", "--no-sync",
        )  # fmt: skip
        one.start()
        try:
            yield one
        finally:
            one.stop("immediate")
    finally:
        # Hundreds of databases are some hundred thousand files, which Python takes minutes for.
        subprocess.run(["rm", "-rf", str(folder)], check=True, timeout=PATIENCE)


@contextmanager
def objects() -> Iterator[str]:
    """The address of an object store that keeps everything in memory while the block runs."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(address), server, lambda: "the object store")
        httpx.put(f"{address}/{BUCKET}", timeout=PATIENCE).raise_for_status()
        yield address


@contextmanager
def running() -> Iterator[Services]:
    """Both, with what finds them in the environment of this process."""
    with postgres() as database, objects() as address:
        environment = {
            "AWS_ENDPOINT_URL": address, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests",
        }  # fmt: skip
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            yield Services(database, address)
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
