"""Splits: which rows teach and which rows judge.

Rows that belong together never part: exact duplicates (the same features), members of a group,
rows of the same time. Where data has a time column, what is learnt from lies strictly before
what it is judged on. Everything is shuffled by a seed, and the same seed gives the same plan.

>>> plan = kfold(dataset, y, folds=5, seed=7, stratify=True)
>>> plan.how
'5-fold cross-validation, shuffled, classes in proportion'
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.seeds import generator
from wholefit.data._deal import deal
from wholefit.data._units import Units, find_units
from wholefit.data.dataset import Dataset

Fold = tuple[np.ndarray, np.ndarray]
_BLOCKS = 20


@dataclass(frozen=True, eq=False)
class Plan:
    """Folds of (train rows, test rows), sorted indices; and how they were made, in a sentence.

    `unit` is what was drawn ("row", "duplicate group", "group", "time block"); `units` (n,) its
    id for each row, or None where every row is its own. Intervals resample by it.
    """

    folds: tuple[Fold, ...]
    how: str
    unit: str = "row"
    units: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.folds)


@dataclass(frozen=True, eq=False)
class ThreeWay:
    """Rows to learn from, to choose by, and to judge by; see Plan for the rest."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    how: str
    unit: str = "row"
    units: np.ndarray | None = None


def kfold(
    dataset: Dataset,
    y: np.ndarray,
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    stratify: bool = False,
) -> Plan:
    """Every row is tested once in each repeat; `folds` is lowered where there are fewer units.

    `y` (n,) is the encoded target. `stratify` keeps its classes in proportion, or ten equal
    slices of its range where it is a number. Data with a time column is split in order of time
    instead, see `time_ordered`.
    """
    _at_least("folds", folds, 2)
    _at_least("repeats", repeats, 1)
    if dataset.time_order() is not None:
        return time_ordered(dataset, y, folds=folds, seed=seed)
    units = find_units(dataset)
    parts = min(folds, _countable(units, 2))
    strata, said = _strata(y, stratify, parts)
    shares = np.full(parts, 1.0 / parts)
    made: list[Fold] = []
    for repeat in range(repeats):
        rng = generator(seed, "kfold", repeat)
        part = deal(strata, units.ids, shares, rng)
        made += [_fold(part == which) for which in range(parts)]
    times = f", repeated {repeats} times" if repeats > 1 else ""
    fewer = f" ({folds} asked, {units.count} {units.name}s)" if parts < folds else ""
    how = f"{parts}-fold cross-validation{times}{fewer}, shuffled{said}{units.said}"
    return Plan(tuple(made), how, units.name, units.ids)


def holdout(
    dataset: Dataset,
    y: np.ndarray,
    *,
    test: float = 0.2,
    seed: int = 0,
    stratify: bool = False,
) -> Plan:
    """One fold: a share `test` of the rows is held out; the latest ones where there is time."""
    _a_share("test", test)
    if dataset.time_order() is not None:
        return _latest(dataset, test)
    units = find_units(dataset)
    _countable(units, 2)
    strata, said = _strata(y, stratify, 2)
    held = _draw(strata, units.ids, test, generator(seed, "holdout"))
    how = f"{test:.0%} of rows held out ({int(held.sum()):,}), shuffled{said}{units.said}"
    return Plan((_fold(held),), how, units.name, units.ids)


def three_way(
    dataset: Dataset,
    y: np.ndarray,
    *,
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
    stratify: bool = False,
) -> ThreeWay:
    """Train, validation and test, drawn in two steps: the test, then validation of the rest."""
    _a_share("test", test)
    _a_share("validation", validation)
    _a_share("validation + test", validation + test)
    if dataset.time_order() is not None:
        return _three_in_time(dataset, validation, test)
    units = find_units(dataset)
    _countable(units, 3)
    strata, said = _strata(y, stratify, 3)
    tested = _draw(strata, units.ids, test, generator(seed, "three_way", "test"))
    rest = np.flatnonzero(~tested)
    share = validation / (1.0 - test)
    ids = None if units.ids is None else _dense(units.ids[rest])
    chosen = rest[_draw(strata[rest], ids, share, generator(seed, "three_way", "validation"))]
    train = np.setdiff1d(rest, chosen, assume_unique=True)
    how = (f"{1 - validation - test:.0%} / {validation:.0%} / {test:.0%} train, validation, test "
           f"({len(train):,}, {len(chosen):,}, {int(tested.sum()):,} rows), "
           f"shuffled{said}{units.said}")
    return ThreeWay(train, chosen, np.flatnonzero(tested), how, units.name, units.ids)


def time_ordered(
    dataset: Dataset, y: np.ndarray | None = None, *, folds: int = 5, seed: int = 0
) -> Plan:
    """Each fold is tested on a stretch of time, learning from all that came strictly before.

    Rows of equal time stay together; the earliest stretch is only learnt from; rows without a
    time are left out. Where there are groups too, a fold does not learn from the groups that
    it is tested on. Nothing is drawn: `y` and `seed` are taken for the sake of sameness.
    """
    _at_least("folds", folds, 1)
    order = _order(dataset)
    parts = min(folds + 1, len(np.unique(order[order >= 0])))
    if parts < 2:
        raise DataError(
            "a split in order of time needs at least 2 different times; the time column has "
            f"{parts}. Leave out time=.")
    stretch = _stretches(order, parts)
    groups = dataset.groups()
    made = [_in_time(stretch, which, groups) for which in range(1, int(stretch.max()) + 1)]
    fewer = f" ({folds} asked, too few different times)" if len(made) < folds else ""
    how = (f"{len(made)} stretches of time, each tested after learning from all before{fewer}"
           f"{_untimed(order)}")
    return Plan(tuple(made), how, "time block", _blocks(order, _BLOCKS * parts))


def _in_time(stretch: np.ndarray, which: int, groups: np.ndarray | None) -> Fold:
    test = np.flatnonzero(stretch == which)
    before = (stretch >= 0) & (stretch < which)
    if groups is not None:
        before &= ~np.isin(groups, np.unique(groups[test][groups[test] >= 0]))
    train = np.flatnonzero(before)
    if not len(train):
        raise DataError(
            "no row lies before the tested time and outside the tested groups: every group spans "
            "all the time. Leave out groups= or time=.")
    return train, test


def _latest(dataset: Dataset, test: float) -> Plan:
    order = _order(dataset)
    cut = _cut(order, test)
    stretch = np.where(order < 0, -1, (order >= cut).astype(np.int64))
    fold = _in_time(stretch, 1, dataset.groups())
    how = f"the latest {len(fold[1]):,} rows held out, learning from all before{_untimed(order)}"
    return Plan((fold,), how, "time block", _blocks(order, _BLOCKS * 5))


def _three_in_time(dataset: Dataset, validation: float, test: float) -> ThreeWay:
    order = _order(dataset)
    last, middle = _cut(order, test), _cut(order, test + validation)
    stretch = np.where(order < 0, -1, (order >= middle).astype(np.int64) + (order >= last))
    if middle >= last or not (stretch == 0).any():
        raise DataError("train, validation and test in order of time need 3 different times "
                        "apart; the time column has too few. Leave out time=.")
    train, tested = _in_time(stretch, 2, dataset.groups())
    train = train[stretch[train] == 0]
    chosen = _in_time(stretch, 1, dataset.groups())
    train = np.intersect1d(train, chosen[0])
    if not len(train):
        raise DataError("every group spans all the time. Leave out groups= or time=.")
    how = (f"in order of time: {len(train):,} rows to train, then {len(chosen[1]):,} to validate, "
           f"then {len(tested):,} to test{_untimed(order)}")
    return ThreeWay(train, chosen[1], tested, how, "time block", _blocks(order, _BLOCKS * 5))


def _order(dataset: Dataset) -> np.ndarray:
    order = dataset.time_order()
    if order is None:
        raise DataError("a split in order of time needs a time column; say time= its name.")
    if not (order >= 0).any():
        raise DataError("the time column has no time in it; say time= another one.")
    return order


def _cut(order: np.ndarray, share: float) -> int:
    """The rank from which rows are late: nearest to the share, later than the first time."""
    timed = np.sort(order[order >= 0])
    want = max(1, int(np.floor(len(timed) * share + 0.5)))
    rank = timed[max(len(timed) - want, 0)]
    if rank == timed[0]:
        later = timed[timed > timed[0]]
        if not len(later):
            raise DataError("a split in order of time needs at least 2 different times; the time "
                            "column has 1. Leave out time=.")
        rank = later[0]
    return int(rank)


def _stretches(order: np.ndarray, parts: int) -> np.ndarray:
    """Consecutive stretches (n,) of about equal size, numbered from 0; equal times together."""
    found = np.full(len(order), -1, dtype=np.int64)
    timed = np.flatnonzero(order >= 0)
    _, where, counts = np.unique(order[timed], return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    bins = np.minimum((middle * parts / len(timed)).astype(np.int64), parts - 1)
    if len(np.unique(bins)) < parts:
        bins = _every_part(bins, parts)
    found[timed] = np.unique(bins, return_inverse=True)[1][where]
    return found


def _every_part(bins: np.ndarray, parts: int) -> np.ndarray:
    """Stretches with none empty, where a few times hold most of the rows."""
    last = len(bins) - 1
    low = np.maximum.accumulate(bins + 0)
    for i in range(1, len(bins)):
        low[i] = min(low[i], low[i - 1] + 1)
    floor = parts - 1 - (last - np.arange(len(bins)))
    return np.maximum(np.minimum(low, np.arange(len(bins))), np.maximum(floor, 0))


def _blocks(order: np.ndarray, blocks: int) -> np.ndarray:
    """Short stretches, as units of resampling; each row without a time is a unit of its own."""
    timed = len(np.unique(order[order >= 0]))
    found = _stretches(order, max(1, min(blocks, timed)))
    lone = np.flatnonzero(found < 0)
    found[lone] = found.max() + 1 + np.arange(len(lone))
    return found


def _untimed(order: np.ndarray) -> str:
    missing = int((order < 0).sum())
    said = "1 row without a time is" if missing == 1 else f"{missing:,} rows without a time are"
    return f"; {said} left out" if missing else ""


def _draw(
    strata: np.ndarray, units: np.ndarray | None, share: float, rng: np.random.Generator
) -> np.ndarray:
    """True for the rows drawn: n * share of them, halves up, at least one and not all."""
    n = len(strata)
    count = min(max(int(np.floor(n * share + 0.5 + 1e-9)), 1), n - 1)
    return deal(strata, units, np.array([1 - count / n, count / n]), rng) == 1


def _fold(tested: np.ndarray) -> Fold:
    return np.flatnonzero(~tested), np.flatnonzero(tested)


def _strata(y: np.ndarray, stratify: bool, parts: int) -> tuple[np.ndarray, str]:
    """Class codes to keep in proportion, and how to say so."""
    y = np.asarray(y)
    if not stratify:
        return np.zeros(len(y), dtype=np.int64), ""
    if y.dtype.kind == "f":
        slices = int(min(10, max(1, len(y) // (2 * parts))))
        edges = np.nanquantile(y, np.arange(1, slices) / slices) if slices > 1 else np.array([])
        codes = np.where(np.isnan(y), slices, np.searchsorted(edges, y, side="right"))
        return _dense(codes), f", {slices} slices of the target's range in proportion"
    codes = _dense(y)
    rarest = int(np.bincount(codes).min())
    said = ", classes in proportion"
    if rarest < parts:
        said += f" as far as can be (the rarest class has {rarest} rows)"
    return codes, said.replace("has 1 rows", "has 1 row")


def _dense(codes: np.ndarray) -> np.ndarray:
    return np.unique(codes, return_inverse=True)[1].astype(np.int64, copy=False)


def _countable(units: Units, least: int) -> int:
    if units.count < least:
        raise DataError(
            f"a split needs at least {least} {units.name}s; the data has {units.count}"
            + (". Leave out groups=." if units.name == "group" else "."))
    return units.count


def _at_least(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ParameterError(f"{name} must be a whole number >= {least}; got {value!r}.")


def _a_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ParameterError(f"{name} must be > 0 and < 1; got {value!r}.")
