"""Data of a JSON schema from the evidence in videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from videlicet.analyze.extraction.filling import View, asked, empty, fill
from videlicet.analyze.extraction.finding.field_intent import wanted
from videlicet.analyze.extraction.finding.sources import Sources
from videlicet.analyze.schema import read_schema
from videlicet.types import Answer, Sentence, Usage

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder

#: Said where nothing at all was found.
NOTHING = "The evidence says nothing of what was asked."


def extract(
    materials: Sequence[AssetEvidence], schema: Mapping[str, Any], prompt: str, encoder: TextEncoder
) -> Answer:
    """Fill a schema from evidence; ``value`` meets it always.

    A value is found by the name of its field and what the schema says of it; the prompt helps
    where the schema says little. What the evidence does not say is null, or left out, or, where
    neither is allowed, the empty value of its type. There is a sentence for each value, with the
    pieces that it is from; for each that had to be there and was not found, one without any.
    ``found`` is false where nothing was.

    Raises:
        InvalidInput: those of :func:`read_schema`, before any work.
    """
    plan = read_schema(schema)
    remarks = " ".join(part for part in (plan.root.title, plan.root.description, prompt) if part)
    root = wanted("", remarks)
    sources = Sources(materials, asked(plan.root, root), encoder)
    filled = fill(sources, plan.root, root, View(sources.all)) or empty(plan.root, root)
    assert filled is not None  # read_schema refuses a schema without an empty value
    return Answer(
        sentences=filled.sentences or (Sentence(NOTHING),),
        found=filled.supported,
        analyst="builtin",
        value=deepcopy(filled.value),
        usage=Usage(input_tokens=sources.tokens),
    )
