"""The command line: one verb a file, tables for people, ``--json`` for programs."""

from __future__ import annotations


def main() -> None:
    """Entry point of the ``videlicet`` command."""
    from videlicet.cli.app import run

    run()
