"""Cuts as a timeline for an editing program: OpenTimelineIO, or a CMX 3600 edit decision list.

OpenTimelineIO (Academy Software Foundation) is written by its own library, the edit decision list
by that library's CMX 3600 adapter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

from videlicet.analyze.exports.cuts import Cut, one_line
from videlicet.analyze.exports.exporter import CutExport, Exporter
from videlicet.errors import InvalidInput
from videlicet.types import Asset, Span

#: Frames a second of timecode (SMPTE ST 12-1 and what editing programs have beside it).
RATES = tuple(
    Fraction(rate)
    for rate in ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60")
)
#: Units a second of recordings without pictures, which no editing program counts in frames.
_SOUND_RATE = Fraction(1000)
#: Edits that the three digits of CMX 3600 can count.
_MOST_EDITS = 999
_REEL = 8
_LONGEST_NAME = 100
_EVENT = re.compile(r"^(\d{3})  (.{8}) V     C ", re.MULTILINE)


def otio(cuts: Sequence[Cut], name: str) -> str:
    """A timeline with one clip per cut, one after the other, as OpenTimelineIO JSON.

    Each clip refers to its file with the range that the file has, in the file's own frame rate,
    counted from its timecode where it has one. Its title and what it was chosen for are markers;
    a marker's metadata hold the citations. Sound is on a track of its own.
    """
    from opentimelineio import adapters

    return str(adapters.write_to_string(_timeline(cuts, name, None), "otio_json"))


def edl(cuts: Sequence[Cut], name: str, rate: Fraction | None = None) -> str:
    """A CMX 3600 edit decision list of the cuts, pictures and sound.

    It has one frame rate: ``rate``, one of :data:`RATES`, or else the nearest to that of most of
    the files; what is cut from files of other rates is rounded to it. Timecode of 29.97 and 59.94
    is drop-frame. Reels are named after the files, in eight characters.

    Raises :class:`InvalidInput` ``invalid_argument`` for a rate that timecode does not have, and
    for no cut or more than 999.
    """
    from opentimelineio import adapters

    if not 1 <= len(cuts) <= _MOST_EDITS:
        raise InvalidInput(
            "invalid_argument", f"An EDL has 1 to {_MOST_EDITS} edits, not {len(cuts)}."
        )
    if rate is None:
        rates = Counter(nearest(_rate(cut.asset)) for cut in cuts if cut.asset.media.video)
        rate = rates.most_common(1)[0][0] if rates else Fraction(25)
    elif rate not in RATES:
        raise InvalidInput("invalid_argument", f"There is no timecode of {float(rate):g} fps.")
    timeline = _timeline(cuts, name, rate)
    text = str(adapters.write_to_string(timeline, "cmx_3600", rate=float(rate)))
    channels = iter([_channels(cut.asset) for cut in cuts])
    text = _EVENT.sub(lambda found: f"{found[1]}  {found[2]} {next(channels):5} C ", text)
    title, _, rest = text.partition("\n")
    drop = "DROP FRAME" if rate in (RATES[3], RATES[7]) else "NON-DROP FRAME"
    return f"{title}\nFCM: {drop}\n{rest}"


def nearest(rate: Fraction) -> Fraction:
    """The rate of timecode that is nearest to a frame rate."""
    return min(RATES, key=lambda one: abs(one - rate))


def _timeline(cuts: Sequence[Cut], name: str, rate: Fraction | None) -> Any:
    """``rate`` counts everything in one rate, with pictures only; ``None`` leaves each file its own
    and adds a track of sound."""
    from opentimelineio import schema

    timeline = schema.Timeline(name=one_line(name)[:_LONGEST_NAME])
    pictures = schema.Track(name="V1", kind=schema.TrackKind.Video)
    sounds = schema.Track(name="A1", kind=schema.TrackKind.Audio)
    reels = _reels([cut.asset for cut in cuts])
    for cut in cuts:
        own = rate or _rate(cut.asset)
        address = one_line(cut.source) if rate else _address(cut.source)
        clip = _clip(cut, own, reels[cut.asset.id], address)
        if rate is not None:
            pictures.append(clip)
            continue
        gap = schema.Gap(source_range=clip.source_range)
        has_pictures, has_sound = cut.asset.media.video is not None, bool(cut.asset.media.audio)
        pictures.append(clip if has_pictures else gap)
        if has_pictures:
            clip = clip.deepcopy()
            clip.markers.clear()
        sounds.append(clip if has_sound else gap.deepcopy())
    timeline.tracks.append(pictures)
    if rate is None:
        timeline.tracks.append(sounds)
    return timeline


def _clip(cut: Cut, rate: Fraction, reel: str, address: str) -> Any:
    from opentimelineio import schema

    whole = cut.asset.media.span
    begins = _begins(cut.asset, rate)
    clip = schema.Clip(
        name=one_line(cut.title)[:_LONGEST_NAME],
        media_reference=schema.ExternalReference(
            target_url=address, available_range=_range(whole, whole, rate, begins)
        ),
        source_range=_range(cut.span.clamp(whole), whole, rate, begins),
        metadata={
            "cmx_3600": {"reel": reel},
            "videlicet": {"asset_id": cut.asset.id, "sha256": cut.asset.sha256},
        },
    )
    clip.media_reference.name = one_line(cut.asset.name)
    citations = [item.to_json() for item in cut.citations]
    clip.markers.append(
        schema.Marker(
            name=one_line(cut.title)[:_LONGEST_NAME],
            marked_range=clip.source_range,
            color=schema.MarkerColor.GREEN,
            metadata={"videlicet": {"citations": citations}},
        )
    )
    for item in cut.citations:
        if item.asset_id == cut.asset.id and item.span.overlap(cut.span):
            clip.markers.append(
                schema.Marker(
                    name=one_line(item.text)[:_LONGEST_NAME],
                    marked_range=_range(item.span.clamp(cut.span), whole, rate, begins),
                    color=schema.MarkerColor.YELLOW,
                    metadata={"videlicet": {"citation": item.to_json()}},
                )
            )
    return clip


def _address(source: str) -> str:
    """The URL of a source. A file that was sent is known by its name alone: that is relative."""
    if "://" in source:
        return source
    path = Path(source)
    return path.as_uri() if path.is_absolute() else quote(source)


def _range(span: Span, whole: Span, rate: Fraction, begins: int) -> Any:
    """Whole frames, at least one, that begin with frame ``begins`` at the file's start."""
    from opentimelineio import opentime

    first = round((span.start - whole.start) * rate)
    count = max(1, round((span.end - whole.start) * rate) - first)
    return opentime.TimeRange(
        opentime.RationalTime(first + begins, float(rate)),
        opentime.RationalTime(count, float(rate)),
    )


def _begins(asset: Asset, rate: Fraction) -> int:
    """The frame that the file's own timecode begins at, 0 where it has none."""
    from opentimelineio import opentime

    tags = asset.media.details.get("tags")
    code = str(tags.get("timecode", "")) if isinstance(tags, dict) else ""
    if not code:
        return 0
    try:
        at = opentime.from_timecode(code, float(nearest(_rate(asset))))
    except ValueError:
        return 0  # a tag that is no timecode
    return round(Fraction(at.value) / Fraction(at.rate) * rate)


def _rate(asset: Asset) -> Fraction:
    video = asset.media.video
    if video is None:
        return _SOUND_RATE
    rate = video.average_rate
    return rate if rate and rate > 0 else Fraction(25)


def _channels(asset: Asset) -> str:
    """CMX 3600's channels: pictures, two of sound, or both."""
    if asset.media.video is None:
        return "AA"
    return "AA/V" if asset.media.audio else "V"


def _reels(assets: Sequence[Asset]) -> dict[str, str]:
    """A reel name of eight characters for each asset, from its name, no two alike."""
    found: dict[str, str] = {}
    for asset in assets:
        if asset.id in found:
            continue
        stem = re.sub("[^A-Z0-9]", "", asset.name.rpartition(".")[0].upper()) or "REEL"
        reel, number = stem[:_REEL], 2
        while reel.ljust(_REEL) in found.values() or reel in ("BL", "AX"):
            tail = str(number)
            reel, number = stem[: _REEL - len(tail)] + tail, number + 1
        found[asset.id] = reel.ljust(_REEL)
    return found


def _as_otio(data: CutExport) -> bytes:
    return otio(data.cuts, data.name).encode("utf-8", "backslashreplace")


def _as_edl(data: CutExport) -> bytes:
    return edl(data.cuts, data.name).encode("utf-8", "backslashreplace")


OTIO = Exporter("application/vnd.otio+json", ".otio", "a timeline of OpenTimelineIO", _as_otio)
EDL = Exporter("text/plain; charset=utf-8", ".edl", "a CMX 3600 edit decision list", _as_edl)
