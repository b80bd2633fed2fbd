"""Bodies of the analysis endpoints."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from videlicet.api.schemas import Model

Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Name = Annotated[str, Field(pattern=r"^\w{1,64}$")]
CustomId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Seconds = Annotated[float, Field(ge=0, le=1e6)]
Mode = Literal["general", "time_based_metadata"]
TimeFormat = Literal["seconds", "hh:mm:ss", "hh:mm:ss.fff"]
Status = Literal["queued", "pending", "processing", "ready", "failed", "canceled"]
BatchStatus = Literal["pending", "processing", "canceling", "canceled", "completed", "expired"]
#: Limits of v1.3.
FEWEST_TOKENS, MOST_TOKENS, USUAL_TOKENS = 512, 98_304, 4096
Tokens = Annotated[int, Field(ge=FEWEST_TOKENS, le=MOST_TOKENS)]
Temperature = Annotated[float, Field(ge=0, le=1)]


class AnalysisSource(Model):
    """Exactly one of them, whatever ``type`` says of it."""

    type: Literal["url", "asset_id", "base64_string", "video_id"] | None = None
    url: str | None = None
    asset_id: str | None = None
    base64_string: str | None = None
    video_id: str | None = None


class PromptImage(Model):
    name: Name
    url: str | None = None
    asset_id: str | None = None
    base64_string: str | None = None


class NamedPromptImage(PromptImage):
    name: Annotated[str, Field(pattern=r"^[^<>@]{1,64}$")]
    media_type: Literal["image"]


class AnalysisPrompt(Model):
    """A prompt with pictures in it: ``<@name>`` refers to one."""

    input_text: Text
    media_sources: list[NamedPromptImage] | None = Field(None, max_length=4)


class ResponseFormat(Model):
    type: Literal["json_schema"]
    json_schema: dict[str, Any]


class TaskResponseFormat(Model):
    type: Literal["json_schema", "segment_definitions"]
    json_schema: dict[str, Any] | None = None
    segment_definitions: list[dict[str, Any]] | None = Field(None, min_length=1, max_length=20)
    segment_time_format: TimeFormat | None = None


class AnalyzeRequest(Model):
    """One request, answered while one waits; without ``stream`` it is streamed."""

    model_name: str | None = None
    video: AnalysisSource | None = None
    #: As older clients say it.
    video_id: str | None = None
    image: list[PromptImage] | None = Field(None, min_length=1, max_length=20)
    prompt: Text | None = None
    prompt_v2: AnalysisPrompt | None = None
    temperature: Temperature | None = None
    response_format: ResponseFormat | None = None
    max_tokens: Tokens | None = None
    start_time: Seconds | None = None
    end_time: Seconds | None = None
    stream: bool = True


class AnalysisTaskRequest(Model):
    model_name: str | None = None
    custom_id: CustomId | None = None
    video: AnalysisSource | None = None
    video_id: str | None = None
    image: list[PromptImage] | None = Field(None, min_length=1, max_length=20)
    prompt: Text | None = None
    prompt_v2: AnalysisPrompt | None = None
    analysis_mode: Mode = "general"
    temperature: Temperature | None = None
    max_tokens: Tokens | Literal["unlimited"] | None = None
    response_format: TaskResponseFormat | None = None
    min_segment_duration: Annotated[float, Field(ge=2)] | None = None
    max_segment_duration: Annotated[float, Field(ge=2)] | None = None
    start_time: Seconds | None = None
    end_time: Seconds | None = None


class BatchSource(Model):
    type: Literal["asset_id"]
    asset_id: str


class BatchDefaults(Model):
    prompt: AnalysisPrompt | None = None
    response_format: TaskResponseFormat | None = None
    temperature: Temperature | None = None
    max_tokens: Tokens | None = None
    min_segment_duration: Annotated[float, Field(ge=2)] | None = None
    max_segment_duration: Annotated[float, Field(ge=2)] | None = None
    start_time: Seconds | None = None
    end_time: Seconds | None = None


class BatchItem(BatchDefaults):
    video: BatchSource
    custom_id: CustomId | None = None


class BatchRequest(Model):
    model_name: str
    analysis_mode: Mode
    defaults: BatchDefaults | None = None
    requests: list[BatchItem] = Field(min_length=1, max_length=1000)


class GistRequest(Model):
    """The earlier form: title, topics and hashtags of an indexed video."""

    video_id: str
    types: list[Literal["title", "topic", "hashtag"]] = Field(min_length=1)


class SummarizeRequest(Model):
    """The earlier form: a summary, chapters or highlights of an indexed video."""

    video_id: str
    type: Literal["summary", "chapter", "highlight"]
    prompt: Text | None = None
    temperature: Temperature | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | None = None
    response_format: ResponseFormat | None = None


# -- answers ------------------------------------------------------------------------------------


class AnalysisUsage(Model):
    output_tokens: int
    input_tokens: int | None = None


class AnalysisTaskError(Model):
    message: str
    code: str | None = None


class AnalysisCitation(Model):
    """What supports a stretch of the text. Seconds are those of the file."""

    start_index: int
    end_index: int
    start_time: float
    end_time: float
    modality: str
    text: str
    evidence_sha256: str


class AnalysisResponse(Model):
    id: str
    data: str
    finish_reason: Literal["stop", "length"]
    usage: AnalysisUsage
    citations: list[AnalysisCitation]
    untrusted_instructions: bool = False
    model: str


class AnalysisTaskCreated(Model):
    task_id: str
    status: Status


class AnalysisTaskCanceled(Model):
    task_id: str
    status: Literal["canceled"]


class AnalysisTaskResult(Model):
    generation_id: str
    data: str
    finish_reason: Literal["stop", "length"]
    usage: AnalysisUsage
    citations: list[AnalysisCitation] | None = None
    untrusted_instructions: bool = False


class WebhookNotification(Model):
    """How a webhook was notified."""

    url: str
    delivered: bool
    attempts: int
    last_error: str | None = None


class AnalysisTask(Model):
    task_id: str
    custom_id: str | None = None
    batch_id: str | None = None
    model_name: str | None = None
    video_source: dict[str, Any] | None = None
    request_params: dict[str, Any] | None = None
    status: Status
    created_at: str
    completed_at: str | None = None
    result: AnalysisTaskResult | None = None
    error: AnalysisTaskError | None = None
    webhooks: list[WebhookNotification] | None = None


class BatchCreatedItem(Model):
    task_id: str
    custom_id: str | None = None


class BatchCreated(Model):
    batch_id: str
    status: BatchStatus
    total_items: int
    created_at: str
    expires_at: str
    items: list[BatchCreatedItem]


class AnalysisBatch(Model):
    batch_id: str
    analysis_mode: Mode
    model_name: str
    status: BatchStatus
    total_items: int
    created_at: str
    expires_at: str
    completed_at: str | None = None
    canceled_at: str | None = None
    expired_at: str | None = None
    queued_items: int
    processing_items: int
    ready_items: int
    failed_items: int
    canceled_items: int
    webhooks: list[WebhookNotification] | None = None


class GistResponse(Model):
    id: str
    title: str | None = None
    topics: list[str] | None = None
    hashtags: list[str] | None = None
    usage: AnalysisUsage


class ChapterResponse(Model):
    chapter_number: int
    start: int
    end: int
    start_sec: float
    end_sec: float
    chapter_title: str
    chapter_summary: str


class HighlightResponse(Model):
    start: int
    end: int
    start_sec: float
    end_sec: float
    highlight: str
    highlight_summary: str


class SummarizeResponse(Model):
    summarize_type: Literal["summary", "chapter", "highlight"]
    id: str
    summary: str | None = None
    chapters: list[ChapterResponse] | None = None
    highlights: list[HighlightResponse] | None = None
    usage: AnalysisUsage
