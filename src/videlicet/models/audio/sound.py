"""What something sounds like: pooled encoder states of Whisper.

A recogniser's encoder hears more than speech (Gong et al., 2023, "Whisper-AT"): the mean and the
deviation of its states over a few seconds tell sounds apart, once they are whitened. A few of
the states' dimensions are so much larger than the others that unwhitened vectors are all alike.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import ctranslate2
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

from videlicet.models.base import SOUND_RATE, ModelCard
from videlicet.models.weights import open_files
from videlicet.settings import cores

if TYPE_CHECKING:
    from videlicet.models.architectures import LoadModel
    from videlicet.models.base import Floats
    from videlicet.settings import Settings

#: Samples of one feature frame, and of one encoder state.
_FEATURE, _STATE = 160, 320


class WhisperSound:
    """Encodes each window by itself: that is cheaper than padding it to the 30 s Whisper was
    trained on, and a query hears the same as the index whatever was around it."""

    def __init__(self, card: ModelCard, settings: Settings, load: LoadModel) -> None:
        paths = open_files(settings, card)
        self.card = card
        self.dimensions = card.dimensions or 0
        self.window = float(str(card.preprocessing["window"]))
        self._features = FeatureExtractor()
        self._model = ctranslate2.models.Whisper(
            str(paths["model.bin"].parent),
            device="cpu",
            compute_type=str(card.preprocessing["compute"]),
            inter_threads=settings.threads or cores(),
            intra_threads=1,
        )
        self._whitening = Whitening.read()

    def embed(self, sound: Floats) -> Floats:
        """One unit row for each started window, shape (windows, dimensions).

        The last window, where it is not full, reaches back over the one before: a fraction of a
        second says little.
        """
        # Row by row: a product of many rows may differ from theirs in the last bits.
        rows = [self._whitening.apply(row) for row in self.pooled(sound)]
        found = [row / max(float(np.linalg.norm(row)), 1e-12) for row in rows]
        return np.asarray(found, dtype=np.float32).reshape(-1, self.dimensions)

    def pooled(self, sound: Floats) -> Floats:
        """Mean and deviation of the encoder's states for each started window, not whitened."""
        step = round(self.window * SOUND_RATE)
        starts = range(0, len(sound), step)
        rows = [self._pool(sound[max(0, min(s, len(sound) - step)) :][:step]) for s in starts]
        return np.stack(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def _pool(self, part: Floats) -> Floats:
        padded = np.zeros(round(self.window * SOUND_RATE), np.float32)
        padded[: len(part)] = part
        features = self._features(padded)[None, :, : len(padded) // _FEATURE]
        given = ctranslate2.StorageView.from_array(np.ascontiguousarray(features, np.float32))
        states = np.array(self._model.encode(given, to_cpu=True), dtype=np.float32)[0]
        heard = states[: max(1, len(part) // _STATE)]
        return np.concatenate([heard.mean(axis=0), heard.std(axis=0)])


class Whitening:
    """Statistics of sounds made for the purpose (``scripts/make_sound_whitening.py``), so that a
    vector never depends on what else is in an index."""

    def __init__(self, mean: Floats, scale: Floats, directions: Floats, gains: Floats) -> None:
        self.mean, self.scale, self.directions, self.gains = mean, scale, directions, gains

    @classmethod
    def read(cls) -> Whitening:
        with (
            as_file(files("videlicet.models.audio") / "sound_whitening.npz") as path,
            np.load(path, allow_pickle=False) as arrays,
        ):
            return cls(
                *(arrays[k].astype(np.float32) for k in ("mean", "scale", "directions", "gains"))
            )

    @classmethod
    def fit(cls, rows: Floats, directions: int, floor: float) -> Whitening:
        """Zero mean and unit deviation for each dimension, then less gain for the ``directions``
        in which the dimensions vary together; ``floor`` bounds the loss."""
        mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
        power, vectors = np.linalg.eigh(np.cov(((rows - mean) / scale).T))
        power, vectors = power[::-1][:directions], vectors[:, ::-1][:, :directions]
        gains = np.sqrt(floor / (np.maximum(power, 0) + floor)) - 1
        return cls(mean, scale, vectors, gains)

    def apply(self, rows: Floats) -> Floats:
        level = (rows - self.mean) / self.scale
        lost = ((level @ self.directions) * self.gains) @ self.directions.T
        return np.asarray(level + lost, dtype=np.float32)
