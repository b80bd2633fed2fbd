"""High dynamic range pictures made fit for eyes and models that know standard range.

PQ is SMPTE ST 2084, HLG is ARIB STD-B67 with the system gamma of ITU-R BT.2100 for a 1,000 cd/m²
display. Highlights are rolled off by the curve of ITU-R BT.2390 (section 5.4), on the largest of
the three components so that hues stay, down to the 203 cd/m² reference white of ITU-R BT.2408.
Then BT.2020 primaries become BT.709 and the picture is encoded as sRGB.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

_PEAK = 1000.0
_WHITE = 203.0
_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_BT2020_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
_LUMA_2020 = np.array([[0.2627, 0.6780, 0.0593]], np.float32)
_CODES = 4096
_SRGB = 16384

Floats = NDArray[np.float32]


def to_standard(codes: NDArray[np.uint16], *, hlg: bool) -> NDArray[np.uint8]:
    """Full-range BT.2020 RGB codes, uint16 (height, width, 3), as sRGB, uint8 of equal shape."""
    linear = _linear(hlg)[codes >> 4]
    if hlg:
        # The display's system gamma (1.2 at 1,000 cd/m²) works on luminance.
        luminance = cv2.transform(linear, _LUMA_2020) / _PEAK
        linear *= np.sqrt(np.sqrt(np.maximum(luminance, 1e-6))).reshape(*linear.shape[:2], 1) ** 0.8
    peak = linear.max(axis=2)
    index = np.minimum(np.sqrt(peak * (1 / 10_000)) * (_CODES - 1), _CODES - 1).astype(np.uint16)
    linear *= _gain()[index][..., None]
    standard = cv2.transform(linear, _BT2020_TO_BT709)
    steps = np.clip(standard, 0, 1) * (_SRGB - 1) + 0.5
    return np.asarray(_encode()[steps.astype(np.uint16)])


@cache
def _linear(hlg: bool) -> Floats:
    """Code → cd/m² (HLG: scene light scaled to the display's peak)."""
    signal = np.linspace(0, 1, _CODES)
    if not hlg:
        return _pq_to_light(signal).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return (scene * _PEAK).astype(np.float32)


@cache
def _gain() -> Floats:
    """Factor from cd/m² to standard range (white is 1), by square root of the light / 10,000."""
    light = np.maximum(np.linspace(0, 1, _CODES) ** 2 * 10_000, 1e-4)
    ceiling = _light_to_pq(np.float64(_PEAK))
    signal = np.minimum(_light_to_pq(light) / ceiling, 1)
    target = _light_to_pq(np.float64(_WHITE)) / ceiling
    knee = 1.5 * target - 0.5
    t = np.clip((signal - knee) / (1 - knee), 0, 1)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * target
    )
    mapped = np.where(signal < knee, signal, spline)
    return (_pq_to_light(mapped * ceiling) / _WHITE / light).astype(np.float32)


@cache
def _encode() -> NDArray[np.uint8]:
    linear = np.linspace(0, 1, _SRGB)
    curve = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(curve * 255).astype(np.uint8)


def _pq_to_light(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    power = signal ** (1 / _M2)
    light = np.maximum(power - _C1, 0) / (_C2 - _C3 * power)
    return np.asarray(light ** (1 / _M1) * 10_000)


def _light_to_pq(light: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    power = (light / 10_000) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)
