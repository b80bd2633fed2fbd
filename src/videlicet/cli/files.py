"""Files that a user names: what is read from them, and whether what is to be written can be.

Outputs are looked at before the work begins, so that nothing is found out after minutes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from videlicet.errors import InvalidInput, not_written


def require_suffix(path: Path, endings: Collection[str], subject: str) -> str:
    """The ending of a file that is to be written, in small letters.

    Raises :class:`InvalidInput` ``invalid_argument`` for one that is none of ``endings``, and as
    :func:`require_writable`.
    """
    found = path.suffix.lower()
    if found not in endings:
        raise InvalidInput(
            "invalid_argument", f"{path} does not end in {join_choices(endings)}.", subject=subject,
            remedy="Name a file with such an ending.",
        )  # fmt: skip
    require_writable(path)
    return found


def one_of(value: str, choices: Collection[str], subject: str) -> str:
    """A choice, however its letters are written; :class:`InvalidInput` for another."""
    if value.lower() not in choices:
        raise InvalidInput(
            "invalid_argument", f"There is no {value!r} here, only {join_choices(choices)}.",
            subject=subject,
        )  # fmt: skip
    return value.lower()


def join_choices(choices: Collection[str]) -> str:
    """``.srt or .vtt``."""
    *rest, last = choices
    return f"{', '.join(rest)} or {last}" if rest else last


def require_writable(path: Path) -> None:
    """Refuse a file that cannot be written for want of a folder or of leave to write there.

    Raises :class:`StoreError` ``store_not_writable``.
    """
    if not os.path.isdir(path.parent):
        raise not_written(path, f"there is no folder {path.parent}")
    if os.path.isdir(path):
        raise not_written(path, "it is a folder")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise not_written(path, f"nothing may be written into {path.parent}")


def make_folder(path: Path) -> Path:
    """A folder to write into, made if it is not there.

    Raises :class:`StoreError` ``store_not_writable``.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise not_written(path, "it is no folder") from error
    except OSError as error:
        raise not_written(path, error) from error
    require_writable(path / "file")
    return path


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    from videlicet.media.cut import atomic_output

    with atomic_output(path) as file:
        file.write(content)


def read_text(path: Path) -> str:
    """The text of a file that a user names, without the byte order mark that some editors put
    before it."""
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise InvalidInput(
            "path_not_found", f"There is no file {path}.", subject=str(path)
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            "path_not_readable", f"{path} cannot be read as text.", subject=str(path)
        ) from error


def read_json(path: Path) -> Any:
    """What a JSON file that a user names holds."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            "invalid_argument", f"{path} is not JSON: {error}.", subject=str(path)
        ) from error
