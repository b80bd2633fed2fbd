"""Vectors of documents: of plain texts, stretch by stretch, of the pages of PDFs, and of the whole.

A request says: ``options`` (visual, text) and ``scopes`` (local, asset), or null for what is usual
for the kind of document; ``spatial`` (standard, quadrants, or null), and ``sentences`` and
``overlap`` of a stretch (null and 0 where nobody asked for stretches).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from videlicet.embedding.space import Component, fuse, join, of_frames
from videlicet.embedding.texts import embed_texts
from videlicet.errors import InvalidInput, MediaError
from videlicet.media.pages import open_pages, open_text

if TYPE_CHECKING:
    from videlicet.models.base import Floats, Frame, FrameEncoder, TextEncoder
    from videlicet.settings import Settings

#: Bytes of the longest text whose vectors are computed.
LONGEST = 1024 * 1024
#: Sentences of a stretch where nobody says.
DEFAULT_LENGTH = 5
#: Pages that a PDF may have for each begun MB of it.
PAGES = 64
QUADRANTS = ("top_left", "top_right", "bottom_left", "bottom_right")
_BREAKS = re.compile(r"(?<=[.!?…])\s+|\n\s*\n")
_PAIRS = {
    True: {("visual", "local"), ("visual", "asset"), ("text", "asset")},
    False: {("text", "local"), ("text", "asset")},
}
_NAMES = {True: "PDF", False: "plain text"}


def resolve_options(request: Mapping[str, Any], pdf: bool) -> dict[str, Any]:
    """A request with what is usual for a PDF or a plain text in place of what it leaves open.

    Raises:
        InvalidInput: ``invalid_argument``, such a document does not have what is asked.
    """
    options = request["options"] or ["visual" if pdf else "text"]
    scopes = request["scopes"] or ["local" if pdf else "asset"]
    name = _NAMES[pdf]
    for option in options:
        for scope in scopes:
            if (option, scope) not in _PAIRS[pdf]:
                raise _refusal(
                    f"of a {name} there is no embedding_option {option} in the embedding_scope "
                    f"{scope}."
                )
    if pdf:
        if request["sentences"] is not None:
            raise _refusal("segmentation.sequential is for plain text; a PDF has pages.")
        if request["spatial"] and not ("visual" in options and "local" in scopes):
            raise _refusal(
                "segmentation.spatial needs the embedding_option visual and the embedding_scope "
                "local."
            )
    else:
        if request["spatial"]:
            raise _refusal("segmentation.spatial is for the pages of a PDF.")
        if ("local" in scopes) != (request["sentences"] is not None):
            raise _refusal(
                "of a plain text the embedding_scope local and segmentation.sequential come "
                "together."
            )
    return {**request, "options": options, "scopes": scopes}


def _refusal(message: str) -> InvalidInput:
    return InvalidInput("invalid_argument", f"document: {message}", subject="document")


def split_text(text: str, most: int, overlap: int) -> list[str]:
    """The text in stretches of ``most`` sentences, each beginning with the last ``overlap`` of the
    one before."""
    sentences = [one for part in _BREAKS.split(text) if (one := " ".join(part.split()))]
    step = max(1, most - overlap)
    starts = range(0, max(1, len(sentences) - overlap), step)
    return [" ".join(sentences[at : at + most]) for at in starts if sentences]


def embed_text(encoder: TextEncoder, text: str, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each stretch of a plain text and one for the whole, as a settled request says;
    none where there are no words."""
    parts = split_text(text, request["sentences"] or DEFAULT_LENGTH, request["overlap"])
    if not parts:
        return []
    rows = join({Component.MEANING: embed_texts(encoder, parts)})
    found = []
    if "local" in request["scopes"]:
        found += [_row("text", "chunk", row, chunk_index=n) for n, row in enumerate(rows)]
    if "asset" in request["scopes"]:
        found.append(_row("text", "asset", fuse(list(rows))))
    return found


def embed_pdf(
    encoder: TextEncoder,
    vision: FrameEncoder | None,
    source: bytes | Path,
    settings: Settings,
    request: Mapping[str, Any],
    check: Callable[[], None],
) -> list[dict[str, Any]]:
    """One row for each page of a PDF (and for its quadrants), and one for the whole of each option,
    as a settled request says. A PDF without words has no row under ``text``. ``check`` is called
    for each page and may raise; ``vision`` is needed for ``visual`` only.

    Raises:
        MediaError: it cannot be read, or ``media_too_large``: it has more pages than are allowed
            for its size, or more than :data:`LONGEST` bytes of text.
    """
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    most = token_budget(size)
    found = []
    if "visual" in request["options"]:
        assert vision is not None
        quarters = request["spatial"] == "quadrants"
        rows = list(
            page_rows(encoder, vision, source, settings, most, quarters=quarters, check=check)
        )
        each = 5 if quarters else 1
        if "local" in request["scopes"]:
            places = [None, *QUADRANTS] if quarters else [None]
            found += [
                _row("visual", "page", row, page=n // each + 1, quadrant=places[n % each])
                for n, row in enumerate(rows)
            ]
        if "asset" in request["scopes"]:
            found.append(_row("visual", "asset", fuse(rows[::each])))
    if "text" in request["options"]:
        text = extract_text(source, settings, most, check)
        found += embed_text(encoder, text, request)
    return found


def token_budget(size: int) -> int:
    """How many pages a PDF of so many bytes may have."""
    return PAGES * max(1, math.ceil(size / 1024**2))


def extract_text(
    source: bytes | Path, settings: Settings, most: int, check: Callable[[], None] = lambda: None
) -> str:
    """What a PDF of at most ``most`` pages says.

    Raises :class:`MediaError` like :func:`embed_pdf`.
    """
    with open_text(source, settings, longest=LONGEST) as (count, pages):
        _check_count(count, most)
        said = []
        for page in pages:
            check()
            said.append(page.strip())
    # A sentence may go on overleaf.
    return "\n".join(said)


def page_rows(
    encoder: TextEncoder,
    vision: FrameEncoder,
    source: bytes | Path,
    settings: Settings,
    most: int,
    *,
    quarters: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Floats]:
    """A vector of each page of a PDF of at most ``most`` pages; with ``quarters``, which make each
    page count five times, four more after it in the order of :data:`QUADRANTS`.

    Raises :class:`MediaError` like :func:`embed_pdf`.
    """
    with open_pages(source, settings) as (count, pages):
        _check_count(count, most, 5 if quarters else 1)

        def frames() -> Iterator[Frame]:
            for page in pages:
                check()
                yield page
                if quarters:
                    yield from _quadrants(page)

        yield from _encode_pages(encoder, vision, frames())


def _quadrants(page: Frame) -> Iterator[Frame]:
    """The four quarters of a picture; of a side of one pixel both halves are that pixel."""
    height, width = page.shape[:2]
    rows = slice(0, -(-height // 2)), slice(height // 2, height)
    columns = slice(0, -(-width // 2)), slice(width // 2, width)
    for down in rows:
        for across in columns:
            yield np.ascontiguousarray(page[down, across])


def _encode_pages(
    encoder: TextEncoder, vision: FrameEncoder, frames: Iterable[Frame]
) -> Iterator[Floats]:
    left = iter(frames)
    while batch := list(islice(left, vision.batch_size)):
        yield from of_frames(encoder, vision, vision.encode_frames(batch))


def _check_count(count: int, most: int, times: int = 1) -> None:
    if count * times <= most:
        return
    as_many = f", which count as {count * times} in quadrants" if times > 1 else ""
    raise MediaError(
        "media_too_large",
        f"The document has {count} pages{as_many}; its allowance is {most}.",
    )


def _row(option: str, scope: str, vector: Floats, **place: int | str | None) -> dict[str, Any]:
    return {
        "option": option,
        "scope": scope,
        "start": None,
        "end": None,
        **{name: value for name, value in place.items() if value is not None},
        "embedding": [round(float(value), 7) for value in vector],
    }
