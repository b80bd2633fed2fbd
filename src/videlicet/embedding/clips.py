"""The vectors of a recording, clip by clip or as a whole, in the order people expect them.

A request says: ``options`` (visual, audio, transcription), ``scopes`` (clip, asset), ``clip``
(seconds of a clip, or its fewest where ``fixed`` is false and clips end where the picture changes),
``start`` and ``end`` (seconds, or null), ``types`` (separate, fused). What ``vectors`` has under
:data:`NOTES` is what the caller says of stretches, and goes into fused vectors alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from videlicet.embedding.space import Component, fuse, join
from videlicet.embedding.spans import TimedVectors, pool
from videlicet.embedding.texts import embed_texts
from videlicet.types import Span, instant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.models.base import TextEncoder

    Floats = NDArray[np.float32]


#: The key of the vectors of what a caller says of a recording.
NOTES = "notes"


def embed_clips(
    vectors: Mapping[str, TimedVectors], span: Span, request: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """One row for each stretch, option and scope: ``embedding``, ``option``, ``scope``, ``start``
    and ``end`` in seconds from the recording's own start. Stretches in which the models say nothing
    under an option (no speech, say) have no row for it."""
    start = span.start + instant(float(request.get("start") or 0.0))
    end = span.end
    if request.get("end") is not None:
        end = min(end, span.start + instant(float(request["end"])))
    whole = Span(start, max(start, end))
    stretches = []
    if "clip" in request["scopes"]:
        length = instant(float(request["clip"]))
        looks = None if request.get("fixed", True) else vectors.get("looks")
        clips = _clips(whole, length) if looks is None else _dynamic_clips(whole, length, looks)
        stretches += [("clip", one) for one in clips]
    if "asset" in request["scopes"]:
        stretches.append(("asset", whole))
    rows = []
    for scope, one in stretches:
        found = {
            option: vector
            for option in request["options"]
            if (vector := vector_at(vectors, option, one)) is not None
        }
        if "separate" in request["types"]:
            rows += [_row(option, scope, one, span, v) for option, v in found.items()]
        if "fused" in request["types"] and found:
            notes = pool(vectors[NOTES], one) if NOTES in vectors else None
            noted = [] if notes is None else list(join({Component.MEANING: notes[None]}))
            rows.append(_row("fused", scope, one, span, fuse([*found.values(), *noted])))
    return rows


def vector_at(vectors: Mapping[str, TimedVectors], option: str, span: Span) -> Floats | None:
    """What is seen (``visual``), heard (``audio``), said (``transcription``) or read on the screen
    (``visual-text``) in a stretch, as a vector of 512; ``None`` where nothing is."""
    blocks = {
        "visual": {Component.MEANING: "meaning", Component.LOOKS: "looks"},
        "audio": {Component.SOUNDS: "sounds"},
        "transcription": {Component.MEANING: "words"},
        "visual-text": {Component.MEANING: "screen"},
    }[option]
    parts: dict[Component, Floats] = {}
    for part, name in blocks.items():
        mean = pool(vectors[name], span) if name in vectors else None
        if mean is not None:
            parts[part] = mean[None]
    return join(parts)[0] if parts else None


def add_metadata(
    encoder: TextEncoder, notes: Sequence[Mapping[str, Any]], span: Span
) -> TimedVectors:
    """What a caller says of stretches (``start``, ``end``, ``text``; seconds from the recording's
    own start)."""
    spans = [
        Span(span.start + instant(one["start"]), span.start + instant(one["end"])) for one in notes
    ]
    return TimedVectors(spans, embed_texts(encoder, [one["text"] for one in notes]))


#: Seconds of the shortest last clip.
SHORTEST = Fraction(2)


def _clips(whole: Span, length: Fraction) -> list[Span]:
    """Stretches of ``length``; a last one that is very short joins the one before."""
    edges = [whole.start]
    while whole.end - edges[-1] >= length + min(SHORTEST, length / 2):
        edges.append(edges[-1] + length)
    edges.append(whole.end)
    return [Span(a, b) for a, b in itertools.pairwise(edges) if a < b]


#: Looks less alike than this are different views: 18 of the 21 cuts in the development corpus, and
#: one in twenty changes of the look within a shot.
CHANGED = 0.6
#: Seconds of the longest clip of one view.
LONGEST = Fraction(30)


def _dynamic_clips(whole: Span, least: Fraction, looks: TimedVectors) -> list[Span]:
    """Stretches of one view each, or of several where they are shorter than ``least``. A view that
    goes on for long is cut into equal parts."""
    order = sorted(range(len(looks.spans)), key=lambda n: looks.spans[n].start)
    edges = [whole.start]
    view = looks.rows[order[0]]
    for number in order[1:]:
        # Against the first look of the view: what changes slowly changes too.
        if float(view @ looks.rows[number]) < CHANGED:
            view = looks.rows[number]
            at = looks.spans[number].start
            if at - edges[-1] >= least and whole.end - at >= least:
                edges.append(at)
    edges.append(whole.end)
    longest = max(LONGEST, 2 * least)
    found = []
    for start, end in itertools.pairwise(edges):
        parts = max(1, -int(-(end - start) // longest))
        step = (end - start) / parts
        found += [Span(start + n * step, start + (n + 1) * step) for n in range(parts)]
    return [one for one in found if one.duration]


def _row(option: str, scope: str, one: Span, span: Span, vector: Floats) -> dict[str, Any]:
    return {
        "option": option,
        "scope": scope,
        "start": float(one.start - span.start),
        "end": float(one.end - span.start),
        "embedding": [round(float(value), 7) for value in vector],
    }
