"""What the makers of a knowledge store want to know of each of its items, extracted from what was
observed of it.

The option ``enrichment`` of an index holds ``schema``, a JSON schema, and ``prompt``. What is found
is kept with the video, and each value is a text under its name that searches find, by the sense
through which it was perceived and at the time of its evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.analyze.evidence.load import load_evidence
from videlicet.embedding.texts import embed_texts
from videlicet.rights import Purpose
from videlicet.store.records import TextRow
from videlicet.types import Modality, derived_id

if TYPE_CHECKING:
    from videlicet.ingest.context import IngestContext
    from videlicet.ingest.passes.assemble import Findings
    from videlicet.ingest.plan import IndexingPlan

#: The senses whose texts are searched.
_SEARCHED_MODALITIES = (Modality.SPEECH, Modality.TEXT)


def extract_enrichment(context: IngestContext, plan: IndexingPlan, found: Findings) -> bool:
    """Extract what is wanted of a video whose findings have been stored; whether that adds to them.

    Raises:
        InvalidInput: ``schema_invalid``.
    """
    store, scope = context.store, context.scope
    reading = store.scope(scope.narrowed(Purpose.ANALYZE), plan.index_id)
    wanted = reading.index.options.get("enrichment")
    if not wanted:
        return False
    from videlicet.analyze.extraction.extract import extract

    encoder = context.models({"text": plan.cards["text"]}).text
    evidence = load_evidence(reading, store, plan.asset_id)
    answer = extract([evidence], wanted["schema"], wanted["prompt"], encoder)
    video = store.catalog.video_of(reading, plan.asset_id)
    if video is not None:  # else it was deleted meanwhile
        store.catalog.update_video(scope, video.id, enrichment=answer.value)
    rows: dict[str, TextRow] = {}
    for sentence in answer.sentences:
        for item in sentence.citations:
            if item.modality in _SEARCHED_MODALITIES:
                where = item.span.to_json()
                id = derived_id("enrichment", plan.asset_id, *where, item.modality, sentence.text)
                rows[id] = TextRow(id, item.modality, item.span, sentence.text)
    vectors = embed_texts(encoder, [row.text for row in rows.values()])
    for row, vector in zip(rows.values(), vectors, strict=True):
        found.texts.append(row)
        found.vector(row.modality, encoder.card.id, row.id, row.span, vector)
    return bool(rows)
