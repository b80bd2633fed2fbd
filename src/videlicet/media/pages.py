"""PDF documents: their pages as pictures, and what they say. Both come page by page, so that memory
stays flat however many there are.

Pages are read by PDFium in a confined child process. Where the kernel confines it (see
:mod:`videlicet.media.sandbox`) it sees none of the machine's fonts: what a document does not hold
is drawn in PDFium's own, which have no Chinese, Japanese or Korean letters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from videlicet.errors import MediaError
from videlicet.media.decode import picture_of
from videlicet.media.process import DecoderProcess, Input, open_media, readable
from videlicet.media.sandbox import Limits

if TYPE_CHECKING:
    from videlicet.settings import Settings

    Picture = NDArray[np.uint8]

MEDIA_TYPE = "application/pdf"
_MARK = b"%PDF-"
#: Bytes before the mark that readers step over.
_BEFORE = 1024
_CPU = 3600.0


def is_pdf(head: bytes, name: str = "") -> bool:
    """Whether a file that begins like this is a PDF. One that is named so may have other bytes
    before its mark."""
    where = head[:_BEFORE].find(_MARK)
    return where == 0 or (where > 0 and name.lower().endswith(".pdf"))


def pdf_facts(source: Input, settings: Settings) -> dict[str, Any]:
    """The ``count`` of the pages of a PDF (its path or its bytes), and the ``width`` and ``height``
    of the first in points (1/72 inch).

    Raises :class:`MediaError`: ``media_encrypted`` where it asks for a password,
    ``media_no_stream`` where it has no pages, ``media_corrupt`` where it cannot be read.
    """
    with _child(source, Limits.of(settings, cpu=120)) as child:
        header, _ = child.only()
        try:
            return {
                "count": int(header["pages"]),
                "width": float(header["width"]),
                "height": float(header["height"]),
            }
        except (LookupError, TypeError, ValueError) as error:
            raise _unreadable(child.subject) from error


@contextmanager
def open_pages(
    source: Input, settings: Settings, *, max_side: int = 1280
) -> Iterator[tuple[int, Iterator[Picture]]]:
    """How many pages a PDF has, and each as a picture on white: uint8 RGB, (height, width, 3),
    ``max_side`` pixels on its longer side.

    Raises :class:`MediaError` like :func:`pdf_facts`, while iterating too.
    """
    with _child(source, Limits.of(settings, cpu=_CPU), max_side=max_side) as child:
        messages = child.messages()
        count = _page_count(child, messages)

        def pictures() -> Iterator[Picture]:
            for header, body in messages:
                try:
                    yield picture_of(header, body)
                except (LookupError, TypeError, ValueError) as error:
                    raise _unreadable(child.subject) from error

        yield count, pictures()


@contextmanager
def open_text(
    source: Input, settings: Settings, *, longest: int
) -> Iterator[tuple[int, Iterator[str]]]:
    """How many pages a PDF has, and what each says.

    Raises :class:`MediaError` like :func:`pdf_facts`, while iterating too, and ``media_too_large``
    where all the text has more than ``longest`` bytes.
    """
    with _child(source, Limits.of(settings, cpu=_CPU), longest=longest) as child:
        messages = child.messages()
        count = _page_count(child, messages)
        yield count, (body.tobytes().decode("utf-8", "replace") for _, body in messages)


@contextmanager
def _child(
    source: Input, limits: Limits, *, max_side: int = 0, longest: int = 0
) -> Iterator[DecoderProcess]:
    subject = readable(source)
    with (
        open_media(source, subject) as file,
        DecoderProcess(
            "pdf",
            {"max_side": max_side, "longest": longest},
            limits,
            [file],
            subject=subject,
            largest=max(max_side**2 * 3, longest),
        ) as child,
    ):
        yield child


def _page_count(child: DecoderProcess, messages: Iterator[tuple[dict[str, Any], Any]]) -> int:
    try:
        header, _ = next(messages)
        return int(header["pages"])
    except (StopIteration, LookupError, TypeError, ValueError) as error:
        raise _unreadable(child.subject) from error


def _unreadable(subject: str) -> MediaError:
    return MediaError(
        "media_decoder_crashed",
        f"The reader of {subject} sent a message that cannot be read.",
        subject=subject,
    )
