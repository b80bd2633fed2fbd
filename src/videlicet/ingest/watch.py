"""The pass over a file's pictures: shots, what is seen, and what is written on the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.ingest.assemble import WATCHED
from videlicet.ingest.journal import Journal
from videlicet.ingest.listen import damage_note
from videlicet.ingest.plan import Models, Plan
from videlicet.ingest.pool import Crew
from videlicet.media.decode import Damage, DecodedFrame, End, ShotCut, VideoRequest, open_video

if TYPE_CHECKING:
    from videlicet.settings import Settings

#: Ranks of the lanes in the pool; sound has 2 and 3.
TEXT_RANK, VISION_RANK = 0, 1
#: Sampled frames are at most this many pixels wide or high: enough to read 720p text.
LARGEST = 1280


class Watcher:
    """One pass over the pictures of a file into ``journal``.

    ``advance`` is told how many seconds of pictures are through.
    """

    def __init__(
        self,
        path: Path,
        plan: Plan,
        models: Models,
        crew: Crew,
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

    def run(self) -> None:
        """Read the pictures to their end and queue every unit; then :meth:`conclude` once the
        crew has finished."""
        cuts: list[str] = []
        notes: list[str] = []
        request = VideoRequest(rate=self._settings.sample_rate, max_side=LARGEST)
        with open_video(self._path, self._settings, request) as events:
            for event in events:
                self._crew.check()
                match event:
                    case DecodedFrame():
                        self._frame(event)
                    case ShotCut():
                        cuts.append(str(event.time))
                    case Damage():
                        notes.append(damage_note("pictures", event))
                    case End():
                        self._crew.book("decode pictures", event.cpu)
                        span = event.span
        self._queue_batch()
        self._facts = {
            "span": span.to_json(),
            "cuts": cuts,
            "batches": self._batches,
            "notes": notes,
        }

    def conclude(self) -> None:
        """Write down that the pass is complete."""
        self._journal.put(WATCHED, self._facts)

    def _frame(self, frame: DecodedFrame) -> None:
        if self._models.vision is None:
            self._through(frame)
            return
        self._batch.append(frame)
        if len(self._batch) == self._models.vision.batch_size:
            self._queue_batch()

    def _queue_batch(self) -> None:
        if not self._batch:
            return
        batch, self._batch = self._batch, []
        key = f"seen:{batch[0].time}:{batch[-1].time}:{len(batch)}"
        self._batches.append(key)
        if key in self._journal:
            self._through(batch[-1])
        else:
            limit = self._crew.threads + 1
            self._crew.submit("vision", VISION_RANK, limit, self._seeing(key, batch))

    def _seeing(self, key: str, batch: list[DecodedFrame]) -> Callable[[], None]:
        def unit() -> None:
            assert self._models.vision is not None
            seen = self._models.vision.see([frame.image for frame in batch])
            head = {"times": [str(frame.time) for frame in batch], "labels": seen.labels}
            arrays = {"features": seen.features, "semantics": seen.semantics}
            self._journal.put(key, head, arrays)
            self._through(batch[-1])

        return unit

    def _through(self, frame: DecodedFrame) -> None:
        self._advance(float(frame.time + frame.duration - self._plan.media.span.start))
