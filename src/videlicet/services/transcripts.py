"""What is said in videos: utterances, sentences and words; and transcripts on demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videlicet.errors import NotFound
from videlicet.rights import Purpose
from videlicet.services.assets import get_asset
from videlicet.services.indexes import hidden_index
from videlicet.services.indexing import index_asset
from videlicet.services.problems import read_only, unknown
from videlicet.types import Asset, AssetStatus, Modality, Utterance, Video, VideoStatus

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
    asset = get_asset(caller, asset_id)
    if asset.status is AssetStatus.READY and asset.type not in ("video", "audio"):
        raise unknown("transcription of asset", asset_id)
    listening = {
        index.id
        for index in caller.catalog.indexes(caller.manage, hidden=True)
        if "speech" in index.cards
    }
    videos = [
        video
        for video in caller.catalog.videos(caller.manage, asset_id=asset.id)
        if video.index_id in listening
    ]
    for video in videos:
        if video.status is VideoStatus.READY:
            return Transcript(READY, tuple(utterances_of(caller, video)))
    waiting = {video.status for video in videos} - {VideoStatus.FAILED}
    if waiting:
        return Transcript(PENDING if waiting == {VideoStatus.QUEUED} else PROCESSING)
    if videos or asset.status is AssetStatus.FAILED:
        return Transcript(FAILED, error=_reason(videos, asset))
    if asset.status is AssetStatus.WAITING:
        return Transcript(PENDING)
    if not caller.may_write:
        raise read_only(
            "The asset has not been transcribed yet, and the key may only read: index it first, "
            "or use a key that may write."
        )
    index_asset(caller, hidden_index(caller, INDEX, ROLES), asset, {}, stream=False)
    return Transcript(PENDING)


def _reason(videos: Sequence[Video], asset: Asset) -> str:
    for error in (*(video.error for video in videos), asset.error):
        if error:
            return str(error["message"])
    return "The asset could not be indexed."


def utterances_of(caller: Caller, video: Video) -> list[SpokenUtterance]:
    """Everything that is said in a video."""
    origin = video.asset.media.span.start
    try:
        rows = caller.catalog.observations(
            caller.scope(Purpose.ANALYZE, video.index_id), video.asset_id, Modality.SPEECH
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
