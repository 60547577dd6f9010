"""What greedy selection minimises: a loss of the weighted mean of members, quickly.

Three forms, one interface. The squared error needs the members' products with each other only
(a Gram matrix), whatever the rows. The log loss needs only the probability that each member
gave to the true class, whatever the classes. Any other metric is asked as it is, on a sample.
Rows come in parts (the folds that held them out): what weights are learnt from leaves out one
part or none, and the searches for all of them share the sums over parts that they have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from wholefit import evaluation
from wholefit.base import seeds
from wholefit.evaluation.metrics import Metric
from wholefit.training.ensembling._pool import Pool

Array = np.ndarray
_EPS = float(np.finfo(np.float64).eps)
# The product of so many probabilities, each at least _EPS, is no smaller than a float can be.
_TOGETHER = 16
_BLOCK = 8192
_HUGE = 1e300
# Shares are chosen on at most so many rows: more change them by less than their own error.
_LOG_ROWS = 100_000
_ANY_ROWS = 10_000
_SQUARED = ("rmse", "mse", "r2")
# The expected calibration error is a poor guide: the class shares alone make it vanish.
_NO_GUIDE = ("ece",)


class Objective(Protocol):
    """The loss of weighted means of m members, over the rows of all parts but one, or of all."""

    members: int

    def of(self, shares: Array, without: int | None = None) -> float:
        """The loss at shares (m,) that add up to 1."""
        ...

    def each(self, counts: Array, without: int | None = None) -> Array:
        """The loss (m,) after one more of each member joins those that `counts` (m,) holds."""
        ...


def objective(
    pool: Pool, labels: tuple[str, ...], rows: Array, parts: Sequence[Array], seed: int = 0
) -> Objective:
    """The objective of a pool's loss over the members `labels` and the judged `rows`.

    `parts` are places in `rows`. A metric that has no value on these rows (one class only) gives
    way to the task's own loss.
    """
    metric = evaluation.metrics.main(pool.task, pool.loss)
    own = metric.name in ("log_loss", *_SQUARED, *_NO_GUIDE)
    most = _LOG_ROWS if own and pool.is_classes else len(rows) if own else _ANY_ROWS
    parts = thinned(parts, most, seed)
    if own:
        return _own(pool, labels, rows, parts)
    asked = Asked(metric, pool, labels, rows, parts)
    alone = [asked.of(each) for each in np.eye(len(labels))]
    return asked if np.isfinite(alone).any() else _own(pool, labels, rows, parts)


def thinned(parts: Sequence[Array], most: int, seed: int) -> list[Array]:
    """The parts with at most `most` rows in all, drawn at random."""
    total = sum(map(len, parts))
    if total <= most:
        return list(parts)
    return [part[seeds.some(len(part), max(1, len(part) * most // total), seed, "ensemble", at)]
            for at, part in enumerate(parts)]


def _own(
    pool: Pool, labels: tuple[str, ...], rows: Array, parts: Sequence[Array]
) -> Objective:
    made = _given if pool.is_classes else _errors
    weights = None if pool.weights is None else np.asarray(pool.weights, dtype=np.float64)
    each = [rows[part] for part in parts]
    values = [np.stack([made(pool, label, part) for label in labels]) for part in each]
    kind = LogLoss if pool.is_classes else Squared
    return kind(values, [np.ones(len(part)) if weights is None else weights[part]
                         for part in each], weights is not None)


def _given(pool: Pool, label: str, rows: Array) -> Array:
    """The probability of the true class."""
    answer = np.asarray(pool.shown[label], dtype=np.float64)[rows]
    at = np.asarray(pool.truth)[rows].astype(np.intp)
    given = answer[np.arange(len(rows)), at] / np.maximum(answer.sum(axis=1), _EPS)
    return np.clip(given, _EPS, 1.0)


def _errors(pool: Pool, label: str, rows: Array) -> Array:
    found: Array = np.asarray(pool.shown[label], np.float64)[rows] - np.asarray(pool.truth)[rows]
    return found


def _kept(mass: Array, without: int | None) -> Array:
    """1 for each part that counts, else 0; all count if nothing else would be left."""
    kept = np.ones(len(mass))
    if without is not None and mass.sum() > mass[without]:
        kept[without] = 0.0
    return kept


class Squared:
    """Mean squared error: w' G w, where G holds the mean products of the members' errors."""

    def __init__(self, errors: Sequence[Array], weights: Sequence[Array], weighted: bool) -> None:
        self.members = len(errors[0])
        with np.errstate(over="ignore", invalid="ignore"):  # then the loss is infinite
            grams = [(each * weight if weighted else each) @ each.T
                     for each, weight in zip(errors, weights, strict=True)]
        self._grams = np.nan_to_num(np.stack(grams), nan=_HUGE, posinf=_HUGE, neginf=-_HUGE)
        self._mass = np.array([weight.sum() for weight in weights])

    def _gram(self, without: int | None) -> Array:
        kept = _kept(self._mass, without)
        return np.asarray(np.tensordot(kept, self._grams, 1) / (kept @ self._mass))

    def of(self, shares: Array, without: int | None = None) -> float:
        """Mean squared error of the weighted mean."""
        return float(shares @ self._gram(without) @ shares)

    def each(self, counts: Array, without: int | None = None) -> Array:
        """Mean squared errors once each has joined; no row is looked at."""
        gram = self._gram(without)
        with np.errstate(over="ignore"):
            now = gram @ counts
            return np.asarray((counts @ now + 2 * now + np.diag(gram)) / (counts.sum() + 1) ** 2)


class LogLoss:
    """Mean -log of the probability given to the true class: `given` (m, rows of a part) each."""

    def __init__(self, given: Sequence[Array], weights: Sequence[Array], weighted: bool) -> None:
        self.members = len(given[0])
        self._given, self._weights, self._weighted = given, weights, weighted
        self._mass = np.array([weight.sum() for weight in weights])
        self._seen: dict[bytes, Array] = {}

    def of(self, shares: Array, without: int | None = None) -> float:
        """Log loss of the weighted mean."""
        kept = _kept(self._mass, without)
        sums = [self._sums((shares @ each)[None], part, 0)[0]
                for part, each in enumerate(self._given)]
        return float(kept @ np.array(sums) / (kept @ self._mass))

    def each(self, counts: Array, without: int | None = None) -> Array:
        """Log losses once each has joined."""
        key = counts.tobytes()
        if key not in self._seen:
            self._seen[key] = np.stack([self._joined(counts, part)
                                        for part in range(len(self._given))])
        kept = _kept(self._mass, without)
        return np.asarray(kept @ self._seen[key] / (kept @ self._mass))

    def _joined(self, counts: Array, part: int) -> Array:
        """Sums (m,) over the rows of a part once each has joined."""
        size, held = counts.sum() + 1, counts.nonzero()[0]
        found = np.zeros(self.members)
        for at in range(0, self._given[part].shape[1], _BLOCK):
            block = self._given[part][:, at:at + _BLOCK]
            joined = block / size
            joined += counts[held] / size @ block[held]
            found += self._sums(joined, part, at)
        return found

    def _sums(self, given: Array, part: int, at: int) -> Array:
        """Sums (m,) of -log over the rows of a block; logarithms of products are fewer."""
        if self._weighted:
            return np.asarray(-np.log(given) @ self._weights[part][at:at + given.shape[1]])
        whole = given.shape[1] // _TOGETHER * _TOGETHER
        groups = given[:, :whole].reshape(len(given), _TOGETHER, -1)
        return np.asarray(-(np.log(np.multiply.reduce(groups, axis=1)).sum(axis=1)
                            + np.log(given[:, whole:]).sum(axis=1)))


class Asked:
    """Any other metric, asked anew for each mean; a higher-is-better one with its sign turned."""

    def __init__(
        self, metric: Metric, pool: Pool, labels: tuple[str, ...], rows: Array,
        parts: Sequence[Array],
    ) -> None:
        self.members, self._metric, self._task = len(labels), metric, pool.task
        chosen = rows[np.concatenate(list(parts))]
        self._part = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        self._answers = np.stack([np.asarray(pool.shown[label], np.float64)[chosen]
                                  for label in labels])
        self._truth = np.asarray(pool.truth)[chosen]
        self._weights = None if pool.weights is None else np.asarray(pool.weights)[chosen]

    def of(self, shares: Array, without: int | None = None) -> float:
        """The metric of the weighted mean, lower is better; infinite where undefined."""
        return self._loss(without)(np.tensordot(shares, self._answers, 1))

    def each(self, counts: Array, without: int | None = None) -> Array:
        """The metric once each has joined."""
        held, size, loss = np.tensordot(counts, self._answers, 1), counts.sum() + 1, self._loss(
            without)
        return np.array([loss((held + answer) / size) for answer in self._answers])

    def _loss(self, without: int | None) -> Callable[[Array], float]:
        kept = self._part != (-1 if without is None else without)
        if not kept.any():
            kept[:] = True
        weights: Any = None if self._weights is None else self._weights[kept]

        def loss(answer: Array) -> float:
            found = evaluation.score(self._task, self._truth[kept], answer[kept],
                                     metrics=[self._metric], weights=weights, level=None)
            value = -self._metric.sign * found[self._metric.name].value
            return float(value) if np.isfinite(value) else float("inf")

        return loss
