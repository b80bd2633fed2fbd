"""What something sounds like: pooled encoder states of Whisper.

A recogniser's encoder hears more than speech (Gong et al., 2023, "Whisper-AT"): the mean and the
deviation of its states over a few seconds tell sounds apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ctranslate2
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

from videlicet.models.base import SOUND_RATE, ModelCard
from videlicet.models.weights import open_files
from videlicet.settings import cores

if TYPE_CHECKING:
    from videlicet.models.base import Floats
    from videlicet.settings import Settings

#: What the encoder reads at once: 30 s as 3,000 feature frames and 1,500 states.
_READS, _STATES = 30, 1500
_PER_SECOND = _STATES // _READS


class WhisperSound:
    """Encodes 30 s at a time and pools inside it: padding every window to the 30 s that the
    encoder reads would cost many times as much."""

    def __init__(self, card: ModelCard, settings: Settings) -> None:
        files = open_files(settings, card)
        self.card = card
        self.space = card.id
        self.dimensions = card.dimensions or 0
        self.window = float(str(card.preprocessing["window"]))
        self._features = FeatureExtractor()
        self._model = ctranslate2.models.Whisper(
            str(files["model.bin"].parent),
            device="cpu",
            compute_type=str(card.preprocessing["compute"]),
            inter_threads=settings.threads or cores(),
            intra_threads=1,
        )

    def embed(self, sound: Floats) -> Floats:
        """One unit row for each started window, shape (windows, dimensions)."""
        step = round(self.window * SOUND_RATE)
        call = max(1, _READS * SOUND_RATE // step) * step
        rows = [np.zeros((0, self.dimensions), np.float32)]
        for first in range(0, len(sound), call):
            rows.append(self._pool(sound[first : first + call], step))
        return np.concatenate(rows)

    def _pool(self, sound: Floats, step: int) -> Floats:
        padded = np.zeros(_READS * SOUND_RATE, np.float32)
        padded[: len(sound)] = sound
        features = self._features(padded)[None, :, : 2 * _STATES]
        given = ctranslate2.StorageView.from_array(np.ascontiguousarray(features, np.float32))
        states = np.array(self._model.encode(given, to_cpu=True), dtype=np.float32)[0]
        rows = []
        for first in range(0, len(sound), step):
            last = min(first + step, len(sound))
            begin = first * _PER_SECOND // SOUND_RATE
            end = max(begin + 1, last * _PER_SECOND // SOUND_RATE)
            part = states[begin:end]
            rows.append(np.concatenate([part.mean(axis=0), part.std(axis=0)]))
        found = np.stack(rows)
        return np.asarray(
            found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12), np.float32
        )
