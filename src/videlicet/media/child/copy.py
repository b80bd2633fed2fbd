"""The child that copies a video with other chapters: packets as they are, nothing encoded anew."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import av
import av.error

from videlicet.media.child.channel import ChildChannel, MediaRefusal
from videlicet.media.child.container import open_container
from videlicet.media.child.details import is_cover
from videlicet.media.sandbox import Limits

_TICK = Fraction(1, 1000)
#: Containers a copy may be written as, by ffmpeg's names of the muxers.
MUXERS = frozenset({"mp4", "mov", "ipod", "matroska", "webm"})
#: Those of them in which a cover picture is a stream.
_COVERS = frozenset({"mp4", "mov", "ipod"})
_KINDS = frozenset({"video", "audio", "subtitle"})


def run_copy(
    channel: ChildChannel, limits: Limits, files: Sequence[int], arguments: Mapping[str, Any]
) -> None:
    """Write the first descriptor's streams, tags and the chapters given into the second.

    Sends ``copied`` with how many packets were written and the kinds of the streams left out.
    """
    muxer = arguments["muxer"]
    if muxer not in MUXERS:
        raise ValueError(f"no muxer {muxer!r}")
    with (
        open_container(files[0], limits) as opened,
        os.fdopen(os.dup(files[1]), "w+b") as file,
        av.open(file, "w", format=muxer, options={"fflags": "+bitexact"}) as out,
    ):
        source = opened.container
        streams: dict[int, Any] = {}
        left_out = []
        for stream in source.streams:
            copy = _stream(out, stream, muxer)
            if copy is None:
                left_out.append("cover" if is_cover(stream) else stream.type)
            else:
                streams[stream.index] = copy
        for name, value in source.metadata.items():
            if name not in ("encoder", "major_brand", "minor_version", "compatible_brands"):
                out.metadata[name] = value
        out.set_chapters([_chapter(n, row) for n, row in enumerate(arguments["chapters"])])
        count = 0
        try:
            for packet in source.demux([source.streams[n] for n in streams]):
                channel.alive()
                if is_cover(packet.stream) and packet.size:
                    packet.pts = packet.dts = 0
                elif packet.dts is None and packet.pts is None:
                    continue
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
                count += 1
        except OSError:
            raise
        except (ValueError, av.error.FFmpegError) as error:
            raise MediaRefusal("media_corrupt", "its packets cannot be copied.") from error
        if not count:
            raise MediaRefusal("media_corrupt", "it has no packets.")
    channel.send("copied", packets=count, left_out=left_out)


def _stream(out: Any, stream: Any, muxer: str) -> Any:
    """The copy's stream for one of the source; ``None`` where it is left out."""
    # Timecode and menu tracks say how the old file was laid out; a track of chapters is one.
    if stream.type not in _KINDS or (is_cover(stream) and muxer not in _COVERS):
        return None
    try:
        copy: Any = out.add_stream_from_template(stream)
    except (ValueError, av.error.FFmpegError) as error:
        if stream.type == "subtitle":
            return None
        raise MediaRefusal(
            "media_codec_unsupported", f"{muxer} cannot hold its {stream.type}."
        ) from error
    copy.time_base = stream.time_base
    copy.disposition = stream.disposition
    for name, value in stream.metadata.items():
        copy.metadata[name] = value
    return copy


def _chapter(number: int, row: Sequence[str]) -> Any:
    start, end, title = row
    return {
        "id": number + 1,
        "start": round(Fraction(start) / _TICK),
        "end": round(Fraction(end) / _TICK),
        "time_base": _TICK,
        "metadata": {"title": title},
    }
