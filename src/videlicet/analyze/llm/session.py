"""What the parts of an analysis by a language model share: the model, the evidence that fits into
a request, and what checks a reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from videlicet.analyze.backend import AnalysisBackend, Check, unchecked
from videlicet.analyze.evidence.pack import Pack, pack
from videlicet.analyze.llm import prompts
from videlicet.analyze.llm.backends.base import LlmBackend, estimate_tokens
from videlicet.analyze.llm.checking import SupportChecker
from videlicet.analyze.llm.injection import SafeEvidence
from videlicet.analyze.llm.prompts import Frame, Line
from videlicet.embedding.texts import embed_texts
from videlicet.types import Answer, Modality, Sentence, Usage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.frames import FrameLoader
    from videlicet.models.base import TextEncoder

    Floats = NDArray[np.float32]

NOT_FOUND = "Not found in this video."
#: Seconds that a model may read before its first token: half of what it is waited for by default.
READING = 30
#: Most frames in one request, and tokens that one takes.
MOST_PICTURES, PICTURE_TOKENS = 8, 300
#: Tokens of a line beside its text, and of the turns of a request.
LINE_TOKENS, TURN_TOKENS = 8, 120


@dataclass
class Session:
    """A language model, and how it is asked.

    ``structure`` is the analysis backend that finds chapters and highlights, which the model only
    names, and that fills in what the model leaves unsupported. ``look`` gets frames for models that
    take pictures. With ``keep_unsupported`` sentences that nothing supports are kept too, marked as
    such; by default they are dropped and counted. ``check`` is called while the model is waited
    for, and may raise to end that.
    """

    backend: LlmBackend
    encoder: TextEncoder
    structure: AnalysisBackend
    load_frames: FrameLoader | None = None
    keep_unsupported: bool = False
    check: Check = unchecked

    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.backend.id

    def vector(self, text: str) -> Floats:
        """The meaning of a text (d,)."""
        return np.asarray(embed_texts(self.encoder, [text])[0], np.float32)

    def evidence_budget(self, task: str, max_tokens: int) -> int:
        """Tokens of evidence that fit beside a task and the reply to it, and are read in time."""
        taken = estimate_tokens(prompts.SYSTEM) + estimate_tokens(task) + TURN_TOKENS + max_tokens
        if self.backend.accepts_images and self.load_frames is not None:
            taken += MOST_PICTURES * PICTURE_TOKENS
        return max(0, min(self.backend.context - taken, READING * self.backend.quick_tokens))

    def pack_evidence(
        self, read: SafeEvidence, room: int, query: tuple[str, Floats] | None = None
    ) -> Pack:
        """What of the evidence tells most and fits."""
        return pack(read.all_evidence, room, line_tokens, query)

    def checker(self, lines: Sequence[Line], read: SafeEvidence) -> SupportChecker:
        """What checks a reply to these lines."""
        rows = {
            id(item): row
            for evidence in read.all_evidence
            for item, row in zip(evidence.items, evidence.vectors, strict=True)
        }
        return SupportChecker(self.encoder, lines, rows, read.assets)

    def frames(self, lines: Sequence[Line], read: SafeEvidence) -> list[Frame]:
        """Frames for some of the lines, spread evenly over those of what is seen (over all where
        nothing is), in the order of the lines."""
        if self.load_frames is None or not self.backend.accepts_images:
            return []
        numbered = [(n, line.items[0]) for n, line in enumerate(lines, 1)]
        seen = [row for row in numbered if row[1].modality is Modality.VISUAL] or numbered
        step = max(1.0, len(seen) / MOST_PICTURES)
        chosen = [seen[int(n * step)] for n in range(min(len(seen), MOST_PICTURES))]
        found: list[Frame] = []
        for evidence in read.all_evidence:
            own = [(n, p) for n, p in chosen if p.asset_id == evidence.asset.id]
            if own and evidence.asset.media.video is not None:
                jpegs = self.load_frames(evidence.asset, [item.span.midpoint for _, item in own])
                # Of a recording whose original is gone there are none.
                found += [
                    Frame(n, item.asset_id, item.span, jpeg)
                    for (n, item), jpeg in zip(own, jpegs, strict=False)
                ]
        return sorted(found, key=lambda frame: frame.line)

    def not_found(self, read: SafeEvidence, usage: Usage, dropped: int) -> Answer:
        """The answer where the evidence does not say."""
        text = NOT_FOUND if len(read.names) == 1 else "Not found in these videos."
        return Answer(
            (Sentence(text),), False, self.id,
            usage=usage, dropped=dropped, untrusted=read.untrusted,
        )  # fmt: skip


def line_tokens(text: str) -> int:
    """Tokens of a line of evidence with this text."""
    return estimate_tokens(text) + LINE_TOKENS
