"""What each column tells of the target: mutual information, corrected for chance."""

from __future__ import annotations

import numpy as np

from wholefit.data._association import information
from wholefit.data.profile._parts import Informs
from wholefit.data.profile._rows import Looked, Sample, binned, folded

Array = np.ndarray
_TARGET_BINS = 10
_MOST_CLASSES = 50


def informs(sample: Sample, target: str | None) -> tuple[Informs, ...]:
    """Every comparable column, the most telling first; none without a target.

    Numbers are cut into at most 20 bins of equally many rows (a number that is the target into
    10), rare levels beyond the 50 most frequent are one, and a missing cell is a level too.
    """
    answer = None if target is None else sample.get(target)
    if answer is None:
        return ()
    y = target_bins(answer)
    known = y >= 0
    y = y[known]
    entropy = _entropy(np.bincount(y)) if len(y) else 0.0
    if entropy <= 0:
        return ()
    found = [_told(column, known, y, entropy) for column in sample.columns
             if column.name != target]
    return tuple(sorted(found, key=lambda told: -told.nats))


def target_bins(answer: Looked) -> Array:
    """The target (n,) as few classes or bins, -1 where missing."""
    if answer.is_numeric:
        return binned(answer.values, _TARGET_BINS)
    return folded(answer.coded[0], _MOST_CLASSES)


def _told(column: Looked, known: Array, y: Array, entropy: float) -> Informs:
    nats = mutual_information(column.bins[known] + 1, y)
    return Informs(column.name, nats, min(1.0, nats / entropy))


def mutual_information(x: Array, y: Array) -> float:
    """Nats that codes x (n,) and y (n,) share, less what chance gives (Miller and Madow 1955)."""
    width = int(y.max()) + 1
    counts = np.bincount(x * width + y, minlength=(int(x.max()) + 1) * width)
    raw, free = information(counts.reshape(-1, width))
    return max(0.0, raw - free / (2 * len(x)))


def _entropy(counts: Array) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
