"""Features that a linear model keeps: by an L1 penalty, or by eliminating the weakest.

Both work on correlations alone (`_gram`), so their cost hardly grows with rows. Classes are
taught as 0/1 numbers, one for each class. Without a number to keep, the size is that of the
smallest extended Bayesian information criterion with gamma = 1/2 (Chen and Chen 2008).
"""

from __future__ import annotations

import warnings

import numpy as np

from wholefit.features.select._gram import Gram, gram
from wholefit.features.select._seen import Scores, Seen
from wholefit.features.select.univariate import f

_STEPS = 300
_STEADY = 1e-6
"""Added to each feature's own correlation, so that copies and full one-hot sets do no harm."""


def l1(seen: Seen, keep: int | None = None, most: int | None = None) -> Scores:
    """The order in which features enter as an L1 penalty is loosened (Tibshirani 1996).

    A feature's value is the largest penalty at which it has a weight, as a correlation. Least
    angle regression follows the path (Efron et al. 2004) until `keep` have entered. Where
    there are more than `most` features (2,000 if None), those of the largest F compete.
    """
    first = f(seen).values
    found = gram(seen, first, most)
    values = np.full(len(first), -1.0)
    chosen = np.zeros(len(first), dtype=bool)
    values[found.where] += np.abs(found.target).max(axis=1, initial=0.0)
    for target in found.target.T if len(found.where) else ():
        penalties, weights = path(found, target, keep)
        entered = weights != 0
        at = np.where(entered.any(axis=1), entered.argmax(axis=1), -1)
        here = found.where[at >= 0]
        values[here] = np.maximum(values[here], penalties[np.maximum(at[at >= 0] - 1, 0)])
        best = int(np.argmin([_criterion(found, target, w) for w in weights.T]))
        chosen[found.where[entered[:, best]]] = True
    return Scores(values, chosen)


def path(found: Gram, target: np.ndarray, keep: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Penalties (steps,) from the largest down, and the weights (features, steps) there."""
    from sklearn.linear_model import lars_path_gram

    steps = _STEPS if keep is None else 2 * keep + 10
    steps = min(steps, 2 * len(target), max(found.rows // 2, 1))
    among = found.among + _STEADY * np.eye(len(target))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells of features that are copies of others
        penalties, _, weights = lars_path_gram(
            target * found.rows, among * found.rows, n_samples=found.rows, max_iter=steps,
            method="lasso")
    return penalties, weights


def rfe(seen: Seen, keep: int | None = None, share: float = 0.1) -> Scores:
    """Recursive elimination (Guyon et al. 2002): fit, drop the weakest, fit again, to the last.

    The model is a ridge of penalty 1 on standardised features; each time the `share` of what is
    left with the smallest squared weights goes, at least one. The value of a feature is how many
    went before it. A linear model does not see what matters only by a curve or together.
    """
    first = f(seen).values
    found = gram(seen, first)
    left = np.arange(len(found.where))
    values = first / max(first.max(initial=0.0), 1e-300) - 2.0
    kept, least = left, np.inf
    among = found.among + np.eye(len(left)) / found.rows
    while len(left):
        weights = np.linalg.solve(among[np.ix_(left, left)], found.target[left])
        strength = (weights**2).sum(axis=1)
        criterion = _joint(found, left, weights)
        if criterion < least:
            least, kept = criterion, left
        weakest = np.argsort(strength, kind="stable")[:max(1, int(share * len(left)))]
        values[found.where[left[weakest]]] = len(found.where) - len(left) + np.arange(len(weakest))
        left = np.delete(left, weakest)
    chosen = np.zeros(len(first), dtype=bool)
    chosen[found.where[kept]] = True
    return Scores(values, chosen)


def _joint(found: Gram, left: np.ndarray, weights: np.ndarray) -> float:
    whole = np.zeros((len(found.where), weights.shape[1]))
    whole[left] = weights
    return sum(_criterion(found, target, w)
               for target, w in zip(found.target.T, whole.T, strict=True))


def _criterion(found: Gram, target: np.ndarray, weights: np.ndarray) -> float:
    """Extended BIC of weights on standardised features and target."""
    used = np.flatnonzero(weights)
    w = weights[used]
    error = 1 - 2 * target[used] @ w + w @ found.among[np.ix_(used, used)] @ w
    cost = np.log(found.rows) + np.log(len(weights))  # 2 gamma log p, gamma = 1/2
    return float(found.rows * np.log(max(error, 1e-12)) + len(used) * cost)
