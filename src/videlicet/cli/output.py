"""How things are printed, and what the command ends with."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

from videlicet.errors import (
    Conflict,
    InvalidInput,
    ModelError,
    NotFound,
    NotPermitted,
    StoreError,
    VidelicetError,
)
from videlicet.types import Embedding, Span

OK, SOME_FAILED, INVALID, NOT_FOUND, NOT_PERMITTED, CONFLICT, STORE, MODELS = range(8)
UNEXPECTED = 70
INTERRUPTED = 130

#: Shown under ``videlicet --help``.
EXIT_CODES = (
    "Exit codes: 0 done · 1 some sources failed or something is wrong · 2 invalid input · "
    "3 not found · 4 not permitted · 5 conflict, such as another writer · 6 data directory · "
    "7 models · 70 a fault of Videlicet's · 130 interrupted."
)

_CODES: tuple[tuple[type[VidelicetError], int], ...] = (
    (InvalidInput, INVALID),
    (NotFound, NOT_FOUND),
    (NotPermitted, NOT_PERMITTED),
    (Conflict, CONFLICT),
    (StoreError, STORE),
    (ModelError, MODELS),
)


def exit_code(error: VidelicetError) -> int:
    """The process's exit code for an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), SOME_FAILED)


def printable(text: str) -> str:
    """Text that any terminal takes: undecodable bytes of file names become ``\\xNN``, control
    characters become visible."""
    safe = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in safe)


def timecode(seconds: Fraction | float) -> str:
    """``h:mm:ss.s``."""
    tenths = round(float(seconds) * 10)
    sign, tenths = ("-", -tenths) if tenths < 0 else ("", tenths)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02d}:{rest // 10:02d}.{rest % 10}"


def plain(value: Any) -> Any:
    """A record as JSON-ready data; instants become seconds."""
    match value:
        case Span():
            return {"start": float(value.start), "end": float(value.end)}
        case Embedding():
            return {"space": value.space, "vector": [float(x) for x in value.vector]}
        case Fraction():
            return float(value)
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case Path():
            return printable(str(value))
        case str():
            return printable(value) if not value.isascii() or "\x00" in value else value
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case bytes():
            raise TypeError("bytes are not printed")
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        case Sequence() | set() | frozenset():
            return [plain(item) for item in value]
        case _:
            return value


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n")


def print_json_line(value: Any) -> None:
    """One line of JSON, flushed, for a stream of events."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, title: str = ""
) -> None:
    """A table on standard output, or the sentence ``empty``."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", header_style="bold", box=None)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    console = Console()
    if table.row_count:
        console.print(table)
    else:
        console.print(empty, markup=False)


def say(text: str) -> None:
    """A line for people, on standard error so that it never mixes with results."""
    sys.stderr.write(printable(text) + "\n")


def print_error(error: VidelicetError, *, as_json: bool) -> None:
    """What happened, to what, and what to do, on standard error."""
    if as_json:
        sys.stderr.write(json.dumps({"error": plain(error.to_json())}, ensure_ascii=False) + "\n")
        return
    say(f"Error: {error.message}")
    say(f"  {error.remedy}  [{error.code}]")
