"""Reliance: how far a model's answer moves when it is given another row's value of a column.

It needs no target and asks the model alone, so it is cheap enough to be kept with every fit. It
says what a model leans on, not what a column is worth: see `explain.importance` for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.seeds import generator, some
from wholefit.data import Dataset
from wholefit.explain.pool import Pool
from wholefit.training import Fitted

# Rows that are asked about, and answers that are asked for altogether, at most.
MOST_ROWS, _ASKS = 400, 20_000
# Fewer rows than these would tell of single rows.
FEWEST_ROWS = 30
# What asking may take, in seconds, as told by how long the model took for 1,000 rows.
_SECONDS = 2.0
_KEPT = 30
# Cells of the row numbers that are composed at once.
_CELLS = 1_000_000
_Z = 1.959964


@dataclass(frozen=True)
class Reliance:
    """Columns with (mean move, low, high), the largest first, over so many rows.

    Moves are in units of the target or, for classes, the share of the probability that goes to
    other classes. `others` counts columns beyond those listed.
    """

    rows: int
    columns: tuple[tuple[str, float, float, float], ...]
    others: int

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"rows": self.rows, "columns": [list(each) for each in self.columns],
                "others": self.others}


def sample(dataset: Dataset, seed: int) -> Dataset:
    """The rows that are asked about: `MOST_ROWS` at most, drawn with the seed."""
    if len(dataset) <= MOST_ROWS:
        return dataset
    return dataset.take(some(len(dataset), MOST_ROWS, seed, "reliance"))


def reliance(
    fitted: Fitted, rows: Dataset, seed: int, seconds: float = float("nan")
) -> Reliance | None:
    """How far the answer to these rows moves, column by column; None for fewer than 30 rows.

    Each row is given the value of another row, drawn with the seed; the interval is of the mean
    over the rows (normal, 95%). `seconds` are those that 1,000 answers take: fewer rows are
    asked of a slow model. Raises StateError where rows cannot be taken apart by column.
    """
    if len(rows) < FEWEST_ROWS:
        return None
    pool = Pool(fitted, rows)
    take = _take(len(rows), len(pool.columns), seconds)
    rng = generator(seed, "reliance", "donors")
    asked = np.sort(rng.choice(len(rows), take, replace=False))
    base = pool.answer(pool.own(asked))
    wide = len(pool.columns)
    # Many columns are asked about at once: composing rows costs a step for each column.
    step = max(1, _CELLS // max(1, take * wide))
    moves = [move for at in range(0, wide, step)
             for move in _moves(pool, asked, range(at, min(at + step, wide)), base, rng)]
    order = sorted(range(len(moves)), key=lambda at: -moves[at][0])
    told = [(pool.columns[at], *moves[at]) for at in order if moves[at][0] > 0][:_KEPT]
    return Reliance(take, tuple(told), len(moves) - len(told))


def _take(rows: int, columns: int, seconds: float) -> int:
    """How many rows to ask about: fewer where there are many columns, or the model is slow."""
    asks = _ASKS
    while asks > 1_250 and seconds * asks / 1_000 > _SECONDS:
        asks //= 4
    return max(min(rows, FEWEST_ROWS), min(rows, MOST_ROWS, asks // (columns + 1)))


def _moves(
    pool: Pool, asked: np.ndarray, columns: range, base: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[float, float, float]]:
    """Mean move of the answer, and its interval, for each of some columns."""
    rows = len(asked)
    take = np.tile(pool.own(asked), (len(columns), 1))
    for place, at in enumerate(columns):
        lent = (asked + rng.integers(1, len(pool), rows)) % len(pool)
        take[place * rows:(place + 1) * rows, at] = lent
    answers = pool.answer(take)
    for place in range(len(columns)):
        gap = np.abs(answers[place * rows:(place + 1) * rows] - base)
        moved = gap.sum(axis=1) / 2 if gap.ndim > 1 else gap
        mean, spread = float(moved.mean()), float(moved.std(ddof=1)) / rows ** 0.5
        yield _short(mean), _short(max(0.0, mean - _Z * spread)), _short(mean + _Z * spread)


def _short(number: float) -> float:
    return float(f"{number:.4g}")
