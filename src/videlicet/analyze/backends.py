"""The analysis backend that the settings choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.analyze.llm.backends.base import unchecked
from videlicet.errors import InvalidInput

if TYPE_CHECKING:
    from videlicet.analyze.backend import AnalysisBackend
    from videlicet.analyze.llm.backends.base import Check, LlmBackend
    from videlicet.models.base import TextEncoder
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store

#: What the setting ``analysis_backend`` may say.
NAMES = ("builtin", "endpoint", "gguf")


def analysis_backend(
    scope: Scope,
    store: Store,
    settings: Settings,
    encoder: TextEncoder,
    check: Check = unchecked,
) -> AnalysisBackend:
    """The backend that the setting ``analysis_backend`` names: the built-in one, or a language
    model that has it for structure. ``encoder`` is the text encoder of the index that is read; a
    model that takes pictures looks at originals on behalf of ``scope``. ``check`` is called while
    the model is waited for, and raises to end its call.

    A model in this process is loaded when it is first asked; an endpoint is not asked anything yet.

    Raises:
        InvalidInput: ``invalid_argument``, a setting is no use.
        NotFound, ModelError: the model of ``gguf`` is unknown, not here or not to be run.
    """
    from videlicet.analyze.builtin import BuiltinBackend
    from videlicet.analyze.evidence.frames import looking

    builtin = BuiltinBackend(encoder)
    if settings.analysis_backend == "builtin":
        return builtin
    from videlicet.analyze.llm.model import LanguageModel

    look = looking(scope, store, settings)
    return LanguageModel(_backend(settings), encoder, builtin, look, check=check)


def _backend(settings: Settings) -> LlmBackend:
    if settings.analysis_backend == "endpoint":
        from videlicet.analyze.llm.backends.endpoint import Endpoint

        return Endpoint(
            settings.llm_url, settings.llm_model, key=settings.llm_key,
            pictures=settings.llm_vision, context=settings.llm_context,
            timeout=settings.llm_timeout,
        )  # fmt: skip
    if settings.analysis_backend == "gguf":
        from videlicet.analyze.llm.backends.gguf import Gguf

        return Gguf.of(settings)
    raise InvalidInput(
        "invalid_argument",
        f"The setting analysis_backend is one of {', '.join(NAMES)}, "
        f"not {settings.analysis_backend!r}.",
        subject="analysis_backend",
    )
