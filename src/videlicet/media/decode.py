"""One pass over a file's pictures and one over its sound, each in a child process.

The two children run beside each other and beside whatever consumes them. A full pipe stops a child
(so memory stays flat however long the file is), and leaving the context ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from videlicet.errors import InvalidInput, MediaError
from videlicet.media.process import DecoderProcess, Input, open_media, readable
from videlicet.media.records import (
    SAMPLE_RATE,
    AudioChunk,
    AudioEvent,
    AudioRequest,
    Damage,
    DecodedFrame,
    DecodeEnd,
    ShotCut,
    VideoEvent,
    VideoRequest,
)
from videlicet.media.sandbox import Limits
from videlicet.types import Span

if TYPE_CHECKING:
    from videlicet.settings import Settings

__all__ = [
    "SAMPLE_RATE",
    "AudioChunk",
    "AudioEvent",
    "AudioRequest",
    "Damage",
    "DecodeEnd",
    "DecodedFrame",
    "Decoder",
    "ShotCut",
    "VideoEvent",
    "VideoRequest",
    "open_audio",
    "open_decoder",
    "open_video",
]


@dataclass(frozen=True, slots=True)
class Decoder:
    """The running children of one file; each stream may be read in a thread of its own."""

    video: Iterator[VideoEvent] | None
    audio: Iterator[AudioEvent] | None


@contextmanager
def open_decoder(
    path: Input,
    settings: Settings,
    *,
    video: VideoRequest | None = None,
    audio: AudioRequest | None = None,
) -> Iterator[Decoder]:
    """Decode pictures, sound or both at once. See :func:`open_video` and :func:`open_audio`."""
    with ExitStack() as stack:
        yield Decoder(
            stack.enter_context(open_video(path, settings, video)) if video else None,
            stack.enter_context(open_audio(path, settings, audio)) if audio else None,
        )


@contextmanager
def open_video(
    path: Input, settings: Settings, request: VideoRequest | None = None
) -> Iterator[Iterator[VideoEvent]]:
    """The pictures of a file, in order of time.

    Events come as decoding goes: a :class:`ShotCut` before the first frame of each new shot (none
    for the first shot), every sampled :class:`DecodedFrame`, :class:`Damage` where something could
    not be read, and one :class:`DecodeEnd` last. Each shot has at least one frame, and the first
    frame of the file is always among them.

    Iterating raises :class:`MediaError`: ``media_no_stream``, ``media_corrupt`` where not one
    picture can be decoded, ``media_limit_exceeded`` or ``media_decoder_crashed``.
    """
    request = request or VideoRequest()
    if not 0 < request.rate <= 240 or not 16 <= request.max_side <= 16384 or request.threads < 0:
        raise InvalidInput("invalid_argument", f"These pictures cannot be asked for: {request}.")
    arguments: dict[str, object] = {
        "rate": request.rate,
        "max_side": request.max_side,
        "shots": request.shots,
        "threads": request.threads,
        "within": request.within and request.within.to_json(),
    }
    subject = readable(path)
    with (
        open_media(path, subject) as file,
        DecoderProcess(
            "video",
            arguments,
            Limits.of(settings),
            [file],
            subject=subject,
            largest=request.max_side**2 * 3,
        ) as child,
    ):
        yield _video_events(child)


@contextmanager
def open_audio(
    path: Input, settings: Settings, request: AudioRequest | None = None
) -> Iterator[Iterator[AudioEvent]]:
    """The sound of a file as mono float32 at :data:`SAMPLE_RATE`, in chunks without gaps.

    The first chunk starts where the track starts on the container's timeline, which may be before
    or after the first picture. Iterating raises :class:`MediaError` like :func:`open_video`.
    """
    request = request or AudioRequest()
    if not 0.1 <= request.chunk <= 600:
        raise InvalidInput("invalid_argument", "A chunk of sound lasts 0.1 to 600 seconds.")
    arguments: dict[str, object] = {
        "track": request.track,
        "chunk": round(request.chunk * SAMPLE_RATE),
        "within": request.within and request.within.to_json(),
    }
    subject = readable(path)
    with (
        open_media(path, subject) as file,
        DecoderProcess(
            "audio",
            arguments,
            Limits.of(settings),
            [file],
            subject=subject,
            largest=(round(request.chunk * SAMPLE_RATE) + 1) * 4,
        ) as child,
    ):
        yield _audio_events(child)


def _video_events(child: DecoderProcess) -> Iterator[VideoEvent]:
    for header, body in child.messages():
        try:
            match header["kind"]:
                case "frame":
                    yield DecodedFrame(
                        Fraction(header["time"]),
                        Fraction(header["duration"]),
                        int(header["index"]),
                        picture_of(header, body),
                    )
                case "cut":
                    yield ShotCut(Fraction(header["time"]))
                case _:
                    yield _common(header)
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise _unreadable_error(child.subject) from error


def _audio_events(child: DecoderProcess) -> Iterator[AudioEvent]:
    for header, body in child.messages():
        try:
            if header["kind"] == "sound":
                yield AudioChunk(Fraction(header["start"]), body.view("<f4"))
            else:
                yield _common(header)
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise _unreadable_error(child.subject) from error


def _common(header: Mapping[str, Any]) -> Damage | DecodeEnd:
    span = Span.from_json(header["span"])
    if header["kind"] == "damage":
        return Damage(span, str(header["message"]))
    if header["kind"] == "end":
        return DecodeEnd(span, int(header["count"]), float(header["cpu"]), int(header["memory"]))
    raise ValueError(header["kind"])


def picture_of(header: Mapping[str, Any], body: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture of a child's message, shape (height, width, 3)."""
    return body.reshape(int(header["height"]), int(header["width"]), 3)


def _unreadable_error(subject: str) -> MediaError:
    return MediaError(
        "media_decoder_crashed",
        f"The decoder of {subject} sent a message that cannot be read.",
        subject=subject,
    )
