"""Exact pieces of media: thumbnails, frames, clips, reels; and what a query brings along.

Everything is decoded in a confined child process, query media included.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from videlicet.errors import InvalidInput, InvalidQuery, MediaError, not_written
from videlicet.media.decode import (
    AudioChunk,
    AudioRequest,
    DecodedFrame,
    VideoRequest,
    open_audio,
    open_video,
    picture_of,
)
from videlicet.media.probe import probe
from videlicet.media.process import DecoderProcess, Input, open_media, readable
from videlicet.media.records import SAMPLE_RATE
from videlicet.media.sandbox import Limits
from videlicet.types import Instant, Span

if TYPE_CHECKING:
    from videlicet.settings import Settings

#: Seconds of one frame of the sound that clips are given.
SOUND_FRAME = Fraction(1024, 48_000)

#: Longest side of frames taken whole and of clips, in pixels.
_LARGEST = 4096
_CLIP_SIDE = 1920
_LONGEST_CLIP = 30 * 60
_CPU = 300.0
#: Cuts of one reel: the child may hold 64 descriptors, two for each.
_MOST_CUTS = 24

Picture = NDArray[np.uint8]


def thumbnails(path: Input, at: Sequence[Instant], width: int, settings: Settings) -> list[bytes]:
    """JPEGs of the frames on screen at the instants given, ``width`` pixels wide (less where the
    picture is smaller). Before the first frame the first is taken, after the last the last.

    Raises :class:`MediaError`, ``media_no_stream`` where there are no pictures.
    """
    if not 1 <= width <= _LARGEST:
        raise InvalidInput("invalid_argument", f"A thumbnail is 1 to {_LARGEST} pixels wide.")
    side = min(_LARGEST, max(width * 4, 640))
    return [body.tobytes() for _, body in _frames(path, at, settings, max_side=side, jpeg=width)]


def thumbnail(path: Input, at: Instant, width: int, settings: Settings) -> bytes:
    """One of :func:`thumbnails`."""
    return thumbnails(path, [at], width, settings)[0]


def frame(path: Input, at: Instant, settings: Settings, *, max_side: int = _LARGEST) -> Picture:
    """The frame on screen at an instant: uint8 RGB, shape (height, width, 3), upright, SDR."""
    header, body = _frames(path, [at], settings, max_side=max_side, jpeg=0)[0]
    return picture_of(header, body)


def _frames(
    path: Input, at: Sequence[Instant], settings: Settings, *, max_side: int, jpeg: int
) -> list[tuple[dict[str, object], Picture]]:
    if not at:
        return []
    subject = readable(path)
    arguments = {"at": [str(instant) for instant in at], "max_side": max_side, "jpeg": jpeg}
    with (
        open_media(path, subject) as file,
        DecoderProcess(
            "frame",
            arguments,
            Limits.of(settings, cpu=_CPU),
            [file],
            subject=subject,
            largest=max_side**2 * 3,
        ) as child,
    ):
        answers = list(child.messages())
    if len(answers) != len(at):
        raise MediaError(
            "media_decoder_crashed", f"Frames of {subject} are missing.", subject=subject
        )
    return answers


def cut_clip(
    path: Input,
    span: Span,
    out: str | os.PathLike[str],
    settings: Settings,
    *,
    stream_at: Instant | None = None,
) -> None:
    """Write the stretch ``span`` of a file to ``out``, exact to the frame and the sample.

    The clip is encoded anew (H.264 and AAC, sides of at most 1,920 pixels, in MP4) and carries no
    metadata. ``out`` appears only when it is complete; an older file of that name is replaced.

    With ``stream_at`` it is a piece of an MPEG transport stream that begins at that instant of the
    stream's clock. Pieces of one file whose spans and instants follow on, by multiples of
    :data:`SOUND_FRAME`, play as one: sound goes on across the joint without a click, and is silent
    where the file has none.

    Raises:
        InvalidInput: ``invalid_argument`` for an empty or overlong span.
        MediaError: where nothing in that stretch can be decoded.
        StoreError: ``disk_full`` or ``store_not_writable`` where ``out`` cannot be written.
    """
    if not 0 < span.duration <= _LONGEST_CLIP:
        raise InvalidInput(
            "invalid_argument", f"A clip lasts more than 0 and at most {_LONGEST_CLIP} seconds."
        )
    subject = readable(path)
    limits = Limits.of(settings, cpu=3600, output=8 * 1024**3)
    with (
        open_media(path, subject) as one,
        open_media(path, subject) as other,
        atomic_output(out) as file,
        DecoderProcess(
            "clip",
            {
                "span": span.to_json(),
                "max_side": _CLIP_SIDE,
                "stream_at": None if stream_at is None else str(stream_at),
            },
            limits,
            [one, other, file],
            subject=subject,
            largest=0,
        ) as child,
    ):
        child.only()


def cut_reel(
    cuts: Sequence[tuple[Input, Span]],
    size: tuple[int, int] | None,
    sound: bool,
    out: str | os.PathLike[str],
    settings: Settings,
) -> None:
    """Write the stretches of the files to ``out``, one after the other, exact to the frame and the
    sample: an MP4 (H.264 and AAC) without metadata.

    Every picture is fitted into ``size`` (width, height; made even, and reduced to sides of 1,920)
    with black around it; ``None`` is a reel of sound alone. With ``sound`` there is a sound track,
    silent where a file has none. ``out`` appears only when it is complete.

    Raises:
        InvalidInput: ``invalid_argument`` for no cuts or more than 24, an empty one, or more than
            half an hour in all.
        MediaError: where one of the files cannot be read.
        StoreError: ``disk_full`` or ``store_not_writable`` where ``out`` cannot be written.
    """
    if not 1 <= len(cuts) <= _MOST_CUTS:
        raise InvalidInput(
            "invalid_argument", f"A reel has 1 to {_MOST_CUTS} cuts, not {len(cuts)}."
        )
    if any(not span.duration for _, span in cuts):
        raise InvalidInput("invalid_argument", "A cut lasts more than 0 seconds.")
    if sum(span.duration for _, span in cuts) > _LONGEST_CLIP:
        raise InvalidInput("invalid_argument", f"A reel lasts at most {_LONGEST_CLIP} seconds.")
    arguments = {
        "spans": [span.to_json() for _, span in cuts],
        "size": None if size is None else _even(*size),
        "sound": sound,
    }
    with ExitStack() as stack:
        files = [
            stack.enter_context(open_media(path, readable(path))) for path, _ in cuts for _ in "12"
        ]
        files.append(stack.enter_context(atomic_output(out)))
        child = DecoderProcess(
            "reel",
            arguments,
            Limits.of(settings, cpu=3600, output=8 * 1024**3),
            files,
            subject=f"the reel {readable(os.fspath(out))}",
            largest=0,
        )
        with child:
            child.only()


def _even(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, _CLIP_SIDE / max(width, height))
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


@contextmanager
def atomic_output(out: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write to that is at ``out`` only once the block has ended well; an older file of
    that name is replaced then.

    Raises :class:`StoreError` ``disk_full`` or ``store_not_writable`` where it cannot be written.
    """
    target = Path(out)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with open(part, "w+b", buffering=0) as file:
            yield file
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as error:
        raise not_written(target, error) from error
    finally:
        # Where it could not be made, it cannot be removed either.
        with suppress(OSError):
            part.unlink(missing_ok=True)


# -- query media --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class QueryClip:
    """A query clip: uint8 RGB frames spread evenly over it, and its sound (float32 at
    :data:`videlicet.media.records.SAMPLE_RATE`), ``None`` where it has none."""

    frames: list[Picture]
    sound: NDArray[np.float32] | None


@contextmanager
def _query(source: Input) -> Iterator[str]:
    subject = readable(source)
    try:
        yield subject
    except MediaError as error:
        raise InvalidQuery(
            "query_media_invalid",
            error.message,
            subject=subject,
            details={"reason": error.code},
        ) from error


def load_image(source: Input, settings: Settings, *, max_side: int = 1280) -> Picture:
    """A picture (JPEG, PNG, WebP, GIF, BMP, TIFF; its path or its bytes) as uint8 RGB, shape
    (height, width, 3), upright by its EXIF orientation, at most ``max_side`` on the longer side.

    Raises :class:`InvalidQuery` ``query_media_invalid`` for anything that is not such a picture.
    """
    return _image(source, settings, max_side)[0]


def image_facts(source: Input, settings: Settings) -> dict[str, Any]:
    """What the header of a picture says: ``width`` and ``height`` as stored, ``format``,
    ``orientation`` (as in EXIF), ``color_space``, ``bit_depth``, ``alpha``, ``animated``. The whole
    picture is read.

    Raises :class:`InvalidQuery` like :func:`load_image`.
    """
    picture, facts = _image(source, settings, settings.max_image_side)
    found = {"height": picture.shape[0], "width": picture.shape[1], "orientation": 1}
    return found | {str(k): v for k, v in facts.items() if isinstance(v, str | int)}


def _image(source: Input, settings: Settings, max_side: int) -> tuple[Picture, Mapping[str, Any]]:
    with _query(source) as subject:
        with (
            open_media(source, subject) as file,
            DecoderProcess(
                "image",
                {"max_side": max_side},
                Limits.of(settings, cpu=60),
                [file],
                subject=subject,
                largest=max_side**2 * 3,
            ) as child,
        ):
            header, body = child.only()
        return picture_of(header, body), dict(header["facts"])


def load_sound(source: Input, settings: Settings, *, longest: float = 600.0) -> NDArray[np.float32]:
    """The sound of a file (its path or its bytes) as float32 mono at 16 kHz, its first ``longest``
    seconds. Raises :class:`InvalidQuery` ``query_media_invalid`` where there is none."""
    return load_audio(source, settings, longest=longest).samples


def load_audio(source: Input, settings: Settings, *, longest: float = 600.0) -> AudioChunk:
    """The same with when it begins on the file's timeline: often not when the pictures do."""
    with _query(source):
        return _sound(source, settings, longest)


def load_clip(
    source: Input, settings: Settings, *, frames: int = 8, longest: float = 60.0
) -> QueryClip:
    """``frames`` pictures spread evenly over a clip (its path or its bytes; fewer where it has
    fewer), and the first ``longest`` seconds of its sound.

    Raises :class:`InvalidQuery` ``query_media_invalid`` where it has no pictures.
    """
    with _query(source) as subject:
        facts = probe(source, settings)
        if facts.video is None:
            raise MediaError("media_no_stream", f"{subject} has no pictures.", subject=subject)
        step = facts.span.duration / frames
        request = VideoRequest(rate=min(240.0, float(1 / step)), shots=False)
        with open_video(source, settings, request) as events:
            pictures = [event.image for event in events if isinstance(event, DecodedFrame)]
        sound = _sound(source, settings, longest).samples if facts.audio else None
        return QueryClip(pictures[:frames], sound)


def _sound(source: Input, settings: Settings, longest: float) -> AudioChunk:
    chunks: list[NDArray[np.float32]] = []
    start: Fraction | None = None
    with open_audio(source, settings, AudioRequest(chunk=10.0)) as events:
        for event in events:
            if isinstance(event, AudioChunk):
                start = event.start if start is None else start
                chunks.append(event.samples)
                if event.end - start >= longest:
                    break
    samples = np.concatenate(chunks)[: round(longest * SAMPLE_RATE)]
    return AudioChunk(Instant(0) if start is None else start, samples)
