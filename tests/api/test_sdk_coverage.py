"""Every public method of the official Python SDK, found by looking: each reaches an endpoint, which
answers or refuses with a documented code. What they do is tested where they are used."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from tests.api.sdk import Watched, sdk
from tests.api.server import Server
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError

from videlicet.api.errors import _NAMES

DOCUMENTED = set(
    re.findall(r"`(\w+)`", (Path(__file__).parents[2] / "docs" / "errors.md").read_text("utf-8"))
) | set(_NAMES.values())
#: What cannot be asked for, because the SDK takes ``connections:`` for the scheme of an address.
UNREACHABLE = {"data_connectors.authorize_connection"}
#: What asks again for ever where an upload is unknown.
ENDLESS = {"multipart_upload.wait_for_upload_completion"}
#: Arguments that the SDK itself demands, though its signatures do not.
DEMANDED = {"tasks.create_bulk": {"video_urls": ["https://93.184.216.34/video.mp4"]}}
METHODS = sorted(Watched(TwelveLabs(api_key="none")).known - ENDLESS)


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[TwelveLabs]:
    with sdk(server, server.key()) as one:
        yield one


def sample(kind: Any, path: Path) -> Any:
    """Some value of a type."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return inner[0]
    if origin in (typing.Union, types.UnionType):
        return sample(inner[0], path)
    if origin is dict:
        return {"key": "value"}
    if origin is not None:
        return [sample(inner[0], path)]
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        needed = {
            name: sample(field.annotation, path)
            for name, field in kind.model_fields.items()
            if field.is_required()
        }
        return kind.model_construct(**needed)
    if typing.is_typeddict(kind):
        return {name: sample(one, path) for name, one in typing.get_type_hints(kind).items()}
    return {int: 1, float: 1.0, bool: True, Path: path}.get(kind, "none")


def call(name: str, method: Callable[..., Any], path: Path) -> Any:
    hints = typing.get_type_hints(method)
    needed = {
        key: str(path) if key == "file_path" else sample(hints[key], path)
        for key, one in inspect.signature(method).parameters.items()
        if one.default is inspect.Parameter.empty and one.kind is not one.VAR_KEYWORD
    }
    answer = method(**needed, **DEMANDED.get(name, {}))
    # Streams and pages ask when they are read.
    return list(answer) if inspect.isgenerator(answer) else answer


def test_there_are_methods() -> None:
    assert len(METHODS) >= 95


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_answered(client: TwelveLabs, name: str, recording: Path) -> None:
    method: Any = client
    for part in name.split("."):
        method = getattr(method, part)
    if name in UNREACHABLE:
        with pytest.raises(httpx.UnsupportedProtocol):
            call(name, method, recording)
        return
    refusal: ApiError | None = None
    try:
        call(name, method, recording)
    except ApiError as error:
        refusal = error
    if refusal is not None:
        assert refusal.status_code is not None
        assert 400 <= refusal.status_code < 500, refusal
        body = refusal.body if isinstance(refusal.body, dict) else refusal.body.model_dump()
        row = body.get("error", body)
        assert row["code"] in DOCUMENTED, row
        # What the framework says where there is no endpoint.
        assert row["message"] not in ("", "Not Found", "Method Not Allowed")
