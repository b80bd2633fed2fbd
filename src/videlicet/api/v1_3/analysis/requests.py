"""From the words of a request to a job, refusing what does not go together."""

from __future__ import annotations

import re
from typing import Any

from videlicet.analyze.backend import PromptRequest
from videlicet.analyze.run import AnalysisRequest
from videlicet.api.errors import ApiError, invalid_parameter, missing_parameter
from videlicet.api.v1_3.analysis.schemas import (
    MOST_TOKENS,
    USUAL_TOKENS,
    AnalysisTaskRequest,
    AnalyzeRequest,
    BatchItem,
    ResponseFormat,
    TaskResponseFormat,
)
from videlicet.api.v1_3.analysis.sources import images_of, prompt_text
from videlicet.api.v1_3.models import ANALYSIS, require_known
from videlicet.services.analysis.images import describe_references
from videlicet.services.caller import Caller

#: What is used where no model is named, and the one that also looks at pictures and writes without
#: a limit.
USUAL_MODEL, NEWEST = "pegasus1.5", "pegasus1.6"
#: Pictures in one definition of segments.
MOST_PICTURES = 4
TEMPERATURE = 0.2
_PLACE = re.compile(r"<@([^<>@\s]{1,64})>")


def model_of(body: AnalyzeRequest | AnalysisTaskRequest) -> str:
    """The model that a request names, or the usual one."""
    usual = NEWEST if body.image else USUAL_MODEL
    name = usual if body.model_name is None else require_known(body.model_name, ANALYSIS)
    if body.image and name != NEWEST:
        raise invalid_parameter(f"image: pictures are analysed by {NEWEST} only.")
    if body.image and (body.video is not None or body.video_id is not None):
        raise invalid_parameter("video and image cannot both be given.")
    if not body.image and body.video is None and body.video_id is None:
        raise missing_parameter("video")
    return name


def request_of(caller: Caller, body: AnalyzeRequest | AnalysisTaskRequest) -> AnalysisRequest:
    """What is asked of one video, or of pictures."""
    if isinstance(body, AnalysisTaskRequest) and body.analysis_mode == "time_based_metadata":
        if body.prompt is not None or body.prompt_v2 is not None:
            raise invalid_parameter(
                "prompt: time_based_metadata takes none; describe the segments instead."
            )
        if body.image:
            raise invalid_parameter("image: time_based_metadata needs a video.")
        return _segments(caller, body.response_format, body, model_of(body))
    if body.image and body.prompt_v2 is not None:
        raise invalid_parameter("prompt_v2 and image cannot both be given.")
    text = prompt_text(caller, body.prompt, body.prompt_v2)
    if body.image:
        text = _about(text, [one.name for one in body.image])
    return _general(text, body.response_format, body)


def request_of_item(caller: Caller, mode: str, item: BatchItem, model: str) -> AnalysisRequest:
    """What is asked of one video of a batch."""
    if mode == "time_based_metadata":
        if item.prompt is not None:
            raise invalid_parameter(
                "prompt: time_based_metadata takes none; describe the segments instead."
            )
        return _segments(caller, item.response_format, item, model)
    text = prompt_text(caller, None, item.prompt)
    return _general(text, item.response_format, item)


def _general(
    text: str,
    form: ResponseFormat | TaskResponseFormat | None,
    body: AnalyzeRequest | AnalysisTaskRequest | BatchItem,
) -> AnalysisRequest:
    if not text.strip():
        raise missing_parameter("prompt")
    for name in ("min_segment_duration", "max_segment_duration"):
        if getattr(body, name, None) is not None:
            raise invalid_parameter(f"{name} needs time_based_metadata.")
    if body.max_tokens == "unlimited":
        raise invalid_parameter("max_tokens: unlimited needs time_based_metadata.")
    schema = None
    if form is not None:
        if form.type != "json_schema":
            raise invalid_parameter(
                "response_format.type: segment_definitions needs time_based_metadata."
            )
        if form.json_schema is None:
            raise missing_parameter("response_format.json_schema")
        schema = check_schema(form.json_schema)
    start, end = _times(body)
    return AnalysisRequest(_request(text, schema, body), start, end)


def _segments(
    caller: Caller, form: Any, body: AnalysisTaskRequest | BatchItem, model: str
) -> AnalysisRequest:
    if form is None or form.type != "segment_definitions":
        raise invalid_parameter(
            "response_format.type must be segment_definitions for time_based_metadata."
        )
    if not form.segment_definitions:
        raise missing_parameter("response_format.segment_definitions")
    shortest, longest = body.min_segment_duration, body.max_segment_duration
    if shortest is not None and longest is not None and shortest > longest:
        raise invalid_parameter(
            "min_segment_duration must not be longer than max_segment_duration."
        )
    rows = form.segment_definitions
    _check_together(rows, body, model)
    definitions = [_described(caller, row) for row in rows]
    start, end = _times(body)
    return AnalysisRequest(
        _request("", None, body),
        start,
        end,
        segments=check_segments(definitions),
        time_format=form.segment_time_format or "seconds",
        shortest=shortest,
        longest=longest,
    )


def _check_together(
    rows: list[dict[str, Any]], body: AnalysisTaskRequest | BatchItem, model: str
) -> None:
    """Refuse what definitions of segments do not go together with."""
    if any(row.get("time_ranges") for row in rows):
        for name in (
            "start_time", "end_time", "min_segment_duration", "max_segment_duration",
        ):  # fmt: skip
            if getattr(body, name) is not None:
                raise invalid_parameter(f"{name} and time_ranges cannot both be given.")
        if body.max_tokens == "unlimited":
            raise invalid_parameter("max_tokens: unlimited and time_ranges cannot both be given.")
    if body.max_tokens == "unlimited" and model != NEWEST:
        raise invalid_parameter(f"max_tokens: unlimited needs {NEWEST}.")


def _described(caller: Caller, row: dict[str, Any]) -> dict[str, Any]:
    """A definition whose pictures are described in words."""
    from pydantic import ValidationError

    from videlicet.api.v1_3.analysis.schemas import NamedPromptImage

    rest = {key: value for key, value in row.items() if key != "media_sources"}
    given = row.get("media_sources") or []
    text = row.get("description")
    if not isinstance(given, list) or not isinstance(text, str):
        return rest  # refused with the other definitions
    if len(given) > MOST_PICTURES:
        raise invalid_parameter(
            f"segment_definitions.media_sources: there may be {MOST_PICTURES} at most."
        )
    try:
        sources = [NamedPromptImage.model_validate(one) for one in given]
    except ValidationError:
        raise invalid_parameter(
            "segment_definitions.media_sources: each needs a name and a media."
        ) from None
    return {**rest, "description": describe_references(caller, text, images_of(sources))}


def check_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that an answer can be made for.

    Raises:
        InvalidInput: ``schema_invalid``.
    """
    from videlicet.analyze.schema import read_schema

    read_schema(schema)
    return schema


def check_segments(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Definitions that segments can be looked for by.

    Raises:
        InvalidInput: ``invalid_argument``.
    """
    from videlicet.analyze.extraction.segment_definitions import definitions

    definitions(rows, "response_format.segment_definitions")
    return rows


def _request(
    text: str, schema: dict[str, Any] | None, body: AnalyzeRequest | AnalysisTaskRequest | BatchItem
) -> PromptRequest:
    tokens = body.max_tokens or USUAL_TOKENS
    return PromptRequest(
        text,
        schema,
        TEMPERATURE if body.temperature is None else body.temperature,
        MOST_TOKENS if tokens == "unlimited" else tokens,
    )


def _times(
    body: AnalyzeRequest | AnalysisTaskRequest | BatchItem,
) -> tuple[float | None, float | None]:
    start, end = body.start_time, body.end_time
    if end is not None and end - (start or 0.0) < 1:
        raise invalid_parameter("end_time must be at least one second after start_time.")
    return start, end


def _about(text: str, names: list[str]) -> str:
    """A prompt about pictures, which names all of them or none."""
    named = set(_PLACE.findall(text))
    if strange := named - set(names):
        raise invalid_parameter(f"prompt: there is no picture named {min(strange)!r}.")
    if named and named != set(names):
        raise ApiError(400, "parameter_invalid", "prompt must name every picture, or none.")
    return _PLACE.sub(lambda found: found[1], text)
