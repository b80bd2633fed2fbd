"""What a container holds, read without decoding the whole of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import IO, TYPE_CHECKING, Any, TypeVar

from videlicet.errors import MediaError
from videlicet.types import AudioStream, MediaInfo, Span, VideoStream

if TYPE_CHECKING:
    from videlicet.media.process import Input
    from videlicet.settings import Settings

T = TypeVar("T")


def probe(path: Input, settings: Settings) -> MediaInfo:
    """The facts of the container at ``path``.

    Raises :class:`videlicet.errors.InvalidInput` where the path cannot be opened, and
    :class:`MediaError` with the code that says what is wrong: empty, not recognised, truncated, no
    stream, zero duration, encrypted, codec unsupported, too large, duration implausible, corrupt.
    """
    from videlicet.media.process import open_media, readable

    subject = readable(path)
    with open_media(path, subject) as file:
        return probe_file(file, settings, subject)


def probe_file(file: IO[bytes], settings: Settings, subject: str) -> MediaInfo:
    """Like :func:`probe`, for a file that is already open."""
    from videlicet.media.process import DecoderProcess
    from videlicet.media.sandbox import Limits

    limits = Limits.of(settings, cpu=120)
    with DecoderProcess("probe", {}, limits, [file], subject=subject, largest=0, stall=60) as child:
        header, _ = child.only()
    try:
        return _media_info(header)
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise MediaError(
            "media_decoder_crashed",
            f"The probe of {subject} sent facts that cannot be read.",
            subject=subject,
        ) from error


def _media_info(row: Mapping[str, Any]) -> MediaInfo:
    video = row["video"]
    return MediaInfo(
        container=str(row["container"]),
        span=Span.from_json(row["span"]),
        video=None
        if video is None
        else VideoStream(
            index=int(video["index"]),
            codec=str(video["codec"]),
            width=int(video["width"]),
            height=int(video["height"]),
            rotation=int(video["rotation"]),
            time_base=Fraction(video["time_base"]),
            average_rate=_optional(Fraction, video["average_rate"]),
            frames=_optional(int, video["frames"]),
            hdr=bool(video["hdr"]),
        ),
        audio=tuple(
            AudioStream(
                index=int(audio["index"]),
                codec=str(audio["codec"]),
                sample_rate=int(audio["sample_rate"]),
                channels=int(audio["channels"]),
                language=_optional(str, audio["language"]),
                default=bool(audio["default"]),
            )
            for audio in row["audio"]
        ),
        bit_rate=_optional(int, row["bit_rate"]),
        tags={str(name): str(value) for name, value in row["tags"].items()},
        details={
            **{
                kind: [_scalars(one) for one in row["details"][kind]] for kind in ("video", "audio")
            },
            "tags": _scalars(row["details"]["tags"]),
        },
    )


def _scalars(row: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """The plain values of a row that a child sent."""
    return {
        str(name): value[:200] if isinstance(value, str) else value
        for name, value in row.items()
        if isinstance(value, str | int | float)
    }


def _optional(kind: Callable[[Any], T], value: Any) -> T | None:
    return None if value is None else kind(value)
