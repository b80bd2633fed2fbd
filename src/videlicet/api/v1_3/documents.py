"""Documents in requests for embeddings: PDFs, plain text and Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from videlicet.api.caller import HttpCaller
from videlicet.api.errors import invalid_parameter
from videlicet.api.v1_3.schemas.embed_v2 import DocumentInput
from videlicet.embedding.documents import resolve_options
from videlicet.errors import InvalidInput
from videlicet.services.embeddings import is_pdf_source
from videlicet.services.media import MediaSource


def document_request(call: HttpCaller, part: DocumentInput, source: MediaSource) -> dict[str, Any]:
    """What is asked of a document, in our own words (:mod:`videlicet.embedding.documents`). Where
    it is known what kind of document it is, nothing is left open."""
    if "fused_embedding" in (part.embedding_type or ()):
        raise invalid_parameter(
            "document.embedding_type: of a document there is nothing to be fused."
        )
    plan = part.segmentation
    spatial = None if plan is None else plan.spatial
    sequential = None if plan is None else plan.sequential
    if plan is not None and spatial is None and sequential is None:
        raise invalid_parameter("document.segmentation takes spatial or sequential.")
    if sequential is not None and sequential.overlap_sentences >= sequential.max_sentences:
        raise invalid_parameter(
            "document.segmentation: overlap_sentences must be less than max_sentences."
        )
    request = {
        "options": list(dict.fromkeys(part.embedding_option or ())) or None,
        "scopes": list(dict.fromkeys(part.embedding_scope or ())) or None,
        "spatial": None if spatial is None else spatial.strategy or "standard",
        "sentences": None if sequential is None else sequential.max_sentences,
        "overlap": 0 if sequential is None else sequential.overlap_sentences,
    }
    pdf = is_pdf_source(call, source)
    refusals = []
    for kind in (True, False) if pdf is None else (pdf,):
        try:
            found = resolve_options(request, kind)
        except InvalidInput as error:
            refusals.append(error.message)
        else:
            return request if pdf is None else found
    raise invalid_parameter(" ".join(refusals))


def echo_of_request(request: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer repeats of a request, as far as it is known yet."""
    known = {"embedding_options": request["options"], "embedding_scopes": request["scopes"]}
    return {name: value for name, value in known.items() if value is not None}
