"""Hooks of Schemathesis: every other request that it makes up is about things that are there.

It is loaded by the client in a process of its own (``SCHEMATHESIS_HOOKS``), with ids by kind in
``VIDELICET_TEST_IDS``.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

import schemathesis
from tests.api.world import kind

#: Fields of queries and bodies that name things, beside those that paths do.
_FIELDS = {"asset_ids": "image", "videos": "video", "page": "page", "image": "image"}
_asked: Counter[str] = Counter()
_ids: dict[str, str] = json.loads(os.environ["VIDELICET_TEST_IDS"])


@schemathesis.hook
def before_call(context: Any, case: Any, **_: Any) -> None:
    path, label = case.operation.path, case.operation.label
    _asked[label] += 1
    # What is there must stay.
    if case.method.upper() == "DELETE" or _asked[label] % 2:
        return
    for name in case.path_parameters or {}:
        case.path_parameters[name] = _ids[kind(path, name)]
    if isinstance(case.query, dict):
        case.query = _about(case.query, path)
    if isinstance(case.body, dict):
        case.body = _about(case.body, path)


def _about(value: Any, path: str, name: str = "") -> Any:
    match value:
        case dict():
            return {key: _about(item, path, str(key)) for key, item in value.items()}
        case list():
            return [_about(item, path, name) for item in value]
        case str() if name in _FIELDS:
            return _ids[_FIELDS[name]]
        case str() if name.endswith("_id"):
            try:
                return _ids[kind(path, name)]
            except KeyError:
                return value
        case _:
            return value
