"""Search: moments by words, pictures, or both together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import File, Form, UploadFile

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import invalid_parameter, missing_parameter
from videlicet.api.json_bodies import parse_json
from videlicet.api.routing import V1_3, router_for
from videlicet.api.v1_3.schemas.search import SearchResults
from videlicet.api.v1_3.search_options import (
    SEARCH_OPTIONS,
    SearchOption,
    matching,
    needed_index_option,
    option_modalities,
    plugin_options,
)
from videlicet.api.v1_3.search_pages import page_to_json
from videlicet.services import search_pages
from videlicet.services.entities import get_entity, pictures_of
from videlicet.services.indexes import get_index, options_of
from videlicet.services.media import MAX_PICTURE_SIZE, fetch_media
from videlicet.store.catalog.metadata import filter_field
from videlicet.types import GroupBy, Index, Modality, PartKind, Query, QueryPart

router = router_for("search", V1_3)

#: Most pictures in a query.
PICTURES = 10

_ENTITY = re.compile(r"<@([^<>@\s]{1,64})>")
_NUMBERS = ("duration", "width", "height", "size")


@router.post("/search", response_model=SearchResults, response_model_exclude_none=True)
def create(
    call: Call,
    index_id: Annotated[str, Form()],
    search_options: Annotated[list[SearchOption], Form()],
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
    index = get_index(call, index_id)
    chosen = list(dict.fromkeys(part for one in search_options for part in one.split(",")))
    _check(call, index, chosen, transcription_options)
    pictures = _pictures(call, query_media_type, query_media_url, query_media_file)
    text = (query_text or "").strip()
    if not text and not pictures:
        raise missing_parameter("query_text")
    query = _query(
        call, index, text, pictures, chosen, transcription_options or ("lexical", "semantic"),
        filter=_filter(filter), all_of=operator == "and",
        group_by=GroupBy.ASSET if group_by == "video" else GroupBy.MOMENT,
    )  # fmt: skip
    options = {"group_by": group_by, "metadata": include_user_metadata}
    return page_to_json(
        call, search_pages.first_page(call, index, query, limit=page_limit, options=options)
    )


@router.get("/search/{token}", response_model=SearchResults, response_model_exclude_none=True)
def retrieve(call: Call, token: str, include_user_metadata: bool | None = None) -> Any:
    """A later page of a search."""
    options = {} if include_user_metadata is None else {"metadata": include_user_metadata}
    return page_to_json(call, search_pages.later_page(call, token, options))


def _check(
    call: HttpCaller, index: Index, options: Sequence[str], transcription: Sequence[str] | None
) -> None:
    if not options:
        raise missing_parameter("search_options")
    known = option_modalities()
    built = options_of(index)
    there = _modalities(call, index)
    for option in options:
        if option not in known:
            names = ", ".join(SEARCH_OPTIONS + plugin_options())
            raise invalid_parameter(f"search_options are {names}.")
        need = needed_index_option(option)
        if need not in (None, *built) or not known[option] & there:
            raise invalid_parameter(f"search_options: the index was made without {need or option}.")
    if transcription and "transcription" not in options:
        raise invalid_parameter("transcription_options need the search option transcription.")


def _modalities(call: HttpCaller, index: Index) -> frozenset[Modality]:
    """What the index can be searched by."""
    return frozenset(lane.modality for lane in call.platform.encoders(index.cards).lanes)


def _pictures(
    call: HttpCaller,
    kind: str | None,
    urls: Sequence[str] | None,
    uploads: Sequence[UploadFile] | None,
) -> list[bytes]:
    found = []
    if (urls or uploads) and kind is None:
        raise missing_parameter("query_media_type")
    if kind and not urls and not uploads:
        raise missing_parameter("query_media_file")
    if len(urls or ()) + len(uploads or ()) > PICTURES:
        raise invalid_parameter(f"A query holds {PICTURES} pictures at most.")
    for upload in uploads or ():
        data = upload.file.read(MAX_PICTURE_SIZE + 1)
        if not data:
            raise invalid_parameter("query_media_file is empty.")
        if len(data) > MAX_PICTURE_SIZE:
            raise invalid_parameter(f"A picture holds {MAX_PICTURE_SIZE} bytes at most.")
        found.append(data)
    for url in urls or ():
        with fetch_media(call, url, "query_media_url", MAX_PICTURE_SIZE) as path:
            found.append(path.read_bytes())
    return found


def _query(
    call: HttpCaller,
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
    text, example_images = _entities(call, text)
    parts = [QueryPart(PartKind.TEXT, text)] if text else []
    parts += [QueryPart(PartKind.IMAGE, picture) for picture in [*pictures, *example_images]]
    known = option_modalities()
    groups = [known[option] for option in options]
    lanes = call.platform.encoders(index.cards).lanes
    return Query(
        parts=tuple(parts),
        modalities=frozenset().union(*groups) & _modalities(call, index),
        filter=filter,
        group_by=group_by,
        lanes=frozenset(
            lane.name
            for lane in lanes
            if lane.modality not in known["transcription"] or matching(lane.method) in transcription
        ),
        require_all=tuple(groups) if all_of else (),
    )


def _entities(call: HttpCaller, text: str) -> tuple[str, list[bytes]]:
    """The words of a query with entities' names in place of their ids, and the entities'
    pictures."""
    pictures: list[bytes] = []

    def name(matched: re.Match[str]) -> str:
        entity = get_entity(call, matched[1])
        pictures.extend(pictures_of(call, entity))
        return entity.name

    return _ENTITY.sub(name, text).strip(), pictures[:PICTURES]


def _filter(text: str | None) -> dict[str, Any]:
    """A v1.3 filter as the library's own."""
    if not text:
        return {}
    try:
        row = parse_json(text)
    except ValueError:
        raise invalid_parameter("filter must be a JSON object.") from None
    if not isinstance(row, dict):
        raise invalid_parameter("filter must be a JSON object.")
    found: dict[str, Any] = {}
    for key, value in row.items():
        if key == "id":
            found["id"] = {"in": value if isinstance(value, list) else [value]}
        elif key == "filename":
            found["name"] = value
        elif key in _NUMBERS:
            found[key] = value
        else:
            found[filter_field(str(key))] = {"in": value} if isinstance(value, list) else value
    return found
