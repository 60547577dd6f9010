"""How many principal axes stand above noise, by parallel analysis.

Each column is shuffled by itself, all features of one column together, so that every column keeps
its own shape and whatever binds columns to one another is gone; the axes of the real rows count
as long as each holds more than 95% of the shuffled ones do (Horn 1965; Buja and Eyuboglu 1992).
The first axis of unrelated columns passes in 1 of 20 tables, by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.seeds import generator

LEVEL = 0.05
_ROWS, _FEATURES, _SHOWN = 3000, 1500, 30
_MANY, _FEW, _WORK = 99, 19, 4e9


@dataclass(frozen=True)
class Noise:
    """Shares of variance of the first axes, what shuffled columns reach, and how many are above.

    `share` and `limit` are the first 30; `above` counts from the first axis on; `p` is that of
    the first axis. `keeps` says how many axes hold 80, 90 and 95% of the variance. `why` is said
    where it was not tested, and then `above` is None.
    """

    share: tuple[float, ...]
    limit: tuple[float, ...]
    above: int | None
    p: float
    draws: int
    rows: int
    why: str = ""
    keeps: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"share": list(self.share), "limit": list(self.limit), "above": self.above,
                "p": self.p, "draws": self.draws, "rows": self.rows, "level": LEVEL,
                "why": self.why, "keeps": [list(pair) for pair in self.keeps]}


def parallel(X: Any, sources: Sequence[str], seed: int, left: float = np.inf) -> Noise:
    """The test on features X (n, p) with the column each came from; `left` seconds may be spent."""
    n, p = X.shape
    if p > _FEATURES or n < 3 or p < 2:
        few = "there are too few rows or columns"
        return Noise((), (), None, 1.0, 0, n,
                     f"there are more than {_FEATURES:,} features" if p > _FEATURES else few)
    rng = generator(seed, "parallel analysis")
    rows = X if n <= _ROWS else X[np.sort(rng.permutation(n)[:_ROWS])]
    rows = np.asarray(rows.toarray() if hasattr(rows, "tocsr") else rows, dtype=np.float64)
    blocks = _blocks(sources)
    draws = _MANY if _MANY * rows.size * min(rows.shape) < _WORK and left > 5 else _FEW
    real = _shares(rows)
    if real is None or len(blocks) < 2:
        return Noise((), (), None, 1.0, 0, len(rows), "there is only one column that varies")
    null = np.array([_shares(_shuffled(rows, blocks, rng)) for _ in range(draws)])
    return _judged(real, null, len(rows))


def _judged(real: np.ndarray, null: np.ndarray, rows: int) -> Noise:
    """Count the leading axes that beat enough of the null."""
    draws = len(null)
    p = (1 + (null >= real - 1e-12).sum(axis=0)) / (draws + 1)
    fails = np.flatnonzero(p > LEVEL)
    above = int(fails[0]) if len(fails) else len(real)
    limit = np.sort(null, axis=0)[max(0, int(np.ceil((1 - LEVEL) * (draws + 1))) - 1)]
    return Noise(tuple(real[:_SHOWN].tolist()), tuple(limit[:_SHOWN].tolist()), above,
                 float(p[0]), draws, rows, "", _keeps(real))


def _keeps(share: np.ndarray) -> tuple[tuple[int, int], ...]:
    total = np.cumsum(share)
    return tuple((percent, min(int(np.searchsorted(total, percent / 100 - 1e-12)) + 1, len(share)))
                 for percent in (80, 90, 95))


def _blocks(sources: Sequence[str]) -> list[np.ndarray]:
    """Places of the features of each column."""
    places: dict[str, list[int]] = {}
    for at, source in enumerate(sources):
        places.setdefault(source, []).append(at)
    return [np.array(found) for found in places.values()]


def _shuffled(rows: np.ndarray, blocks: Sequence[np.ndarray],
              rng: np.random.Generator) -> np.ndarray:
    out = np.empty_like(rows)
    if len(blocks) == rows.shape[1]:
        return rng.permuted(rows, axis=0)
    for block in blocks:
        out[:, block] = rows[rng.permutation(len(rows))][:, block]
    return out


def _shares(rows: np.ndarray) -> np.ndarray | None:
    """Share of the variance on each principal axis, descending; None where nothing varies."""
    centred = rows - rows.mean(axis=0)
    square = centred.T @ centred if centred.shape[1] <= len(centred) else centred @ centred.T
    power = np.linalg.eigvalsh(square)[::-1].clip(min=0)
    total = power.sum()
    return power / total if total > 0 else None
