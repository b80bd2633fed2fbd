"""The command and what all its verbs share."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from videlicet.cli import (
    add,
    analyze,
    classify,
    config,
    demo,
    doctor,
    evaluate,
    keys,
    list,
    models,
    remove,
    report,
    saved_search,
    search,
    serve,
    show,
    status,
    subtitles,
    webhooks,
)
from videlicet.cli.context import context
from videlicet.cli.output import (
    EXIT_CODES,
    INTERRUPTED,
    INVALID,
    OK,
    UNEXPECTED,
    exit_code,
    print_error,
    print_message,
)
from videlicet.errors import InvalidInput, StoreError, VidelicetError

app = typer.Typer(
    name="videlicet",
    help="Find any moment in video, on your own machine: by words, a picture, a sound or a clip.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from videlicet import __version__

        typer.echo(f"videlicet {__version__}")
        raise typer.Exit


@app.callback()
def common(
    home: Annotated[
        Path | None,
        typer.Option(
            help="Data directory.", envvar="VIDELICET_HOME", show_envvar=True, show_default=False
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before the verb."""
    context.home = home
    context.debug = debug


for _file in (
    add, search, analyze, subtitles, report, classify, list, show, status, remove, doctor, evaluate,
    demo, serve, keys, config, webhooks,
):  # fmt: skip
    _file.register(app)
app.add_typer(models.app, name="models")
app.add_typer(saved_search.app, name="saved-search")


def run() -> None:
    """Run the command and leave with a meaningful exit code."""
    for stream in (sys.stdout, sys.stderr):
        # Names of files need not be valid text; printing them must not fail.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    code = UNEXPECTED
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has gone (as with `| head`); there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        code = _failed(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run() -> int:
    try:
        code = app(prog_name="videlicet", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        return _failed(error)
    if code == INTERRUPTED:
        print_message("Interrupted; what was finished stays.")
    return code if isinstance(code, int) else OK


def _failed(error: Exception) -> int:
    """Print an error; returns the exit code."""
    as_json = "--json" in sys.argv[1:]
    if hasattr(error, "format_message"):  # words that are no command: Typer's own errors
        if not as_json:
            error.show()  # type: ignore[attr-defined]
            return INVALID
        error = InvalidInput(
            "invalid_argument", error.format_message(), remedy="See `videlicet VERB --help`."
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        error = StoreError("disk_full", f"The disk is full: {error}.")
    if context.debug:
        traceback.print_exception(error)
    if isinstance(error, VidelicetError):
        print_error(error, as_json=as_json)
        return exit_code(error)
    message = f"Videlicet failed: {type(error).__name__}: {error}"
    remedy = "Run again with `videlicet --debug …` and report what it prints."
    if as_json:
        row = {"code": "internal", "message": message, "subject": None, "retryable": False}
        print_error({**row, "remedy": remedy}, as_json=True)
    else:
        print_message(f"{message}\n  {remedy}  [internal]")
    return UNEXPECTED
