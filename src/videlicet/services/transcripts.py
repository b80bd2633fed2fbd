"""What is said in videos: utterances, sentences and words; and transcripts on demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videlicet.errors import NotFound
from videlicet.ingest import files, videos
from videlicet.ingest.indexing import videos_of_file
from videlicet.rights import Purpose
from videlicet.services.assets import AWAITING_CHUNKS, get_asset
from videlicet.services.indexes import hidden_index
from videlicet.services.indexing import index_asset
from videlicet.services.problems import read_only, unknown
from videlicet.types import Modality, Resource, Utterance

if TYPE_CHECKING:
    from videlicet.services.caller import Caller

PENDING, PROCESSING, READY, FAILED = "pending", "processing", "ready", "failed"
#: The hidden index in which assets are transcribed that no index listens to, and its model roles.
INDEX, ROLES = "~transcription", ("text", "speech")

#: Ends a sentence, perhaps before a closing quotation mark or bracket.
_ENDS, _CLOSERS = (".", "!", "?", "…"), "\"'”’)]»"
#: Seconds of silence that end a sentence.
_SILENCE = 2.0


@dataclass(frozen=True, slots=True)
class TimedText:
    """Words with their seconds from the start of the recording."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class SpokenUtterance(TimedText):
    """What one speaker says without a pause; ``words`` is empty where they have no times."""

    words: tuple[TimedText, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """How far the transcript of an asset is, and the transcript once it is ready."""

    status: str
    utterances: tuple[SpokenUtterance, ...] = ()
    error: str | None = None


def transcribe_asset(caller: Caller, asset_id: str) -> Transcript:
    """The transcript of an asset, from any index that listened to it. Where none did, a durable
    task begins that does.

    Raises:
        NotFound: ``asset_not_found``; ``resource_not_found`` for pictures and documents.
        NotPermitted: ``scope_not_permitted``, where a task would have to begin and the caller may
            only read.
    """
    file = get_asset(caller, asset_id)
    if file.status == files.READY and file.body.get("kind") not in ("video", "audio"):
        raise unknown("transcription of asset", asset_id)
    listening = {
        index.id
        for index in caller.catalog.indexes(caller.manage, hidden=True)
        if "speech" in index.cards
    }
    held = [
        video
        for video in videos_of_file(caller.manage, caller.store, file.id)
        if video.parent in listening
    ]
    for video in held:
        if video.status == videos.READY:
            return Transcript(READY, tuple(utterances_of(caller, video)))
    waiting = {video.status for video in held} - {videos.FAILED}
    if waiting:
        return Transcript(PENDING if waiting == {videos.QUEUED} else PROCESSING)
    if held or file.status == files.FAILED:
        return Transcript(FAILED, error=_reason(held, file))
    if file.status == AWAITING_CHUNKS:
        return Transcript(PENDING)
    if not caller.may_write:
        raise read_only(
            "The asset has not been transcribed yet, and the key may only read: index it first, "
            "or use a key that may write."
        )
    index_asset(caller, hidden_index(caller, INDEX, ROLES), file, {}, stream=False)
    return Transcript(PENDING)


def _reason(held: Sequence[Resource], file: Resource) -> str:
    for one in (*held, file):
        if error := one.body.get("error"):
            return str(error["message"])
    return "The asset could not be indexed."


def utterances_of(caller: Caller, video: Resource) -> list[SpokenUtterance]:
    """Everything that is said in a video."""
    scope = caller.scope(Purpose.ANALYZE)
    try:
        origin = caller.catalog.asset(scope, video.id).media.span.start
        rows = caller.catalog.observations(
            caller.scope(Purpose.ANALYZE, video.parent), video.id, Modality.SPEECH
        )
    except NotFound:
        return []
    return [
        SpokenUtterance(
            float(one.span.start - origin),
            float(one.span.end - origin),
            one.payload.text,
            tuple(
                TimedText(float(word.span.start - origin), float(word.span.end - origin), word.text)
                for word in one.payload.words
            ),
        )
        for one in rows
        if isinstance(one.payload, Utterance)
    ]


def words_of(utterances: Sequence[SpokenUtterance]) -> list[TimedText]:
    """All words; an utterance whose words have no times of their own counts as one."""
    return [word for one in utterances for word in one.words or (one,)]


def sentences_of(utterances: Sequence[SpokenUtterance]) -> list[TimedText]:
    """The words joined to sentences, across utterances."""
    return [
        TimedText(words[0].start, words[-1].end, " ".join(word.text.strip() for word in words))
        for words in _sentences(words_of(utterances))
    ]


def _sentences(words: Sequence[TimedText]) -> Iterator[list[TimedText]]:
    current: list[TimedText] = []
    for word in words:
        if current and word.start - current[-1].end > _SILENCE:
            yield current
            current = []
        current.append(word)
        if word.text.strip().rstrip(_CLOSERS).endswith(_ENDS):
            yield current
            current = []
    if current:
        yield current
