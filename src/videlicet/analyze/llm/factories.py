"""The language models that the settings can name as analysis backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.analyze.backend import AnalysisBackend, BackendContext
from videlicet.analyze.evidence.frames import frame_loader
from videlicet.analyze.llm.model import LanguageModel

if TYPE_CHECKING:
    from videlicet.analyze.llm.backends.base import LlmBackend


def endpoint_backend(context: BackendContext) -> AnalysisBackend:
    """A model behind an HTTP endpoint. Nothing is asked of it yet.

    Raises:
        InvalidInput: ``invalid_argument``, a setting is no use.
    """
    from videlicet.analyze.llm.backends.endpoint import Endpoint

    settings = context.settings
    endpoint = Endpoint(
        settings.llm_url, settings.llm_model, key=settings.llm_key,
        accepts_images=settings.llm_vision, context=settings.llm_context,
        timeout=settings.llm_timeout,
    )  # fmt: skip
    return _language_model(endpoint, context)


def gguf_backend(context: BackendContext) -> AnalysisBackend:
    """A model in this process, which is loaded when it is first asked.

    Raises:
        NotFound, ModelError: the model is unknown, not here or not to be run.
    """
    from videlicet.analyze.llm.backends.gguf import Gguf

    return _language_model(Gguf.of(context.settings), context)


def _language_model(backend: LlmBackend, context: BackendContext) -> AnalysisBackend:
    look = frame_loader(context.scope, context.store, context.settings)
    return LanguageModel(backend, context.encoder, context.builtin, look, check=context.check)
