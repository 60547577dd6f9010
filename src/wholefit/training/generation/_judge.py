"""How good what a model makes is, on rows that it did not learn from.

Distances are measured in one space for all models, learnt on the rows that they learnt from: of a
table, the rank of each number and each category as a corner; of pictures, 50 principal components
of their pixels (of sides above 64: of the means of squares of them).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.evaluation import Score
from wholefit.evaluation import generation as measures
from wholefit.training.generation._columns import Columns

_AXES, _ROWS = 50, 4000
_SIDE, _BLOCK = 64, 1024
_EXACT = 4_000_000
"""Cells up to which principal components are exact; of more they are found by random draws."""
_TREES = 60
_WORDS = {"told_apart": "boosted trees, five folds"}
PICTURES, TABLE = "50 principal components of pixels", "ranks of numbers, corners of categories"


@dataclass(frozen=True, eq=False)
class Judged:
    """Scores; the distance of each column by itself; how near made rows come to those learnt."""

    scores: dict[str, Score]
    marginals: tuple[tuple[str, float], ...]
    copies: dict[str, float] | None


class Space:
    """Where rows are compared: `of(X)` (n, q), learnt on rows X (k, p)."""

    def __init__(self, X: np.ndarray, columns: Columns) -> None:
        self.first = 1 if columns.label is not None else 0
        self.levels = columns.levels
        self.pixels = columns.pixels is not None
        if self.pixels:
            self.shape = columns.pixels
            rows = self._shades(X[:_ROWS])
            self.middle = rows.mean(axis=0)
            self.axes = _axes(rows - self.middle)
        else:
            self.sorted = [np.sort(column[~np.isnan(column)]) for column in X.T]

    def of(self, X: np.ndarray) -> np.ndarray:
        """Places of rows."""
        if self.pixels:
            return np.concatenate([(self._shades(X[at:at + _BLOCK]) - self.middle) @ self.axes
                                   for at in range(0, max(len(X), 1), _BLOCK)])
        parts: list[np.ndarray] = []
        for at, count in enumerate(self.levels):
            if count:
                corners = np.zeros((len(X), int(count)))
                corners[np.arange(len(X)), X[:, at].astype(np.int64)] = 0.5 ** 0.5
                parts.append(corners)
            else:
                parts.append(self._ranks(X[:, at], self.sorted[at]))
        return np.concatenate(parts, axis=1)

    def _shades(self, X: np.ndarray) -> np.ndarray:
        """Pixels (n, q) from 0 to 1; of sides above 64 the means of squares, so that they fit."""
        assert self.shape is not None
        channels, high, wide = self.shape
        step = -(-max(high, wide) // _SIDE)
        if step == 1:
            return X[:, self.first:] / 255
        tall, broad = max(1, high // step), max(1, wide // step)
        a, b = min(step, high), min(step, wide)
        pictures = X[:, self.first:].reshape(len(X), channels, high, wide)
        squares = pictures[:, :, :tall * a, :broad * b].reshape(
            len(X), channels, tall, a, broad, b)
        return np.asarray(squares.mean(axis=(3, 5)).reshape(len(X), -1) / 255)

    def _ranks(self, column: np.ndarray, seen: np.ndarray) -> np.ndarray:
        gone = np.isnan(column)
        rank = (np.searchsorted(seen, column, "left") + np.searchsorted(seen, column, "right")
                ) / (2 * max(len(seen), 1))
        return np.column_stack([np.where(gone, 0.5, rank), gone.astype(float)])

    @property
    def name(self) -> str:
        """In words."""
        return PICTURES if self.pixels else TABLE


@dataclass(frozen=True, eq=False)
class Plan:
    """How rows are made, as those to learn on show it; these and those set apart."""

    columns: Columns
    X: np.ndarray
    learn: np.ndarray
    held: np.ndarray
    space: Space
    target: int | None


def _axes(rows: np.ndarray) -> np.ndarray:
    """The first principal components (p, at most 50) of centred rows (n, p).

    Of many cells by a randomised range finder with power iterations (Halko, Martinsson and Tropp
    2011), which needs memory for 60 columns and not for all.
    """
    if rows.size <= _EXACT:
        return np.asarray(np.linalg.svd(rows, full_matrices=False)[2][:_AXES].T)
    from sklearn.utils.extmath import randomized_svd

    return np.asarray(randomized_svd(rows, min(_AXES, *rows.shape), n_iter=5, random_state=0)[2].T)


def judge(
    columns: Columns, space: Space, learnt: np.ndarray, held: np.ndarray, made: np.ndarray,
    *, target: int | None = None, near: int = 5, seed: int = 0, jobs: int = 1,
) -> Judged:
    """Every measure of made rows (m, p) against held-out rows (n, p).

    `target` is the feature that a model learns from made and from real rows ("usefulness").
    """
    places = {name: space.of(rows) for name, rows in
              (("learnt", learnt), ("held", held), ("made", made))}
    scores = {"told_apart": told_apart(
        *((places["held"], places["made"]) if space.pixels else (held, made)), columns, space,
        seed)}
    scores |= measures.shares(places["held"], places["made"], places["learnt"], near=near)
    levels = columns.levels
    if not space.pixels:
        scores["marginal_distance"] = measures.marginal_distance(held, made, levels, seed=seed)
    else:
        scores["frechet"] = measures.frechet(places["held"], places["made"], space.name, seed=seed)
    if target is not None:
        found = useful(columns, space, learnt, held, made, target, seed)
        scores |= {} if found is None else {"usefulness": found}
    copies = measures.copied(places["made"], places["learnt"], places["held"]) \
        if len(learnt) else None
    return Judged(scores, _marginals(columns, held, made), copies)


def told_apart(
    held: np.ndarray, made: np.ndarray, columns: Columns, space: Space, seed: int
) -> Score:
    """How well boosted trees tell made rows from held-out ones, on rows that they did not see."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    X = np.concatenate([held, made])
    y = np.repeat([0, 1], [len(held), len(made)])
    codes = None if space.pixels else [int(at) for at in np.flatnonzero(
        (columns.levels > 0) & (columns.levels <= 200))] or None
    trees = HistGradientBoostingClassifier(
        max_iter=_TREES, max_leaf_nodes=15, categorical_features=codes, early_stopping=False,
        min_samples_leaf=max(2, min(20, len(X) // 25)),  # of few rows, 20 would ask no question
        random_state=seed % 2**31)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed % 2**31)
    chance = cross_val_predict(trees, X, y, cv=folds, method="predict_proba")[:, 1]
    return measures.told_apart(chance, y, _WORDS["told_apart"])


def useful(
    columns: Columns, space: Space, learnt: np.ndarray, held: np.ndarray, made: np.ndarray,
    target: int, seed: int,
) -> Score | None:
    """What a model learns from made rows, beside what it learns from as many real ones."""
    number = not columns.levels[target]
    rest = np.arange(learnt.shape[1]) != target
    rng = np.random.default_rng(seed)
    some = rng.choice(len(learnt), min(len(learnt), len(made)), replace=False)
    parts = []
    for rows in (made, learnt[np.sort(some)]):
        known = rows[~np.isnan(rows[:, target])]
        if len(known) < 10 or len(np.unique(known[:, target])) < 2:
            return None
        parts.append(_learnt(known[:, rest], known[:, target], held[:, rest], number, seed))
    truth = held[:, target]
    there = ~np.isnan(truth)
    if number:
        spread = max(float(np.var(truth[there])), 1e-12)
        gains = [-((part - truth)[there] ** 2) / spread for part in parts]
        return measures.usefulness(gains[0], gains[1], "R2", seed=seed)
    hits = [(part == truth)[there].astype(float) for part in parts]
    return measures.usefulness(hits[0], hits[1], "accuracy", seed=seed)


def _learnt(
    X: np.ndarray, y: np.ndarray, new: np.ndarray, number: bool, seed: int
) -> np.ndarray:
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
    )

    kind: Any = ExtraTreesRegressor if number else ExtraTreesClassifier
    model = kind(60, min_samples_leaf=2, random_state=seed % 2**31)
    lowest = np.nan_to_num(np.nanmin(np.where(np.isnan(X), np.inf, X), axis=0), posinf=0) - 1
    model.fit(np.where(np.isnan(X), lowest, X), y)
    return np.asarray(model.predict(np.where(np.isnan(new), lowest, new)), dtype=np.float64)


def by_label(
    space: Space, learnt: np.ndarray, made: np.ndarray, classes: int, seed: int
) -> dict[str, Any] | None:
    """Which labels made pictures show, as a classifier that learnt real ones sees them: its share
    of each, and how often it sees the label that was asked for.
    """
    if not space.first or classes < 2:
        return None
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    some = rng.permutation(len(learnt))[:4000]
    y = learnt[some, 0].astype(np.int64)
    if len(np.unique(y)) < 2:
        return None
    places = space.of(learnt[some])
    spread = max(float(places.std()), 1e-9)  # one for all axes: some hold next to nothing
    model = LogisticRegression(max_iter=1000).fit(places / spread, y)
    seen = model.predict(space.of(made) / spread)
    shares = np.bincount(seen.astype(np.int64), minlength=classes) / len(made)
    return {"shares": [round(float(share), 5) for share in shares],
            "agree": round(float((seen == made[:, 0]).mean()), 5)}


def _marginals(
    columns: Columns, held: np.ndarray, made: np.ndarray
) -> tuple[tuple[str, float], ...]:
    if columns.pixels is not None:
        return ()
    found = measures.marginal_distances(held, made, columns.levels)
    pairs = [(each.name, float(value)) for each, value in zip(columns.order, found, strict=True)]
    return tuple(sorted(pairs, key=lambda pair: -pair[1]))
