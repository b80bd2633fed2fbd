"""The command and what all its verbs share."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from videlicet.cli.add import register as register_add
from videlicet.cli.check import register as register_check
from videlicet.cli.context import context
from videlicet.cli.find import register as register_find
from videlicet.cli.look import register as register_look
from videlicet.cli.manage import register as register_manage
from videlicet.cli.models import app as models_app
from videlicet.cli.output import EXIT_CODES, INTERRUPTED, UNEXPECTED, exit_code, print_error, say
from videlicet.errors import VidelicetError

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
    debug: Annotated[bool, typer.Option(help="Show where an error came from.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before the verb."""
    context.home = home
    context.debug = debug


register_add(app)
register_find(app)
register_look(app)
register_manage(app)
register_check(app)
app.add_typer(models_app, name="models")


def run() -> None:
    """Run the command and leave with a meaningful exit code."""
    for stream in (sys.stdout, sys.stderr):
        # Names of files need not be valid text; printing them must not fail.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(standalone_mode=True)
    except VidelicetError as error:
        print_error(error, as_json="--json" in sys.argv)
        if context.debug:
            traceback.print_exc()
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        say("Interrupted; what was finished stays.")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone (as with `| head`).
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if context.debug:
            traceback.print_exc()
        say(f"Videlicet failed: {type(error).__name__}: {error}")
        say("  Run again with `videlicet --debug …` and report what it prints.  [internal]")
        sys.exit(UNEXPECTED)
