"""Probabilities calibrated on rows that were held out, as they occur, from inner folds.

Bayes' rule undoes a change of the classes' proportions, not rows that were made, chosen or
repeated: a boosted model that learnt from them is far too sure. So the training rows
are dealt into inner folds; each is answered by a model that learnt from the other folds,
balanced; and the map p -> softmax(power log p + bias) with the least log loss on these answers
corrects the model that learnt from all of them. With two classes this is Platt's sigmoid (1999)
on the log odds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

_LEAST = 1e-12
# A pull towards no change, worth as much as about one row.
_PULL = 1.0


def parts(
    y: np.ndarray, units: np.ndarray | None, folds: int, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(learn, answer) rows of each inner fold: classes in proportion, or whole units apart.

    Of fewer units than folds, each is a fold; of one unit, nothing is left to learn from.
    """
    place = np.empty(len(y), dtype=np.intp)
    if units is None:
        for code in np.unique(y):
            rows = random.permutation(np.flatnonzero(y == code))
            place[rows] = np.arange(len(rows)) % folds
    else:
        _, unit = np.unique(units, return_inverse=True)
        count = int(unit.max()) + 1
        folds = min(folds, count)
        place = (random.permutation(count) % folds)[unit]
    for fold in range(folds):
        yield np.flatnonzero(place != fold), np.flatnonzero(place == fold)


def answers(
    y: np.ndarray, splits: Iterable[tuple[np.ndarray, np.ndarray]], n_classes: int,
    answer: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Answers (n, k) to every row, by models that did not learn from it."""
    found = np.empty((len(y), n_classes))
    for learn, asked in splits:
        found[asked] = answer(learn, asked)
    return found


def fit(found: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> tuple[float, np.ndarray]:
    """Power and bias (k,) of the map of least log loss, from answers (n, k) and codes (n,)."""
    from scipy.optimize import minimize

    logs = np.log(np.maximum(found, _LEAST))
    heavy = np.ones(len(y)) if weights is None else weights
    truth = np.eye(found.shape[1])[y]

    def loss(at: np.ndarray) -> tuple[float, np.ndarray]:
        raw = at[0] * logs + at[1:]
        raw -= raw.max(axis=1, keepdims=True)
        total = np.exp(raw).sum(axis=1, keepdims=True)
        gap = (np.exp(raw) / total - truth) * heavy[:, None]
        start = np.append(1.0, np.zeros(len(at) - 1))
        value = heavy @ (np.log(total[:, 0]) - (raw * truth).sum(axis=1))
        slope = np.append((gap * logs).sum(), gap.sum(axis=0))
        return (float(value + _PULL * ((at - start) ** 2).sum() / 2),
                slope + _PULL * (at - start))

    start = np.append(1.0, np.zeros(found.shape[1]))
    best = minimize(loss, start, jac=True, method="L-BFGS-B",
                    bounds=[(0.0, 20.0), *[(-50.0, 50.0)] * found.shape[1]]).x
    return float(best[0]), best[1:]
