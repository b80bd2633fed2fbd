"""Bodies of the knowledge store endpoints."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from videlicet.api.schemas import Metadata, Model

AssetType = Literal["video", "image"]
Modality = Literal["visual", "audio"]
Status = Literal["queued", "pending", "processing", "ready", "failed"]
Name = Annotated[str, Field(min_length=1, max_length=200)]
#: Most identifiers in one request, and most results on a page.
MOST_IDS, MOST_RESULTS = 500, 50


# -- stores ---------------------------------------------------------------------------------------


class SchemaEnrichment(Model):
    type: Literal["json_schema"]
    json_schema: dict[str, Any]


class DescribedEnrichment(Model):
    type: Literal["description"]
    description: str = Field(min_length=1, max_length=10_000)


class IngestionConfig(Model):
    """What is to be extracted from each item."""

    enrichment_config: Annotated[
        SchemaEnrichment | DescribedEnrichment, Field(discriminator="type")
    ]


class NewKnowledgeStore(Model):
    name: Name
    ingestion_config: IngestionConfig | None = None
    description: str | None = None
    metadata: dict[str, Any] | None = None


class KnowledgeStoreChanges(Model):
    """Of a store or a collection; ``metadata`` replaces what is there."""

    name: Name | None = None
    description: str | None = None
    metadata: dict[str, Any] | None = None


class KnowledgeStore(Model):
    id: str = Field(alias="_id")
    name: str
    description: str | None = None
    ingestion_config: IngestionConfig | None = None
    item_count: int
    created_at: str
    updated_at: str
    metadata: Metadata | None = None


# -- items and collections ------------------------------------------------------------------------


class NewKnowledgeItem(Model):
    asset_type: AssetType | None = None
    asset_id: str
    metadata: dict[str, Any] | None = None


class ItemSystemMetadata(Model):
    asset_type: AssetType
    filename: str
    duration: float | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    codec_name: str | None = None
    size: int | None = None


class ItemError(Model):
    code: str
    message: str


class KnowledgeItemOut(Model):
    id: str = Field(alias="_id")
    asset_type: AssetType
    asset_id: str
    status: Status
    system_metadata: ItemSystemMetadata
    metadata: Metadata | None = None
    error: ItemError | None = None
    created_at: str
    updated_at: str


class NewItemCollection(Model):
    name: Name
    description: str | None = None
    metadata: dict[str, Any] | None = None


class ItemCollection(Model):
    id: str = Field(alias="_id")
    knowledge_store_id: str
    name: str
    description: str | None = None
    metadata: Metadata | None = None
    member_count: int
    created_at: str
    updated_at: str


class ItemIds(Model):
    item_ids: list[str] = Field(min_length=1, max_length=MOST_IDS)


# -- search ---------------------------------------------------------------------------------------


class QueryText(Model):
    text: str = Field(min_length=1)


class TypeFilter(Model):
    """Exactly one of them."""

    eq: AssetType | None = None
    in_: list[AssetType] | None = Field(None, alias="in", min_length=1)


class IdFilter(Model):
    """Exactly one of them."""

    eq: str | None = None
    in_: list[str] | None = Field(None, alias="in", min_length=1)


class ItemFilter(Model):
    asset_type: TypeFilter | None = None
    item_id: IdFilter | None = None


class VideoKnowledgeOptions(Model):
    modalities: list[Modality] = Field(min_length=1)


class KnowledgeSearchOptions(Model):
    video: VideoKnowledgeOptions | None = None


class KnowledgeSearchRequest(Model):
    query: QueryText
    filter: ItemFilter | None = None
    search_options: KnowledgeSearchOptions | None = None
    group_by: Literal["none", "item"] = "none"
    page_size: Annotated[int, Field(ge=1, le=MOST_RESULTS)] = 10
    page_token: str | None = None
    include_metadata: bool | None = None


class ItemMatch(Model):
    start_sec: float
    end_sec: float
    modalities: list[Modality]
    transcription: str | None = None


class FileMetadata(Model):
    duration: float | None = None
    width: int | None = None
    height: int | None = None
    size: int | None = None


class HitMetadata(Model):
    system: FileMetadata
    user: Metadata


class KnowledgeSearchHit(Model):
    """A video with its matches, or an image."""

    asset_type: AssetType
    rank: int
    item_id: str
    metadata: HitMetadata | None = None
    matches: list[ItemMatch] | None = None


class KnowledgeSearchResponse(Model):
    data: list[KnowledgeSearchHit]
    next_page_token: str | None = None
    effective_search_options: KnowledgeSearchOptions


# -- responses ------------------------------------------------------------------------------------


class InputMessage(Model):
    type: Literal["message"]
    role: Literal["user"]
    content: str = Field(min_length=1, max_length=10_000)


class ItemSelection(Model):
    kind: Literal["item", "collection"]
    id: str


class PlainFormat(Model):
    type: Literal["text"]


class SchemaFormat(Model):
    type: Literal["json_schema"]
    name: str = Field(min_length=1, max_length=200)
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class TextOptions(Model):
    format: Annotated[PlainFormat | SchemaFormat, Field(discriminator="type")] | None = None


class ResponseRequest(Model):
    """A question about a knowledge store; without ``stream`` it is answered at once."""

    knowledge_store_id: str
    input: list[InputMessage] = Field(min_length=1, max_length=100)
    session_id: str | None = None
    instructions: str | None = Field(None, max_length=20_000)
    include: list[Literal["intermediate_outputs"]] | None = None
    selections: list[ItemSelection] | None = Field(None, max_length=MOST_IDS)
    text: TextOptions | None = None
    stream: bool | None = None


class Annotation(Model):
    """What a marker in a text cites; both indexes are counted in characters, the last inclusive."""

    type: Literal["video_citation", "image_citation", "collection_citation"]
    start_index: int
    end_index: int
    item_id: str | None = None
    collection_id: str | None = None
    start_sec: float | None = None
    end_sec: float | None = None
    title: str | None
    thumbnail_url: str | None
    hls_url: str | None


class OutputText(Model):
    type: Literal["output_text"]
    text: str
    annotations: list[Annotation]


class OutputItem(Model):
    type: Literal["message", "function_call", "function_call_output"]
    id: str
    status: Literal["completed", "failed", "in_progress", "incomplete"]
    role: Literal["assistant"] | None = None
    phase: str | None = None
    content: list[OutputText] | None = None
    name: str | None = None
    call_id: str | None = None
    arguments: str | None = None
    output: str | None = None


class IncompleteDetails(Model):
    reason: str


class ResponseUsage(Model):
    input_tokens: int
    output_tokens: int


class Response(Model):
    id: str
    type: Literal["response"]
    object: Literal["response"]
    status: Literal["completed", "failed", "in_progress", "incomplete"]
    incomplete_details: IncompleteDetails | None
    output: list[OutputItem]
    usage: ResponseUsage | None = None
    session_id: str
    knowledge_store_id: str
    error: ItemError | None = None
    created_at: str
