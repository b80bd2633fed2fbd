"""Search: moments by words, pictures, or both together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any, Literal

from fastapi import File, Form, UploadFile

from videlicet.api.errors import invalid, missing
from videlicet.api.v1_3 import kept
from videlicet.api.v1_3.common import Call, Caller, parsed, router_for, text_of
from videlicet.api.v1_3.entities import entity_of
from videlicet.api.v1_3.indexes import index_of, options_of
from videlicet.api.v1_3.media_sources import LARGEST_PICTURE, fetched
from videlicet.api.v1_3.schemas.search import Results
from videlicet.ingest import videos
from videlicet.rights import Purpose
from videlicet.search.paging import fingerprint, page_token
from videlicet.types import (
    GroupBy,
    Hit,
    Index,
    Kind,
    Modality,
    PartKind,
    Query,
    QueryPart,
    Resource,
    SearchPage,
    Span,
    Utterance,
)

router = router_for("search")

#: Most pictures in a query.
PICTURES = 10
#: Marks the kept searches of this interface.
FORM = "1.3"

_MODALITIES = {
    "visual": frozenset({Modality.VISUAL, Modality.TEXT}),
    "audio": frozenset({Modality.SOUND}),
    "transcription": frozenset({Modality.SPEECH}),
    "conversation": frozenset({Modality.SPEECH}),
}
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
    settings = {
        "index_id": index.id,
        "text": text,
        "options": options,
        "transcription": list(transcription_options or ("lexical", "semantic")),
        "group_by": group_by,
        "operator": operator,
        "limit": page_limit,
        "filter": filter,
        "metadata": include_user_metadata,
    }
    return _page(call, index, settings, pictures, 1, None)


@router.get("/search/{token}", response_model=Results, response_model_exclude_none=True)
def retrieve(call: Call, token: str, include_user_metadata: bool | None = None) -> Any:
    """A later page of a search."""
    found, number = kept.recall(call, FORM, token)
    settings = dict(found.body["settings"])
    if include_user_metadata is not None:
        settings["metadata"] = include_user_metadata
    pictures = [path.read_bytes() for path in kept.media_of(call, found)]
    index = index_of(call, settings["index_id"])
    return _page(call, index, settings, pictures, number, found)


def _check(index: Index, options: Sequence[str], transcription: Sequence[str] | None) -> None:
    built = options_of(index)
    if not options:
        raise missing("search_options")
    for option in options:
        if option not in _MODALITIES:
            raise invalid("search_options are visual, audio and transcription.")
        need = "audio" if option in ("transcription", "conversation") else option
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


def _page(
    call: Caller,
    index: Index,
    settings: Mapping[str, Any],
    pictures: Sequence[bytes],
    number: int,
    again: Resource | None,
) -> dict[str, Any]:
    query = _query(call, index, settings, pictures)
    limit = int(settings["limit"])
    if number > 1:
        query = replace(
            query, page_token=page_token(fingerprint(index.id, query), (number - 1) * limit)
        )
    found = call.service.searcher(index).search(call.grant(Purpose.SEARCH), index, query)
    if again is None and found.next_page is not None:
        again = kept.keep(call, FORM, settings, pictures)
    info: dict[str, Any] = {"limit_per_page": limit, "total_results": found.total}
    if settings["group_by"] == "video":
        info["total_inner_matches"] = sum(len(hit.moments) for hit in found.hits)
    if again is not None:
        info["page_expires_at"] = text_of(again.expires_at)
        if found.next_page is not None:
            info["next_page_token"] = kept.token(again, number + 1)
        if number > 1:
            info["prev_page_token"] = kept.token(again, number - 1)
    count, duration = call.catalog.sum_of(
        call.grant(Purpose.SEARCH), Kind.VIDEO, "duration", parent=index.id, status=[videos.READY]
    )
    return {
        "data": _items(call, index, settings, found),
        "page_info": info,
        "search_pool": {
            "total_count": count, "total_duration": duration, "index_id": index.id,
        },
        "models": list(found.cards),
    }  # fmt: skip


def _query(
    call: Caller, index: Index, settings: Mapping[str, Any], pictures: Sequence[bytes]
) -> Query:
    text, shown = _entities(call, str(settings["text"]))
    parts = [QueryPart(PartKind.TEXT, text)] if text else []
    parts += [QueryPart(PartKind.IMAGE, picture) for picture in [*pictures, *shown]]
    groups = [_MODALITIES[option] for option in settings["options"]]
    roles = {Modality.VISUAL: "vision", Modality.TEXT: "reader", Modality.SOUND: "sound"}
    modalities = frozenset(
        m for group in groups for m in group if roles.get(m, "speech") in index.cards
    )
    lanes = set(_OTHER_LANES)
    for option in settings["transcription"]:
        lanes |= _SPEECH_LANES[option]
    return Query(
        parts=tuple(parts),
        modalities=modalities,
        filter=_filter(settings["filter"]),
        group_by=GroupBy.ASSET if settings["group_by"] == "video" else GroupBy.MOMENT,
        page_size=int(settings["limit"]),
        lanes=frozenset(lanes),
        all_of=tuple(groups) if settings["operator"] == "and" else (),
    )


def _entities(call: Caller, text: str) -> tuple[str, list[bytes]]:
    """The words of a query with entities' names in place of their ids, and the entities'
    pictures."""
    pictures: list[bytes] = []

    def name(matched: re.Match[str]) -> str:
        entity = entity_of(call, matched[1])
        for asset_id in entity.body["asset_ids"]:
            file = call.catalog.resource(call.grant(Purpose.SEARCH), Kind.FILE, asset_id)
            if blob := file.body.get("blob"):
                pictures.append(call.store.blobs.get(call.grant(Purpose.SEARCH), blob))
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


def _items(
    call: Caller, index: Index, settings: Mapping[str, Any], found: SearchPage
) -> list[dict[str, Any]]:
    clips = [clip for hit in found.hits for clip in (hit.moments or (hit,))]
    grant = call.grant(Purpose.SEARCH)
    said = call.catalog.observations_at(
        grant, index.id, [(clip.asset_id, Modality.SPEECH, clip.span) for clip in clips]
    )
    words = {
        (clip.asset_id, clip.span): " ".join(
            row.payload.text for row in rows if isinstance(row.payload, Utterance)
        )
        for clip, rows in zip(clips, said, strict=True)
    }
    videos_by_id = {
        row.id: row
        for row in call.catalog.find_resources(
            grant, Kind.VIDEO, ids={hit.asset_id for hit in found.hits}
        )[0]
    }
    starts = {
        asset_id: call.catalog.asset(grant, asset_id).media.span.start
        for asset_id in {hit.asset_id for hit in found.hits}
    }
    shows = "thumbnail" in (index.options.get("addons") or [])

    def clip_of(hit: Hit) -> dict[str, Any]:
        origin: Fraction = starts[hit.asset_id]
        video = videos_by_id.get(hit.asset_id)
        return {
            "start": float(hit.span.start - origin),
            "end": float(hit.span.end - origin),
            "video_id": hit.asset_id,
            "rank": hit.rank,
            "score": round(100 * hit.score, 2),
            "confidence": "high" if hit.score >= 0.6 else "medium" if hit.score >= 0.3 else "low",
            "thumbnail_url": call.address(_frame(video, hit.span, origin))
            if shows and video is not None
            else None,
            "transcription": words[hit.asset_id, hit.span] or None,
            "user_metadata": (video.body.get("user_metadata") or {})
            if settings["metadata"] and video is not None
            else None,
        }

    if settings["group_by"] == "clip":
        return [clip_of(hit) for hit in found.hits]
    return [
        {
            "id": hit.asset_id,
            "video_id": hit.asset_id,
            "rank": hit.rank,
            "clips": [clip_of(moment) for moment in hit.moments],
            "user_metadata": clip_of(hit.moments[0])["user_metadata"] if hit.moments else None,
        }
        for hit in found.hits
    ]


def _frame(video: Resource, span: Span, origin: Fraction) -> str:
    middle = round(1000 * (span.midpoint - origin))
    return f"/media/assets/{video.body['file_id']}/frames/{middle}.jpg"
