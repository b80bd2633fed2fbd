"""Documents of videos, by ours and by installed exporters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.analyze.backend import Check, unchecked
from videlicet.analyze.exports.documents import Document, export_asset
from videlicet.rights import Purpose
from videlicet.services.analysis.answers import open_backend
from videlicet.types import Modality

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.types import Index


def export_document(
    caller: Caller,
    index: Index,
    asset_id: str,
    name: str,
    *,
    source: str | None = None,
    modality: Modality = Modality.SPEECH,
    check: Check = unchecked,
) -> Document:
    """What an exporter makes of an asset of an index; ``source`` is where its file is, for those
    that refer to it; subtitles are made of what was observed through ``modality``.

    Raises:
        InvalidInput: ``invalid_argument``, there is no such exporter, or it renders no document
            of one asset.
        NotFound: ``asset_not_found``.
        AnalysisError: a language model failed.
    """
    scope = caller.scope(Purpose.ANALYZE, index.id)
    backend = open_backend(caller, index.cards, check)
    return export_asset(scope, caller.store, backend, name, asset_id, source, modality)
