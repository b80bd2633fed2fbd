"""The secret of a data directory, from which others are derived and with which addresses are
signed."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videlicet.settings import Settings

_FILE = "server.secret"


def server_secret(settings: Settings) -> bytes:
    """The secret that the settings name, else one of the data directory's own, made the first time.
    Servers on several machines share the first kind."""
    if settings.secret:
        return settings.secret.encode()
    path = settings.home / _FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(32))
    return path.read_bytes()


def derived(settings: Settings, purpose: str) -> bytes:
    """A secret for one purpose: kept nowhere, and of no help in finding another (HMAC-SHA256)."""
    return hmac.new(server_secret(settings), purpose.encode(), hashlib.sha256).digest()
