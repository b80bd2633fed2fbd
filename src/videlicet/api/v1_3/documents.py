"""Documents in requests for embeddings: PDFs, plain text and Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from videlicet.api.errors import invalid
from videlicet.api.v1_3 import assets
from videlicet.api.v1_3.common import Caller
from videlicet.api.v1_3.media_sources import decoded
from videlicet.api.v1_3.schemas.embed_v2 import Document
from videlicet.api.v1_3.schemas.media_sources import MediaSource
from videlicet.embedding.documents import settled
from videlicet.embedding.inputs import Models, begins_as_pdf, document
from videlicet.errors import InvalidInput
from videlicet.media.pages import MEDIA_TYPE, is_pdf


def request_of(call: Caller, part: Document) -> dict[str, Any]:
    """What is asked of a document, in our own words (:mod:`videlicet.embedding.documents`). Where
    it is known what kind of document it is, nothing is left open."""
    if "fused_embedding" in (part.embedding_type or ()):
        raise invalid("document.embedding_type: of a document there is nothing to be fused.")
    plan = part.segmentation
    spatial = None if plan is None else plan.spatial
    sequential = None if plan is None else plan.sequential
    if plan is not None and spatial is None and sequential is None:
        raise invalid("document.segmentation takes spatial or sequential.")
    if sequential is not None and sequential.overlap_sentences >= sequential.max_sentences:
        raise invalid("document.segmentation: overlap_sentences must be less than max_sentences.")
    request = {
        "options": list(dict.fromkeys(part.embedding_option or ())) or None,
        "scopes": list(dict.fromkeys(part.embedding_scope or ())) or None,
        "spatial": None if spatial is None else spatial.strategy or "standard",
        "sentences": None if sequential is None else sequential.max_sentences,
        "overlap": 0 if sequential is None else sequential.overlap_sentences,
    }
    pdf = _is_pdf(call, part.media_source)
    refusals = []
    for kind in (True, False) if pdf is None else (pdf,):
        try:
            found = settled(request, kind)
        except InvalidInput as error:
            refusals.append(error.message)
        else:
            return request if pdf is None else found
    raise invalid(" ".join(refusals))


def asked(request: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer repeats of a request, as far as it is known yet."""
    known = {"embedding_options": request["options"], "embedding_scopes": request["scopes"]}
    return {name: value for name, value in known.items() if value is not None}


def name_of(data: bytes) -> str:
    """A name for a document that came without one; plain text is known by its name only."""
    return "upload.pdf" if is_pdf(data) else "upload.txt"


def vector_of(
    call: Caller, models: Models, source: MediaSource, media: bytes | Path, *, alone: bool
) -> tuple[Any, list[int]]:
    """The one vector of a document, which ``media`` holds, and how many tokens its stretches have.
    A PDF must be ``alone``: neither words nor other sources come with it."""
    pdf = _is_pdf(call, source)
    if pdf is None:
        pdf = begins_as_pdf(media)
    if pdf and not alone:
        raise invalid("multi_input: a PDF must be the only source, without input_text.")
    return document(models, media, call.settings, pdf=pdf)


def _is_pdf(call: Caller, source: MediaSource) -> bool | None:
    """Whether a source is a PDF or a plain text; ``None`` where nobody knows yet."""
    if source.asset_id:
        kind = str(assets.asset_of(call, source.asset_id).body.get("file_type"))
        return kind == MEDIA_TYPE if kind == MEDIA_TYPE or kind.startswith("text/") else None
    if source.base64_string:
        return is_pdf(decoded(source.base64_string, "media_source"))
    return None
