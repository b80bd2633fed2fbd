"""Queries into the spaces that the index was built in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from videlicet.errors import InvalidQuery
from videlicet.models.base import (
    SOUND_RATE,
    AudioEncoder,
    FrameEncoder,
    SpeechRecognizer,
    TextEncoder,
)
from videlicet.models.cards import card
from videlicet.search.lanes import FindCard, Lane, lanes_of
from videlicet.search.words import Words, parse
from videlicet.settings import Settings
from videlicet.types import PartKind, QueryPart

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from videlicet.models.base import Frame

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
    """The models of an index that queries need; ``load`` is called with a card's id the first time
    a model is needed."""

    cards: Mapping[str, str]
    load: Callable[[str], Any]
    find_card: FindCard = card
    _loaded: dict[str, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes of the index."""
        return lanes_of(self.cards, self.find_card)

    def model(self, id: str) -> Any:
        """The model of a card."""
        if id not in self._loaded:
            self._loaded[id] = self.load(id)
        return self._loaded[id]

    @property
    def text(self) -> TextEncoder:
        """What the texts of the index are encoded with."""
        return cast("TextEncoder", self.model(self.cards["text"]))

    @property
    def vision(self) -> FrameEncoder:
        """The first frame encoder."""
        return cast("FrameEncoder", self.model(self.cards["vision"]))

    @property
    def sound(self) -> AudioEncoder:
        """The first audio encoder."""
        return cast("AudioEncoder", self.model(self.cards["sound"]))

    @property
    def speech(self) -> SpeechRecognizer:
        return cast("SpeechRecognizer", self.model(self.cards["speech"]))

    def encoders_for(self, kind: PartKind, role: str) -> list[str]:
        """The cards of a role that a part of a query is encoded with."""
        found = {lane.encoder: None for lane in self.lanes if kind in lane.queries and lane.encoder}
        return [id for id in found if self.find_card(id).role == role]


@dataclass(frozen=True, slots=True)
class EncodedPart:
    """One part of a query, ready for the lanes.

    ``vectors`` holds, by the card that encoded it, unit rows of shape (n, d); a row of the index is
    scored by its best match among them.
    """

    kind: PartKind
    weight: float
    words: Words | None = None
    vectors: Mapping[str, Floats] = field(default_factory=dict)


def encode(part: QueryPart, encoders: Encoders, settings: Settings) -> EncodedPart:
    """One part of a query in every space it can be looked for in.

    Raises:
        InvalidQuery: empty, too long, not readable as the kind of media it is said to be, or of a
            kind that nothing in the index can be compared with.
    """
    if not any(part.kind in lane.queries for lane in encoders.lanes):
        raise InvalidQuery(
            "modality_not_indexed",
            f"The index was built with nothing that a query of the kind {part.kind.value} finds.",
            subject=part.kind.value,
        )
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
    return EncodedPart(
        part.kind, part.weight, words, _encode_words(part.kind, words.text, encoders)
    )


def _encode_words(kind: PartKind, text: str, encoders: Encoders) -> dict[str, Floats]:
    """What a text means; nothing where an encoder knows no part of it. It may still be found by
    its words."""
    from videlicet.embedding.texts import embed_texts

    found = {
        id: embed_texts(encoders.model(id), [text]) for id in encoders.encoders_for(kind, "text")
    }
    return {id: rows for id, rows in found.items() if rows.any()}


def _encode_frames(
    kind: PartKind, frames: Sequence[Frame], encoders: Encoders
) -> dict[str, Floats]:
    """What pictures look like, as rows of each frame encoder."""
    return {
        id: encoders.model(id).encode_frames(frames).features
        for id in encoders.encoders_for(kind, "vision")
    }


def _encode_image(part: QueryPart, encoders: Encoders, settings: Settings) -> EncodedPart:
    from videlicet.media.cut import load_image

    frame = load_image(_media(part), settings)
    return EncodedPart(part.kind, part.weight, None, _encode_frames(part.kind, [frame], encoders))


def _encode_sound(part: QueryPart, encoders: Encoders, settings: Settings) -> EncodedPart:
    from videlicet.media.cut import load_sound

    sound = load_sound(_media(part), settings)[: int(LONGEST_SOUND * SOUND_RATE)]
    words, vectors = _encode_audio(part.kind, sound, encoders)
    return EncodedPart(part.kind, part.weight, words, vectors)


def _encode_clip(part: QueryPart, encoders: Encoders, settings: Settings) -> EncodedPart:
    from videlicet.media.cut import load_clip

    clip = load_clip(_media(part), settings, frames=CLIP_FRAMES)
    words, vectors = (
        (None, {}) if clip.sound is None else _encode_audio(part.kind, clip.sound, encoders)
    )
    encoded = _encode_frames(part.kind, clip.frames, encoders)
    means = {id: _mean(rows) for id, rows in encoded.items()}
    return EncodedPart(part.kind, part.weight, words, {**vectors, **means})


def _encode_audio(
    kind: PartKind, sound: Floats, encoders: Encoders
) -> tuple[Words | None, dict[str, Floats]]:
    """What a query sound says, if anybody speaks in it, and what it sounds like."""
    vectors = {}
    for id in encoders.encoders_for(kind, "sound"):
        model = encoders.model(id)
        loud = _loud(sound, model.window)
        if loud.any():
            vectors[id] = model.embed(sound)[loud]
    said = _transcribe(sound, encoders) if "speech" in encoders.cards else ""
    if not any(character.isalnum() for character in said):
        return None, vectors
    spoken = said.replace('"', " ")
    return parse(spoken), {**vectors, **_encode_words(kind, spoken, encoders)}


def _transcribe(sound: Floats, encoders: Encoders) -> str:
    return " ".join(
        utterance.text
        for start, end in encoders.speech.speech_spans(sound)
        for _, _, utterance in encoders.speech.transcribe(
            sound[int(start * SOUND_RATE) : int(end * SOUND_RATE)]
        )
    ).strip()


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
