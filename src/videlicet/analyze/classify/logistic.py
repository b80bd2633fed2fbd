"""Logistic regression for a handful of examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


def fit(
    rows: Floats,
    truth: Bools,
    penalty: float,
    *,
    start: Floats | None = None,
    balanced: bool = False,
) -> Floats:
    """The weights (d + 1,), the intercept last, of a logistic regression of ``truth`` (n,) on
    ``rows`` (n, d).

    The square of how far the weights are from ``start`` (from 0 without; then the intercept is
    free) costs ``penalty`` / 2. With ``balanced`` both outcomes count alike, however rare one is.
    Minimised by L-BFGS (Byrd et al., *A Limited Memory Algorithm for Bound Constrained
    Optimization*, 1995).
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    count, width = rows.shape
    signs = np.where(truth, 1.0, -1.0)
    weights = np.ones(count)
    if balanced:
        share = max(1, int(truth.sum())), max(1, int((~truth).sum()))
        weights = np.where(truth, count / (2 * share[0]), count / (2 * share[1]))
    middle = np.zeros(width + 1) if start is None else start
    cost = np.full(width + 1, penalty)
    if start is None:
        cost[-1] = 0.0
    whole = np.hstack([rows, np.ones((count, 1))])

    def loss(chosen: Floats) -> tuple[float, Floats]:
        margins = signs * (whole @ chosen)
        away = chosen - middle
        slope = -weights * signs * sigmoid(-margins)
        value = weights @ np.logaddexp(0.0, -margins) + cost @ np.square(away) / 2
        return float(value), whole.T @ slope + cost * away

    return np.asarray(minimize(loss, middle, jac=True, method="L-BFGS-B").x)


def scores(rows: Floats, weights: Floats) -> Floats:
    """The logits (n,) of rows (n, d)."""
    return np.asarray(rows @ weights[:-1] + weights[-1])


def sigmoid(logits: Floats) -> Floats:
    """Logits as probabilities."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -logits)))
