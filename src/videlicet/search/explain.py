"""Why a moment was found: what each lane matched and how much it counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from videlicet.rights import IndexScope
from videlicet.search.fusion import shares
from videlicet.search.lanes import Candidate
from videlicet.search.moments import Moment
from videlicet.store import Store
from videlicet.types import Evidence, Label, Modality, Observation, Span
from videlicet.types.kinds import kind_of

#: Class names shown as the text of visual evidence.
LABELS = 3


class Explainer:
    """Explains the moments of one page; the evidence of all of them is read at once."""

    def __init__(
        self,
        scope: IndexScope,
        store: Store,
        moments: Iterable[Moment],
        weights: Sequence[float],
    ) -> None:
        self._weights = weights
        unread = {
            _location(candidate): None
            for moment in moments
            for candidate in _positive_candidates(moment, weights)
            if not candidate.text and candidate.lane.modality is not Modality.SOUND
        }
        behind = store.catalog.observations_at(scope, list(unread))
        self._behind = dict(zip(unread, behind, strict=True))

    def evidence(self, moment: Moment) -> tuple[Evidence, ...]:
        """The evidence for a moment, weightiest first; contributions add up to its score."""
        wanted = _positive_candidates(moment, self._weights)
        share = shares([c.evidence * self._weights[c.part] for c in wanted])
        evidence = [
            Evidence(
                lane=candidate.lane.name,
                modality=candidate.lane.modality,
                card=candidate.lane.card,
                rank=candidate.rank,
                score=candidate.score,
                contribution=part * moment.score,
                span=candidate.span,
                text=candidate.text or self._text(candidate),
                frame=candidate.span.midpoint
                if candidate.lane.modality is Modality.VISUAL
                else None,
                observation_id=candidate.row_id,
            )
            for candidate, part in zip(wanted, share, strict=True)
        ]
        return tuple(sorted(evidence, key=lambda e: -e.contribution))

    def _text(self, candidate: Candidate) -> str | None:
        """The source of a vector: the best class names, or the words said or read."""
        rows = self._behind.get(_location(candidate), [])
        labels = [
            (row.payload.score, row.payload.name)
            for row in rows
            if isinstance(row.payload, Label) and row.card == candidate.lane.card
        ]
        if labels:
            return ", ".join(name for _, name in sorted(labels, reverse=True)[:LABELS])
        worded = [row for row in rows if kind_of(row.payload).lanes]
        return _nearest_text(worded, candidate.span)


def _positive_candidates(moment: Moment, weights: Sequence[float]) -> list[Candidate]:
    return [c for c in moment.candidates if weights[c.part] > 0]


def _location(candidate: Candidate) -> tuple[str, Modality, Span]:
    return candidate.asset_id, candidate.lane.modality, candidate.span


def _nearest_text(rows: Sequence[Observation], span: Span) -> str | None:
    best = max(rows, key=lambda row: row.span.iou(span), default=None)
    return None if best is None else best.text
