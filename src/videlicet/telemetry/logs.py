"""Log lines: JSON objects for machines, text for people.

Our own modules log through :mod:`logging`: a constant text, and fields as ``extra``. Of libraries
only the place is logged, never their words, and of an exception its type and the lines of
code it came through, never its message: both may hold what users sent.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from videlicet.settings import Settings

_PACKAGE = "videlicet"
#: Loggers whose constant texts are harmless; what they fill in is left out.
_TRUSTED_LIBRARIES = ("uvicorn",)
#: Attributes that every record has; what else one has was given as ``extra``.
_STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
}
#: Most lines of code logged of one exception.
_MAX_FRAMES = 30

_log = logging.getLogger(__name__)


def configure(settings: Settings) -> None:
    """Have this process log to its standard error, as the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(is_json(settings)))
    _install(handler, settings)


def configure_remote(settings: Settings, send: Callable[[dict[str, Any]], None]) -> None:
    """Have this process log through ``send``, for the process at the other end to :func:`relay`."""
    _install(_Remote(send), settings)


def is_json(settings: Settings) -> bool:
    """Whether lines are JSON."""
    return settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stderr.isatty()
    )


def relay(row: Mapping[str, Any]) -> None:
    """Log what another process has logged."""
    record = logging.makeLogRecord({"relayed": dict(row), "levelno": row["number"]})
    logger = logging.getLogger(_PACKAGE)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """The JSON fields of a log record."""
    if (relayed := getattr(record, "relayed", None)) is not None:
        return dict(relayed)
    row: dict[str, Any] = {"logger": record.name}
    if record.name.split(".")[0] == _PACKAGE:
        row["event"] = record.getMessage()
        row |= {k: v for k, v in vars(record).items() if k not in _STANDARD_ATTRIBUTES}
    else:
        plain = record.name.split(".")[0] in _TRUSTED_LIBRARIES and isinstance(record.msg, str)
        row["event"] = record.msg.strip() if plain else "a library has logged"
        row["place"] = f"{record.module}:{record.lineno}"
    if record.exc_info and record.exc_info[1] is not None:
        row |= _exception_fields(record.exc_info[1])
    return {
        "time": record.created,
        "level": record.levelname.lower(),
        "number": record.levelno,
        "process": record.process,
        **row,
    }


def _exception_fields(error: BaseException) -> dict[str, Any]:
    """The types of an exception and of its causes, and the code it came through."""
    kinds, seen = [], set[int]()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        code = getattr(one, "code", None)
        kinds.append(
            f"{type(one).__name__} {code}" if isinstance(code, str) else type(one).__name__
        )
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    stack = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    lines = [f"{_module(f.filename)}:{f.lineno} {f.name}" for f in stack]
    return {"exception": kinds, "stack": lines}


def _module(file: str) -> str:
    """A source file without the folders of this machine."""
    parts = Path(file).parts
    for top in ("site-packages", "src"):
        if top in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(top) :])
    return "/".join(parts[-2:])


class _Formatter(logging.Formatter):
    """One line for each record, rendered by structlog."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        import structlog

        self._render: Callable[[Any, str, Any], Any] = (
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if as_json
            else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), timestamp_key="time")
        )

    def format(self, record: logging.LogRecord) -> str:
        from datetime import UTC, datetime

        row = fields(record)
        row.pop("number")
        when = datetime.fromtimestamp(row["time"], UTC).isoformat(timespec="milliseconds")
        row["time"] = when.replace("+00:00", "Z")
        return str(self._render(None, "", row))


class _Remote(logging.Handler):
    """Hands records to whoever carries them to another process."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._send(fields(record))
        except (OSError, ValueError):
            return  # the other process has gone, and this one follows


def _install(handler: logging.Handler, settings: Settings) -> None:
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    # Libraries say at lower levels what they are about to do, at great length.
    root.setLevel(logging.WARNING)
    logging.getLogger(_PACKAGE).setLevel(level)
    logging.captureWarnings(True)
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_uncaught_in_thread


def _on_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    _log.critical("ended by a fault", exc_info=(kind, error, trace))


def _on_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        error = args.exc_value
        _log.error("a thread ended by a fault", exc_info=(type(error), error, args.exc_traceback))
