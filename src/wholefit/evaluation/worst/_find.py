"""Finding the worst slices: search on one half, judge on the other, both ways."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.seeds import generator, some
from wholefit.evaluation.intervals import student, wilson
from wholefit.evaluation.score import check_level
from wholefit.evaluation.worst._conditions import Conditions, conditions
from wholefit.evaluation.worst._search import Candidate, alike, search
from wholefit.evaluation.worst._told import Worst, WorstSlice

# Fewest rows of a part: this many, or this share of the rows.
_LEAST, _LEAST_SHARE = 40, 0.005
# Candidates that one half hands to the other.
_CANDIDATES = 8
# Losses beyond this quantile count as it in the search: a few wild rows make no part.
_TAIL = 0.99
# More rows than this are sampled for the search; every row judges... of those that were drawn.
_MOST_ROWS = 200_000
# Standard errors, on half of the rows, that are found four times in five (see
# benchmarks/understanding/slices.py).
_FOUND = 5.0
_ALIKE = 0.5
# A mean more skew than this is of too few rows to be corrected for it.
_MOST_SKEW = 0.5


def worst(
    columns: Mapping[str, pl.Series], loss: Any, *, wrong: Any = None, expected: Any = None,
    error: Any = None, units: Any = None, least: int | None = None, depth: int = 3,
    most: int = 5, level: float = 0.95, seed: int = 0, name: str = "loss",
) -> Worst:
    """Parts of the rows, of up to `depth` conditions, whose mean loss is larger than elsewhere.

    `columns` (each n rows) may be of any kind, learnt from or not; `loss` (n,) is what each row
    costs. For the words: `wrong` (n,) whether the answer is wrong, `expected` (n,) the chance of
    that by the model's own probabilities; `error` (n,) truth minus answer of numbers. `units`
    (n,) names rows that belong together, which are never parted, and whose losses are taken as
    dependent. `least` is the fewest rows of a part (40, or 0.5% of them if that is more).
    """
    check_level(level)
    losses = np.asarray(loss, dtype=np.float64)
    if losses.ndim != 1 or any(len(column) != len(losses) for column in columns.values()):
        raise DataError("columns and loss must have as many rows as each other.")
    if not np.isfinite(losses).all():
        raise DataError("loss must be finite; leave rows without a known truth or answer out.")
    if depth not in (1, 2, 3):
        raise ParameterError(f"depth must be 1, 2 or 3 conditions; got {depth!r}.")
    if least is not None and least < 10:
        raise ParameterError(f"least must be >= 10 rows; got {least}.")
    rows = _Rows.of(losses, wrong, expected, error, units)
    drawn = _sample(rows, seed)
    if len(drawn) < len(losses):
        rows = rows.take(drawn)
        columns = {key: column[drawn] for key, column in columns.items()}
    return _found(columns, rows, len(losses), least, depth, most, level, seed, name)


@dataclass(frozen=True)
class _Rows:
    """What is known of each row; `unit` are codes, None where each row stands alone.

    Losses are stored over `scale`, so that the squares of huge ones have a number.
    """

    loss: np.ndarray
    wrong: np.ndarray | None
    expected: np.ndarray | None
    error: np.ndarray | None
    unit: np.ndarray | None
    scale: float = 1.0

    @classmethod
    def of(cls, loss: np.ndarray, wrong: Any, expected: Any, error: Any, units: Any) -> _Rows:
        parts = [None if part is None else np.asarray(part, dtype=np.float64)
                 for part in (wrong, expected, error)]
        if any(part is not None and part.shape != loss.shape for part in parts):
            raise DataError("wrong, expected and error must have as many rows as loss.")
        unit = None if units is None else np.unique(np.asarray(units), return_inverse=True)[1]
        peak = float(np.abs(loss).max(initial=0.0))
        scale = 1.0 if 1e-9 < peak < 1e9 or peak == 0 else peak
        return cls(loss / scale, parts[0], parts[1], parts[2], unit, scale)

    def take(self, rows: np.ndarray) -> _Rows:
        """These rows."""
        wrong, expected, error, unit = (
            None if part is None else part[rows]
            for part in (self.wrong, self.expected, self.error, self.unit))
        return _Rows(self.loss[rows], wrong, expected, error, unit, self.scale)

    def __len__(self) -> int:
        return len(self.loss)


def _sample(rows: _Rows, seed: int) -> np.ndarray:
    return some(len(rows), _MOST_ROWS, seed, "worst sample")


def _found(
    columns: Mapping[str, pl.Series], rows: _Rows, whole: int, least: int | None, depth: int,
    most: int, level: float, seed: int, name: str,
) -> Worst:
    n = len(rows)
    asked = max(_LEAST, math.ceil(_LEAST_SHARE * n)) if least is None else least
    skipped = "" if n >= 4 * asked else (
        f"{n:,} rows are too few to part; at least {4 * asked:,} are needed")
    if skipped:
        return Worst((), whole, 0, 0, name, level, asked, math.nan, skipped)
    known = conditions(columns, asked)
    searched, judged = 0, []
    for here, there in _ways(rows, seed):
        clipped = np.minimum(rows.loss[here], np.quantile(rows.loss[here], _TAIL))
        if clipped.max(initial=0.0) == clipped.min(initial=0.0):
            clipped = rows.loss[here]
        candidates, looked = search(known, here, clipped, least=max(asked // 2, 5), depth=depth,
                                    most=_CANDIDATES)
        searched += looked
        judged += _judged(known, candidates, rows, there)
    p = weighted_holm([each.p for each in judged], [each.weight for each in judged])
    certain = [(each, float(value)) for each, value in zip(judged, p, strict=True)
               if value < 1 - level and each.gap > 0]
    taken = _merged(known, certain, rows, level, most)
    slices = tuple(_told(known, each, value, rows, whole, level) for each, value in taken)
    order = sorted(slices, key=lambda each: -each.difference * math.sqrt(each.n))
    return Worst(tuple(order), whole, searched, len(known.all), name, level, asked,
                 _detectable(rows))


def _ways(rows: _Rows, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(search, judge) both ways; rows of a unit stay together."""
    rng = generator(seed, "worst halves")
    if rows.unit is None:
        order = rng.permutation(len(rows))
        halves = np.sort(order[: len(rows) // 2]), np.sort(order[len(rows) // 2:])
    else:
        side = rng.permutation(int(rows.unit.max()) + 1) % 2
        first = side[rows.unit] == 0
        halves = np.flatnonzero(first), np.flatnonzero(~first)
    return [halves, halves[::-1]]


@dataclass(frozen=True)
class _Judged:
    """A candidate on the rows that did not choose it."""

    parts: tuple[int, ...]
    inside: np.ndarray
    outside: np.ndarray
    gap: float
    spread: float
    degrees: float
    p: float
    weight: float


def _judged(
    known: Conditions, found: list[Candidate], rows: _Rows, there: np.ndarray
) -> list[_Judged]:
    """Each candidate on the rows `there`, and again without those of the candidates before it.

    A part that shares rows with a bad one looks bad too; it must be so by its own rows.
    """
    made, before = [], np.zeros(len(there), dtype=bool)
    for place, each in enumerate(found):
        mask = known.masks[list(each.parts)][:, there].all(axis=0)
        whole = _judge(each.parts, rows, there[mask], there[~mask], 1.0 / (1 + place))
        own = _judge(each.parts, rows, there[mask & ~before], there[~mask & ~before], 1.0)
        made.append(replace(whole, p=max(whole.p, own.p)))
        before |= mask
    return made


def _judge(
    parts: tuple[int, ...], rows: _Rows, inside: np.ndarray, outside: np.ndarray, weight: float
) -> _Judged:
    if len(inside) < 2 or len(outside) < 2:
        return _Judged(parts, inside, outside, 0.0, math.inf, 1.0, 1.0, weight)
    gap = float(rows.loss[inside].mean() - rows.loss[outside].mean())
    spread, degrees, skew = _error(rows, inside, outside)
    p = _p(gap / spread, degrees, skew) if spread > 0 else (0.0 if gap > 0 else 1.0)
    return _Judged(parts, inside, outside, gap, spread, degrees, p, weight)


def _p(t: float, degrees: float, skew: float) -> float:
    """One-sided p-value of Student's t where the mean is skew (Hall 1992, cubic transformation).

    Losses are skew to the right, and their t to the left: without it, a bad part would be missed.
    """
    from scipy.special import stdtr

    skew = min(max(skew, -_MOST_SKEW), _MOST_SKEW)
    return float(stdtr(degrees, -(t + skew * (t * t / 3 + 1 / 6) + skew * skew * t**3 / 27)))


def _error(
    rows: _Rows, inside: np.ndarray, outside: np.ndarray
) -> tuple[float, float, float]:
    """Standard error of the difference of means, its degrees of freedom (Welch 1947), its skew.

    Never less than it would be if both sides were of one spread: a part where all rows cost the
    same has none of its own. With units, the sums of each unit's deviations take the rows' place.
    """
    (first, a, up), (second, b, down) = (_moments(rows, side) for side in (inside, outside))
    both = np.concatenate([inside, outside])
    pooled, degrees, _ = _moments(rows, both)
    floor = pooled * len(both) * (1 / len(inside) + 1 / len(outside))
    welch = first + second
    if welch < floor:
        return math.sqrt(floor), max(degrees - 1, 1.0), 0.0
    if welch == 0:
        return 0.0, 1.0, 0.0
    degrees = welch**2 / sum(v**2 / max(df, 1) for v, df in ((first, a), (second, b)) if v > 0)
    return math.sqrt(welch), max(degrees, 1.0), (up - down) / welch**1.5


def _moments(rows: _Rows, side: np.ndarray) -> tuple[float, float, float]:
    """Variance of the mean loss of these rows, its degrees of freedom, and third moment."""
    away = rows.loss[side] - rows.loss[side].mean()
    if rows.unit is not None:
        sums = np.bincount(rows.unit[side], weights=away)
        away = sums[np.unique(rows.unit[side])]
    count = len(away)
    if count < 2:
        return 0.0, 1.0, 0.0
    square = away * away
    return (float(square.sum()) / len(side) ** 2 * count / (count - 1), count - 1.0,
            float(square @ away) / len(side) ** 3)


def weighted_holm(p: list[float], weights: list[float]) -> np.ndarray:
    """p-values corrected for being several, with weights (Holm 1979, section 4).

    In order of p over weight, each is multiplied by the weights that are left over its own; the
    chance of any false alarm stays bounded as with equal weights.
    """
    given, weight = np.asarray(p, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    order = np.argsort(given / weight, kind="stable")
    left = np.cumsum(weight[order][::-1])[::-1]
    found = np.empty(len(given))
    found[order] = np.minimum(np.maximum.accumulate(given[order] * left / weight[order]), 1.0)
    return found


def _merged(
    known: Conditions, certain: list[tuple[_Judged, float]], rows: _Rows, level: float, most: int
) -> list[tuple[_Judged, float]]:
    """The surest first; of those that are much the same rows, or bad by the same rows, only one."""
    taken: list[tuple[_Judged, float]] = []
    masks: list[np.ndarray] = []
    union = np.zeros(len(rows), dtype=bool)
    for each, p in sorted(certain, key=lambda one: (one[1], len(one[0].parts), one[0].parts)):
        mask = known.meets(each.parts)
        if any(alike(mask, other) > _ALIKE for other in masks):
            continue
        if masks:
            inside, outside = (side[~union[side]] for side in (each.inside, each.outside))
            if _judge(each.parts, rows, inside, outside, 1.0).p >= (1 - level) / 2:
                continue
        taken.append((each, p))
        masks.append(mask)
        union |= mask
        if len(taken) == most:
            break
    return taken


def _told(
    known: Conditions, found: _Judged, p: float, rows: _Rows, whole: int, level: float
) -> WorstSlice:
    mask = known.meets(found.parts)
    scale = rows.scale
    gap, reach = found.gap * scale, student(level, found.degrees) * found.spread * scale
    count = int(mask.sum())
    total = float(rows.loss.sum())
    inside, outside = rows.loss[found.inside], rows.loss[found.outside]
    return WorstSlice(
        tuple(known.all[at] for at in found.parts), round(count / len(rows) * whole),
        count / len(rows), len(found.inside), scale * float(inside.mean()),
        scale * float(outside.mean()), gap, gap - reach, gap + reach, p,
        float(rows.loss[mask].sum()) / total if total else 0.0,
        **_of_answers(rows, found, level))


def _of_answers(rows: _Rows, found: _Judged, level: float) -> dict[str, float]:
    given: dict[str, float] = {}
    count = len(found.inside)
    if rows.wrong is not None:
        share = float(rows.wrong[found.inside].mean())
        low, high = wilson(share, count, student(level, math.inf))
        given = {"wrong": share, "wrong_low": low, "wrong_high": high,
                 "wrong_elsewhere": float(rows.wrong[found.outside].mean())}
        if rows.expected is not None:
            given["expected"] = float(rows.expected[found.inside].mean())
    if rows.error is not None:
        error = rows.error[found.inside]
        mean = float(error.mean())
        reach = student(level, count - 1) * float(error.std(ddof=1)) / math.sqrt(count)
        given |= {"bias": mean, "bias_low": mean - reach, "bias_high": mean + reach}
    return given


def _detectable(rows: _Rows) -> float:
    """What a tenth of the rows must differ by to be found four times in five."""
    n = len(rows) / 2
    spread = rows.loss.std() * rows.scale if rows.wrong is None else rows.wrong.std()
    return _FOUND * float(spread) * math.sqrt(1 / (0.1 * n) + 1 / (0.9 * n))
