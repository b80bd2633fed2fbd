"""What is asked for in the second form of embeddings, in the library's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from videlicet.api.errors import ApiError, invalid_parameter, missing_parameter
from videlicet.api.v1_3.schemas.embed_v2 import (
    EmbedRequest,
    EmbedTaskRequest,
    FixedSegmentation,
    MediaInput,
    SegmentationStrategy,
)
from videlicet.embedding.space import DIMENSIONS

#: Seconds of a clip where nobody says.
CLIP = 6.0
#: The model that also gives shorter vectors and takes what callers say of stretches; and the
#: shortest it gives.
NEWEST, SHORTEST = "marengo3.5", 16
#: Seconds of the shortest clip of a video where nobody says; clips end where the picture changes.
MIN_CLIP_BY_MODEL = {NEWEST: 2.0}
DEFAULT_MIN_CLIP = 4.0


def embedding_dimension(name: str, body: EmbedRequest | EmbedTaskRequest) -> int:
    """How long the vectors are to be. Shorter ones are the beginnings of the longest."""
    if body.embedding_uncertainty:
        raise ApiError(
            400, "api_not_allowed", "embedding_uncertainty: no uncertainty is known here."
        )
    wanted = body.embedding_dimension
    if wanted is not None and name != NEWEST:
        raise invalid_parameter(f"embedding_dimension needs {NEWEST}.")
    if wanted is not None and not SHORTEST <= wanted <= DIMENSIONS:
        raise invalid_parameter(f"embedding_dimension is from {SHORTEST} to {DIMENSIONS}.")
    return wanted or DIMENSIONS


def recording_request(name: str, kind: str, part: MediaInput) -> dict[str, Any]:
    """What is asked of a recording, in our own words."""
    usual: Sequence[str] = ("visual", "audio", "transcription")
    if kind == "audio":
        usual = ("audio", "transcription")
        if part.embedding_option and "visual" in part.embedding_option:
            raise invalid_parameter("audio.embedding_option: a sound has nothing to be seen.")
    if part.start_sec is not None and part.end_sec is not None and part.end_sec <= part.start_sec:
        raise invalid_parameter(f"{kind}.end_sec must be after start_sec.")
    plan = part.segmentation
    chosen: SegmentationStrategy | None = (
        plan.temporal if plan is not None and plan.temporal else plan
    )
    dynamic = kind == "video" if chosen is None else chosen.strategy == "dynamic"
    clip = MIN_CLIP_BY_MODEL.get(name, DEFAULT_MIN_CLIP) if dynamic else CLIP
    if chosen is not None and chosen.strategy is not None:
        values = getattr(chosen, chosen.strategy)
        if values is None:
            raise missing_parameter(f"{kind}.segmentation.{chosen.strategy}")
        clip = (
            values.duration_sec
            if isinstance(values, FixedSegmentation)
            else max(values.min_duration_sec, 2)
        )
    notes = part.time_based_metadata or []
    if notes and (name != NEWEST or "fused_embedding" not in (part.embedding_type or ())):
        raise invalid_parameter(f"{kind}.time_based_metadata needs {NEWEST} and fused_embedding.")
    if any(one.end < one.start for one in notes):
        raise invalid_parameter(f"{kind}.time_based_metadata: end must not be before start.")
    types = part.embedding_type or ["separate_embedding"]
    scopes = part.embedding_scope or ["clip", "asset"]
    return {
        "options": list(dict.fromkeys(part.embedding_option or usual)),
        "scopes": list(dict.fromkeys("clip" if one == "local" else one for one in scopes)),
        "types": [one.removesuffix("_embedding") for one in types],
        "clip": float(clip),
        "fixed": not dynamic,
        "notes": [one.model_dump() for one in notes],
        "start": part.start_sec,
        "end": part.end_sec,
    }


def echo_of_request(kind: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer repeats of a request for the vectors of a recording."""
    asked = {
        "embedding_options": request["options"],
        "embedding_scopes": request["scopes"],
        "embedding_dimension": request["dimension"],
        "start_offset_sec": request["start"],
        "end_offset_sec": request["end"],
    }
    if kind == "video" and request["fixed"]:
        asked["clip_length"] = round(request["clip"])
    return {name: value for name, value in asked.items() if value is not None}
