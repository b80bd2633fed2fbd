"""The secret of a data directory, from which others are derived and with which addresses are
signed."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING

from videlicet.errors import InvalidInput
from videlicet.store.home import translated_errors

if TYPE_CHECKING:
    from videlicet.settings import Settings

_FILE = "server.secret"
_LENGTH = 32


def server_secret(settings: Settings) -> bytes:
    """The secret that the settings name, else one of the data directory's own, made the first time.

    Raises:
        InvalidInput: ``invalid_argument``, if none is named for a store that machines share.
        StoreError: ``disk_full`` or ``store_not_writable``.
    """
    if settings.secret:
        return settings.secret.encode()
    if settings.database_url:
        raise InvalidInput(
            "invalid_argument",
            "With the setting database_url the setting secret must be given too: all machines sign "
            "alike.",
            subject="secret",
            remedy="Give every machine the same VIDELICET_SECRET, such as `openssl rand -hex 32`.",
        )
    with translated_errors(settings.home):
        handle = os.open(settings.home / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "r+b") as file:
            # Another process may be making it, and one that was ended may have left it empty.
            fcntl.flock(file, fcntl.LOCK_EX)
            kept = file.read()
            if len(kept) < _LENGTH:
                kept = secrets.token_bytes(_LENGTH)
                file.seek(0)
                file.write(kept)
                file.flush()
                os.fsync(file.fileno())
            return kept


def derive_key(settings: Settings, purpose: str) -> bytes:
    """A secret for one purpose: kept nowhere, and of no help in finding another (HMAC-SHA256)."""
    return hmac.new(server_secret(settings), purpose.encode(), hashlib.sha256).digest()
