"""What chance explains: is a fault so much more frequent among new rows than it was before?

One exact rule serves every learnt expectation. Suppose `broken` of the `rows` learnt from did
not meet it. If the new rows are of the same kind, then all the rows that do not meet it fell
among old and new rows at random, and how many fell among the new ones is hypergeometric
(Fisher, 1935). With none before and k of m now, the chance is about (m / (rows + m)) ** k.
"""

from __future__ import annotations

import math

import numpy as np


def chance(found: int, of: int, broken: int, rows: int) -> float:
    """The chance of at least `found` among `of` new rows, when `broken` of `rows` were so before.

    One-sided Fisher's exact test.
    """
    if found <= 0 or of <= 0:
        return 1.0
    total, marked = of + rows, found + broken
    most = min(marked, of)
    if most - found > 200_000:
        return _normal(found, of, marked, total)
    logs = _logs(np.arange(found, most + 1), total, marked, of)
    return float(min(1.0, np.exp(logs).sum()))


def _logs(k: np.ndarray, total: int, marked: int, drawn: int) -> np.ndarray:
    from scipy.special import gammaln

    def choose(n: float, r: np.ndarray | float) -> np.ndarray:
        return gammaln(n + 1.0) - gammaln(np.asarray(r) + 1.0) - gammaln(n - np.asarray(r) + 1.0)

    return choose(marked, k) + choose(total - marked, drawn - k) - choose(total, drawn)


def _normal(found: int, of: int, marked: int, total: int) -> float:
    share = marked / total
    spread = math.sqrt(of * share * (1 - share) * (total - of) / max(total - 1, 1))
    return 0.5 * math.erfc((found - of * share) / (spread or 1.0) / math.sqrt(2))
