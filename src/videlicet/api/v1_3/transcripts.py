"""What is said in videos, in utterances, sentences and words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from videlicet.api.v1_3.common import Caller
from videlicet.api.v1_3.schemas.videos import Word
from videlicet.errors import NotFound
from videlicet.rights import Purpose
from videlicet.types import Modality, Resource, Utterance

#: Ends a sentence, perhaps before a closing quotation mark or bracket.
_ENDS, _CLOSERS = (".", "!", "?", "…"), "\"'”’)]»"
#: Seconds of silence after which nobody goes on with a sentence.
_SILENCE = 2.0


@dataclass(frozen=True, slots=True)
class Said:
    """An utterance in seconds from the start of its recording."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()


def speech_of(call: Caller, video: Resource) -> list[Said]:
    """Everything that is said in a video."""
    try:
        scope = call.scope(Purpose.ANALYZE, video.parent)
        origin = call.catalog.asset(scope, video.id).media.span.start
    except NotFound:
        return []
    return [
        Said(
            float(one.span.start - origin),
            float(one.span.end - origin),
            one.payload.text,
            tuple(
                Word(
                    start=float(word.span.start - origin),
                    end=float(word.span.end - origin),
                    value=word.text,
                )
                for word in one.payload.words
            ),
        )
        for one in call.catalog.observations(scope, video.id, Modality.SPEECH)
        if isinstance(one.payload, Utterance)
    ]


def words_of(said: Sequence[Said]) -> list[Word]:
    """All words; an utterance whose words have no times of their own counts as one."""
    return [
        word
        for one in said
        for word in one.words or (Word(start=one.start, end=one.end, value=one.text),)
    ]


def sentences_of(said: Sequence[Said]) -> list[Word]:
    """The words joined to sentences, across utterances."""
    return [
        Word(
            start=words[0].start, end=words[-1].end, value=" ".join(w.value.strip() for w in words)
        )
        for words in _sentences(words_of(said))
    ]


def _sentences(words: Sequence[Word]) -> Iterator[list[Word]]:
    open_: list[Word] = []
    for word in words:
        if open_ and word.start - open_[-1].end > _SILENCE:
            yield open_
            open_ = []
        open_.append(word)
        if word.value.strip().rstrip(_CLOSERS).endswith(_ENDS):
            yield open_
            open_ = []
    if open_:
        yield open_
