"""How things are printed, and what the command ends with."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

from videlicet.errors import (
    AnalysisError,
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
    (AnalysisError, MODELS),
)

_SURROGATE = re.compile("[\ud800-\udfff]")
#: Joiners belong to writing systems and emoji; they are invisible but harmless.
_JOINERS = "\u200c\u200d"
#: Characters of an id that tables show; enough to name it with.
SHORT_ID = 12


def exit_code(error: VidelicetError) -> int:
    """The process's exit code for an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), SOME_FAILED)


def replace_surrogates(text: str) -> str:
    """Text that is valid Unicode: undecodable bytes of file names become ``\\xNN``."""
    return _SURROGATE.sub(_visible, text)


def printable(text: str) -> str:
    """Text that is safe on any terminal: besides :func:`replace_surrogates`, control characters
    (and those that turn the direction of writing) become visible."""
    return "".join(
        c if c.isprintable() or c in _JOINERS else c.encode("unicode_escape").decode()
        for c in replace_surrogates(text)
    )


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def timecode(seconds: Fraction | float) -> str:
    """``h:mm:ss.s``."""
    tenths = round(float(seconds) * 10)
    sign, tenths = ("-", -tenths) if tenths < 0 else ("", tenths)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02d}:{rest // 10:02d}.{rest % 10}"


def format_span(span: Span) -> str:
    """A stretch in display times (:meth:`videlicet.Asset.to_display_time`)."""
    return f"{timecode(span.start)}–{timecode(span.end)}"


def to_plain(value: Any) -> Any:
    """A record as JSON-ready data: instants become seconds, what is no number becomes null."""
    match value:
        case Span():
            return {"start": float(value.start), "end": float(value.end)}
        case Embedding():
            return {"space": value.space, "vector": [float(x) for x in value.vector]}
        case Fraction():
            return float(value)
        case float():
            return value if math.isfinite(value) else None
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case Path():
            return replace_surrogates(str(value))
        case str():
            return replace_surrogates(value)
        case Mapping():
            return {replace_surrogates(str(key)): to_plain(item) for key, item in value.items()}
        case bytes():
            raise TypeError("bytes are not printed")
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        case Sequence() | set() | frozenset():
            return [to_plain(item) for item in value]
        case _:
            return value


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(to_plain(value), ensure_ascii=False, indent=2) + "\n")


def print_json_line(value: Any) -> None:
    """One line of JSON, flushed, for a stream of events."""
    sys.stdout.write(json.dumps(to_plain(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    empty: str,
    title: str = "",
    whole: Sequence[str] = (),
) -> None:
    """A table on standard output, or the sentence ``empty``.

    The columns named by ``whole`` are never broken. A line break inside a cell starts a second,
    fainter line. Nothing is broken where the output goes to a file or another program.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def cell(value: object) -> Text:
        first, *more = str(value).split("\n")
        text = Text(printable(first))
        for line in more:
            text.append("\n" + printable(line), style="dim")
        return text

    table = Table(
        title=Text(printable(title)) if title else None,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=None,
    )
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console = Console(width=None if sys.stdout.isatty() else 10_000)
    if table.row_count:
        console.print(table)
    else:
        console.print(*([table.title] if table.title else []), empty, sep="\n", markup=False)


def print_message(text: str) -> None:
    """Lines for people, on standard error so that they never mix with results."""
    sys.stderr.write("".join(printable(line) + "\n" for line in text.split("\n")))


def print_error(error: VidelicetError | Mapping[str, object], *, as_json: bool) -> None:
    """What happened, to what, and what to do, on standard error."""
    row = error.to_json() if isinstance(error, VidelicetError) else error
    if as_json:
        sys.stderr.write(json.dumps({"error": to_plain(row)}, ensure_ascii=False) + "\n")
        return
    print_message(f"Error: {row['message']}\n  {row['remedy']}  [{row['code']}]")
