"""Metrics of regression: how far the answers lie from the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wholefit.evaluation.metrics._metric import Array, Mean, Metric, Moments, amount
from wholefit.evaluation.metrics._sheet import NumberSheet

SHEET = NumberSheet
SAME = "the truth's own unit"
SQUARED = "the truth's unit, squared"


def _no_relative_error(sheet: NumberSheet) -> str | None:
    zeros = int((sheet.truth == 0).sum())
    return f"the truth is 0 in {zeros} rows, and no share of 0 can be taken" if zeros else None


def _no_variation(sheet: NumberSheet) -> str | None:
    if len(sheet) < 2:
        return "it needs at least 2 rows"
    if sheet.truth.min() == sheet.truth.max():
        return "the truth has one value only, so there is no variation to explain"
    return None


def _r2_columns(sheet: NumberSheet) -> Array:
    centred = sheet.truth - np.average(sheet.truth, weights=sheet.weights)
    return np.stack([np.ones(len(sheet)), sheet.square, centred, centred * centred])


def _r2(sums: Array) -> Array:
    total, left, mean, square = np.moveaxis(sums, -1, 0)
    variation = square - mean * mean / total
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variation.real > 0, 1 - left / variation, np.nan)


def _r2_unlike(sheet: NumberSheet, share: float) -> tuple[float, float]:
    _, left, mean, square = _r2_columns(sheet) @ sheet.weights
    total = sheet.weights.sum()
    return float(1 - (left + share * total * sheet.spread**2) / (square - mean**2 / total)), 1.0


def _rmse_unlike(sheet: NumberSheet, share: float) -> tuple[float, float]:
    now = float(sheet.weights @ sheet.square / sheet.weights.sum())
    return math.sqrt(now * (1 - share)), math.sqrt(now + share * sheet.spread**2)


@dataclass(frozen=True)
class WeightedMedian(Metric):
    """Median of the absolute errors; its slopes use the density of errors around it."""

    def value(self, sheet: NumberSheet, weights: Array) -> Array:
        """Lower and upper weighted median, averaged."""
        if weights is sheet.weights and not sheet.weighted:
            return np.asarray(np.median(sheet.distance))
        order = self._order(sheet)
        ranked, climb = sheet.distance[order], np.cumsum(weights[..., order], axis=-1)
        half = climb[..., -1:] / 2
        near = 1e-12 * climb[..., -1:]
        low = (climb < half - near).sum(axis=-1)
        high = (climb <= half + near).sum(axis=-1)
        return (ranked[low] + ranked[np.minimum(high, len(ranked) - 1)]) / 2

    def slopes(self, sheet: NumberSheet, weights: Array) -> Array:
        """(1/2 - [error below the median]) / (density there x total weight)."""
        middle = self.value(sheet, weights)[..., None]
        total = weights.sum(axis=-1)[..., None]
        above = 0.5 * (np.sign(sheet.distance - middle))
        return above / (self._density(sheet) * total)

    def unlike(self, sheet: NumberSheet, share: float) -> tuple[float, float]:
        """Half of the rows would have to differ."""
        now = float(self.value(sheet, sheet.weights))
        return (now, now) if share < 0.5 else (self.low, max(now, sheet.spread))

    def _order(self, sheet: NumberSheet) -> Array:
        return sheet.cached("distance order", lambda: np.argsort(sheet.distance))

    def _density(self, sheet: NumberSheet) -> float:
        return sheet.cached("density", lambda: _density_at_median(sheet))


def _density_at_median(sheet: NumberSheet) -> float:
    """Share of rows per unit of error around the median: the slope between two quantiles.

    The two quantiles lie one standard error of the median's rank to each side (Woodruff, 1952).
    """
    share = sheet.weights / sheet.weights.sum()
    reach = min(0.49, max(float(np.sqrt((share**2).sum())), 1.0 / len(sheet)))
    low, high = np.quantile(sheet.distance, [0.5 - reach, 0.5 + reach])
    return 2 * reach / (high - low) if high > low else math.inf


METRICS: tuple[Metric, ...] = (
    Moments(
        "rmse", "root of the mean squared error", "lower", 0.0, math.inf, SAME,
        "the answers miss by {value}, large misses counting more than small ones.",
        ("root_mean_squared_error", "neg_root_mean_squared_error"),
        columns=lambda s: np.stack([s.square, np.ones(len(s))]),
        of=lambda sums: np.sqrt(sums[..., 0] / sums[..., 1]), unseen=_rmse_unlike,
        scale="heavy root", told=amount),
    Mean(
        "mae", "mean absolute error", "lower", 0.0, math.inf, SAME,
        "the answers miss by {value} on average.",
        ("mean_absolute_error", "neg_mean_absolute_error", "l1"),
        rows=lambda s: s.distance, extremes=lambda s: (0 * s.distance, s.distance + s.spread),
        scale="heavy", told=amount),
    Moments(
        "r2", "share of the truth's variance that the answers explain", "higher", -math.inf, 1.0,
        "share; 0 is what always answering the mean earns",
        "{value:.1%} of the variation of the truth is explained.",
        ("r_squared", "rsquared", "coefficient_of_determination"),
        columns=_r2_columns, of=_r2, refuse=_no_variation, unseen=_r2_unlike,
        scale="below one"),
    Mean(
        "mape", "mean absolute error as a share of the truth", "lower", 0.0, math.inf,
        "share of the truth", "the answers miss by {value:.1%} of the truth on average.",
        ("mean_absolute_percentage_error", "neg_mean_absolute_percentage_error"),
        rows=lambda s: s.distance / np.abs(s.truth), refuse=_no_relative_error,
        extremes=lambda s: (0 * s.distance, (s.distance + s.spread) / np.abs(s.truth)),
        scale="heavy"),
    Mean(
        "mse", "mean squared error", "lower", 0.0, math.inf, SQUARED,
        "the squared misses average {value}; their root is the rmse.",
        ("mean_squared_error", "neg_mean_squared_error", "l2"),
        rows=lambda s: s.square, extremes=lambda s: (0 * s.square, s.square + s.spread**2),
        scale="heavy", told=amount),
    WeightedMedian(
        "median_ae", "median absolute error", "lower", 0.0, math.inf, SAME,
        "half of the answers miss by less than {value}.",
        ("median_absolute_error", "medae", "neg_median_absolute_error"), scale="log",
        told=amount),
)
