"""The façade's other half: what videos contain, and answers that cite their seconds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.analyze.query_checks import check_length, check_question
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
    from videlicet.analyze.backend import AnalysisBackend
    from videlicet.analyze.compare import Comparison
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.analyze.matrix import Cell, Matrix

#: The index that is used where none is named; made the first time something is added.
DEFAULT_INDEX = "default"


class AnalysisMethods(LibraryParts):
    """Verbs of analysis. Who answers is the setting ``analysis_backend``: the built-in one, which
    needs no language model and quotes the evidence, or a language model, whose sentences are
    checked against it. Whatever is said comes with citations."""

    def gist(self, asset_id: str, *, index: str = DEFAULT_INDEX) -> Gist:
        """Title, topics and hashtags of a video."""
        target = self._target(index)
        return self._backend(target).gist(self._evidence(target, asset_id))

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
        check_length(focus, self.settings, "focus")
        target = self._target(index)
        materials = [self._evidence(target, one, within) for one in asset_ids]
        return self._backend(target).summarize(
            materials, sentences=sentences, focus=focus, on_sentence=on_sentence
        )

    def chapters(
        self, asset_id: str, *, count: int | None = None, index: str = DEFAULT_INDEX
    ) -> list[Chapter]:
        """The parts of a video, titled, without gaps."""
        target = self._target(index)
        return self._backend(target).chapters(self._evidence(target, asset_id), count=count)

    def highlights(
        self,
        asset_id: str,
        *,
        count: int = 5,
        query: str | None = None,
        index: str = DEFAULT_INDEX,
    ) -> list[Highlight]:
        """The stretches of a video that stand out, or that have most to do with ``query``."""
        check_length(query, self.settings, "query")
        target = self._target(index)
        material = self._evidence(target, asset_id)
        return self._backend(target).highlights(material, count=count, query=query)

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
        from videlicet.analyze.evidence.select_assets import relevant_assets

        check_question(question, self.settings)
        scope = self._index_scope(Purpose.ANALYZE, index)
        target = scope.index
        chosen = list(assets) or relevant_assets(scope, self._searcher(target), question)
        materials = [self._evidence(target, one, within) for one in chosen]
        return self._backend(target).ask(materials, question, on_sentence=on_sentence)

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
        check_length(prompt, self.settings, "prompt")
        target = self._target(index)
        materials = [self._evidence(target, one) for one in asset_ids]
        return self._backend(target).extract(materials, schema, prompt)

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
        from videlicet.analyze.evidence.select_assets import ready_assets
        from videlicet.analyze.matrix import open_matrix_store, run_matrix

        for question in questions:
            check_question(question, self.settings)
        scope = self._index_scope(Purpose.ANALYZE, index)
        target = scope.index
        chosen = list(assets) or ready_assets(scope, self._searcher(target))
        with open_matrix_store(Path(kept)) as store:
            return run_matrix(
                lambda one: self._evidence(target, one), self._backend(target), questions, chosen,
                store, on_cell,
            )  # fmt: skip

    def compare(
        self, left: str, right: str, *, count: int = 10, index: str = DEFAULT_INDEX
    ) -> Comparison:
        """What two videos have in common, and what only one of them has."""
        from videlicet.analyze.compare import compare

        target = self._target(index)
        return compare(self._evidence(target, left), self._evidence(target, right), count)

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
        from videlicet.analyze.exports.documents import export_asset
        from videlicet.search.compose import modality_named

        scope, store = self._index_scope(Purpose.ANALYZE, index), self._read()
        asset = store.catalog.asset(scope, asset_id)
        source = asset.source if asset.blob is None else str(store.blobs.path(scope, asset.blob))
        backend = self._backend(scope.index)
        seen = modality_named(modality)
        return export_asset(scope, store, backend, name, asset_id, source, seen).content

    # -- wiring ---------------------------------------------------------------------------------

    def _target(self, index: str) -> Index:
        return self._index_scope(Purpose.ANALYZE, index).index

    def _backend(self, index: Index) -> AnalysisBackend:
        from videlicet.analyze.backends import analysis_backend

        scope = self._scope(Purpose.ANALYZE)
        encoder = self._searcher(index).encoders.text
        return analysis_backend(scope, self._read(), self.settings, encoder)

    def _evidence(self, index: Index, asset_id: str, within: Span | None = None) -> AssetEvidence:
        from videlicet.analyze.evidence.load import load_evidence

        scope = self._index_scope(Purpose.ANALYZE, index.id)
        return load_evidence(scope, self._read(), asset_id, within)
