"""Why a moment was found: what each lane matched and how much it counts."""

from __future__ import annotations

from collections.abc import Sequence

from videlicet.rights import Grant
from videlicet.search.fusion import shares
from videlicet.search.lanes import Candidate
from videlicet.search.moments import Moment
from videlicet.store import Store
from videlicet.types import Evidence, Label, Modality, Observation, Span, Utterance

#: Class names shown as the text of visual evidence.
LABELS = 3


def explain(
    grant: Grant, store: Store, index_id: str, moment: Moment, weights: Sequence[float]
) -> tuple[Evidence, ...]:
    """The evidence for a moment, weightiest first; contributions add up to its score."""
    wanted = [c for c in moment.candidates if weights[c.part] > 0]
    share = shares([c.evidence * weights[c.part] for c in wanted])
    evidence = [
        Evidence(
            lane=candidate.lane.name,
            modality=candidate.lane.modality,
            card=candidate.card,
            rank=candidate.rank,
            score=candidate.score,
            contribution=part * moment.score,
            span=candidate.span,
            text=candidate.text or _text(grant, store, index_id, candidate),
            frame=candidate.span.midpoint if candidate.lane.modality is Modality.VISUAL else None,
            observation_id=candidate.row_id,
        )
        for candidate, part in zip(wanted, share, strict=True)
    ]
    return tuple(sorted(evidence, key=lambda e: -e.contribution))


def _text(grant: Grant, store: Store, index_id: str, candidate: Candidate) -> str | None:
    """What stands behind a vector: the words said or read, or the best class names."""
    modality = candidate.lane.modality
    if modality is Modality.SOUND:
        return None
    rows = store.catalog.observations(
        grant, index_id, candidate.asset_id, modality, within=candidate.span
    )
    if modality is Modality.VISUAL:
        labels = [
            (row.payload.score, row.payload.name) for row in rows if isinstance(row.payload, Label)
        ]
        return ", ".join(name for _, name in sorted(labels, reverse=True)[:LABELS]) or None
    return _nearest_text(rows, candidate.span)


def _nearest_text(rows: Sequence[Observation], span: Span) -> str | None:
    best = max(rows, key=lambda row: row.span.iou(span), default=None)
    if best is None:
        return None
    payload = best.payload
    if isinstance(payload, Utterance):
        return payload.text
    return getattr(payload, "text", None)
