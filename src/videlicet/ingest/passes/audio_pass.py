"""The pass over a file's sound: words in chunks, and vectors of everything that sounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.embedding.texts import embed_texts
from videlicet.ingest.passes.assemble import AUDIO_DONE, model_key
from videlicet.ingest.passes.journal import Journal
from videlicet.ingest.passes.levels import Loudness
from videlicet.ingest.passes.speech import SoundCutter, SpeechChunk, SpeechCutter
from videlicet.ingest.passes.task_group import TaskGroup
from videlicet.ingest.plan import IndexingModels, IndexingPlan
from videlicet.media.decode import AudioChunk, AudioRequest, Damage, DecodeEnd, open_audio
from videlicet.models.base import SOUND_RATE
from videlicet.types.kinds import payload_to_json

if TYPE_CHECKING:
    from videlicet.models.base import AudioEncoder, Floats
    from videlicet.settings import Settings
    from videlicet.types import MediaInfo

#: Ranks of the lanes in the pool; pictures have 0 and 1.
SPEECH_RANK, SOUND_RANK = 2, 3
#: The most sound one encoder call takes, in seconds.
SOUND_CALL = 30.0


class AudioPass:
    """One pass over the sound of a file into ``journal``.

    ``advance`` is called with the seconds of sound that are done.
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
        self._speech: list[str] = []
        self._sounds: dict[str, list[str]] = {"sounds": []}

    def run(self) -> None:
        """Read the sound to its end and queue every unit; then :meth:`finish` once the crew has
        finished."""
        speech = SpeechCutter(self._detect) if self._models.speech is not None else None
        cutters = [
            (number, model, SoundCutter(chunk_length(model)))
            for number, model in enumerate(self._models.audio_encoders)
        ]
        start: Fraction | None = None
        loudness = Loudness()
        notes: list[str] = []
        request = AudioRequest(track=self._plan.audio_track)
        with open_audio(self._path, self._settings, request) as events:
            for event in events:
                self._crew.check()
                match event:
                    case AudioChunk():
                        start = event.start if start is None else start
                        loudness.feed(event.samples)
                        for number, model, sounds in cutters:
                            self._queue_sounds(number, model, sounds.feed(event.samples))
                        if speech is not None:
                            self._queue_speech(speech.feed(event.samples))
                        if speech is None and not cutters:
                            self._advance(float(event.end - start))
                    case Damage():
                        notes.append(damage_note("sound", event, self._plan.media))
                    case DecodeEnd():
                        self._crew.add_cpu_time("decode sound", event.cpu)
                        span = event.span
        for number, model, sounds in cutters:
            self._queue_sounds(number, model, sounds.flush())
        if speech is not None:
            self._queue_speech(speech.flush())
        self._facts = {
            "start": str(span.start if start is None else start),
            "span": span.to_json(),
            "speech": self._speech,
            **self._sounds,
            "loudness": loudness.finish(),
            "notes": notes,
        }

    def finish(self) -> None:
        """Write down that the pass is complete."""
        self._journal.put(AUDIO_DONE, self._facts)

    def _detect(self, sound: Floats) -> list[tuple[float, float]]:
        assert self._models.speech is not None
        began = time.thread_time()
        spans = self._models.speech.speech_spans(sound)
        self._crew.add_cpu_time("voice detection", time.thread_time() - began)
        return spans

    def _queue_speech(self, chunks: Iterable[SpeechChunk]) -> None:
        for chunk in chunks:
            key = f"speech:{chunk.start}:{len(chunk.samples)}"
            self._speech.append(key)
            if key in self._journal:
                self._through(chunk)
            else:
                limit = 2 * self._crew.threads
                self._crew.submit("speech", SPEECH_RANK, limit, self._recognising(key, chunk))

    def _recognising(self, key: str, chunk: SpeechChunk) -> Callable[[], None]:
        def unit() -> None:
            assert self._models.speech is not None
            found = self._models.speech.transcribe(chunk.samples)
            rows = [[start, end, payload_to_json(said)] for start, end, said in found]
            vectors = embed_texts(self._models.text, [said.text for _, _, said in found])
            self._journal.put(key, {"start": chunk.start, "said": rows}, {"vectors": vectors})
            self._through(chunk)

        return unit

    def _queue_sounds(
        self, number: int, model: AudioEncoder, chunks: Iterable[SpeechChunk]
    ) -> None:
        keys = self._sounds.setdefault(model_key("sounds", model.card.id, number), [])
        for chunk in chunks:
            key = model_key(f"sound:{chunk.start}:{len(chunk.samples)}", model.card.id, number)
            keys.append(key)
            if key in self._journal:
                self._through(chunk)
            else:
                limit = 2 * self._crew.threads
                unit = partial(self._encode, key, model, chunk)
                self._crew.submit("sound", SOUND_RANK, limit, unit)

    def _encode(self, key: str, model: AudioEncoder, chunk: SpeechChunk) -> None:
        vectors = model.embed(chunk.samples)
        head = {"start": chunk.start, "length": len(chunk.samples)}
        self._journal.put(key, head, {"vectors": vectors})
        self._through(chunk)

    def _through(self, chunk: SpeechChunk) -> None:
        self._advance((chunk.start + len(chunk.samples)) / SOUND_RATE)


def chunk_length(model: AudioEncoder) -> int:
    """Samples per call: as many whole windows as fit, so that no window straddles two calls."""
    windows = max(1, int(SOUND_CALL // model.window))
    return round(windows * model.window * SOUND_RATE)


def damage_note(what: str, damage: Damage, media: MediaInfo) -> str:
    """What an asset's notes say of a stretch that could not be read, from the recording's start."""
    span = damage.span.shift(-media.span.start)
    return f"{what} {float(span.start):.1f}–{float(span.end):.1f} s: {damage.message}"
