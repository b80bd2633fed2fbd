"""The child that reads PDF documents: how their pages look, and what they say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray
from pypdfium2 import raw

from videlicet.media.child.channel import ChildChannel, MediaRefusal
from videlicet.media.sandbox import Limits

_LOCKED = {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}
#: What PDFium writes where a hyphen broke a word at the end of a line.
_BROKEN = re.compile("[\x02\ufffe]\\s*")


def run_pdf(
    channel: ChildChannel, limits: Limits, files: Sequence[int], arguments: Mapping[str, Any]
) -> None:
    """Send one ``document`` message with the number of pages and the size of the first in points.
    Then one ``frame`` message (RGB) for each page where ``max_side`` is not 0, or one ``text``
    message (UTF-8) for each where ``longest`` (bytes of them all) is not 0."""
    with _open_pdf(files[0]) as document:
        width, height = _size(_page(document, 0), 0)
        channel.send("document", pages=len(document), width=width, height=height)
        if arguments["max_side"]:
            if document.get_formtype() != raw.FORMTYPE_NONE:
                document.init_forms()  # or what was filled in would not be drawn
            for number in range(len(document)):
                picture = _render(document, number, arguments["max_side"])
                channel.send("frame", picture, height=picture.shape[0], width=picture.shape[1])
        elif arguments["longest"]:
            left = arguments["longest"]
            for number in range(len(document)):
                text = _page_text(document, number)
                left -= len(text)
                if left < 0:
                    raise MediaRefusal(
                        "media_too_large",
                        f"its text is longer than {arguments['longest']} bytes.",
                    )
                channel.send("text", text)


@contextmanager
def _open_pdf(descriptor: int) -> Iterator[pdfium.PdfDocument]:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        try:
            document = pdfium.PdfDocument(file)
        except pdfium.PdfiumError as error:
            if error.err_code in _LOCKED:
                raise MediaRefusal(
                    "media_encrypted", "the document is encrypted and asks for a password."
                ) from error
            if error.err_code == raw.FPDF_ERR_SUCCESS:
                raise MediaRefusal("media_no_stream", "the document has no pages.") from error
            raise MediaRefusal("media_corrupt", "the document is damaged.") from error
        with document:
            yield document


def _page(document: pdfium.PdfDocument, number: int) -> pdfium.PdfPage:
    try:
        return document[number]
    except pdfium.PdfiumError as error:
        raise _damaged_error(number) from error


def _size(page: pdfium.PdfPage, number: int) -> tuple[float, float]:
    """Width and height as shown, in points."""
    width, height = page.get_size()
    if not (0 < width < float("inf") and 0 < height < float("inf")):
        raise _damaged_error(number)
    return width, height


def _render(document: pdfium.PdfDocument, number: int, max_side: int) -> NDArray[np.uint8]:
    """A page on white, ``max_side`` pixels on its longer side: uint8 RGB, (height, width, 3)."""
    page = _page(document, number)
    try:
        # PDFium rounds up.
        scale = (max_side - 0.5) / max(_size(page, number))
        bitmap = page.render(scale=scale, rev_byteorder=True)
        picture = np.ascontiguousarray(bitmap.to_numpy()[..., :3], np.uint8).copy()
        bitmap.close()
    except pdfium.PdfiumError as error:
        raise _damaged_error(number) from error
    finally:
        page.close()
    return picture


def _page_text(document: pdfium.PdfDocument, number: int) -> bytes:
    page = _page(document, number)
    try:
        text: str = page.get_textpage().get_text_bounded()
    except pdfium.PdfiumError as error:
        raise _damaged_error(number) from error
    finally:
        page.close()  # closes what belongs to it first
    return _BROKEN.sub("", text).replace("\0", " ").encode("utf-8", "replace")


def _damaged_error(number: int) -> MediaRefusal:
    return MediaRefusal("media_corrupt", f"page {number + 1} of the document is damaged.")
