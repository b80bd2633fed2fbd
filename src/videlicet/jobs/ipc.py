"""The line between a worker and the process that started it: JSON objects, one a line."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import IO, Any

from videlicet.settings import Settings


class JsonLinesChannel:
    """Both directions of the line to the client."""

    def __init__(self, commands: IO[str], events: IO[str]) -> None:
        self._commands = commands
        self._events = events
        self._lock = threading.Lock()

    def receive(self) -> dict[str, Any] | None:
        """The next command, ``None`` once the client is gone."""
        line = self._commands.readline()
        return json.loads(line) if line.endswith("\n") else None

    def send(self, kind: str, **values: Any) -> None:
        line = json.dumps({"kind": kind, **values}, separators=(",", ":"))
        with self._lock:
            try:
                self._events.write(line + "\n")
                self._events.flush()
            except BrokenPipeError:
                # The client is gone, and so is this process in a moment. A job must not fail for
                # that: the next worker goes on with it.
                os._exit(1)


def settings_to_json(settings: Settings) -> dict[str, Any]:
    """Settings as the client sends them; paths may hold any bytes."""
    return {
        name: os.fsencode(value).hex() if isinstance(value, Path) else value
        for name, value in settings.model_dump().items()
    }


def settings_from_json(row: dict[str, Any]) -> Settings:
    """What :func:`settings_to_json` made."""
    paths = {n: Path(os.fsdecode(bytes.fromhex(row[n]))) for n in ("home", "weights")}
    return Settings(**{**row, **paths})
