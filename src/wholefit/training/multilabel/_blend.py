"""Answers of several models mixed: greedy selection with replacement (Caruana et al., 2004).

The weights are the same for every label, so that many labels do not make many chances to fit
noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_STEPS = 12
# A member must lower the loss by this share of it, or it is not worth its place.
_WORTH = 1e-3


def greedy(
    answers: Sequence[np.ndarray], truth: np.ndarray, weights: np.ndarray | None, rows: np.ndarray
) -> np.ndarray:
    """What each model counts for, (models,), summing to 1: least log loss on these rows."""
    given = [np.asarray(answer[rows]) for answer in answers]
    known, y = ~np.isnan(truth[rows]), np.nan_to_num(truth[rows])
    heavy = known * (1.0 if weights is None else weights[rows][:, None])

    def loss(mixed: np.ndarray) -> float:
        right = np.clip(np.where(y > 0, mixed, 1 - mixed), 1e-12, 1.0)
        return float(-(heavy * np.log(right)).sum() / heavy.sum())

    times = np.zeros(len(given))
    total, best = np.zeros(y.shape), np.inf
    for step in range(1, _STEPS + 1):
        losses = [loss((total + one) / step) for one in given]
        at = int(np.argmin(losses))
        if losses[at] > best * (1 - (_WORTH if times[at] == 0 else 0.0)):
            break
        best, total = losses[at], total + given[at]
        times[at] += 1
    return times / times.sum()


def crossed(
    answers: Sequence[np.ndarray], truth: np.ndarray, weights: np.ndarray | None,
    parts: Sequence[np.ndarray],
) -> np.ndarray:
    """The mixture of each part's rows by the weights that the others, one at least, ask for."""
    seen = np.concatenate(parts)
    found = np.full(truth.shape, np.nan)
    for part in parts:
        shares = greedy(answers, truth, weights, np.setdiff1d(seen, part))
        found[part] = sum(share * answer[part] for share, answer in zip(
            shares, answers, strict=True))
    return found
