"""Rows that are nearly copies of another row, in time almost linear in the rows.

Three ways to be nearly equal, each told apart from what coarse columns do by chance:

- *spelling*: equal once case, spaces and punctuation are set aside;
- *one cell*: equal in every column but one. Where columns are coarse, rows one cell apart are
  as common as grass. So those of a column count only if they are three times as many as the
  pairs that differ there and in one other column give reason to expect;
- *numbers*: every cell equal but for numbers that differ by a hair. Pairs that meet by chance
  are eight times as many within eight times the tolerance, and come with more exact copies.

Equality is found by hashing: a row's key is the sum of its cells' hashes, so the key without a
column is one subtraction. Nearness of numbers is found by rounding to shifted grids and checking
every pair found (locality-sensitive hashing; Indyk and Motwani, 1998).

>>> found = near_duplicates(dataset)
>>> found.pairs, found.kinds
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from wholefit.base.seeds import generator
from wholefit.data._spelling import plainly
from wholefit.data.dataset import Dataset

_TEXTS = (pl.String, pl.Categorical, pl.Enum)
KINDS = ("spelling", "one cell", "numbers")
_COARSE = 0.5
_FEWEST_COLUMNS = 5
_FEWEST_NUMBERED = 3
_CONTROLS = 4
_SURPLUS = 3.0
_COPIES = 0.25
_TOLERANCES = (1e-3, 1e-2)
_WIDER = 8.0
_CELL = 16.0
_SHIFTS = 4
_GRID_COLUMNS = 6
_CROWD = 8
_FINE = 50
_MOST_WIDE = 200
_SCALED = 10_000
_MOST_QUICK = 150_000
_MOST_CELLS = 20_000_000


@dataclass(frozen=True)
class Near:
    """Pairs of rows (m, 2), indices, the lower first; their kind and the column they differ in.

    `column` is the index into `names` for "one cell", else -1.
    """

    names: tuple[str, ...]
    pairs: np.ndarray = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    kinds: tuple[str, ...] = ()
    column: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def of(self, kind: str) -> np.ndarray:
        """Pairs of one kind."""
        return self.pairs[np.array([k == kind for k in self.kinds], dtype=bool)]


def near_duplicates(dataset: Dataset, names: list[str] | None = None, *,
                    quick: bool = False) -> Near:
    """Nearly equal rows over the columns `names` (all features and the target if left out).

    Exact copies are not repeated here. Above 20 million cells only spelling is looked at. `quick`
    looks for the first two kinds and one tolerance of the third, gives up on tables where most
    rows resemble many others, and does not look at more than 150,000 rows.
    """
    if names is None:
        schema = dataset.schema
        names = [*schema.features, *([schema.target] if schema.target else [])]
    if len(dataset) < 2 or not names or (quick and len(dataset) > _MOST_QUICK):
        return Near(tuple(names))
    table = _Hashed(dataset, names, quick)
    found: list[tuple[np.ndarray, str, int]] = []
    if table.spelt:
        found.append((_spelling(table), "spelling", -1))
    # Where most rows are exact copies, columns are coarse, and near ones are no news; and what
    # takes a pass over the rows for each pair of columns is not for the largest tables.
    coarse = len(table.unique) < _COARSE * table.n
    coarse |= len(names) * len(dataset) > _MOST_CELLS
    if len(names) >= _FEWEST_COLUMNS and not coarse:
        found += [(pairs, "one cell", j) for j, pairs in _one_cell(table, quick)]
    if len(names) >= _FEWEST_NUMBERED and not coarse:
        found.append((_numbers(table, dataset, quick), "numbers", -1))
    return _joined(tuple(names), [f for f in found if len(f[0])])


def _joined(names: tuple[str, ...], found: list[tuple[np.ndarray, str, int]]) -> Near:
    """All pairs once, the surest kind first."""
    if not found:
        return Near(names)
    pairs = np.concatenate([pairs for pairs, _, _ in found])
    kinds = [kind for some, kind, _ in found for _ in range(len(some))]
    column = np.concatenate([np.full(len(some), at) for some, _, at in found])
    _, first = np.unique(pairs, axis=0, return_index=True)
    first.sort()
    return Near(names, pairs[first], tuple(kinds[i] for i in first), column[first])


class _Hashed:
    """Cells as hashes: `raw` and `plain` sums of a row, and how to get at one column's."""

    def __init__(self, dataset: Dataset, names: list[str], quick: bool) -> None:
        self.dataset, self.names, self.n, self.quick = dataset, names, len(dataset), quick
        self.salts = generator(0, "near duplicates").integers(
            1, 2**63, size=len(names), dtype=np.uint64) | np.uint64(1)
        self.raw = np.zeros(self.n, dtype=np.uint64)
        self.plain = np.zeros(self.n, dtype=np.uint64)
        self.columns: list[np.ndarray] = []
        self._agree: dict[int, float] = {}
        for j, name in enumerate(names):
            raw, plain = self._column(name)
            self.raw += raw * self.salts[j]
            mixed = plain * self.salts[j]
            self.plain += mixed
            self.columns.append(mixed)
        self.spelt = bool((self.raw != self.plain).any())
        _, first = np.unique(self.plain, return_index=True)
        self.unique = np.sort(first)

    def _column(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Hashes uint64 (n,) of the cells as they are, and of their plain spelling."""
        cells = self.dataset._column(name)
        if self.dataset._rows is not None:
            cells = cells[self.dataset._rows]
        if cells.dtype in _TEXTS and self.dataset.schema.role(name) == "numeric":
            cells = pl.Series("column", self.dataset.numeric(name))
        if cells.dtype in _TEXTS:
            return self._words(name, cells)
        if cells.dtype.is_float():
            cells = cells.fill_nan(None) + 0.0
        raw = cells.hash(seed=0).to_numpy()
        return raw, raw

    def agreement(self, k: int) -> float:
        """The chance that two rows agree on column k."""
        if k not in self._agree:
            some = self.columns[k][:: max(1, self.n // _SCALED)]
            share = np.unique(some, return_counts=True)[1] / len(some)
            self._agree[k] = min(float((share**2).sum()), 0.999)
        return self._agree[k]

    def _words(self, name: str, cells: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """Hashes of texts: of each level once where levels repeat."""
        if self.quick and self.dataset.schema.role(name) == "text":
            raw = cells.hash(seed=0).to_numpy()
            return raw, raw
        codes, levels = self.dataset.codes(name)
        texts = pl.Series("column", [*levels, None], dtype=pl.String)
        plain = plainly(texts)
        return texts.hash(seed=0).to_numpy()[codes], plain.hash(seed=0).to_numpy()[codes]


def _spelling(table: _Hashed) -> np.ndarray:
    """Neighbours among rows of equal plain key and different cells."""
    rows = np.flatnonzero(_repeated(table.plain))
    rows = rows[np.argsort(table.plain[rows], kind="stable")]
    a, b = rows[:-1], rows[1:]
    near = (table.plain[a] == table.plain[b]) & (table.raw[a] != table.raw[b])
    return np.sort(np.stack([a[near], b[near]], axis=1), axis=1)


def _one_cell(table: _Hashed, quick: bool) -> list[tuple[int, np.ndarray]]:
    """Pairs equal in every column but one, if they are more than coarse columns explain."""
    width = len(table.names)
    rows = _one_half_equal(table)
    if len(rows) < 2 or (quick and (len(rows) > 0.3 * table.n or width > _MOST_WIDE)):
        return []
    keys = table.plain[rows]
    found = {}
    for j in range(width):
        without = keys - table.columns[j][rows]
        some = _repeated(without)
        if some.any():
            order = np.argsort(without[some], kind="stable")
            found[j] = (rows[some][order], without[some][order])
    counts = {j: _pairs(grouped) for j, (_, grouped) in found.items()}
    controls = 1 if quick else _CONTROLS
    target = table.dataset.schema.target  # equal rows of another target are a finding of their own
    return [(j, _neighbours(*found[j])) for j, count in counts.items()
            if table.names[j] != target
            and count >= _SURPLUS * _by_chance(table, j, counts, controls)]


def _one_half_equal(table: _Hashed) -> np.ndarray:
    """Rows (of those that differ) that share at least half of their columns with another.

    Rows that differ in one cell are equal in one half of the columns at least.
    """
    order = np.argsort([-len(np.unique(c[:2000])) for c in table.columns], kind="stable")
    left = np.zeros(table.n, dtype=np.uint64)
    for j in order[::2]:
        left += table.columns[j]
    left, right = left[table.unique], (table.plain - left)[table.unique]
    return table.unique[_repeated(left) | _repeated(right)]


def _by_chance(table: _Hashed, j: int, one: dict[int, int], controls: int) -> float:
    """How many pairs that differ in column j alone coarse columns would make by chance.

    Of the pairs that differ in j and may differ in k, a share p agrees on k by chance: p is how
    often two rows do. So p / (1 - p) times the pairs that differ in both is what to expect, for
    any k; it is counted for the columns that single differences abound in, and for a few more.
    """
    others = sorted((k for k in range(len(table.names)) if k != j), key=lambda k: -one.get(k, 0))
    likely, rest = others[:controls], np.array(others[controls:], dtype=np.int64)
    drawn = generator(0, "near duplicates", j).choice(
        rest, size=min(controls, len(rest)), replace=False)
    keys = (table.plain - table.columns[j])[table.unique]
    most = 0.0
    for k in (*likely, *(int(k) for k in drawn)):
        both = max(0, _pairs(keys - table.columns[k][table.unique]) - one[j] - one.get(k, 0))
        agree = table.agreement(k)
        most = max(most, both * agree / (1 - agree))
    return most


def _numbers(table: _Hashed, dataset: Dataset, quick: bool) -> np.ndarray:
    """Pairs equal but for numbers that differ by less than a tolerance, at a scale that tells."""
    fine = [name for name in table.names
            if dataset.schema.role(name) in ("numeric", "target")
            and _is_fine(dataset, name)][:_MOST_WIDE]
    if not fine:
        return np.empty((0, 2), dtype=np.int64)
    rest = table.plain.copy()
    for name in fine:
        rest -= table.columns[table.names.index(name)]
    values = np.stack([_scaled(dataset.numeric(name)) for name in fine], axis=1)
    copies = table.n - len(table.unique)
    found = [np.empty((0, 2), dtype=np.int64)]
    for tolerance in _TOLERANCES[:1] if quick else _TOLERANCES:
        near = _within(values, rest, table.plain, tolerance, 1 if quick else _SHIFTS)
        if near is None or not len(near):
            continue
        wide = _within(values, rest, table.plain, tolerance * _WIDER, 1)
        inside = near if quick else _within(values, rest, table.plain, tolerance, 1)
        if wide is not None and inside is not None and len(near) >= _COPIES * copies \
                and 2 * max(len(inside), 1) >= len(wide):
            found.append(near)
    return np.unique(np.concatenate(found), axis=0)


def _is_fine(dataset: Dataset, name: str) -> bool:
    counts = dataset._column(name).dtype.is_numeric() or dataset.schema.role(name) == "numeric"
    return bool(counts) and dataset.schema.column(name).distinct > _FINE


def _scaled(values: np.ndarray) -> np.ndarray:
    """Numbers on the scale of their middle half; missing ones alike."""
    some = values[:: max(1, len(values) // _SCALED)]
    known = some[np.isfinite(some)]
    if not len(known):
        return np.zeros(len(values))
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    scale = (high - low) or known.std() or 1.0
    scaled = (values - middle) / scale
    return np.where(np.isfinite(scaled), np.clip(scaled, -1e6, 1e6), 2e6)


def _within(
    values: np.ndarray, rest: np.ndarray, keys: np.ndarray, tolerance: float, shifts: int
) -> np.ndarray | None:
    """Pairs of different rows within the tolerance in every column of `values` (n, k).

    None where the columns are too coarse for a grid of this width to tell rows apart.
    """
    rng = generator(0, "near duplicates", "grid")
    spread = np.array([len(np.unique(np.round(v[:5000], 2))) for v in values.T])
    chosen = np.argsort(-spread, kind="stable")[:_GRID_COLUMNS]
    found = []
    for _ in range(shifts):
        shift = rng.uniform(0, 1, size=len(chosen))
        salts = rng.integers(1, 2**63, size=len(chosen), dtype=np.uint64) | np.uint64(1)
        cells = np.floor(values[:, chosen] / (_CELL * tolerance) + shift).astype(np.int64)
        grid = rest + (cells.astype(np.uint64) * salts).sum(axis=1, dtype=np.uint64)
        meetings = _meetings(grid)
        if meetings is None:
            return None
        for a, b in meetings:
            near = (np.abs(values[a] - values[b]) <= tolerance).all(axis=1) & (keys[a] != keys[b])
            found.append(np.sort(np.stack([a[near], b[near]], axis=1), axis=1))
    return np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), np.int64)


def _meetings(keys: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """Pairs of rows with equal keys, a step apart in their group, then two, then three.

    None where groups are crowds.
    """
    rows = np.flatnonzero(_repeated(keys))
    rows = rows[np.argsort(keys[rows], kind="stable")]
    if len(rows) > _CROWD / 2 * len(np.unique(keys[rows])):
        return None
    found = []
    for step in range(1, min(_CROWD, len(rows))):
        a, b = rows[:-step], rows[step:]
        same = keys[a] == keys[b]
        if not same.any():
            break
        found.append((a[same], b[same]))
    return found


def _suspects(keys: np.ndarray) -> np.ndarray:
    """Indices of the keys that share their first bits with another: a few more than repeat."""
    bits = min(24, int(np.ceil(np.log2(max(len(keys), 2)))) + 2)
    slots = (keys >> np.uint64(64 - bits)).astype(np.int64)
    return np.flatnonzero(np.bincount(slots, minlength=1 << bits)[slots] > 1)


def _repeated(keys: np.ndarray) -> np.ndarray:
    """True (n,) where a key is met more than once."""
    found = np.zeros(len(keys), dtype=bool)
    some = _suspects(keys)
    some = some[np.argsort(keys[some])]
    same = keys[some[1:]] == keys[some[:-1]]
    found[some[1:][same]] = True
    found[some[:-1][same]] = True
    return found


def _pairs(keys: np.ndarray) -> int:
    """How many pairs of equal keys there are."""
    counts = np.unique(keys[_suspects(keys)], return_counts=True)[1].astype(np.float64)
    return int((counts * (counts - 1) / 2).sum())


def _neighbours(rows: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Neighbours (m, 2) among rows that are sorted by their keys."""
    same = keys[:-1] == keys[1:]
    return np.sort(np.stack([rows[:-1][same], rows[1:][same]], axis=1), axis=1)


