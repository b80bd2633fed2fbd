"""More evidence than a model reads at once: notes from each part, the question kept in view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from videlicet.analyze.llm.prompts import Line, clock, sanitize
from videlicet.types import Sentence

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence

#: Most parts, and so calls before the last one. Where that is too few for all of the evidence, each
#: part is read by what matters most in it.
MOST_PARTS = 8

#: Sentences, each with its evidence, from the evidence of one part.
TakeNotes = Callable[[Sequence["AssetEvidence"]], Sequence[Sentence]]


def split_evidence(
    all_evidence: Sequence[AssetEvidence], budget: int, count: Callable[[str], int], most: int
) -> list[list[AssetEvidence]]:
    """The evidence in the order of assets and time, in as few stretches of about equal size as fit
    into ``budget`` tokens each, ``most`` at most."""
    sizes = [[count(item.text) for item in evidence.items] for evidence in all_evidence]
    total = sum(map(sum, sizes))
    number = max(1, min(most, -(-total // max(1, budget))))
    found: list[list[AssetEvidence]] = [[] for _ in range(number)]
    passed = 0
    for evidence, own in zip(all_evidence, sizes, strict=True):
        places: dict[int, list[int]] = {}
        for n, size in enumerate(own):
            places.setdefault(min(number - 1, passed * number // max(1, total)), []).append(n)
            passed += size
        for part, members in places.items():
            found[part].append(subset(evidence, members))
    return [one for one in found if one]


def subset(evidence: AssetEvidence, places: Sequence[int]) -> AssetEvidence:
    """Evidence with some of its items only."""
    return replace(
        evidence,
        items=tuple(evidence.items[n] for n in places),
        vectors=evidence.vectors[list(places)],
    )


def notes(
    all_evidence: Sequence[AssetEvidence],
    budget: int,
    count: Callable[[str], int],
    noted: TakeNotes,
    most: int = MOST_PARTS,
) -> list[Line]:
    """Notes of every part as lines of evidence for the last call, each with the items that its
    sentence was found to rest on. They fit into ``budget`` tokens: each part keeps as many of its
    first ones as there is room for."""
    assets = {one.asset.id: one.asset for one in all_evidence}

    def line(one: Sentence) -> Line:
        first = one.citations[0]
        at = clock(assets[first.asset_id].to_display_time(first.span).start)
        return Line(f"{at} noted: {sanitize(one.text)}", one.citations)

    found: list[list[Line]] = []
    for part in split_evidence(all_evidence, budget, count, most):
        found.append([line(one) for one in noted(part) if one.supported])
    kept = max(map(len, found), default=0)
    while kept and sum(count(line.text) for own in found for line in own[:kept]) > budget:
        kept -= 1
    return [line for own in found for line in own[:kept]]
