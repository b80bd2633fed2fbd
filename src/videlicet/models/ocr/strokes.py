"""What can be said of text in a frame without a network: where strokes are, and whether they are
the same as before.

Pictures are compared by the strength of their edges at a small size. Edges of text are far
stronger than those of what moves behind it, so a caption stays the same while its background
changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from videlicet.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.models.base import Frame

#: Longer side of the small picture, and the cells it is judged in, in pixels.
_SIDE = 480
_CELL_WIDTH, _CELL_HEIGHT = 24, 12
#: An edge this strong can be part of a letter; a cell with this share of such edges, of text.
_STRONG, _DENSE = 60, 0.12
#: Correlation of edges from which two places count as the same.
SAME = 0.5
#: Correlation from which they are the same text even where one caption may follow another.
IDENTICAL = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """One frame at a small size: its edges, and its light; both uint8 (height, width)."""

    edges: NDArray[np.uint8]
    light: NDArray[np.uint8]

    @classmethod
    def of(cls, frame: Frame) -> Strokes:
        height, width = frame.shape[:2]
        scale = min(1.0, _SIDE / max(height, width))
        size = (max(_CELL_WIDTH, round(width * scale)), max(_CELL_HEIGHT, round(height * scale)))
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        across = cv2.convertScaleAbs(cv2.Sobel(small, cv2.CV_16S, 1, 0))
        down = cv2.convertScaleAbs(cv2.Sobel(small, cv2.CV_16S, 0, 1))
        return cls(np.asarray(cv2.add(across, down), np.uint8), np.asarray(small, np.uint8))

    def contrast(self, box: Box) -> float:
        """How far light and dark lie apart inside a box."""
        return float(self._inside(self.light, box).std())

    def alike(self, other: Strokes, box: Box) -> float:
        """Correlation of the edges of two frames inside a box, -1 to 1.

        Each row is centred first: that a line of text is between empty margins is common to
        all captions of one style, and would make them look alike.
        """
        if self.edges.shape != other.edges.shape:
            return 0.0
        one, two = self._inside(self.edges, box), self._inside(other.edges, box)
        return float(_correlation(_centred(one)[None], _centred(two)[None])[0])

    @staticmethod
    def _inside(plane: NDArray[np.uint8], box: Box) -> NDArray[np.float32]:
        height, width = plane.shape
        left, top = int(box.x * width), int(box.y * height)
        right = max(left + 4, int(np.ceil((box.x + box.width) * width)))
        bottom = max(top + 4, int(np.ceil((box.y + box.height) * height)))
        return plane[top:bottom, left:right].astype(np.float32)

    def moved(self, other: Strokes) -> bool:
        """Whether anything at all changed between two frames."""
        if self.edges.shape != other.edges.shape:
            return True
        return float(cv2.absdiff(self.edges, other.edges).mean()) > 1.0

    def settled(self, before: Strokes, since: Strokes) -> bool:
        """Whether text may have appeared since ``since`` and is unchanged since ``before``:
        side by side, two cells that are dense with strokes, new, and steady."""
        if not self.edges.shape == before.edges.shape == since.edges.shape:
            return True
        now = _cells(self.edges)
        dense = (now > _STRONG).mean(axis=1) >= _DENSE
        steady = _correlation(now, _cells(before.edges)) >= SAME
        new = _correlation(now, _cells(since.edges)) < SAME
        found = (dense & steady & new).reshape(-1, self.edges.shape[1] // _CELL_WIDTH)
        return bool((found[:, 1:] & found[:, :-1]).any())


def _cells(edges: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The picture's whole cells, one a row."""
    rows, columns = edges.shape[0] // _CELL_HEIGHT, edges.shape[1] // _CELL_WIDTH
    whole = edges[: rows * _CELL_HEIGHT, : columns * _CELL_WIDTH].astype(np.float32)
    split = whole.reshape(rows, _CELL_HEIGHT, columns, _CELL_WIDTH).swapaxes(1, 2)
    return split.reshape(rows * columns, -1)


def _centred(edges: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(edges - edges.mean(axis=1, keepdims=True), np.float32)


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pearson's correlation of each pair of rows (or pictures); two flat ones count as the same."""
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    power_a, power_b = (a * a).mean(axis=1), (b * b).mean(axis=1)
    product = (a * b).mean(axis=1)
    # Below the noise of compression there is nothing to compare.
    faint = 4.0
    flat = (power_a < faint) & (power_b < faint)
    return np.where(flat, 1.0, product / np.sqrt(np.maximum(power_a * power_b, faint * faint)))
