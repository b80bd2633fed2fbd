"""The analysis backends: ours, and those of installed packages.

A package adds one by an entry point of the group ``videlicet.analysis_backends``, a function of a
:class:`~videlicet.analyze.backend.BackendContext`; the setting ``analysis_backend`` names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.analyze.backend import (
    AnalysisBackend,
    BackendContext,
    BackendFactory,
    Check,
    unchecked,
)
from videlicet.registry import Registry

if TYPE_CHECKING:
    from videlicet.models.base import TextEncoder
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store


def _endpoint(context: BackendContext) -> AnalysisBackend:
    from videlicet.analyze.llm.factories import endpoint_backend

    return endpoint_backend(context)


def _gguf(context: BackendContext) -> AnalysisBackend:
    from videlicet.analyze.llm.factories import gguf_backend

    return gguf_backend(context)


BACKENDS: Registry[BackendFactory] = Registry("videlicet.analysis_backends", "analysis backend")
BACKENDS.add("builtin", lambda context: context.builtin)
BACKENDS.add("endpoint", _endpoint)
BACKENDS.add("gguf", _gguf)


def analysis_backend(
    scope: Scope,
    store: Store,
    settings: Settings,
    encoder: TextEncoder,
    check: Check = unchecked,
) -> AnalysisBackend:
    """The backend that the setting ``analysis_backend`` names. ``encoder`` is the text encoder of
    the index that is read; a backend that takes pictures looks at originals on behalf of ``scope``.
    ``check`` is called while a model is waited for, and raises to end its call.

    Raises:
        InvalidInput: ``invalid_argument``, a setting is no use.
        NotFound, ModelError: the model of ``gguf`` is unknown, not here or not to be run.
        PluginError: ``plugin_invalid``, the backend of a package cannot be used.
    """
    from videlicet.analyze.builtin import BuiltinBackend

    make = BACKENDS.get(settings.analysis_backend)
    return make(BackendContext(scope, store, settings, encoder, BuiltinBackend(encoder), check))
