"""A linear head on features that do not change, solved rather than stepped towards.

Logistic regression by L-BFGS, or ridge regression, with the penalty that rows left out choose
(Kornblith et al. 2019 judge bases so). With fewer rows than features a few steps of gradient
descent would end wherever they began.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from wholefit.base import seeds

MOST_ROWS = 20_000
_CHOOSE, _FOLDS = 2000, 3
_STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def solvable(head: nn.Sequential, loss: str, rows: int) -> bool:
    """True where the head is one linear layer and its loss one that is solved here."""
    layers = [part for part in head if not isinstance(part, nn.Dropout)]
    return len(layers) == 1 and loss in ("cross_entropy", "squared") and rows <= MOST_ROWS


def solve(
    head: nn.Sequential, features: np.ndarray, target: Any, *, weights: Any = None, seed: int = 0
) -> float:
    """Set the head to the solution for raw `features` (n, p); the mean loss that is left.

    `target` are class codes (n,) for a head of two outputs or more, else numbers (n,) or (n, k).
    """
    target = np.asarray(target)
    scaled, centre, spread = standardised(features)
    X = scaled.astype(np.float64)
    weight = np.ones(len(X)) if weights is None else np.asarray(weights, dtype=np.float64)
    linear = head[-1]
    fit, judge = _kinds(target, int(linear.out_features))
    strength = _chosen(X, target, weight, fit, judge, seed)
    matrix, offset = fit(X, target, weight, strength * len(X))
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(matrix))
        linear.bias.copy_(torch.from_numpy(offset))
    take_in(head, centre, spread)
    return judge(X @ matrix.T + offset, target)


def standardised(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features with mean 0 and spread 1, their means, their spreads: bases differ in scale."""
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1.0).astype(np.float32)
    return (features - centre) / spread, centre, spread


def take_in(head: nn.Sequential, centre: np.ndarray, spread: np.ndarray) -> None:
    """Let the first linear layer do the standardising itself, so that it takes raw features."""
    first = next(part for part in head if isinstance(part, nn.Linear))
    with torch.no_grad():
        at = first.weight.device
        scale = torch.from_numpy(spread).to(at)
        shift = torch.from_numpy(np.asarray(centre, dtype=np.float32)).to(at)
        first.weight.div_(scale)
        first.bias.sub_(first.weight @ shift)


def _chosen(X: np.ndarray, target: np.ndarray, weight: np.ndarray, fit: Any, judge: Any,
            seed: int) -> float:
    """The penalty a row that answers rows left out best; the larger of two that do alike."""
    rows = seeds.some(len(X), _CHOOSE, seed, "penalty")
    order = seeds.generator(seed, "penalty folds").permutation(rows)
    # Folds by class in turn, so that each holds something of every class.
    if target.ndim == 1 and target.dtype.kind in "iu":
        order = order[np.argsort(target[order], kind="stable")]
    if len(order) < 2 * _FOLDS:
        return 1e-1
    losses = np.zeros(len(_STRENGTHS))
    for fold in range(_FOLDS):
        test = order[fold::_FOLDS]
        train = np.setdiff1d(order, test)
        for at, strength in enumerate(_STRENGTHS):
            matrix, offset = fit(X[train], target[train], weight[train], strength * len(train))
            losses[at] += judge(X[test] @ matrix.T + offset, target[test]) * len(test)
    return _STRENGTHS[len(losses) - 1 - int(np.argmin(losses[::-1]))]


def _kinds(target: np.ndarray, outputs: int) -> tuple[Any, Any]:
    if target.ndim == 1 and target.dtype.kind in "iu" and outputs > 1:
        def fit(X: Any, y: Any, weight: Any, penalty: float) -> tuple[np.ndarray, np.ndarray]:
            return _logistic(X, y, weight, penalty, outputs)

        return fit, _log_loss
    return _ridge, _squared


def _logistic(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray, penalty: float, outputs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Logits for all outputs; a class that these rows lack gets a low offset."""
    from sklearn.linear_model import LogisticRegression

    seen = np.unique(y)
    matrix = np.zeros((outputs, X.shape[1]))
    offset = np.full(outputs, -np.log(len(y) + 1.0) - 2.0)
    if len(seen) == 1:
        offset[seen] = 0.0
        return matrix, offset
    with warnings.catch_warnings():  # what is not quite done after 200 turns is near enough
        warnings.simplefilter("ignore")
        found = LogisticRegression(C=1.0 / penalty, max_iter=200).fit(X, y, weight)
    if len(seen) == 2:
        matrix[seen[1]], offset[seen] = found.coef_[0], [0.0, found.intercept_[0]]
        return matrix, offset
    matrix[seen], offset[seen] = found.coef_, found.intercept_
    return matrix, offset


def _ridge(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import Ridge

    found = Ridge(alpha=max(penalty, 1e-8)).fit(X, y.reshape(len(y), -1), weight)
    return np.atleast_2d(found.coef_), np.atleast_1d(found.intercept_)


def _log_loss(logits: np.ndarray, y: np.ndarray) -> float:
    top = logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
    return float((total - logits[np.arange(len(y)), y]).mean())


def _squared(found: np.ndarray, y: np.ndarray) -> float:
    return float(((found - y.reshape(len(y), -1)) ** 2).mean())
