"""Make ``src/videlicet/models/audio/sound_whitening.npz``, by which sound vectors are whitened.

It says what the sound model's states are like over sounds of every kind, all of them generated
here: noises, tones, melodies, voices made of pulses and moving formants, clicks, sweeps, and
mixtures of these. No recording is used, so nothing is tuned to any.

    python scripts/make_sound_whitening.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videlicet import settings
from videlicet.models import registry
from videlicet.models.audio.sound import Whitening
from videlicet.models.base import SOUND_RATE as RATE

SECONDS = 12
COUNT = RATE * SECONDS
DIRECTIONS, FLOOR = 96, 0.1
OUT = Path(__file__).parent.parent / "src/videlicet/models/audio/sound_whitening.npz"

Sound = NDArray[np.float64]


def swell(sound: Sound, rate: float, random: np.random.Generator) -> Sound:
    """The sound with a loudness that changes ``rate`` times a second, as in speech."""
    knots = random.random(int(SECONDS * rate) + 2) ** 2
    return sound * np.interp(np.arange(COUNT), np.linspace(0, COUNT, len(knots)), knots)


def band(sound: Sound, low: float, high: float) -> Sound:
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(COUNT, 1 / RATE)
    spectrum[(hertz < low) | (hertz > high)] = 0
    return np.fft.irfft(spectrum, COUNT)


def noises(random: np.random.Generator) -> Iterator[Sound]:
    for slope in (0.0, 0.5, 1.0):
        spectrum = np.fft.rfft(random.normal(size=COUNT))
        noise = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 1) ** slope, COUNT)
        yield noise
        yield swell(noise, 4, random)
        yield swell(noise, 12, random)
        for low, high in ((100, 800), (800, 3000), (3000, 7500)):
            yield swell(band(noise, low, high), 6, random)


def tones(random: np.random.Generator) -> Iterator[Sound]:
    time = np.arange(COUNT) / RATE
    for pitch in (60, 110, 220, 440, 880, 1760, 3520):
        yield np.sin(2 * np.pi * pitch * time)
        steps = np.repeat(random.integers(-5, 8, 24), COUNT // 24)
        phase = 2 * np.pi * np.cumsum(pitch * 2 ** (steps / 12)) / RATE
        yield swell(sum(np.sin(k * phase) / k for k in range(1, 8)), 5, random)
    yield np.sin(2 * np.pi * (50 * time + (7900 - 50) / (2 * SECONDS) * time**2))


def voices(random: np.random.Generator) -> Iterator[Sound]:
    time = np.arange(COUNT) / RATE
    hertz = np.fft.rfftfreq(RATE // 10, 1 / RATE)
    for _ in range(12):
        pitch = random.uniform(90, 260) * (
            1 + 0.1 * np.sin(2 * np.pi * random.uniform(0.3, 1.5) * time)
        )
        pulses = np.mod(np.cumsum(pitch) / RATE, 1) - 0.5 + 0.05 * random.normal(size=COUNT)
        parts = []
        for chunk in pulses.reshape(-1, RATE // 10):
            formants = zip(
                (random.uniform(250, 900), random.uniform(800, 2500), random.uniform(2200, 3500)),
                (80, 120, 160),
                strict=True,
            )
            shape = sum(1 / (1 + ((hertz - at) / width) ** 2) for at, width in formants)
            parts.append(np.fft.irfft(np.fft.rfft(chunk) * shape, len(chunk)))
        yield swell(np.concatenate(parts), 4, random)


def clicks(random: np.random.Generator) -> Iterator[Sound]:
    time = np.arange(COUNT) / RATE
    for rate in (2, 7, 20):
        for decay, body in ((0.006, np.sin(2 * np.pi * 900 * time)), (0.001, None)):
            hits = np.zeros(COUNT)
            hits[(random.random(SECONDS * rate) * COUNT).astype(int)] = 1
            tail = np.exp(-np.arange(RATE // 5) / (decay * RATE))
            ring = np.convolve(hits, tail)[:COUNT]
            yield ring * (random.normal(size=COUNT) if body is None else body)


def sounds() -> Iterator[NDArray[np.float32]]:
    random = np.random.default_rng(0)
    made = [*noises(random), *tones(random), *voices(random), *clicks(random)]
    made = [sound / np.abs(sound).max() for sound in made]
    order = random.permutation(len(made))
    made += [made[i] + made[j] for i, j in zip(order[::2], order[1::2], strict=False)]
    for sound in made:
        yield (sound / np.abs(sound).max() * 0.5).astype(np.float32)


def main() -> None:
    model = registry.load("sound", settings.load())
    rows = np.concatenate([model.pooled(sound) for sound in sounds()])
    found = Whitening.fit(rows, DIRECTIONS, FLOOR)
    np.savez_compressed(
        OUT,
        mean=found.mean.astype(np.float32),
        scale=found.scale.astype(np.float32),
        directions=found.directions.astype(np.float16),
        gains=found.gains.astype(np.float32),
    )
    print(f"{OUT.name}: {len(rows)} windows, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
