"""Search: moments by words, pictures, or both together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import File, Form, UploadFile

from videlicet.api.errors import ApiError, invalid, missing
from videlicet.api.v1_3 import search_cursors, search_pages
from videlicet.api.v1_3.common import Call, Caller, parsed, router_for
from videlicet.api.v1_3.entities import entity_of
from videlicet.api.v1_3.indexes import index_of, options_of
from videlicet.api.v1_3.media_sources import LARGEST_PICTURE, fetched
from videlicet.api.v1_3.schemas.search import Results
from videlicet.ingest import videos
from videlicet.rights import Purpose
from videlicet.types import GroupBy, Index, Kind, Modality, PartKind, Query, QueryPart

router = router_for("search")

#: Most pictures in a query.
PICTURES = 10

_MODALITIES = {
    "visual": frozenset({Modality.VISUAL, Modality.TEXT}),
    "audio": frozenset({Modality.SOUND}),
    "transcription": frozenset({Modality.SPEECH}),
    # What older clients ask for.
    "conversation": frozenset({Modality.SPEECH}),
    "text_in_video": frozenset({Modality.TEXT}),
    "logo": frozenset({Modality.VISUAL, Modality.TEXT}),
}
#: What an index must have been made with, where that goes by another name.
_NEEDS = {
    "transcription": "audio", "conversation": "audio", "text_in_video": "visual", "logo": "visual",
}  # fmt: skip
_SPEECH_LANES = {"lexical": {"speech-words", "speech-phrase"}, "semantic": {"speech"}}
_OTHER_LANES = frozenset(
    {"scene", "screen", "screen-words", "screen-substring", "screen-phrase", "frames", "sound"}
)
_ENTITY = re.compile(r"<@([^<>@\s]{1,64})>")
_NUMBERS = ("duration", "width", "height", "size")


@router.post("/search", response_model=Results, response_model_exclude_none=True)
def create(
    call: Call,
    index_id: Annotated[str, Form()],
    search_options: Annotated[list[str], Form()],
    query_text: Annotated[str | None, Form()] = None,
    query_media_type: Annotated[Literal["image"] | None, Form()] = None,
    query_media_url: Annotated[list[str] | None, Form()] = None,
    query_media_file: Annotated[list[UploadFile] | None, File()] = None,
    transcription_options: Annotated[list[Literal["lexical", "semantic"]] | None, Form()] = None,
    group_by: Annotated[Literal["video", "clip"], Form()] = "clip",
    operator: Annotated[Literal["or", "and"], Form()] = "or",
    page_limit: Annotated[int, Form(ge=1, le=50)] = 10,
    filter: Annotated[str | None, Form()] = None,
    include_user_metadata: Annotated[bool, Form()] = False,
) -> Any:
    """Find moments. Later pages are had from ``/search/{page_token}``."""
    index = index_of(call, index_id)
    options = list(dict.fromkeys(part for one in search_options for part in one.split(",")))
    _check(index, options, transcription_options)
    pictures = _pictures(call, query_media_type, query_media_url, query_media_file)
    text = (query_text or "").strip()
    if not text and not pictures:
        raise missing("query_text")
    query = _query(
        call, index, text, pictures, options, transcription_options or ("lexical", "semantic"),
        filter=_filter(filter), all_of=operator == "and",
        group_by=GroupBy.ASSET if group_by == "video" else GroupBy.MOMENT,
    )  # fmt: skip
    settings = {
        "index_id": index.id,
        "group_by": group_by,
        "limit": page_limit,
        "metadata": include_user_metadata,
    }
    ranking = call.service.searcher(index).ranking(call.scope(Purpose.SEARCH, index.id), query)
    return search_pages.first(call, index, settings, ranking)


@router.get("/search/{token}", response_model=Results, response_model_exclude_none=True)
def retrieve(call: Call, token: str, include_user_metadata: bool | None = None) -> Any:
    """A later page of a search."""
    found, number = search_cursors.recall(call, search_pages.FORM, token)
    settings = found.body["settings"]
    if include_user_metadata is not None:
        settings = {**settings, "metadata": include_user_metadata}
    try:
        index = index_of(call, settings["index_id"])
    except ApiError:
        raise invalid("The page token belongs to an index that was deleted.") from None
    return search_pages.later(call, index, replace(found, body={"settings": settings}), number)


def _check(index: Index, options: Sequence[str], transcription: Sequence[str] | None) -> None:
    built = options_of(index)
    if not options:
        raise missing("search_options")
    for option in options:
        if option not in _MODALITIES:
            raise invalid("search_options are visual, audio and transcription.")
        need = _NEEDS.get(option, option)
        if need not in built:
            raise invalid(f"search_options: the index was made without {need}.")
    if transcription and "transcription" not in options:
        raise invalid("transcription_options need the search option transcription.")


def _pictures(
    call: Caller,
    kind: str | None,
    urls: Sequence[str] | None,
    uploads: Sequence[UploadFile] | None,
) -> list[bytes]:
    found = []
    if (urls or uploads) and kind is None:
        raise missing("query_media_type")
    if kind and not urls and not uploads:
        raise missing("query_media_file")
    if len(urls or ()) + len(uploads or ()) > PICTURES:
        raise invalid(f"A query holds {PICTURES} pictures at most.")
    for upload in uploads or ():
        data = upload.file.read(LARGEST_PICTURE + 1)
        if not data:
            raise invalid("query_media_file is empty.")
        if len(data) > LARGEST_PICTURE:
            raise invalid(f"A picture holds {LARGEST_PICTURE} bytes at most.")
        found.append(data)
    for url in urls or ():
        with fetched(call, url, "query_media_url", LARGEST_PICTURE) as path:
            found.append(path.read_bytes())
    return found


def _query(
    call: Caller,
    index: Index,
    text: str,
    pictures: Sequence[bytes],
    options: Sequence[str],
    transcription: Sequence[str],
    *,
    filter: dict[str, Any],
    all_of: bool,
    group_by: GroupBy,
) -> Query:
    text, shown = _entities(call, text)
    parts = [QueryPart(PartKind.TEXT, text)] if text else []
    parts += [QueryPart(PartKind.IMAGE, picture) for picture in [*pictures, *shown]]
    groups = [_MODALITIES[option] for option in options]
    roles = {Modality.VISUAL: "vision", Modality.TEXT: "reader", Modality.SOUND: "sound"}
    modalities = frozenset(
        m for group in groups for m in group if roles.get(m, "speech") in index.cards
    )
    lanes = set(_OTHER_LANES)
    for option in transcription:
        lanes |= _SPEECH_LANES[option]
    return Query(
        parts=tuple(parts),
        modalities=modalities,
        filter=filter,
        group_by=group_by,
        lanes=frozenset(lanes),
        all_of=tuple(groups) if all_of else (),
    )


def _entities(call: Caller, text: str) -> tuple[str, list[bytes]]:
    """The words of a query with entities' names in place of their ids, and the entities'
    pictures."""
    pictures: list[bytes] = []

    def name(matched: re.Match[str]) -> str:
        entity = entity_of(call, matched[1])
        for asset_id in entity.body["asset_ids"]:
            file = call.catalog.resource(call.scope(Purpose.SEARCH), Kind.FILE, asset_id)
            if blob := file.body.get("blob"):
                pictures.append(call.store.blobs.get(call.scope(Purpose.SEARCH), blob))
        return entity.name

    return _ENTITY.sub(name, text).strip(), pictures[:PICTURES]


def _filter(text: str | None) -> dict[str, Any]:
    """A v1.3 filter as the library's own."""
    if not text:
        return {}
    try:
        row = parsed(text)
    except ValueError:
        raise invalid("filter must be a JSON object.") from None
    if not isinstance(row, dict):
        raise invalid("filter must be a JSON object.")
    found: dict[str, Any] = {}
    for key, value in row.items():
        if key == "id":
            found["id"] = {"in": value if isinstance(value, list) else [value]}
        elif key == "filename":
            found["name"] = value
        elif key in _NUMBERS:
            found[key] = value
        else:
            found[videos.field(str(key))] = {"in": value} if isinstance(value, list) else value
    return found
