"""An exporter of chapters, and a backend that answers from one kind of observation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from videlicet.analyze.backend import AnalysisBackend, BackendContext
from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.exports.exporter import ChapterExport, Exporter
from videlicet.types import Answer, Sentence


def _plain(export: ChapterExport) -> bytes:
    begin = export.asset.media.span.start
    lines = [f"{float(one.span.start - begin):.1f} {one.title}" for one in export.chapters]
    return "\n".join([export.asset.name, *lines, ""]).encode()


PLAIN_CHAPTERS = Exporter("text/plain", ".txt", "Chapters as plain lines.", render=_plain)


class ExampleBackend:
    """Answers every question with how bright the first picture is; leaves the rest to ours."""

    id = "example"

    def __init__(self, builtin: AnalysisBackend) -> None:
        self._builtin = builtin

    def ask(
        self, all_evidence: Sequence[AssetEvidence], question: str, *, on_sentence: Any = None
    ) -> Answer:
        items = [one for each in all_evidence for one in each.items if one.modality == "brightness"]
        if not items:
            return self._builtin.ask(all_evidence, question)
        sentence = Sentence(f"First it is {items[0].text}.", (items[0],))
        return Answer((sentence,), found=True, analysis_backend=self.id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._builtin, name)


def example_backend(context: BackendContext) -> Any:
    return ExampleBackend(context.builtin)
