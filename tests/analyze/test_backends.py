"""The analysis backend that the setting names: ours, or that of an installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from tests.analyze.evidence_factory import ENCODER, ROCKETS, make_evidence, talk
from tests.analyze.packages import installed

from videlicet.analyze.backends import BACKENDS, analysis_backend
from videlicet.analyze.builtin import BuiltinBackend
from videlicet.analyze.llm.model import LanguageModel
from videlicet.errors import InvalidInput, PluginError
from videlicet.settings import load

PLUGIN = """
from videlicet.types import Answer, Sentence


class Oracle:
    id = "oracle"

    def __init__(self, context):
        self.context = context

    def ask(self, materials, question, *, on_sentence=print):
        self.context.check()
        (title, *_) = (self.context.builtin.gist(one).title for one in materials)
        return Answer((title,), True, self.id)
"""


def chosen(name: str, check: Any = lambda: None, **more: Any) -> Any:
    settings = load(analysis_backend=name, **more)
    none = cast("Any", None)
    return analysis_backend(none, none, settings, ENCODER, check)


def test_ours() -> None:
    assert BACKENDS.names()[:3] == ["builtin", "endpoint", "gguf"]
    assert isinstance(chosen("builtin"), BuiltinBackend)
    model = chosen("endpoint", llm_url="http://127.0.0.1:9/v1", llm_model="small")
    assert isinstance(model, LanguageModel)
    assert (model.id, type(model.structure)) == ("small", BuiltinBackend)


def test_that_of_an_installed_package(tmp_path: Path) -> None:
    checked: list[int] = []
    lecture = make_evidence(40, said=talk(ROCKETS))
    with installed(tmp_path, BACKENDS, "oracle", PLUGIN, "Oracle"):
        assert BACKENDS.package("oracle") == "added_oracle 1.2"
        backend = chosen("oracle", lambda: checked.append(1))
        answer = backend.ask([lecture], "What is it?")
    assert (answer.analysis_backend, checked) == ("oracle", [1])
    assert answer.text == BuiltinBackend(ENCODER).gist(lecture).title.text


def test_one_that_nobody_has_and_one_that_is_broken(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        chosen("nobody")
    assert "builtin, endpoint, gguf" in caught.value.message
    with (
        installed(tmp_path, BACKENDS, "broken", "Broken = 3", "Broken"),
        pytest.raises(PluginError) as other,
    ):
        chosen("broken")
    assert other.value.code == "plugin_invalid"
