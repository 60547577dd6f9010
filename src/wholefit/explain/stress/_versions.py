"""Rows in several versions: as they are, noised, shifted, in other units, misspelt, missing.

All versions stand below each other in one pool, so that each is encoded once, and a row may have
any of its columns from any of its versions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.seeds import generator
from wholefit.data import Dataset
from wholefit.explain.pool import Pool
from wholefit.training import Fitted

Array = np.ndarray
NOISE = (0.1, 0.25, 0.5, 1.0)
SHIFTS = (0.25, 0.5, 1.0, -0.25, -0.5, -1.0)
SLIPS = (10.0, 1000.0)
_WORDS = ("categorical", "text")


@dataclass(frozen=True, eq=False)
class Versions:
    """A pool of n rows in several versions; `at` is the place of each, by name.

    `numeric` and `words` are the columns that versions change; `spread` the standard deviation of
    each numeric one, among the rows given (see `_spread`).
    """

    pool: Pool
    n: int
    at: dict[str, int]
    numeric: tuple[str, ...]
    words: tuple[str, ...]
    spread: dict[str, float]

    def rows(self, version: str) -> Array:
        """Where the rows of a version stand in the pool, (n,)."""
        return np.arange(self.n) + self.n * self.at[version]

    def own(self) -> Array:
        """The rows as they are, (n, columns)."""
        return self.pool.own(np.arange(self.n))

    def take(self, changes: dict[str, str]) -> Array:
        """Rows that have some columns from other versions: column to version."""
        made = self.own()
        for column, version in changes.items():
            made[:, self.pool.at(column)] = self.rows(version)
        return made


def versions(fitted: Fitted, rows: Dataset, wanted: dict[str, Any], seed: int) -> Versions:
    """The versions of rows that are `wanted`: name to what makes a column of it; see `usual`."""
    numeric, words = columns_of(fitted, rows)
    numbers = {name: np.array(rows.numeric(name), dtype=np.float64) for name in numeric}
    spread = {name: _spread(values) for name, values in numbers.items()}
    base = _plain(rows, numbers)
    made = [base]
    at = {"own": 0}
    for name, (kind, make) in wanted.items():
        at[name] = len(made)
        made.append(_changed(base, numbers, spread, kind, make, numeric, words, name, seed))
    whole = Dataset(pl.concat(made), rows.schema, source=rows.source)
    return Versions(Pool(fitted, whole), len(rows), at, numeric, words, spread)


def columns_of(fitted: Fitted, rows: Dataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that hold numbers, and those that hold words."""
    schema = fitted.schema
    numeric = tuple(name for name in schema.features if schema.role(name) == "numeric")
    words = tuple(name for name in schema.features if schema.role(name) in _WORDS
                  and rows.frame.get_column(name).dtype in (pl.String, pl.Categorical, pl.Enum))
    return numeric, words


def usual() -> dict[str, Any]:
    """Noise, shifts, slips of units, swapped neighbours, typos, and everything missing."""
    found: dict[str, Any] = {}
    for size in NOISE:
        found[f"noise {size:g}"] = ("number", lambda x, sd, rng, size=size:
                                    x + size * sd * rng.normal(size=len(x)))
    for size in SHIFTS:
        found[f"shift {size:+g}"] = ("number", lambda x, sd, rng, size=size: x + size * sd)
    for size in SLIPS:
        found[f"times {size:g}"] = ("number", lambda x, sd, rng, size=size: x * size)
    return {**found, "next": ("swap", 1), "last": ("swap", -1), "typo": ("word", None),
            "missing": ("none", None)}


def steps(sizes: tuple[float, ...]) -> dict[str, Any]:
    """Every number moved up and down by sizes in standard deviations, for a search."""
    return {f"{sign}{size:g}": ("number", lambda x, sd, rng, by=(size if sign == "+" else -size):
                                x + by * sd) for size in sizes for sign in "+-"}


def _spread(values: Array) -> float:
    """The standard deviation; of the middle four fifths, by the normal law, where tails are heavy.

    A few huge values would make a "small" step larger than all that most rows ever see.
    """
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return 0.0
    whole = float(known.std())
    middle = float(np.subtract(*np.quantile(known, (0.9, 0.1)))) / 2.563
    return min(whole, middle) if middle > 0 else whole


def _plain(rows: Dataset, numbers: dict[str, Array]) -> pl.DataFrame:
    """The frame with numbers as float64, so that versions can stand below each other."""
    frame = rows.frame
    cast = [_series(name, values) for name, values in numbers.items()]
    texts = [frame.get_column(name).cast(pl.String) for name in frame.columns
             if frame.get_column(name).dtype in (pl.Categorical, pl.Enum)]
    return frame.with_columns([*cast, *texts])


def _series(name: str, values: Array) -> pl.Series:
    return pl.Series(name, values, nan_to_null=True)


def _changed(
    base: pl.DataFrame, numbers: dict[str, Array], spread: dict[str, float], kind: str, make: Any,
    numeric: tuple[str, ...], words: tuple[str, ...], version: str, seed: int,
) -> pl.DataFrame:
    if kind == "none":
        return base.with_columns([
            pl.Series(name, [None], dtype=dtype).new_from_index(0, base.height)
            for name, dtype in base.schema.items()])
    if kind == "word":
        return base.with_columns([_misspelt(base.get_column(name), generator(seed, name, "typo"))
                                  for name in words])
    if kind == "swap":
        return base.with_columns([_series(name, numbers[numeric[(at + make) % len(numeric)]])
                                  for at, name in enumerate(numeric)])
    with np.errstate(over="ignore"):
        return base.with_columns([
            _series(name, make(numbers[name], spread[name], generator(seed, name, version)))
            for name in numeric])


def _misspelt(column: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Each word with two neighbouring letters changed round, or one doubled."""
    cells = column.alias("cell")  # a name such as "^a.*$" would be read as a pattern
    wrong = {word: _typo(word, rng) for word in cells.unique().drop_nulls().sort().to_list()}
    return cells.replace_strict(wrong, default=None, return_dtype=pl.String).alias(column.name)


def _typo(word: str, rng: np.random.Generator) -> str:
    able = [at for at in range(len(word) - 1) if word[at] != word[at + 1]]
    if not able:
        return word + (word[-1:] or "x")
    at = able[int(rng.integers(len(able)))]
    return word[:at] + word[at + 1] + word[at] + word[at + 2:]


Maker = Callable[[Array, float, np.random.Generator], Array]
