"""Data of a JSON schema from the evidence in videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from videlicet.analyze.extraction.filling import (
    EvidenceView,
    empty_value,
    fill_node,
    texts_to_encode,
)
from videlicet.analyze.extraction.finding.field_intent import field_intent
from videlicet.analyze.extraction.finding.sources import Sources
from videlicet.analyze.schema import read_schema
from videlicet.types import Answer, Sentence, Usage

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder

#: Said where nothing at all was found.
NOTHING = "The evidence says nothing of what was asked."


def extract(
    all_evidence: Sequence[AssetEvidence],
    schema: Mapping[str, Any],
    prompt: str,
    encoder: TextEncoder,
) -> Answer:
    """Fill a schema from evidence; ``value`` meets it always.

    A value is found by the name of its field and what the schema says of it; the prompt helps
    where the schema says little. What the evidence does not say is null, or left out, or, where
    neither is allowed, the empty value of its type. There is a sentence for each value, with the
    items that it is from; for each that had to be there and was not found, one without any.
    ``found`` is false where nothing was.

    Raises:
        InvalidInput: those of :func:`read_schema`, before any work.
    """
    plan = read_schema(schema)
    remarks = " ".join(part for part in (plan.root.title, plan.root.description, prompt) if part)
    root = field_intent("", remarks)
    sources = Sources(all_evidence, texts_to_encode(plan.root, root), encoder)
    filled = fill_node(sources, plan.root, root, EvidenceView(sources.all)) or empty_value(
        plan.root, root
    )
    assert filled is not None  # read_schema refuses a schema without an empty value
    return Answer(
        sentences=filled.sentences or (Sentence(NOTHING),),
        found=filled.supported,
        analysis_backend="builtin",
        value=deepcopy(filled.value),
        usage=Usage(input_tokens=sources.tokens),
    )
