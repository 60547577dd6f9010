"""Bias and variance by the bootstrap: how far answers are off on average, and how far they scatter.

Each of many bootstrap draws of the units teaches a model, which answers the rows it did not draw.
For squared errors (and for probabilities, summed over classes: the Brier score) the mean error of
a row is exact:

    error = (mean answer - truth)^2 + variance of the answers
          = bias^2 + noise          + variance

Without knowing the truth behind the noise, bias^2 and noise cannot be told apart, except where
rows with the same features disagree. Both parts are corrected for the finite number of draws.
Of classes said, the parts of Domingos (2000): bias is how often the class said most often is
wrong; variance helps where that is wrong and harms where it is right. A bootstrap draw holds
about 63% of the different rows, so the variance is that of somewhat fewer rows than there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.budget import Clock
from wholefit.base.errors import DataError
from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.base.wording import plain
from wholefit.evaluation import Score
from wholefit.evaluation.intervals import Spread, student
from wholefit.models import Model
from wholefit.training.curves._bench import Array, Bench
from wholefit.training.curves._validation import _text

DRAWS, _LEAST = 40, 8


@dataclass(frozen=True)
class Parts:
    """One model: error = bias (with noise in it) + variance, each with its interval.

    Of classes, `said_bias`, `said_unbiased` and `said_biased` are the parts of the share of wrong
    classes: error = bias + unbiased variance - biased variance (two classes). NaN for numbers.
    """

    model: str
    error: Score
    bias: Score
    variance: Score
    draws: int
    said_bias: float = math.nan
    said_unbiased: float = math.nan
    said_biased: float = math.nan

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return plain({"model": self.model, "error": self.error.to_json(),
                      "bias": self.bias.to_json(), "variance": self.variance.to_json(),
                      "draws": self.draws, "said_bias": self.said_bias,
                      "said_unbiased": self.said_unbiased, "said_biased": self.said_biased})


@dataclass(frozen=True)
class Decomposition:
    """Bias and variance of models on the same draws; `noise` of rows with twins, or None."""

    target: str
    source: str
    rows: int
    measure: str
    level: float
    models: tuple[Parts, ...]
    noise: Score | None
    notes: tuple[str, ...]

    @property
    def said(self) -> tuple[str, ...]:
        """What follows, in sentences."""
        found = [f"{each.model}: {self.measure} {each.error} = bias and noise {each.bias} + "
                 f"variance {each.variance}." for each in self.models]
        if self.noise is not None:
            found.append(f"Rows with the same features disagree: noise alone is {self.noise}, on "
                         f"the {self.noise.n:,} rows that have a twin.")
        return (*found, *self.notes)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text."""
        return (["model", self.measure, "bias and noise", "variance"],
                [[each.model, str(each.error), str(each.bias), str(each.variance)]
                 for each in self.models])

    def to_text(self) -> str:
        """What follows, a sentence a line."""
        return "\n".join(self.said)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"target": self.target, "source": self.source, "rows": self.rows,
                "measure": self.measure, "level": self.level,
                "models": [each.to_json() for each in self.models],
                "noise": None if self.noise is None else self.noise.to_json(),
                "said": list(self.said)}


def decompose(
    bench: Bench, models: Sequence[Model], clock: Clock, draws: int = DRAWS
) -> Decomposition:
    """Bias and variance of each model, on the same draws, as many as the clock allows.

    DataError for fewer than 20 units, or a clock that allows fewer than 8 draws.
    """
    units = np.unique(bench.units)
    if len(units) < 20:
        raise DataError(f"bias and variance need at least 20 rows that are drawn apart; there are "
                        f"{len(units)}.")
    found = [_of_model(bench, model, draws, clock) for model in models]
    measure = "Brier score" if bench.problem.n_classes else "mean squared error"
    notes = ["Each model learnt from bootstrap draws, and was judged on the rows not drawn."]
    if bench.timed:
        notes.append("Order of time was left aside: rows were drawn from all of it.")
    return Decomposition(
        str(bench.problem.dataset.schema.target), bench.problem.dataset.source,
        len(bench.problem.y), measure, bench.options.level, tuple(found), noise(bench),
        tuple(notes))


def _of_model(bench: Bench, model: Model, draws: int, clock: Clock) -> Parts:
    rows = len(bench.problem.y)
    shape = (rows, max(bench.problem.n_classes, 1))
    count, total, square = np.zeros(rows), np.zeros(shape), np.zeros(shape)
    votes = np.zeros(shape)
    done = 0
    for draw in range(draws):
        if done >= _LEAST and clock.left() <= 0:
            break
        train, out = _drawn(bench, draw)
        answer = bench.answers(bench.fit(model, train, f"draw {draw}"), out)
        answer = answer.reshape(len(out), -1)
        count[out] += 1
        total[out] += answer
        square[out] += answer**2
        votes[out, answer.argmax(axis=1)] += 1
        done += 1
        emit("curve_step", step=f"{model.name}: draw {done} of {draws}")
    kept = np.flatnonzero(count >= 2)
    n = count[kept]
    mean = total[kept] / n[:, None]
    variance = np.maximum(square[kept] / n[:, None] - mean**2, 0).sum(axis=1) * n / (n - 1)
    bias = ((mean - _truth(bench)[kept]) ** 2).sum(axis=1) - variance / n
    how = f"{done} bootstrap draws, rows not drawn, {len(kept):,} rows"
    error, off, scatter = (_mean(bench, each, kept, name, how) for name, each in (
        ("error", bias + variance), ("bias", bias), ("variance", variance)))
    if not bench.problem.n_classes:
        return Parts(_text(model), error, off, scatter, done)
    said = _domingos(bench.problem.y[kept], votes[kept] / n[:, None])
    return Parts(_text(model), error, off, scatter, done, *said)


def _drawn(bench: Bench, draw: int) -> tuple[Array, Array]:
    """Rows of units drawn with replacement, and the rows of the units that were not."""
    units = bench.units
    names, back = np.unique(units, return_inverse=True)
    rng = generator(bench.options.seed, "bootstrap", draw)
    times = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))[back]
    return np.repeat(np.arange(len(units)), times), np.flatnonzero(times == 0)


def _truth(bench: Bench) -> Array:
    y = bench.problem.y
    return np.eye(bench.problem.n_classes)[y] if bench.problem.n_classes else y[:, None]


def _mean(bench: Bench, values: Array, rows: Array, name: str, how: str) -> Score:
    """The mean of a number a row, with the interval that its units give."""
    weights = np.ones(len(rows)) if bench.problem.weights is None else bench.problem.weights[rows]
    weights = weights / weights.sum()
    value = float(weights @ values)
    pulls = np.bincount(np.unique(bench.units[rows], return_inverse=True)[1],
                        weights=weights * (values - value))
    spread = Spread.of(pulls)
    reach = student(bench.options.level, spread.degrees) * spread.error
    return Score(name, value, value - reach, value + reach, bench.options.level, how, len(rows))


def _domingos(y: Array, share: Array) -> tuple[float, float, float]:
    """Bias, unbiased and biased variance of the classes said; `share` (n, k) of the draws."""
    main = share.argmax(axis=1)
    other = 1 - share[np.arange(len(y)), main]
    wrong = main != y
    hit = share[np.arange(len(y)), y]
    return float(wrong.mean()), float(np.mean(np.where(wrong, 0, other))), float(
        np.mean(np.where(wrong, hit, 0)))


def noise(bench: Bench) -> Score | None:
    """The error that no model can avoid on rows whose features others share, if 30 such rows are.

    Twins with the same features and other targets: the variance of the target within each set
    (pure error), summed over classes.
    """
    keys = bench.problem.dataset.row_keys()
    _, back, counts = np.unique(keys, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(counts[back] > 1)
    if len(rows) < 30:
        return None
    truth, group = _truth(bench), back
    sums = np.stack([np.bincount(group, weights=column) for column in truth.T], axis=1)
    n = counts[group][rows]
    mean = sums[group][rows] / n[:, None]
    each = ((truth[rows] - mean) ** 2).sum(axis=1) * n / (n - 1)
    found = _mean(bench, each, rows, "noise", f"rows with the same features, {len(rows):,} rows")
    return found
