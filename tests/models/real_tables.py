"""Real tables as matrices for the tests of models, and the one question asked of them all.

Numbers are imputed by their median and standardised, categories one-hot, so that nothing here
depends on the library's own encoder.
"""

from __future__ import annotations

import csv
import gzip
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wholefit.base import tasks
from wholefit.models import Context, Model, make, scorer

_FREE_TEXT = {"name", "ticketno"}


@dataclass(frozen=True)
class Table:
    """Features (n, p), the target (n,) and the number of classes (0 for a number)."""

    X: np.ndarray
    y: np.ndarray
    n_classes: int = 0

    @property
    def task(self) -> tasks.Task:
        return tasks.get("classification" if self.n_classes else "regression")

    def context(self, rows: int | None = None) -> Context:
        return Context(len(self.X) if rows is None else rows, self.X.shape[1],
                       n_classes=self.n_classes)


@cache
def table(name: str) -> Table:
    """"titanic" (2 classes), "credit" (2), "prices" (a number), "price_classes" (5)."""
    if name == "titanic":
        X, y = _read("titanic", "survived")
        return Table(X, (y == "yes").astype(np.int32), 2)
    if name == "credit":
        X, y = _read("credit_data", "Status")
        return Table(X, (y == "bad").astype(np.int32), 2)
    X, price = _read("credit_data", "Price")
    number = price.astype(float)
    if name == "prices":
        return Table(X, number)
    edges = np.quantile(number, [0.2, 0.4, 0.6, 0.8])
    return Table(X, np.digitize(number, edges).astype(np.int32), 5)


def fitted(text: str, data: Table, rows: slice = slice(None, None, 2),
           sparse: bool = False, shift: bool = False) -> tuple[Model, Any, Context]:
    """The model, fitted on every other row; `shift` brings all features above zero."""
    model = make(text)
    X = features(data, sparse, shift)[rows]
    context = data.context(X.shape[0])
    return model, model.build(data.task, context).fit(X, data.y[rows]), context


def features(data: Table, sparse: bool = False, shift: bool = False) -> Any:
    X = (data.X - data.X.min(axis=0)) / np.ptp(data.X, axis=0) if shift else data.X
    if not sparse:
        return X
    from scipy.sparse import csr_matrix

    return csr_matrix(X)


def agree(text: str, name: str, sparse: bool = False, shift: bool = False) -> np.ndarray:
    """Assert that the state answers as the live estimator does, to 1e-9; returns the answer."""
    data = table(name)
    model, estimator, context = fitted(text, data, sparse=sparse, shift=shift)
    X = features(data, sparse, shift)[1::2]
    live = model.answer(estimator, X, data.task, context)
    found = scorer(model.state(estimator, data.task, context)).answer(X)
    scale = max(1.0, float(np.abs(data.y).max()))
    assert found.shape == live.shape == ((X.shape[0], data.n_classes) if data.n_classes
                                         else (X.shape[0],))
    assert np.abs(found - live).max() <= 1e-9 * scale
    if data.n_classes:
        assert np.abs(found.sum(axis=1) - 1).max() < 1e-12
    return found


def skill(found: np.ndarray, name: str) -> float:
    """Accuracy, or the correlation with the truth, on the rows that `agree` answers."""
    data = table(name)
    truth = data.y[1::2]
    if data.n_classes:
        return float((found.argmax(axis=1) == truth).mean())
    return float(np.corrcoef(found, truth)[0, 1])


def log_loss(found: np.ndarray, truth: np.ndarray) -> float:
    return float(-np.log(np.clip(found[np.arange(len(truth)), truth], 1e-15, 1)).mean())


def go_on(text: str, name: str, shift: bool = False, sparse: bool = False) -> float:
    """Largest difference between updating after restoring and an unbroken update."""
    data = table(name)
    model, unbroken, context = fitted(text, data, slice(0, 900), sparse, shift)
    stopped = model.restore(model.state(unbroken, data.task, context), data.task, context)
    X = features(data, sparse, shift)
    before = model.answer(unbroken, X, data.task, context)
    assert np.array_equal(model.answer(stopped, X, data.task, context), before)
    for rows in (slice(900, 1200), slice(1200, 1500)):
        for estimator in (unbroken, stopped):
            estimator.partial_fit(X[rows], data.y[rows])
    after = model.answer(unbroken, X, data.task, context)
    assert not np.array_equal(before, after), "the update taught nothing"
    return float(np.abs(model.answer(stopped, X, data.task, context) - after).max())


@cache
def _read(folder: str, target: str) -> tuple[np.ndarray, np.ndarray]:
    root = os.environ.get("WHOLEFIT_DATA")
    if not root:
        pytest.skip("WHOLEFIT_DATA does not name the folder with the real data sets")
    with gzip.open(Path(root) / folder / "data.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows = [row for row in rows if row[target] not in ("", "NA")]
    order = np.random.default_rng(0).permutation(len(rows))[:1600]
    rows = [rows[at] for at in order]
    columns = [_column([row[name] for row in rows]) for name in rows[0]
               if name != target and name not in _FREE_TEXT]
    X = np.concatenate(columns, axis=1)
    return X[:, X.std(axis=0) > 0], np.array([row[target] for row in rows])


def _column(values: list[str]) -> np.ndarray:
    known = [value for value in values if value not in ("", "NA")]
    try:
        middle = float(np.median([float(value) for value in known]))
    except ValueError:
        levels = sorted(set(values))[:8]
        return np.array([[value == level for level in levels] for value in values], dtype=float)
    numbers = np.array([float(v) if v not in ("", "NA") else middle for v in values])
    return ((numbers - numbers.mean()) / numbers.std())[:, None]
