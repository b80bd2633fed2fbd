"""Embeddings of texts in the shape of OpenAI's interface, for clients made for that."""

from __future__ import annotations

import base64
from typing import Any, Literal

from pydantic import Field

from videlicet.api.caller import Call
from videlicet.api.errors import invalid_parameter
from videlicet.api.routing import PROBLEMS, V1, router_for
from videlicet.api.schemas import Model, Problem
from videlicet.embedding.texts import embed_texts, require_meaning
from videlicet.services.embeddings import count_tokens, text_encoder

router = router_for("embeddings", V1)

#: Names under which clients know models of this kind.
ALIASES = ("text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002")
#: Most texts of a request.
MAX_INPUTS = 2048


class EmbeddingsRequest(Model):
    model: str
    input: str | list[str] | list[int] | list[list[int]] = Field(
        description="A text or a list of texts. Tokens are refused: those of other models mean "
        "nothing here."
    )
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, description="Those of the model, or none given.")


class EmbeddingObject(Model):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str = Field(
        description="Numbers, or little-endian 32-bit floats as base64."
    )


class EmbeddingsUsage(Model):
    prompt_tokens: int
    total_tokens: int


class EmbeddingsResponse(Model):
    object: Literal["list"] = "list"
    data: list[EmbeddingObject]
    model: str = Field(description="The card of the model that was used.")
    usage: EmbeddingsUsage


class OpenAiError(Model):
    message: str
    type: str
    code: str
    param: None = None


class OpenAiProblem(Problem):
    """An error where clients of OpenAI look for it, too."""

    error: OpenAiError


@router.post(
    "/embeddings",
    response_model=EmbeddingsResponse,
    responses={
        status: {"model": OpenAiProblem, "description": text} for status, text in PROBLEMS.items()
    },
)
def embeddings(call: Call, body: EmbeddingsRequest) -> Any:
    """The vectors of texts in the space of the text encoder, of unit length. One that is longer
    than the encoder reads is the mean of its pieces."""
    encoder = text_encoder(call, body.model, ALIASES)
    texts = [body.input] if isinstance(body.input, str) else body.input
    if not texts:
        raise invalid_parameter("input is empty.")
    if len(texts) > MAX_INPUTS:
        raise invalid_parameter(f"input holds {MAX_INPUTS} texts at most.")
    given = [text for text in texts if isinstance(text, str)]
    if len(given) < len(texts):
        raise invalid_parameter(
            "input holds tokens, and those of another model mean nothing here: give the texts "
            "(for LangChain: check_embedding_ctx_length=False)."
        )
    if not all(any(not c.isspace() for c in text) for text in given):
        raise invalid_parameter("input holds a text without characters.")
    if body.dimensions not in (None, encoder.dimensions):
        raise invalid_parameter(
            f"dimensions: {encoder.card.id} has {encoder.dimensions}, and cannot be made shorter."
        )
    tokens = count_tokens(encoder, given)
    rows = embed_texts(encoder, given).astype("<f4")
    require_meaning(rows, "input")
    return {
        "data": [
            {
                "index": number,
                "embedding": row.tolist()
                if body.encoding_format == "float"
                else base64.b64encode(row.tobytes()).decode(),
            }
            for number, row in enumerate(rows)
        ],
        "model": encoder.card.id,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
