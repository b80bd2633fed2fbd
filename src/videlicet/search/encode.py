"""Queries into the spaces that the index was built in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import InvalidQuery
from videlicet.models.base import (
    SOUND_RATE,
    AudioEncoder,
    SpeechRecognizer,
    TextEncoder,
    FrameEncoder,
)
from videlicet.search.words import Words, parse
from videlicet.settings import Settings
from videlicet.types import PartKind, QueryPart

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

#: Frames of a query clip that are looked at, spread evenly.
CLIP_FRAMES = 8
#: Longest query sound that is listened to, in seconds.
LONGEST_SOUND = 60.0
#: Root mean square below which nothing is heard, and share of the loudest window's below which a
#: window is a pause.
SILENCE, QUIET = 1e-3, 0.1


@dataclass(frozen=True)
class Encoders:
    """The models a query may need; each is loaded the first time it is."""

    load: Callable[[str], object]

    @cached_property
    def text(self) -> TextEncoder:
        return self.load("text")  # type: ignore[return-value]

    @cached_property
    def vision(self) -> FrameEncoder:
        return self.load("vision")  # type: ignore[return-value]

    @cached_property
    def sound(self) -> AudioEncoder:
        return self.load("sound")  # type: ignore[return-value]

    @cached_property
    def speech(self) -> SpeechRecognizer:
        return self.load("speech")  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class EncodedPart:
    """One part of a query, ready for the lanes.

    ``vectors`` holds, by role (``text``, ``vision``, ``sound``), unit rows of shape (n, d); a row
    of the index is scored by its best match among them.
    """

    kind: PartKind
    weight: float
    words: Words | None = None
    vectors: Mapping[str, Floats] = field(default_factory=dict)


def encode(part: QueryPart, encoders: Encoders, settings: Settings) -> EncodedPart:
    """One part of a query in every space it can be looked for in.

    Raises:
        InvalidQuery: empty, too long, or not readable as the kind of media it is said to be.
    """
    match part.kind:
        case PartKind.TEXT:
            return _encode_text(part, encoders, settings)
        case PartKind.IMAGE:
            return _encode_image(part, encoders, settings)
        case PartKind.AUDIO:
            return _encode_sound(part, encoders, settings)
        case PartKind.VIDEO:
            return _encode_clip(part, encoders, settings)


def _encode_text(part: QueryPart, encoders: Encoders, settings: Settings) -> EncodedPart:
    text = str(part.value)
    words = parse(text)
    if not any(character.isalnum() for character in words.text):
        raise InvalidQuery("query_empty", "The query has no words.", subject="query")
    if len(text) > settings.max_query_chars:
        raise InvalidQuery(
            "query_too_long",
            f"The query has {len(text)} characters; at most {settings.max_query_chars} are read.",
            subject="query",
        )
    count = encoders.text.count_tokens(words.text)
    if count > settings.max_query_tokens:
        raise InvalidQuery(
            "query_too_long",
            f"The query has {count} tokens; at most {settings.max_query_tokens} are read.",
            subject="query",
        )
    return EncodedPart(part.kind, part.weight, words, _meant(words.text, encoders))


def _meant(text: str, encoders: Encoders) -> dict[str, Floats]:
    """What a text means; nothing where the encoder knows no part of it. It may still be found by
    its words."""
    from videlicet.embedding.texts import embed_texts

    rows = embed_texts(encoders.text, [text])
    return {"text": rows} if rows.any() else {}


def _encode_image(part: QueryPart, encoders: Encoders, settings: Settings) -> EncodedPart:
    from videlicet.media.cut import load_image

    frame = load_image(_media(part), settings)
    return EncodedPart(
        part.kind, part.weight, None, {"vision": encoders.vision.encode_frames([frame]).features}
    )


def _encode_sound(part: QueryPart, encoders: Encoders, settings: Settings) -> EncodedPart:
    from videlicet.media.cut import load_sound

    sound = load_sound(_media(part), settings)[: int(LONGEST_SOUND * SOUND_RATE)]
    words, vectors = _heard(sound, encoders)
    return EncodedPart(part.kind, part.weight, words, vectors)


def _encode_clip(part: QueryPart, encoders: Encoders, settings: Settings) -> EncodedPart:
    from videlicet.media.cut import load_clip

    clip = load_clip(_media(part), settings, frames=CLIP_FRAMES)
    words, vectors = (None, {}) if clip.sound is None else _heard(clip.sound, encoders)
    features = encoders.vision.encode_frames(clip.frames).features
    return EncodedPart(part.kind, part.weight, words, {**vectors, "vision": _mean(features)})


def _heard(sound: Floats, encoders: Encoders) -> tuple[Words | None, dict[str, Floats]]:
    """What a query sound says, if anybody speaks in it, and what it sounds like."""
    loud = _loud(sound, encoders.sound.window)
    vectors = {"sound": encoders.sound.embed(sound)[loud]} if loud.any() else {}
    said = " ".join(
        utterance.text
        for start, end in encoders.speech.speech_spans(sound)
        for _, _, utterance in encoders.speech.transcribe(
            sound[int(start * SOUND_RATE) : int(end * SOUND_RATE)]
        )
    ).strip()
    if not any(character.isalnum() for character in said):
        return None, vectors
    spoken = said.replace('"', " ")
    return parse(spoken), {**vectors, **_meant(spoken, encoders)}


def _loud(sound: Floats, window: float) -> NDArray[np.bool_]:
    """Which windows of a sound can be heard, beside its loudest: silence is like all other silence
    and would find it everywhere."""
    import numpy as np

    step = round(window * SOUND_RATE)
    parts = [sound[start : start + step] for start in range(0, len(sound), step)]
    levels = np.array([np.sqrt(np.mean(np.square(part))) for part in parts])
    return levels >= max(SILENCE, QUIET * float(levels.max(initial=0.0)))


def _mean(rows: Floats) -> Floats:
    import numpy as np

    mean = rows.mean(axis=0, keepdims=True)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


def _media(part: QueryPart) -> bytes | Path:
    value = part.value
    if isinstance(value, bytes):
        if not value:
            raise InvalidQuery(
                "query_empty", f"The query {part.kind} has no bytes.", subject="query"
            )
        return value
    return Path(value)
