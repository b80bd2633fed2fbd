"""Texts in the order of how relevant they are to a query, in the shape of Cohere's interface."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from videlicet.api.caller import Call
from videlicet.api.errors import invalid_parameter
from videlicet.api.routing import V1, router_for
from videlicet.api.schemas import Model
from videlicet.search.relevance import relevance
from videlicet.services.embeddings import count_tokens, text_encoder
from videlicet.types import random_id

router = router_for("rerank", V1)

#: Names under which clients know models of this kind.
ALIASES = (
    "rerank-v3.5", "rerank-english-v3.0", "rerank-multilingual-v3.0", "rerank-english-v2.0",
    "rerank-multilingual-v2.0",
)  # fmt: skip
#: Most documents of a request.
MAX_DOCUMENTS = 1000


class RerankDocument(Model):
    text: str


class RerankRequest(Model):
    query: str
    documents: list[str | RerankDocument] = Field(min_length=1, max_length=MAX_DOCUMENTS)
    model: str = Field(default=ALIASES[0], description="A card of a text encoder.")
    top_n: int | None = Field(default=None, ge=1)
    return_documents: bool = False


class RerankResult(Model):
    index: int = Field(description="The place of the document among those that were given.")
    relevance_score: float = Field(description="The probability that it is relevant.")
    document: RerankDocument | None = None


class RerankResponse(Model):
    id: str
    results: list[RerankResult]
    meta: dict[str, dict[str, Any]]


@router.post("/rerank", response_model=RerankResponse, response_model_exclude_none=True)
def rerank(call: Call, body: RerankRequest) -> Any:
    """Documents in the order of their relevance: by what the text encoder makes of the best
    passage of each, and by how many of the query's words it holds."""
    encoder = text_encoder(call, body.model, ALIASES)
    if not any(character.isalnum() for character in body.query):
        raise invalid_parameter("query has no words.")
    if len(body.query) > call.settings.max_query_chars:
        raise invalid_parameter(f"query has {call.settings.max_query_chars} characters at most.")
    if encoder.count_tokens(body.query) > encoder.max_tokens:
        raise invalid_parameter(f"query has {encoder.max_tokens} tokens at most.")
    texts = [one if isinstance(one, str) else one.text for one in body.documents]
    count_tokens(encoder, texts)
    results = [
        RerankResult(
            index=number, relevance_score=score,
            document=RerankDocument(text=text) if body.return_documents else None,
        )
        for number, (text, score) in enumerate(
            zip(texts, relevance(encoder, body.query, texts), strict=True)
        )
    ]  # fmt: skip
    results.sort(key=lambda one: -one.relevance_score)
    return RerankResponse(
        id=random_id(),
        results=results[: body.top_n],
        meta={"api_version": {"version": "1"}, "billed_units": {"search_units": 1}},
    )
