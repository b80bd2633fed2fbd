"""Plain arguments to one query record."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from videlicet.errors import InvalidQuery
from videlicet.types import GroupBy, Modality, PartKind, Query, QueryPart
from videlicet.types.kinds import searchable

#: A media file of a query: its path or its bytes.
Media = str | os.PathLike[str] | bytes


def build_query(
    words: str | None,
    image: Media | None,
    audio: Media | None,
    video: Media | None,
    negative: str | Sequence[str],
    modalities: Iterable[Modality | str],
    filter: Mapping[str, Any] | None,
    assets: Sequence[str] | None,
    threshold: float | None,
    group_by: GroupBy | str,
    limit: int,
    page: str | None,
) -> Query:
    """The arguments of :meth:`Library.search` as one record."""
    unwanted = [negative] if isinstance(negative, str) else negative
    media = ((PartKind.IMAGE, image), (PartKind.AUDIO, audio), (PartKind.VIDEO, video))
    parts = [
        *([QueryPart(PartKind.TEXT, words)] if words is not None else []),
        *(QueryPart(kind, _media(value)) for kind, value in media if value is not None),
        *(QueryPart(PartKind.TEXT, text, -1.0) for text in unwanted),
    ]
    return Query(
        parts=tuple(parts),
        modalities=frozenset(modality_named(modality) for modality in modalities),
        filter=dict(filter or {}),
        asset_ids=None if assets is None else tuple(assets),
        threshold=threshold,
        group_by=GroupBy(group_by),
        page_size=limit,
        page_token=page,
    )


def _media(value: Media) -> bytes | Path:
    return value if isinstance(value, bytes) else Path(value)


def modality_named(name: Modality | str) -> Modality:
    """The modality of that name.

    Raises:
        InvalidQuery: ``modality_not_indexed``, no kind of observation has it.
    """
    known = [*searchable(), Modality.SHOT]
    if name not in known:
        names = ", ".join(sorted(known[:-1]))
        raise InvalidQuery(
            "modality_not_indexed", f"There is no modality {name!r}; there are {names}.",
            subject=str(name),
        )  # fmt: skip
    return Modality(name)
