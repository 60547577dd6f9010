"""Effects: how the answer moves with a column, over all rows: ALE, partial dependence, ICE.

*Accumulated local effects* (Apley and Zhu 2020) ask what a row's answer would be at the two ends
of the small interval that its own value lies in, and add up the mean differences: no row is asked
far from where it is. *Partial dependence* (Friedman 2001) gives every row every value, whether it
occurs with the row's other columns or not; how often it asks about rows unlike any real one is
measured and said. *ICE* (Goldstein and others 2015) are the same curves row by row.

Curves are told as distances from the average answer. Bands come from drawing rows (or groups)
anew; they are of the mean over rows, for this model as it is. Whether a curve moves at all is
judged against a band that holds for all its points at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.seeds import generator, some
from wholefit.explain import _ale
from wholefit.explain._axis import Axis, axis
from wholefit.explain._curves import Curve, Effect, Surface
from wholefit.explain._mixed import mixed
from wholefit.explain._together import association_with, numeric
from wholefit.explain.pool import Pool

__all__ = ["Effect", "Surface", "asked_at", "effect", "partial_dependence", "surface"]

Array = np.ndarray
KINDS = ("ale", "pdp", "ice")
_DRAWS, _SHOWN, _CELLS = 300, 60, 10
# Real and composed rows that are laid beside each other, and what counts as going together.
_REAL, _MADE, _GOES_WITH = 1_500, 400, 0.3


def partial_dependence(answer: Any, X: Any, features: Any, values: Any) -> Array:
    """Mean answer (q, ...) over rows X (n, p) where `features` have each of `values` (q, k).

    `answer` is a scorer of a state, or a function from rows to answers.
    """
    values = np.asarray(values, dtype=np.float64)
    return mixed(answer, X).grid(np.atleast_1d(features), values).mean(axis=1)


def effect(
    pool: Pool, column: str, kind: str = "ale", *, of: Any = None, points: int = 20,
    level: float = 0.95, most: int = 5_000, seed: int = 0,
) -> Effect:
    """How the answer moves with one column of the pool's rows.

    `of`: the class whose probability is told (the positive one of two, else the one that moves
    most). Categories are put in an order by how alike their rows are otherwise, for ALE. At most
    `most` rows are asked, at about `points` values. Raises DataError for text, which has no
    values to move along, and for a column without two different values.
    """
    _check(kind, points, level)
    given = len(pool)
    pool = _fewer(pool, most, seed)
    along = axis(pool, column, points, ordered=kind == "ale")
    rows = np.flatnonzero(along.known)
    weights = _weights(pool, rows)
    draws = _draws(pool, rows, weights, seed)
    told = _Told(pool, of)
    lines: Array | None = None
    if kind == "ale":
        curve, drawn = _of_ale(pool, along, rows, weights, draws, told)
    else:
        answers = told.of(asked_at(pool, [column], along.lenders[:, None], rows))
        (curve, drawn), lines = _of_means(answers, along, rows, weights, draws)
    return Effect(
        column=column, kind=kind, told=told.said, axis=along.kind,
        curve=_banded(along, curve, drawn, level), average=told.average(rows, weights),
        moves=_moves(curve, drawn), swing=_swing(curve, drawn, level), rows=len(rows),
        given=given, missing=int((~along.known).sum()), level=level, note=along.note,
        far=() if kind == "ale" else _far(pool, column, along, rows, seed),
        lines=_shown(lines, seed) if kind == "ice" and lines is not None else (),
        against=_against(lines, curve), rug=tuple(along.rug))


def _banded(along: Axis, curve: Array, drawn: Array, level: float) -> Curve:
    """The curve with its band at each point."""
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    values, low, high = (tuple(map(float, each)) for each in (
        curve, np.minimum(low, curve), np.maximum(high, curve)))
    return Curve(along.names, tuple(along.places), values, low, high, tuple(along.shares))


def _swing(curve: Array, drawn: Array, level: float) -> tuple[float, float, float]:
    """From the lowest to the highest point, with its interval."""
    change = drawn[:, int(curve.argmax())] - drawn[:, int(curve.argmin())]
    low, high = np.quantile(change, [(1 - level) / 2, (1 + level) / 2])
    return float(np.ptp(curve)), float(low), float(high)


def surface(
    pool: Pool, columns: Sequence[str], kind: str = "ale", *, of: Any = None,
    points: int = _CELLS, most: int = 2_000, seed: int = 0,
) -> Surface:
    """How the answer moves with two columns.

    Of two numbers or dates, kind "ale" tells what they do together beyond what each does alone
    (second-order ALE); "pdp", and any pair with a category, the mean answer at each combination.
    """
    _check(kind, points, 0.95)
    if kind == "ice":
        raise ParameterError("ICE is of one column: ask for kind=\"pdp\" or \"ale\" of two.")
    if len(set(columns)) != 2:
        raise ParameterError("an effect is of one column or of two different ones; got "
                             f"{', '.join(map(repr, columns))}.")
    given = len(pool)
    pool = _fewer(pool, most, seed)
    first, second = (axis(pool, name, points, ordered=False) for name in columns)
    rows = np.flatnonzero(first.known & second.known)
    if len(rows) < 2:
        raise DataError(f"fewer than two rows know both {columns[0]!r} and {columns[1]!r}.")
    told = _Told(pool, of)
    weights = _weights(pool, rows)
    counts = _counts(first, second, rows)
    note = ""
    if kind == "ale" and "category" in (first.kind, second.kind):
        kind, note = "pdp", ("a category has no intervals to add up differences over, so this is "
                             "partial dependence.")
    if kind == "ale":
        values = _ale.second(pool, columns, first, second, rows, weights, told.of)
        counts = _ale.cells(first, second, rows)
    else:
        a, b = np.meshgrid(first.lenders, second.lenders, indexing="ij")
        answers = told.of(asked_at(pool, list(columns), np.stack([a.ravel(), b.ravel()], 1), rows))
        values = np.average(answers, axis=1, weights=weights).reshape(a.shape)
    return Surface((columns[0], columns[1]), kind, told.said, (first.kind, second.kind),
                   (first.names, second.names), (tuple(first.places), tuple(second.places)),
                   tuple(tuple(map(float, row)) for row in values),
                   tuple(tuple(map(int, row)) for row in counts),
                   float(told.average(rows, weights)), len(rows), given, note)


def asked_at(pool: Pool, columns: Sequence[str], lenders: Array, rows: Array) -> Array:
    """Answers (q, rows, ...) where `columns` have what rows lenders[q] (q, columns) have there."""
    places = [pool.at(name) for name in columns]
    if pool.separable:
        features = [pool.groups[place] for place in places]
        if sum(map(len, features)):
            whole = pool.matrix
            blocks = [_picked(whole, lenders[:, at], each) for at, each in enumerate(features)]
            found = pool.mixed.grid(np.concatenate(features), np.concatenate(blocks, axis=1))
            return np.asarray(found[:, rows])
        return np.repeat(pool.answer(pool.own(rows))[None], len(lenders), axis=0)
    own = pool.own(rows)
    parts = []
    for lender in lenders:
        take = own.copy()
        take[:, places] = lender
        parts.append(pool.answer(take))
    return np.stack(parts)


def _picked(whole: Any, rows: Array, features: Array) -> Array:
    found = whole[rows][:, features]
    return found.toarray() if hasattr(found, "toarray") else np.asarray(found, dtype=np.float64)


class _Told:
    """Which number of an answer is told: that of a class, or the answer itself."""

    def __init__(self, pool: Pool, of: Any) -> None:
        codec = pool.fitted.codec
        classes = getattr(codec, "classes", None)
        self._pool, self._classes = pool, classes
        self._target = str(pool.fitted.schema.target)
        self._at: int | None = None
        if classes is None:
            if of is not None:
                raise ParameterError(f"of={of!r} names a class, and the answer is a number.")
        elif of is not None:
            self._at = _class(classes, of)
        elif len(classes) == 2:
            self._at = int(getattr(codec, "positive", 1))

    def of(self, answers: Array) -> Array:
        """The number told of each answer; the class that moves most is settled here."""
        if self._classes is None:
            return answers
        if self._at is None:
            means = answers.mean(axis=1)
            self._at = int(np.ptp(means, axis=0).argmax())
        return answers[..., self._at]

    @property
    def said(self) -> str:
        """What the number is, in words."""
        if self._classes is None:
            return self._target
        assert self._at is not None
        return f"the probability that {self._target} is {self._classes[self._at]}"

    def average(self, rows: Array, weights: Array) -> float:
        """The mean of the answers to the rows as they are."""
        found = self.of(self._pool.answer(self._pool.own(rows))[None])[0]
        return float(np.average(found, weights=weights))


def _class(classes: Sequence[Any], of: Any) -> int:
    from wholefit.base.errors import unknown

    names = [str(each) for each in classes]
    if str(of) not in names:
        raise unknown("class", str(of), names)
    return names.index(str(of))


def _of_ale(pool: Pool, along: Axis, rows: Array, weights: Array, draws: Array,
            told: _Told) -> tuple[Array, Array]:
    """The centred curve (q,) and the same of each draw of rows (draws, q)."""
    row, step, change = _ale.differences(pool, along, rows, told.of)
    curve = _ale.curve(row, step, change, along, rows, weights[None])[0]
    return curve, _ale.curve(row, step, change, along, rows, draws)


def _of_means(answers: Array, along: Axis, rows: Array, weights: Array,
              draws: Array) -> tuple[tuple[Array, Array], Array]:
    """The same of partial dependence, and each row's curve (n, q)."""
    lines = answers.T
    shares = np.asarray(along.shares)

    def centred(weight: Array) -> Array:
        means = weight @ lines / weight.sum(axis=1, keepdims=True)
        return np.asarray(means - (means @ shares)[:, None])

    return (centred(weights[None])[0], centred(draws)), lines


def _moves(curve: Array, draws: Array) -> bool:
    """Whether the curve leaves zero, judged at all its points at once (sup-t band, 95%)."""
    spread = draws.std(axis=0)
    size = max(float(np.abs(curve).max(initial=0.0)), 1e-300)
    sure = spread <= 1e-9 * size
    if np.ptp(curve) <= 1e-12:
        return False
    if sure.all():
        return True
    away = np.abs(draws - curve)[:, ~sure] / spread[~sure]
    edge = np.quantile(away.max(axis=1), 0.95)
    return bool((np.abs(curve[~sure]) / spread[~sure]).max() > edge)


def _draws(pool: Pool, rows: Array, weights: Array, seed: int) -> Array:
    """Row weights (draws, n) of drawing rows, or whole groups, with replacement."""
    random = generator(seed, "effect")
    groups = pool.dataset.groups()
    if groups is None:
        times = random.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), _DRAWS)
        return np.asarray(times * weights)
    unit = np.unique(groups[rows], return_inverse=True)[1]
    units = int(unit.max()) + 1
    drawn = random.multinomial(units, np.full(units, 1 / units), _DRAWS)[:, unit] * weights
    drawn[drawn.sum(axis=1) == 0] = weights
    return np.asarray(drawn)


def _weights(pool: Pool, rows: Array) -> Array:
    given = pool.dataset.weights()
    found = np.ones(len(rows)) if given is None else given[rows]
    return found if found.sum() > 0 else np.ones(len(rows))


def _fewer(pool: Pool, most: int, seed: int) -> Pool:
    if len(pool) <= most:
        return pool
    return Pool(pool.fitted, pool.dataset.take(some(len(pool), most, seed, "effect rows")))


def _check(kind: str, points: int, level: float) -> None:
    if kind not in KINDS:
        from wholefit.base.errors import unknown

        raise unknown("kind of effect", kind, KINDS)
    if not 2 <= points <= 200:
        raise ParameterError(f"points must be 2 to 200; got {points}.")
    if not 0 < level < 1:
        raise ParameterError(f"level must be above 0 and below 1; got {level}.")


def _shown(lines: Array, seed: int) -> tuple[tuple[float, ...], ...]:
    """Some rows' curves, each from where it starts."""
    few = generator(seed, "ice").permutation(len(lines))[:_SHOWN]
    return tuple(tuple(map(float, line - line[0])) for line in lines[np.sort(few)])


def _against(lines: Array | None, curve: Array) -> float | None:
    """Share of rows whose own curve goes the other way where the mean moves most."""
    if lines is None:
        return None
    change = lines[:, int(curve.argmax())] - lines[:, int(curve.argmin())]
    return float((change < -1e-12).mean())


def _counts(first: Axis, second: Axis, rows: Array) -> Array:
    """How many rows lie nearest to each combination of points."""
    found = np.zeros((len(first.lenders), len(second.lenders)), dtype=int)
    np.add.at(found, (first.nearest[rows], second.nearest[rows]), 1)
    return found


# ---- far from the data ------------------------------------------------------------------


@dataclass(frozen=True)
class _Space:
    """Rows as numbers that lie in 0..1, and codes that are equal or not."""

    numbers: Array
    codes: Array

    def far(self, other: _Space) -> Array:
        """Distance of each row of this to each of the other, the largest over columns."""
        found = np.zeros((len(self.numbers), len(other.numbers)))
        for at in range(self.numbers.shape[1]):
            np.maximum(found, np.abs(np.subtract.outer(
                self.numbers[:, at], other.numbers[:, at])), out=found)
        for at in range(self.codes.shape[1]):
            np.maximum(found, self.codes[:, at][:, None] != other.codes[:, at], out=found)
        return found


def _far(pool: Pool, column: str, along: Axis, rows: Array, seed: int) -> tuple[Any, ...]:
    """Columns that go with this one, and the share of composed rows far from every real one.

    In the space of these few columns; far is farther from the nearest real row than 19 of 20
    real rows are from theirs.
    """
    others = [name for name in pool.columns if name != column]
    bond = association_with(pool.dataset, column, others)
    near = [others[at] for at in np.argsort(-bond)[:3] if bond[at] >= _GOES_WITH]
    if not near or len(rows) < 30:
        return ()
    random = generator(seed, "far")
    real = random.permutation(rows)[:_REAL]
    made = random.choice(rows, _MADE)
    lender = random.choice(along.lenders, _MADE)
    names = [column, *near]
    space = _space(pool, names, real, [real] * len(names))
    asked = _space(pool, names, real, [lender, *[made] * len(near)])
    nearest = asked.far(space).min(axis=1)
    own = space.far(space)
    np.fill_diagonal(own, np.inf)
    edge = float(np.quantile(own.min(axis=1), 0.95))
    return tuple(near), float((nearest > edge + 1e-12).mean())


def _space(pool: Pool, names: list[str], real: Array, takes: list[Array]) -> _Space:
    numbers, codes = [], []
    for name, take in zip(names, takes, strict=True):
        values = numeric(pool.dataset, name)
        if values is None:
            codes.append(pool.dataset.codes(name)[0][take])
            continue
        known = np.sort(values[real][np.isfinite(values[real])])
        rank = np.searchsorted(known, values[take], side="left") / max(len(known), 1)
        numbers.append(np.where(np.isfinite(values[take]), rank, -1.0))
    size = len(takes[0])
    return _Space(np.stack(numbers, 1) if numbers else np.zeros((size, 0)),
                  np.stack(codes, 1) if codes else np.zeros((size, 0)))
