"""Embeddings of texts, pictures, sounds, videos and documents: at once, or as durable tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.embedding import inputs
from videlicet.embedding.inputs import LONGEST, EmbeddingModels, is_pdf
from videlicet.errors import InvalidInput, NotFound
from videlicet.media.pages import MEDIA_TYPE
from videlicet.models.cards import chosen_cards
from videlicet.rights import Purpose
from videlicet.services.assets import get_asset
from videlicet.services.media import MediaSource
from videlicet.services.problems import invalid, unknown
from videlicet.telemetry import traces
from videlicet.types import Kind, Resource, random_id

if TYPE_CHECKING:
    from videlicet.models.base import TextEncoder
    from videlicet.services.caller import Caller

#: How long the result of a task is kept.
LIFETIME = timedelta(days=7)
PROCESSING, READY, FAILED = "processing", "ready", "failed"
#: Most characters and tokens of the texts of one request together.
MAX_CHARACTERS, MAX_TOKENS = 1_000_000, 100_000


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """What is to be embedded of an asset. ``form`` names the interface that asked, which alone
    sees the task; ``facts`` is what it repeats of the request."""

    form: str
    model_name: str
    asset_id: str
    request: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)


def input_models(caller: Caller) -> EmbeddingModels:
    """The models that embed inputs."""
    encoders = caller.platform.encoders(chosen_cards(caller.settings.models))
    return EmbeddingModels(encoders.text, encoders.vision, encoders.speech, encoders.sound)


def text_encoder(caller: Caller, name: str, aliases: tuple[str, ...]) -> TextEncoder:
    """The text encoder of the platform, by the id of its card or one of its ``aliases``.

    Raises:
        NotFound: ``model_not_found``.
    """
    cards = chosen_cards(caller.settings.models)
    if name not in (cards["text"], *aliases):
        raise NotFound(
            "model_not_found",
            f"There is no model {name!r} here; there is {cards['text']!r}, also known as "
            f"{', '.join(aliases)}.",
            subject=name,
        )
    return caller.platform.encoders(cards).text


def count_tokens(encoder: TextEncoder, texts: list[str]) -> int:
    """How many tokens texts have together.

    Raises:
        InvalidQuery: ``query_too_long``.
    """
    from videlicet.errors import InvalidQuery

    characters = sum(map(len, texts))
    tokens = 0 if characters > MAX_CHARACTERS else sum(map(encoder.count_tokens, texts))
    if characters > MAX_CHARACTERS or tokens > MAX_TOKENS:
        raise InvalidQuery(
            "query_too_long",
            f"A request holds {MAX_TOKENS} tokens ({MAX_CHARACTERS} characters) at most.",
        )
    return tokens


def create_task(caller: Caller, wanted: EmbeddingRequest) -> Resource:
    """Have an asset embedded; its result is kept for :data:`LIFETIME`."""
    now = datetime.now(UTC)
    task = Resource(
        id=random_id(), kind=Kind.EMBEDDING, tenant=caller.tenant, created_at=now, updated_at=now,
        status=PROCESSING, parent=wanted.form, expires_at=now + LIFETIME,
        body={
            "file_id": wanted.asset_id, "model_name": wanted.model_name,
            "request": dict(wanted.request), "facts": dict(wanted.facts), **traces.inject(),
        },
    )  # fmt: skip
    caller.catalog.put_resource(caller.scope(Purpose.INGEST), task)
    caller.platform.worker_client.notify()
    return task


def get_task(caller: Caller, form: str, task_id: str) -> Resource:
    """An embedding task of one form.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        found = caller.catalog.resource(caller.scope(Purpose.EMBED_EXPORT), Kind.EMBEDDING, task_id)
    except NotFound:
        raise unknown("embedding task", task_id) from None
    if found.parent != form:
        raise unknown("embedding task", task_id)
    return found


def list_tasks(
    caller: Caller,
    form: str,
    *,
    status: str | None,
    since: datetime | None,
    until: datetime | None,
    offset: int,
    limit: int,
) -> tuple[list[Resource], int]:
    """A page of the embedding tasks of one form, newest first and without their vectors, and how
    many there are in all."""
    return caller.catalog.find_resources(
        caller.scope(Purpose.EMBED_EXPORT), Kind.EMBEDDING, parent=form,
        status=[status] if status else (), since=since, until=until, offset=offset, limit=limit,
        omit=["data"],
    )  # fmt: skip


def require_short(kind: str, duration: float) -> None:
    """Refuse a recording that is too long to be waited for, before any of it is decoded.

    Raises:
        InvalidInput: ``duration_too_long``.
    """
    if duration > LONGEST:
        raise InvalidInput(
            "duration_too_long",
            f"{kind}: {duration:.0f} s are too long to wait for ({LONGEST:.0f} s at most); use a "
            "task.",
        )


# -- documents ----------------------------------------------------------------------------------


def is_pdf_source(caller: Caller, source: MediaSource) -> bool | None:
    """Whether a source is a PDF or a plain text; ``None`` where nobody knows yet."""
    if source.asset_id is not None:
        kind = get_asset(caller, source.asset_id).media_type or ""
        return kind == MEDIA_TYPE if kind == MEDIA_TYPE or kind.startswith("text/") else None
    return None if source.data is None else is_pdf(source.data)


def document_name(data: bytes) -> str:
    """A name for a document that came without one; plain text is known by its name only."""
    return "upload.pdf" if is_pdf(data) else "upload.txt"


def embed_document(
    caller: Caller,
    models: EmbeddingModels,
    source: MediaSource,
    media: bytes | Path,
    *,
    alone: bool,
) -> tuple[Any, list[int]]:
    """The one vector of a document, which ``media`` holds, and the tokens of its parts. A PDF must
    be ``alone``: neither words nor other sources come with it.

    Raises:
        InvalidInput: ``invalid_argument``.
    """
    pdf = is_pdf_source(caller, source)
    if pdf is None:
        pdf = is_pdf(media)
    if pdf and not alone:
        raise invalid("multi_input: a PDF must be the only source, without input_text.")
    return inputs.embed_document(models, media, caller.settings, pdf=pdf)
