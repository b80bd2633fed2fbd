"""The façade's other half: what videos contain, and answers that cite their seconds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.library.parts import LibraryParts
from videlicet.rights import Purpose
from videlicet.types import (
    Answer,
    Chapter,
    Gist,
    Highlight,
    Index,
    Modality,
    Sentence,
    Span,
)

if TYPE_CHECKING:
    from videlicet.analyze.compare import Comparison
    from videlicet.analyze.matrix import Cell, Matrix

#: The index that is used where none is named; made the first time something is added.
DEFAULT_INDEX = "default"


class AnalysisMethods(LibraryParts):
    """Verbs of analysis. Who answers is the setting ``analysis_backend``: the built-in one, which
    needs no language model and quotes the evidence, or a language model, whose sentences are
    checked against it. Whatever is said comes with citations."""

    def gist(self, asset_id: str, *, index: str = DEFAULT_INDEX) -> Gist:
        """Title, topics and hashtags of a video."""
        from videlicet.services.analysis import answers

        return answers.gist(self._caller(), self._named(index), asset_id).value

    def summarize(
        self,
        *asset_ids: str,
        sentences: int = 5,
        focus: str | None = None,
        within: Span | None = None,
        index: str = DEFAULT_INDEX,
        on_sentence: Callable[[Sentence], None] = lambda _: None,
    ) -> Answer:
        """What is in a video, or in several, in about so many sentences; of one perhaps only
        ``within`` a span. ``on_sentence`` is called with each sentence as it comes."""
        from videlicet.services.analysis import answers

        return answers.summarize(
            self._caller(), self._named(index), asset_ids, sentences=sentences, focus=focus,
            within=within, on_sentence=on_sentence,
        ).value  # fmt: skip

    def chapters(
        self, asset_id: str, *, count: int | None = None, index: str = DEFAULT_INDEX
    ) -> list[Chapter]:
        """The parts of a video, titled, without gaps."""
        from videlicet.services.analysis import answers

        return answers.chapters(self._caller(), self._named(index), asset_id, count=count).value

    def highlights(
        self,
        asset_id: str,
        *,
        count: int = 5,
        query: str | None = None,
        index: str = DEFAULT_INDEX,
    ) -> list[Highlight]:
        """The stretches of a video that stand out, or that have most to do with ``query``."""
        from videlicet.services.analysis import answers

        return answers.highlights(
            self._caller(), self._named(index), asset_id, count=count, query=query
        ).value

    def ask(
        self,
        question: str,
        *,
        assets: Sequence[str] = (),
        within: Span | None = None,
        index: str = DEFAULT_INDEX,
        on_sentence: Callable[[Sentence], None] = lambda _: None,
    ) -> Answer:
        """The answer to a question, from some assets or from the whole index: ``found`` is false
        where they do not say.

        Of a large index those assets are read that a search for the question finds first.

        Raises:
            InvalidQuery: ``query_empty`` for a question without words, ``query_too_long``.
        """
        from videlicet.services.analysis import answers

        return answers.ask(
            self._caller(), self._named(index), question, list(assets) or None, within=within,
            on_sentence=on_sentence,
        ).value  # fmt: skip

    def extract(
        self,
        schema: Mapping[str, Any],
        *asset_ids: str,
        prompt: str = "",
        index: str = DEFAULT_INDEX,
    ) -> Answer:
        """Data of a JSON schema, as ``value``: null or empty where there is no evidence.

        Raises:
            InvalidInput: ``schema_invalid``, ``schema_keyword_unsupported`` or
                ``schema_unfillable``.
            InvalidQuery: ``query_too_long``, the prompt.
        """
        from videlicet.services.analysis import answers

        return answers.extract(self._caller(), self._named(index), asset_ids, schema, prompt).value

    def matrix(
        self,
        questions: Sequence[str],
        *,
        kept: str | os.PathLike[str],
        assets: Sequence[str] = (),
        index: str = DEFAULT_INDEX,
        on_cell: Callable[[Cell, bool], None] = lambda cell, fresh: None,
    ) -> Matrix:
        """Every question asked of every asset (all of the index, where none is named).

        Finished cells are kept in the file ``kept``: run again after whatever interruption, only
        what is missing is asked. Raises as :meth:`ask` for each question.
        """
        from videlicet.services.analysis import answers

        return answers.ask_matrix(
            self._caller(), self._named(index), questions, list(assets) or None,
            kept=Path(kept), on_cell=on_cell,
        )  # fmt: skip

    def compare(
        self, left: str, right: str, *, count: int = 10, index: str = DEFAULT_INDEX
    ) -> Comparison:
        """What two videos have in common, and what only one of them has."""
        from videlicet.services.analysis import answers

        return answers.compare(self._caller(), self._named(index), left, right, count).value

    def export(
        self,
        name: str,
        asset_id: str,
        *,
        modality: str = Modality.SPEECH,
        index: str = DEFAULT_INDEX,
    ) -> bytes:
        """A document of an asset by the name of an exporter: what was observed through a modality
        (``subtitles.srt``), its chapters (``chapters.youtube``) or its highlights as a timeline
        (``cuts.otio``).

        Raises:
            InvalidInput: ``invalid_argument``, there is no such exporter, or it renders no document
                of one asset.
            InvalidQuery: ``modality_not_indexed``, there is no such modality.
        """
        from videlicet.search.compose import modality_named
        from videlicet.services.exports import export_document

        caller = self._caller()
        asset = caller.catalog.asset(caller.scope(Purpose.ANALYZE), asset_id)
        source = asset.source
        if asset.blob is not None:
            source = str(caller.store.blobs.path(caller.scope(Purpose.ANALYZE), asset.blob))
        return export_document(
            caller, self._named(index), asset_id, name, source=source,
            modality=modality_named(modality),
        ).content  # fmt: skip

    def _named(self, index: str) -> Index:
        return self._index_scope(Purpose.ANALYZE, index).index
