"""How like what a base was taught new data are, measured, and which strategy that asks for.

Two measures. `similarity` asks whether the base's features tell the new classes apart better than
the features of the same network untrained do: what the base has learnt either carries over or it
does not. `domain_gap` asks whether old rows and new ones can be told apart at all, where old rows
are at hand (Ben-David et al. 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.base.errors import DataError
from wholefit.base.spool import Filed
from wholefit.nn.batches import Arrays
from wholefit.nn.transfer.extracting import extract
from wholefit.nn.transfer.loading import load
from wholefit.nn.transfer.tuning import headed

# From this share of the untrained features' error removed on, data count as similar.
SIMILAR = 0.3
# From so many rows a class on, data count as large.
LARGE = 500
_MOST, _FOLDS = 2000, 3
_PENALTIES = 10.0 ** np.arange(-2, 5)


@dataclass(frozen=True)
class Similarity:
    """Error of a linear probe on the base's features and on those of the untrained network.

    `value` is the share of the untrained features' error that the base's remove, 0 to 1; `error`
    and `untrained` are shares of rows wrong (classes) or of variance left (numbers), in rows left
    out. `rows` were looked at.
    """

    value: float
    error: float
    untrained: float
    rows: int

    def __str__(self) -> str:
        return (f"A linear probe on the base's features errs by {self.error:.1%}, on the untrained "
                f"network's by {self.untrained:.1%}: what the base knows removes "
                f"{self.value:.0%} of the error ({self.rows:,} rows).")


@dataclass(frozen=True)
class Advice:
    """A strategy, and the sentence that says why."""

    strategy: str
    why: str

    def __str__(self) -> str:
        return self.why


def similarity(
    base: Any, inputs: Arrays, target: Any, *, seed: int = 0, cache: Any = None, beside: int = 0,
    size: int | None = None, device: str | None = None,
) -> Similarity:
    """How much of what the base knows serves the new target (n,): classes or numbers.

    At most 2,000 rows are looked at, cross-validated in three folds. `beside` and `size` are as in
    `headed`, `device` as in `extract`. Raises DataError for fewer than six rows or a single class.
    """
    target = np.asarray(target)
    rows = seeds.some(len(target), _MOST, seed, "similarity")
    inputs = [(array if isinstance(array, Filed) else np.asarray(array))[rows]
              for array in inputs]
    target = target[rows]
    wanted = _targets(target)
    if len(target) < 2 * _FOLDS or not np.ptp(wanted, axis=0).any():
        raise DataError("similarity needs six rows or more, of two classes or more; got "
                        f"{len(target)} rows of {len(np.unique(target))}.")
    base = load(base)
    errors = []
    for fresh in (False, True):
        module = headed(base, 1, seed=seed, fresh=fresh, beside=beside, size=size)
        features = extract(module, inputs, cache=None if fresh else cache, memo=not fresh,
                           device=device)
        errors.append(_probe(features, wanted, target, seed))
    error, untrained = errors
    value = 0.0 if untrained <= 0 else float(np.clip(1 - error / untrained, 0, 1))
    return Similarity(value, error, untrained, len(target))


def domain_gap(base: Any, old: Arrays, new: Arrays, *, seed: int = 0) -> float:
    """How well the base's features tell old rows from new: 0 (not at all) to 1 (always).

    Twice the accuracy above chance of a linear probe on as many rows of each, left out.
    """
    count = min(len(old[0]), len(new[0]), _MOST // 2)
    parts = []
    for name, arrays in (("old", old), ("new", new)):
        rows = seeds.some(len(arrays[0]), count, seed, "domain", name)
        module = headed(base, 1, seed=seed)
        parts.append(extract(module, [np.asarray(array)[rows] for array in arrays]))
    sides = np.repeat([0, 1], count)
    error = _probe(np.concatenate(parts), _targets(sides), sides, seed)
    return float(np.clip(1 - 2 * error, 0, 1))


def advise(rows: int, similar: float, *, classes: int = 0) -> Advice:
    """The strategy that size and similarity ask for.

    Many rows are 500 a class (or, for numbers, 5,000); similar is 0.3 and above.
    """
    each = rows / classes if classes else rows / 10
    large, alike = each >= LARGE, similar >= SIMILAR
    strategy = {(True, False): "all", (True, True): "top", (False, False): "most",
                (False, True): "frozen"}[large, alike]
    size = f"{rows:,} rows" + (f" in {classes} classes" if classes else "")
    means = {
        "all": "there is enough to teach the whole network anew, and what the base knows serves "
               "little: everything learns, from the base's weights on",
        "top": "what the base knows serves, and there is enough to fit its upper part to these "
               "data: the upper third learns, the rest stays",
        "most": "what the base knows serves little, and there is too little to teach everything: "
                "its first layers stay, all above them learns",
        "frozen": "what the base knows serves, and there is too little to change it safely: the "
                  "base stays as it is, and a new head learns on its features",
    }[strategy]
    return Advice(strategy, f"{size} are {'many' if large else 'few'} ({LARGE} a class divide "
                            f"them), and the base's features remove {similar:.0%} of an untrained "
                            f"network's error ({SIMILAR:.0%} divide similar from not): {means}.")


def _targets(target: np.ndarray) -> np.ndarray:
    """Classes as 1 and 0 in a column each, numbers standardised in one; float64."""
    if target.dtype.kind == "f" and len(np.unique(target)) > 20:
        spread = target.std()
        return ((target - target.mean()) / (spread if spread > 0 else 1.0))[:, None]
    classes = np.unique(target)
    return (target[:, None] == classes).astype(np.float64)


def _probe(features: np.ndarray, wanted: np.ndarray, target: np.ndarray, seed: int) -> float:
    """Error in left-out rows of ridge regression on standardised features.

    The penalty is chosen by the rows left out, the same way for each network that is compared.
    """
    order = seeds.generator(seed, "probe").permutation(len(features))
    wrong = np.zeros(len(_PENALTIES))
    for fold in range(_FOLDS):
        test = order[fold::_FOLDS]
        train = np.setdiff1d(order, test)
        for at, found in enumerate(_ridge(features[train], wanted[train], features[test])):
            if wanted.shape[1] == 1:
                wrong[at] += float(((found - wanted[test]) ** 2).sum())
            else:
                wrong[at] += float((found.argmax(1) != wanted[test].argmax(1)).sum())
    return float(wrong.min() / len(features))


def _ridge(X: np.ndarray, Y: np.ndarray, asked: np.ndarray) -> list[np.ndarray]:
    """Answers to `asked` at each penalty, by the kernel where rows are fewer than features."""
    centre, spread = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
    usual = spread > 1e-9
    X = (X[:, usual] - centre[usual]) / spread[usual]
    asked = (asked[:, usual] - centre[usual]) / spread[usual]
    mean = Y.mean(axis=0)
    if len(X) <= X.shape[1]:
        values, vectors = np.linalg.eigh(X @ X.T)
        inner, left = vectors.T @ (Y - mean), asked @ X.T @ vectors
    else:
        values, vectors = np.linalg.eigh(X.T @ X)
        inner, left = vectors.T @ (X.T @ (Y - mean)), asked @ vectors
    values = np.maximum(values, 0.0)
    return [mean + left @ (inner / (values + penalty)[:, None]) for penalty in _PENALTIES]
