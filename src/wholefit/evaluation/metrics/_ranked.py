"""Metrics of the order that scores put rows in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.evaluation.metrics._metric import Array, Metric
from wholefit.evaluation.metrics._sheet import ClassSheet, Ranking


@dataclass(frozen=True)
class Ranked(Metric):
    """A metric of the order of the scores; the mean over classes, each against the rest.

    `curve(ranking, weights, slopes)` gives the value for one class, and the slopes or None.
    """

    curve: Callable[..., tuple[Array, Array | None]] = field(kw_only=True)
    needs_negatives: bool = field(kw_only=True)

    def undefined(self, sheet: ClassSheet) -> str | None:
        """A class without rows, or without other rows, cannot be ranked."""
        if len(self._classes(sheet)):
            return None
        if sheet.binary and not sheet.rows_of[sheet.positive]:
            return "the truth holds no row of the positive class"
        return "the truth holds one class only"

    def remark(self, sheet: ClassSheet) -> str | None:
        """Which classes could be ranked."""
        if sheet.binary:
            return None
        return f"mean over {len(self._classes(sheet))} of {sheet.k} classes, each against the rest"

    def value(self, sheet: ClassSheet, weights: Array) -> Array:
        """Mean over the classes that have rows."""
        return self._mean(sheet, weights, slopes=False)[0]

    def slopes(self, sheet: ClassSheet, weights: Array) -> Array:
        """Mean of the slopes of the classes."""
        return self._mean(sheet, weights, slopes=True)[1]

    def certain(self, sheet: ClassSheet) -> str | None:
        """Equal scores order nothing."""
        if self.needs_negatives and all(np.ptp(sheet.answer[:, c]) == 0
                                        for c in self._classes(sheet)):
            return "all rows have the same score, which is 0.5 whatever the truth"
        return None

    def denominator(self, sheet: ClassSheet) -> Array | None:
        """Rows of the scarcest side: they limit what is known of the order."""
        if not sheet.binary:
            return None
        positive = sheet.truth == sheet.positive
        return positive if positive.sum() * 2 <= len(sheet) else ~positive

    def strata(self, sheet: ClassSheet) -> Array | None:
        """The class of a row."""
        return sheet.truth

    def _classes(self, sheet: ClassSheet) -> Array:
        rows = sheet.rows_of
        can = (rows > 0) & ((rows < len(sheet)) | (not self.needs_negatives))
        if sheet.binary:
            can &= np.arange(2) == sheet.positive
        return np.flatnonzero(can)

    def _mean(self, sheet: ClassSheet, weights: Array, slopes: bool) -> tuple[Array, Any]:
        """Mean over classes of value and slopes; at the sheet's own weights both are kept."""
        if weights is sheet.weights and len(self._classes(sheet)) > 1:
            return sheet.cached(("ranked", self.name),
                                lambda: self._over_classes(sheet, weights, True))
        return self._over_classes(sheet, weights, slopes)

    def _over_classes(self, sheet: ClassSheet, weights: Array,
                      slopes: bool) -> tuple[Array, Any]:
        classes = self._classes(sheet)
        value: Any = 0.0
        slope: Any = 0.0
        for c in map(int, classes):
            ranking = sheet.ranking(c)
            one, rows = self.curve(ranking, *_sums(sheet, ranking, weights, c), slopes)
            value, slope = value + one, slope + rows if slopes else None
        return value / len(classes), slope / len(classes) if slopes else None


def _sums(sheet: ClassSheet, ranking: Ranking, weights: Array, c: int) -> tuple[Array, Array]:
    """Weight of positive and negative rows at each score; kept where rankings are."""
    if weights is not sheet.weights or not sheet.keeps_rankings:
        return ranking.sums(weights)
    kept: tuple[Array, Array] = sheet.cached(("ranked sums", c), lambda: ranking.sums(weights))
    return kept


def roc_area(ranking: Ranking, up: Array, down: Array, slopes: bool) -> tuple[Array, Array | None]:
    """Area under the ROC curve; its slopes are the placements of DeLong et al. (1988)."""
    ups, downs = (side.sum(axis=-1)[..., None] for side in (up, down))
    with np.errstate(divide="ignore", invalid="ignore"):
        below = (np.cumsum(down, axis=-1) - down / 2) / downs
        value = (up * below).sum(axis=-1) / ups[..., 0]
        if not slopes:
            return value, None
        above = 1 - (np.cumsum(up, axis=-1) - up / 2) / ups
        here = value[..., None]
        return value, np.where(ranking.positive, ((below - here) / ups)[..., ranking.group],
                               ((above - here) / downs)[..., ranking.group])


def average_precision(ranking: Ranking, up: Array, down: Array,
                      slopes: bool) -> tuple[Array, Array | None]:
    """Precision at each positive row's score, averaged over positive rows."""
    found = _from_the_top(up)
    taken = found + _from_the_top(down)
    total = found[..., :1]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(taken > 0, found / taken, 0.0)
        value = (up * precision).sum(axis=-1) / total[..., 0]
        if not slopes:
            return value, None
        # A row changes the precision at its own score and at every lower one.
        per = np.where(taken > 0, up / taken, 0.0)
        gain, loss = np.cumsum(per, axis=-1), np.cumsum(per * precision, axis=-1)
        for_down = -loss / total
        for_up = (precision - value[..., None] + gain - loss) / total
        return value, np.where(ranking.positive, for_up[..., ranking.group],
                               for_down[..., ranking.group])


def _from_the_top(sums: Array) -> Array:
    return np.cumsum(sums[..., ::-1], axis=-1)[..., ::-1]
