"""The caller of an HTTP request: the tenant of its key, and what the key may do."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from videlicet.api.access import READ, WRITE, authenticated_key, grant_of
from videlicet.api.state import ServerState
from videlicet.rights import Purpose
from videlicet.services.caller import Caller


class HttpCaller(Caller):
    """A caller of the services who is known by the API key of a request."""

    def __init__(self, request: Request) -> None:
        self.server: ServerState = request.app.state.server
        key = authenticated_key(request.state)
        super().__init__(
            self.server.platform,
            grant_of(key, Purpose.MANAGE),
            may_read=not key.scopes or READ in key.scopes,
            may_write=not key.scopes or WRITE in key.scopes,
        )
        #: What tells that the client has hung up.
        self.receive = request.receive
        base = self.settings.public_url or str(request.base_url)
        #: What absolute addresses begin with.
        self.base = base.rstrip("/")

    def address(self, path: str, seconds: float | None = None) -> str:
        """The absolute, signed address of a path that needs no key."""
        lifetime = self.settings.signed_url_ttl if seconds is None else seconds
        return self.base + self.server.signer.sign(path, lifetime)


Call = Annotated[HttpCaller, Depends()]
