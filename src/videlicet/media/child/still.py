"""The child that makes single pictures: a frame at an instant, a query image."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from videlicet.media.child.channel import ChildChannel, MediaRefusal
from videlicet.media.child.container import open_container, undecodable
from videlicet.media.child.picture import Converter, DisplayedFrame, frames, prepare
from videlicet.media.sandbox import Limits

#: The formats a query picture may have; nothing else is even tried.
_PLUGINS = (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_QUALITY = 85


def run_frame(
    channel: ChildChannel, limits: Limits, files: Sequence[int], arguments: Mapping[str, Any]
) -> None:
    """Send one ``frame`` (RGB) or ``jpeg`` message for each instant in ``at``."""
    for text in arguments["at"]:
        displayed, aspect = _frame_at(files[0], limits, channel, Fraction(text))
        picture = Converter(arguments["max_side"]).rgb(displayed.frame, aspect)
        if not arguments["jpeg"]:
            _send(channel, picture, displayed.time)
            continue
        image = Image.fromarray(picture)
        width = min(arguments["jpeg"], image.width)
        height = max(1, round(image.height * width / image.width))
        file = io.BytesIO()
        image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2).save(
            file, "JPEG", quality=_QUALITY
        )
        channel.send("jpeg", file.getvalue(), time=str(displayed.time))


def _frame_at(
    descriptor: int, limits: Limits, channel: ChildChannel, at: Fraction
) -> tuple[DisplayedFrame, Fraction | None]:
    """The frame on screen at an instant: the last that began by then, else the first of all."""
    # A seek may land late where timestamps are reordered or the index is coarse.
    for seek in (at, at - 15, None):
        if seek is not None and seek <= 0:
            continue
        with open_container(descriptor, limits) as opened:
            if opened.video is None:
                raise MediaRefusal("media_no_stream", "it has no pictures.")
            prepare(opened.video, 0, limits)
            aspect = opened.video.codec_context.sample_aspect_ratio
            best: DisplayedFrame | None = None
            for displayed in frames(opened, channel, None, seek):
                if displayed.time > at:
                    if best is None and seek is None:
                        best = displayed
                    break
                best = displayed
            if best is not None:
                return best, aspect
    raise undecodable()


def run_image(
    channel: ChildChannel, limits: Limits, files: Sequence[int], arguments: Mapping[str, Any]
) -> None:
    """Send one ``frame`` message: a still image, upright, on white where it is transparent."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = limits.pixels
    try:
        with os.fdopen(os.dup(files[0]), "rb") as file, Image.open(file, formats=_FORMATS) as image:
            facts = _image_facts(image)
            image.draft("RGB", (arguments["max_side"],) * 2)
            upright = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:
                upright = upright.convert("RGBA")
                ground = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(ground, upright)
            picture = upright.convert("RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaRefusal(
            "media_too_large", f"the picture is too large; max_pixels is {limits.pixels}."
        ) from error
    except MemoryError:
        raise
    except UnidentifiedImageError as error:
        raise MediaRefusal(
            "media_not_recognised", "it is not a picture that can be read."
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError) as error:
        # Each plugin fails in its own way on broken bytes.
        raise MediaRefusal("media_corrupt", f"the picture is damaged ({error}).") from error
    picture.thumbnail((arguments["max_side"],) * 2, Image.Resampling.LANCZOS, reducing_gap=2)
    _send(channel, np.asarray(picture), Fraction(0), facts)


#: Colour space and bits of a channel, by Pillow's modes.
_MODES = {
    "1": ("gray", 1), "L": ("gray", 8), "LA": ("gray", 8), "P": ("palette", 8), "RGB": ("rgb", 8),
    "RGBA": ("rgb", 8), "CMYK": ("cmyk", 8), "YCbCr": ("ycbcr", 8), "LAB": ("lab", 8),
    "I;16": ("gray", 16), "I;16B": ("gray", 16), "I": ("gray", 32), "F": ("gray", 32),
}  # fmt: skip
_ORIENTATION = 0x0112


def _image_facts(image: Image.Image) -> dict[str, Any]:
    """What the header says."""
    space, depth = _MODES.get(image.mode, (image.mode.lower(), None))
    turn = image.getexif().get(_ORIENTATION)
    return {
        "width": image.width,
        "height": image.height,
        "format": str(image.format).lower(),
        "orientation": turn if isinstance(turn, int) and 1 <= turn <= 8 else 1,
        "color_space": space,
        "bit_depth": depth,
        "alpha": image.has_transparency_data,
        "animated": bool(getattr(image, "is_animated", False)),
    }


def _send(
    channel: ChildChannel,
    picture: NDArray[np.uint8],
    time: Fraction,
    facts: Mapping[str, Any] | None = None,
) -> None:
    channel.send(
        "frame",
        np.ascontiguousarray(picture),
        time=str(time),
        duration="0",
        index=0,
        height=picture.shape[0],
        width=picture.shape[1],
        facts=facts,
    )
