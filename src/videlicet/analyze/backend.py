"""The seam between who asks and who answers: the built-in backend, a model, or a plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.types import Answer, Chapter, Gist, Highlight, Sentence

if TYPE_CHECKING:
    from videlicet.models.base import TextEncoder
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store

#: Called now and then while there is a wait; raises to end it.
Check = Callable[[], None]
#: Called with each sentence as soon as it is complete, for streaming.
OnSentence = Callable[[Sentence], None]


def ignore_sentence(_: Sentence) -> None:
    """For who waits for the whole answer."""


def unchecked() -> None:
    """For who waits to the end."""


@dataclass(frozen=True, slots=True)
class PromptRequest:
    """An open request in somebody's own words, as the HTTP interface takes it.

    ``schema`` is a JSON schema that the answer's value is to meet; ``max_tokens`` limits what is
    written. ``temperature`` is for language models only.
    """

    prompt: str
    schema: Mapping[str, Any] | None = None
    temperature: float = 0.2
    max_tokens: int = 4096


class AnalysisBackend(Protocol):
    """Answers from evidence, and from nothing else.

    Every method may be called from several threads at once. What it says is cited; where the
    evidence says nothing, so does the backend. Each may raise ``AnalysisError``.
    """

    #: Named in answers: ``builtin``, or the id of a language model.
    id: str

    def gist(self, evidence: AssetEvidence) -> Gist:
        """Title, topics and hashtags."""
        ...

    def summarize(
        self,
        all_evidence: Sequence[AssetEvidence],
        *,
        sentences: int = 5,
        focus: str | None = None,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        """The gist of it all in about so many sentences, about ``focus`` where one is given."""
        ...

    def chapters(self, evidence: AssetEvidence, *, count: int | None = None) -> list[Chapter]:
        """The parts of a video in order, without gaps; as many as there are, or ``count``."""
        ...

    def highlights(
        self, evidence: AssetEvidence, *, count: int = 5, query: str | None = None
    ) -> list[Highlight]:
        """The stretches that stand out, or that have most to do with ``query``, best first."""
        ...

    def ask(
        self,
        all_evidence: Sequence[AssetEvidence],
        question: str,
        *,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        """The answer to a question, or that it is not to be found."""
        ...

    def extract(
        self, all_evidence: Sequence[AssetEvidence], schema: Mapping[str, Any], prompt: str = ""
    ) -> Answer:
        """Data of a JSON schema as ``value``, null where there is no evidence; always valid. Each
        sentence of the answer is one value with its citations."""
        ...

    def respond(
        self,
        all_evidence: Sequence[AssetEvidence],
        request: PromptRequest,
        *,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        """Whatever the prompt asks for: one of the above, as text."""
        ...


@dataclass(frozen=True, slots=True)
class BackendContext:
    """What an analysis backend is made with, for one request.

    ``encoder`` is the text encoder of the index that is read. A backend that looks at originals
    does so on behalf of ``scope``. ``check`` is to be called while the backend waits for something,
    and raises to end that. ``builtin`` is the built-in backend, for what another leaves to it.
    """

    scope: Scope
    store: Store
    settings: Settings
    encoder: TextEncoder
    builtin: AnalysisBackend
    check: Check = unchecked


#: An entry of the registry of analysis backends.
BackendFactory: TypeAlias = Callable[[BackendContext], AnalysisBackend]
