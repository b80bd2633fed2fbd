"""What is said: Whisper (Radford et al., 2022) through faster-whisper and CTranslate2."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.transcribe import Segment

from videlicet.models.audio.voice import VoiceDetector
from videlicet.models.base import SOUND_RATE, ModelCard
from videlicet.models.weights import open_files
from videlicet.settings import cores
from videlicet.types import Span, Utterance, Word

if TYPE_CHECKING:
    from videlicet.models.architectures import LoadModel
    from videlicet.models.base import Floats
    from videlicet.settings import Settings

#: The most sound one call reads, in seconds.
LONGEST = 30.0
#: Below this peak (-66 dB) there is nothing to recognise.
_SILENT = 5e-4
#: A pause that ends an utterance, and the lengths between which sentences are joined (seconds).
_PAUSE = 1.0
_SHORT, _LONG = 2.5, 8.0
_ENDS = (".", "?", "!", "…", "。", "？", "！")


class Whisper:
    """Recogniser and voice detector. Several threads may transcribe at once, one core each."""

    def __init__(self, card: ModelCard, settings: Settings, load: LoadModel) -> None:
        files = open_files(settings, card)
        given = card.preprocessing
        self.card = card
        self._beam = int(str(given["beam"]))
        self._no_speech = float(str(given["no_speech"]))
        self._least = float(str(given["least_log_probability"]))
        self._most = float(str(given["most_compression"]))
        self._voice = VoiceDetector(files["silero_vad_v6.onnx"])
        # Given a folder, faster-whisper reads it and asks no hub.
        self._model = WhisperModel(
            str(files["model.bin"].parent),
            device="cpu",
            compute_type=str(given["compute"]),
            cpu_threads=1,
            num_workers=settings.threads or cores(),
            local_files_only=True,
        )

    def speech_spans(self, sound: Floats) -> list[tuple[float, float]]:
        """Where somebody speaks, in seconds from the start of ``sound``."""
        return self._voice.spans(sound)

    def transcribe(
        self, sound: Floats, language: str | None = None
    ) -> list[tuple[float, float, Utterance]]:
        """Up to 30 s of ``sound``, in which speech was found, as (start, end, utterance).

        Times count from the start of ``sound``. Only greedy or beam decoding is used, never
        sampling, so the same sound always gives the same words. What Whisper itself marks as
        probably not speech, or repeats without end, is left out.

        Raises:
            ValueError: ``sound`` is longer than 30 s.
        """
        if len(sound) > LONGEST * SOUND_RATE:
            raise ValueError(f"at most {LONGEST:.0f} s can be transcribed at once")
        if not len(sound) or float(np.abs(sound).max()) < _SILENT:
            return []
        segments, spoken = self._decode(sound, language, 1.0)
        if any(segment.compression_ratio > self._most for segment in segments):
            # Caught in a loop: once more, and this time repetition costs.
            again, _ = self._decode(sound, spoken, 1.15)
            segments = again
        words = [word for s in segments if self._plausible(s) for word in _words(s)]
        limit = len(sound) / SOUND_RATE
        return [_utterance(group, spoken, limit) for group in utterances(words)]

    def _decode(
        self, sound: Floats, language: str | None, penalty: float
    ) -> tuple[list[Segment], str]:
        found, info = self._model.transcribe(
            sound,
            language=language,
            beam_size=self._beam,
            temperature=0.0,
            repetition_penalty=penalty,
            condition_on_previous_text=False,
            word_timestamps=True,
            no_speech_threshold=self._no_speech,
            log_prob_threshold=self._least,
            compression_ratio_threshold=None,
            vad_filter=False,
        )
        return list(found), info.language

    def _plausible(self, segment: Segment) -> bool:
        quiet = segment.no_speech_prob > self._no_speech and segment.avg_logprob < self._least
        return not quiet and segment.compression_ratio <= self._most


def _words(segment: Segment) -> list[Word]:
    return [
        Word(
            w.word, Span.of(float(w.start), max(float(w.start), float(w.end))), float(w.probability)
        )
        for w in segment.words or ()
    ]


def utterances(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Words grouped into sentences. A pause always ends one; short ones are joined with their
    neighbours as long as together they stay short."""
    groups: list[list[Word]] = []
    for sentence in _sentences(words):
        if groups:
            last = groups[-1]
            gap = sentence[0].span.start - last[-1].span.end
            both = sentence[-1].span.end - last[0].span.start
            short = min(_length(last), _length(sentence)) < _SHORT
            if gap < _PAUSE and both <= _LONG and short:
                last.extend(sentence)
                continue
        groups.append(list(sentence))
    yield from groups


def _sentences(words: Sequence[Word]) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word in words:
        if group and (
            word.span.start - group[-1].span.end >= _PAUSE
            or group[-1].text.rstrip().endswith(_ENDS)
        ):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _length(words: Sequence[Word]) -> float:
    return float(words[-1].span.end - words[0].span.start)


def _utterance(
    words: Sequence[Word], language: str, limit: float
) -> tuple[float, float, Utterance]:
    text = "".join(word.text for word in words).strip()
    kept = tuple(replace(word, text=word.text.strip()) for word in words)
    sure = math.exp(sum(math.log(max(w.probability, 1e-6)) for w in words) / len(words))
    start = min(float(words[0].span.start), limit)
    end = min(max(float(words[-1].span.end), start), limit)
    return start, end, Utterance(text, language, sure, kept)
