"""The pass over a file's pictures: shots, what is seen, and what is written on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.embedding.texts import embed_texts
from videlicet.ingest.passes.assemble import SCREEN_TEXT, VIDEO_DONE, model_key
from videlicet.ingest.passes.audio_pass import damage_note
from videlicet.ingest.passes.journal import Journal
from videlicet.ingest.passes.levels import Motion
from videlicet.ingest.passes.task_group import SerialQueue, TaskGroup
from videlicet.ingest.plan import IndexingModels, IndexingPlan
from videlicet.media.cut import load_image
from videlicet.media.decode import (
    Damage,
    DecodedFrame,
    DecodeEnd,
    ShotCut,
    VideoRequest,
    open_video,
)
from videlicet.media.records import VideoEvent
from videlicet.models.base import TextLine
from videlicet.models.ocr.tracker import TextTracker
from videlicet.types import Box, Instant
from videlicet.types.asset import PICTURE
from videlicet.types.kinds import kind_of, payload_to_json

if TYPE_CHECKING:
    from videlicet.models.base import Frame, FrameEncoder, FrameObserver, OcrReader
    from videlicet.settings import Settings

#: Ranks of the lanes in the pool; sound has 2 and 3.
TEXT_RANK, VISION_RANK = 0, 1
#: Frames that may wait for the text lane while it reads one.
MAX_QUEUED_FRAMES = 16
#: Sampled frames are at most this many pixels wide or high: enough to read 720p text.
MAX_SIDE = 1280


class OcrLane:
    """The text lane: frames go through the tracker in order, one at a time; what the reader finds
    and reads on the way is journalled by the frame's time."""

    def __init__(
        self, models: IndexingModels, reader: OcrReader, crew: TaskGroup, journal: Journal
    ) -> None:
        self._models = models
        self._journal = journal
        self._strand = SerialQueue(crew, "text", TEXT_RANK, MAX_QUEUED_FRAMES)
        self._reader = JournaledReader(reader, journal)
        self._tracker = TextTracker(self._reader)

    def add_frame(self, frame: DecodedFrame, *, cut: bool) -> None:
        """Queue one sampled frame; ``cut`` says that a new shot begins with it."""

        def unit() -> None:
            self._reader.time = frame.time
            self._tracker.add_frame(frame.time, frame.image, cut=cut)

        self._strand.submit(unit)

    def finish(self, end: Instant) -> None:
        """Queue the end: the texts and their vectors go into the journal."""

        def unit() -> None:
            texts = self._tracker.finish(end)
            rows = [[*span.to_json(), payload_to_json(text)] for span, text in texts]
            vectors = embed_texts(self._models.text, [text.text for _, text in texts])
            counts = {
                "looks": self._tracker.frames_seen,
                "finds": self._tracker.finds,
                "reads": self._tracker.reads,
            }
            self._journal.put(SCREEN_TEXT, {"texts": rows, **counts}, {"vectors": vectors})

        self._strand.submit(unit)


class JournaledReader:
    """A reader that never reads the same frame twice, not even after a restart."""

    def __init__(self, reader: OcrReader, journal: Journal) -> None:
        self.card = reader.card
        self.time = Instant(0)
        self._reader = reader
        self._journal = journal

    def find(self, frame: Frame) -> list[Box]:
        """Where text is in the frame of ``time``."""
        key = f"find:{self.time}"
        entry = self._journal.get(key)
        if entry is not None:
            return [Box(*box) for box in entry.head]
        boxes = self._reader.find(frame)
        self._journal.put(key, [_corners(box) for box in boxes])
        return boxes

    def read(self, frame: Frame) -> list[TextLine]:
        """Every line of text in the frame of ``time``."""
        key = f"read:{self.time}"
        entry = self._journal.get(key)
        if entry is not None:
            return [TextLine(text, Box(*box), sure) for text, box, sure in entry.head]
        lines = self._reader.read(frame)
        self._journal.put(key, [[one.text, _corners(one.box), one.confidence] for one in lines])
        return lines


def _corners(box: Box) -> list[float]:
    return [float(side) for side in (box.x, box.y, box.width, box.height)]


@contextmanager
def _opened(path: Path, plan: IndexingPlan, settings: Settings) -> Iterator[Iterator[VideoEvent]]:
    """The frames of a video, or the one frame of a picture."""
    if plan.media.container != PICTURE:
        request = VideoRequest(rate=plan.sample_rate, max_side=MAX_SIDE)
        with open_video(path, settings, request) as events:
            yield events
        return
    span = plan.media.span
    image = load_image(path, settings, max_side=MAX_SIDE)
    yield iter([DecodedFrame(span.start, span.duration, 0, image), DecodeEnd(span, 1, 0.0, 0)])


class VideoPass:
    """One pass over the pictures of a file into ``journal``.

    ``advance`` is called with the seconds of pictures that are done.
    """

    def __init__(
        self,
        path: Path,
        plan: IndexingPlan,
        models: IndexingModels,
        crew: TaskGroup,
        journal: Journal,
        settings: Settings,
        advance: Callable[[float], None],
    ) -> None:
        self._path = path
        self._plan = plan
        self._models = models
        self._crew = crew
        self._journal = journal
        self._settings = settings
        self._advance = advance
        self._batches: list[str] = []
        self._batch: list[DecodedFrame] = []
        sizes = [one.batch_size for one in models.frame_encoders]
        sizes += [one.batch_size for one in models.observers]
        self._batch_size = min(sizes, default=0)
        self._screen = None
        if models.ocr is not None:
            self._screen = OcrLane(models, models.ocr, crew, journal)

    def run(self) -> None:
        """Read the pictures to their end and queue every unit; then :meth:`finish` once the
        crew has finished."""
        cuts: list[str] = []
        cut = False
        motion = Motion()
        notes: list[str] = []
        with _opened(self._path, self._plan, self._settings) as events:
            for event in events:
                self._crew.check()
                match event:
                    case DecodedFrame():
                        if self._screen is not None:
                            self._screen.add_frame(event, cut=cut)
                        motion.look(event.time, event.image, cut=cut)
                        self._frame(event)
                        cut = False
                    case ShotCut():
                        cuts.append(str(event.time))
                        cut = True
                    case Damage():
                        notes.append(damage_note("pictures", event, self._plan.media))
                    case DecodeEnd():
                        self._crew.add_cpu_time("decode pictures", event.cpu)
                        span = event.span
        self._queue_batch()
        if self._screen is not None:
            self._screen.finish(span.end)
        self._facts = {
            "span": span.to_json(),
            "cuts": cuts,
            "batches": self._batches,
            "motion": [str(span.start if motion.start is None else motion.start), motion.values],
            "notes": notes,
        }

    def finish(self) -> None:
        """Write down that the pass is complete."""
        self._journal.put(VIDEO_DONE, self._facts)

    def _frame(self, frame: DecodedFrame) -> None:
        if not self._batch_size:
            self._through(frame)
            return
        self._batch.append(frame)
        if len(self._batch) == self._batch_size:
            self._queue_batch()

    def _queue_batch(self) -> None:
        if not self._batch:
            return
        batch, self._batch = self._batch, []
        key = f"seen:{batch[0].time}:{batch[-1].time}:{len(batch)}"
        self._batches.append(key)
        for number, encoder in enumerate(self._models.frame_encoders):
            own = model_key(key, encoder.card.id, number)
            self._queue_unit(own, batch, partial(self._encode, own, encoder, batch))
        for observer in self._models.observers:
            own = model_key(key, observer.card.id)
            self._queue_unit(own, batch, partial(self._observe, own, observer, batch))

    def _queue_unit(self, key: str, batch: list[DecodedFrame], unit: Callable[[], None]) -> None:
        if key in self._journal:
            self._through(batch[-1])
        else:
            self._crew.submit("vision", VISION_RANK, self._crew.threads + 1, unit)

    def _encode(self, key: str, encoder: FrameEncoder, batch: list[DecodedFrame]) -> None:
        found = encoder.encode_frames([frame.image for frame in batch])
        arrays = {"features": found.features}
        if found.semantics is not None:
            arrays["semantics"] = found.semantics
        labels = found.labels or [()] * len(batch)
        self._journal.put(key, {"times": _times(batch), "labels": labels}, arrays)
        self._through(batch[-1])

    def _observe(self, key: str, observer: FrameObserver, batch: list[DecodedFrame]) -> None:
        found = observer.observe([frame.image for frame in batch])
        rows = [[payload_to_json(one) for one in payloads] for payloads in found]
        texts = [kind_of(one).text(one) or "" for payloads in found for one in payloads]
        vectors = embed_texts(self._models.text, texts)
        self._journal.put(key, {"times": _times(batch), "found": rows}, {"vectors": vectors})
        self._through(batch[-1])

    def _through(self, frame: DecodedFrame) -> None:
        self._advance(float(frame.time + frame.duration - self._plan.media.span.start))


def _times(batch: list[DecodedFrame]) -> list[str]:
    return [str(frame.time) for frame in batch]
