"""The official Python SDK, watched: which of its methods a file of tests has called."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from tests.api.server import Server
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError

#: Where the methods are that other files call (tier 3 of the contract).
ELSEWHERE = ("knowledge_store", "responses.", "data_connectors.", "imports.")


class Watched:
    """A client whose calls are counted. Calls that the SDK makes of itself do not count."""

    def __init__(self, client: TwelveLabs) -> None:
        self.client = client
        #: Every public method, by its path.
        self.known: set[str] = set()
        self.called: set[str] = set()
        self._inside = False
        self._watch(client, "")

    @property
    def forgotten(self) -> set[str]:
        """Methods that should have been called by now, and were not."""
        return {one for one in self.known - self.called if not one.startswith(ELSEWHERE)}

    def forgotten_of(self, *owners: str) -> set[str]:
        """The same, of the methods under some paths."""
        return {one for one in self.known - self.called if one.startswith(owners)}

    def _watch(self, owner: Any, path: str) -> None:
        for name in sorted({*dir(type(owner)), *vars(owner)}):
            if name.startswith("_") or name == "with_raw_response":
                continue
            value = getattr(owner, name)
            if inspect.ismethod(value):
                self.known.add(path + name)
                setattr(owner, name, self._counted(path + name, value))
            elif type(value).__module__.startswith("twelvelabs."):
                self._watch(value, f"{path}{name}.")

    def _counted(self, path: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*args: Any, **options: Any) -> Any:
            if self._inside:
                return method(*args, **options)
            self.called.add(path)
            self._inside = True
            try:
                return method(*args, **options)
            finally:
                self._inside = False

        return call


@contextmanager
def sdk(server: Server, key: str) -> Iterator[TwelveLabs]:
    """A client whose connections are closed in the end."""
    with httpx.Client(timeout=120, follow_redirects=True) as connection:
        yield TwelveLabs(api_key=key, base_url=server.base, httpx_client=connection)


def ended(look: Callable[[], Any]) -> Any:
    """What is looked at, once it is ready or has failed."""
    deadline = time.monotonic() + 300
    while (found := look()).status not in ("ready", "failed"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def require_status(status: int, call: Callable[[], Any]) -> dict[str, Any]:
    """The body of a refusal: not every version of the SDK has a class of its own for it."""
    with pytest.raises(ApiError) as caught:
        call()
    assert caught.value.status_code == status
    reason = caught.value.body
    body: dict[str, Any] = reason if isinstance(reason, dict) else reason.model_dump()
    assert body["code"]
    assert body["message"]
    return body
