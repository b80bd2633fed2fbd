"""What can be said of one video as a document, by any exporter that renders one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from videlicet.analyze.backend import AnalysisBackend
from videlicet.analyze.evidence.load import load_evidence
from videlicet.analyze.exports.cuts import Cut
from videlicet.analyze.exports.exporter import ChapterExport, CutExport, Subject, SubtitleExport
from videlicet.analyze.exports.registry import EXPORTERS, render
from videlicet.analyze.exports.subtitles import cues_of
from videlicet.errors import InvalidInput
from videlicet.types import Modality

if TYPE_CHECKING:
    from videlicet.rights import IndexScope
    from videlicet.store import Store


@dataclass(frozen=True, slots=True)
class Document:
    """A file of one item, and what it is."""

    content: bytes
    media_type: str
    file_name: str


def export_asset(
    scope: IndexScope,
    store: Store,
    backend: AnalysisBackend,
    name: str,
    asset_id: str,
    source: str | None = None,
    modality: Modality = Modality.SPEECH,
) -> Document:
    """What an exporter makes of a video: what was observed through ``modality`` as subtitles, its
    chapters, or its highlights as cuts of ``source`` (the path or address of the file; its name
    where none is given).

    Raises:
        InvalidInput: ``invalid_argument``, there is no such exporter, or it renders nothing of one
            video.
        NotFound: ``asset_not_found``.
    """
    exporter = EXPORTERS.get(name)
    asset = store.catalog.asset(scope, asset_id)
    data: SubtitleExport | ChapterExport | CutExport
    match name.partition(".")[0]:
        case Subject.SUBTITLES:
            seen = store.catalog.observations(scope, asset_id, modality)
            data = SubtitleExport(asset, cues_of(seen, asset.media.span.start))
        case Subject.CHAPTERS:
            data = ChapterExport(asset, backend.chapters(load_evidence(scope, store, asset_id)))
        case Subject.CUTS:
            found = backend.highlights(load_evidence(scope, store, asset_id))
            ordered = sorted(found, key=lambda one: one.span)
            data = CutExport(
                asset.name, [Cut.of(asset, source or asset.name, one) for one in ordered]
            )
        case _:
            raise InvalidInput(
                "invalid_argument", f"The exporter {name!r} exports nothing of one video.",
                subject=name,
            )  # fmt: skip
    stem = asset.name.rpartition(".")[0] or asset.name
    return Document(render(name, data), exporter.media_type, stem + exporter.file_ending)
