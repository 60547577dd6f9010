"""Is a straight line enough? Bends and interactions that a linear model misses, by testing.

A linear (or logistic) model of all columns is fitted on four fifths of a sample; what it leaves
of the target is then explained by the bends of each column (its square and two hinges) and by
products of columns, with the linear part taken out of them first; and the remaining fifth says
whether that helped. A bend counts where the loss of rows that did not teach it falls by a share
that matters, and beyond chance. On data that is linear nothing helps, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wholefit.data.findings import _remedy
from wholefit.data.findings._finding import Finding
from wholefit.data.findings._look import Look
from wholefit.training._leaks_columns import Scored

_FEWEST = 200
_ROWS, _ROWS_QUICK = 6_000, 1_250
_COLUMNS, _COLUMNS_QUICK = 60, 12
_PAIRED, _PAIRED_QUICK = 15, 6
_LEVELS = 10
_FOLDS = 5
_RIDGE = 1e-2
_STEPS = 6
# Share of the loss that the linear model leaves which a bend must save, and how surely.
_SAVED = 0.02
_SURE = 4.0
_FORMULA = 0.9995
_NEARLY_NOTHING = 0.05


@dataclass(frozen=True)
class _Table:
    """Linear part X (n, p), extra terms Z (n, s), what each extra term belongs to, target."""

    X: np.ndarray
    Z: np.ndarray
    owner: np.ndarray
    owners: list[tuple[str, ...]]
    y: np.ndarray
    logistic: bool


def find(look: Look) -> Iterator[Finding]:
    """Relations with the target that bend, and a target that is a sum of other columns."""
    if look.y is None or look.target is None or look.n < _FEWEST:
        return
    table = _table(look)
    if table is None:
        return
    left, saved = _cross_fitted(table)
    if left is None:
        return
    if not table.logistic and left.mean() < _NEARLY_NOTHING:
        r2 = _straight_r2(look)
        if r2 >= _FORMULA:
            yield from _formula(look, r2)
            return
    gains = saved.sum(axis=0) / max(float(left.sum()), 1e-12)
    sure = saved.mean(axis=0) / (saved.std(axis=0) / np.sqrt(len(saved)) + 1e-12)
    limit = _SURE + np.log10(max(len(gains), 1))
    telling = [i for i in np.argsort(-gains) if gains[i] >= _SAVED and sure[i] >= limit]
    if telling:
        yield _nonlinear(look, table, telling, gains)


def _nonlinear(look: Look, table: _Table, telling: list[int], gains: np.ndarray) -> Finding:
    said = []
    for i in telling[:4]:
        owner = table.owners[i]
        what = f"{owner[0]!r} bends" if len(owner) == 1 else f"{owner[0]!r} x {owner[1]!r} interact"
        said.append(f"{what} ({gains[i]:.0%})")
    names = tuple(dict.fromkeys(name for i in telling for name in table.owners[i]))
    more = f" and {len(telling) - 4} more" if len(telling) > 4 else ""
    flag, line = _remedy.feature(degree=2)
    return Finding(
        "nonlinear", "info", names,
        f"the relation with {look.target!r} is not linear: {', '.join(said)}{more} (share of a "
        "linear model's loss that each saves on rows that did not teach it)",
        "a linear model misses it: add polynomial terms, or use a tree model "
        "(--models hist_gradient_boosting)", flag, line, count=len(telling),
        strength=float(min(1.0, gains[telling[0]])))


def _formula(look: Look, r2: float) -> Iterator[Finding]:
    """A linear model without error: the target is computed from other columns."""
    scores = look.cache.get("scores", [])
    assert isinstance(scores, list)
    if any(isinstance(s, Scored) and s.score >= 0.98 for s in scores):
        return  # one column alone does it, and was named
    names = tuple(c.name for c in look.features if c.role == "numeric")
    yield Finding(
        "target_formula", "warning", names,
        f"a weighted sum of the columns of numbers is {look.target!r}, but for rounding "
        f"(R2 {r2:.5f} on rows that did not teach it)",
        "the target was computed from them: if they are all known when it is wanted there is "
        "nothing to predict, and if one is not, it is a leak", *_remedy.none(), count=look.n,
        strength=r2)


def _straight_r2(look: Look) -> float:
    """R2 of a linear model of the columns of numbers, taught by one half and asked the other."""
    assert look.y is not None
    names = [c.name for c in look.features if c.role in ("numeric", "boolean")]
    cells = np.stack([look.numbers(name)[look.sample] for name in names], axis=1)
    known = np.isfinite(cells).all(axis=1)
    X, y = cells[known], look.y[look.sample][known]
    if len(y) < 4 * len(names) + 20 or y.std() == 0:
        return 0.0
    X = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    X = np.concatenate([np.ones((len(X), 1)), X], axis=1)
    half = np.arange(len(y)) % 2 == 0
    taught = np.linalg.lstsq(X[half], y[half], rcond=None)[0]
    wrong = y[~half] - X[~half] @ taught
    return float(1 - (wrong**2).mean() / y[~half].var())


def _table(look: Look) -> _Table | None:
    assert look.y is not None
    step = max(1, len(look.sample) // (_ROWS_QUICK if look.quick else _ROWS))
    rows = look.sample[::step]
    y = look.y[rows]
    if look.classes:
        y = (y == np.bincount(y).argmax()).astype(np.float64)
        if min(y.sum(), len(y) - y.sum()) < 20:
            return None
    else:
        y = _clipped(y)
        y = (y - y.mean()) / (y.std() or 1.0)
    curved, straight = _columns(look, rows)
    if not curved or len(rows) < _FEWEST:
        return None
    values = np.stack(list(curved.values()), axis=1)
    X = np.concatenate([values, *straight], axis=1) if straight else values
    Z, owner, owners = _terms(look, list(curved), values)
    return _Table(X, Z, owner, owners, y, bool(look.classes))


def _columns(look: Look, rows: np.ndarray) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Standardised columns of numbers, the most telling first; and few-levelled ones as 0/1."""
    scores = look.cache.get("scores", [])
    assert isinstance(scores, list)
    ranked = {s.column.name: s.score for s in scores if isinstance(s, Scored)}
    most = _COLUMNS_QUICK if look.quick else _COLUMNS
    numeric = [c.name for c in look.features if c.role == "numeric" and c.distinct > 5]
    numeric.sort(key=lambda name: -ranked.get(name, 0.0))
    curved: dict[str, np.ndarray] = {}
    for name in numeric[:most]:
        cells = look.numbers(name)[rows]
        known = np.isfinite(cells)
        if known.mean() < 0.5:
            continue
        cells = _clipped(np.where(known, cells, np.median(cells[known])))
        if cells.std() > 0:
            curved[name] = (cells - cells.mean()) / cells.std()
    straight: list[np.ndarray] = []
    levelled = [c for c in look.features
                if c.role in ("categorical", "boolean") and 2 <= c.distinct <= _LEVELS]
    levelled.sort(key=lambda c: -ranked.get(c.name, 0.0))
    for column in levelled:
        if sum(part.shape[1] for part in straight) + column.distinct <= most:
            codes = look.levels(column.name)[0][rows]
            width = int(codes.max()) + 1
            straight.append((codes[:, None] == np.arange(1, max(width, 2))).astype(np.float64))
    return curved, straight


def _terms(
    look: Look, names: list[str], values: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[tuple[str, ...]]]:
    """Squares and hinges of each column, then products of the most telling ones."""
    terms: list[np.ndarray] = []
    owner: list[int] = []
    owners: list[tuple[str, ...]] = []
    for j, name in enumerate(names):
        x = values[:, j]
        low, high = np.quantile(x, [1 / 3, 2 / 3])
        terms += [x**2, np.maximum(x - low, 0), np.maximum(x - high, 0)]
        owner += [len(owners)] * 3
        owners.append((name,))
    paired = min(len(names), _PAIRED_QUICK if look.quick else _PAIRED)
    for j in range(paired):
        for k in range(j):
            terms.append(values[:, j] * values[:, k])
            owner.append(len(owners))
            owners.append((names[k], names[j]))
    return np.stack(terms, axis=1), np.array(owner), owners


def _cross_fitted(table: _Table) -> tuple[np.ndarray | None, np.ndarray]:
    """Loss left by the linear part (n,), and what each owner's terms save of it (n, owners)."""
    n = len(table.y)
    X = np.concatenate([np.ones((n, 1)), table.X], axis=1)
    left, saved = np.zeros(n), np.zeros((n, len(table.owners)))
    if X.shape[1] * 3 > n:
        return None, saved
    part = np.random.default_rng(0).permutation(n) % _FOLDS
    for fold in range(_FOLDS):
        train, test = part != fold, part == fold
        start = _linear(X[train], table.y[train], table.logistic)
        eta, seen = X[train] @ start, X[test] @ start
        weight = _slope(eta, table.logistic)
        doubt = table.y[train] - _mean(eta, table.logistic)
        gram = (X[train] * weight[:, None]).T @ X[train] + _RIDGE * np.eye(X.shape[1])
        out = np.linalg.solve(gram, (X[train] * weight[:, None]).T @ table.Z[train])
        Z, Z_test = table.Z[train] - X[train] @ out, table.Z[test] - X[test] @ out
        base = _loss(table.y[test], seen, table.logistic)
        left[test] = base
        for o in range(len(table.owners)):
            mine = table.owner == o
            some = Z[:, mine]
            inner = (some * weight[:, None]).T @ some + _RIDGE * np.eye(some.shape[1])
            bend = np.linalg.solve(inner, some.T @ doubt)
            saved[test, o] = base - _loss(table.y[test], seen + Z_test[:, mine] @ bend,
                                          table.logistic)
    return left, saved


def _linear(X: np.ndarray, y: np.ndarray, logistic: bool) -> np.ndarray:
    """Ridge, or logistic regression by a few Newton steps."""
    ridge = _RIDGE * np.eye(X.shape[1])
    if not logistic:
        return np.linalg.solve(X.T @ X + ridge, X.T @ y)
    beta = np.zeros(X.shape[1])
    for _ in range(_STEPS):
        eta = X @ beta
        weight = _slope(eta, True)
        step = np.linalg.solve((X * weight[:, None]).T @ X + ridge,
                               X.T @ (y - _mean(eta, True)) - _RIDGE * beta)
        beta = beta + step
    return beta


def _mean(eta: np.ndarray, logistic: bool) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(eta, -30, 30))) if logistic else eta


def _slope(eta: np.ndarray, logistic: bool) -> np.ndarray:
    if not logistic:
        return np.ones(len(eta))
    mean = _mean(eta, True)
    return np.maximum(mean * (1 - mean), 1e-4)


def _loss(y: np.ndarray, eta: np.ndarray, logistic: bool) -> np.ndarray:
    if not logistic:
        return (y - eta) ** 2
    return np.logaddexp(0, np.clip(eta, -30, 30)) - y * np.clip(eta, -30, 30)


def _clipped(cells: np.ndarray) -> np.ndarray:
    """Numbers with the outermost half percent brought in: one wild value is no bend."""
    low, high = np.quantile(cells, [0.005, 0.995])
    return np.clip(cells, low, high)
