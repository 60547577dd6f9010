"""Real tables as codes with gaps, the form that tree learners are given."""

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

UNSEEN = 99.0


@dataclass(frozen=True)
class Coded:
    """Features (n, p) float32 with NaN, the target, and which features hold category codes."""

    X: np.ndarray
    y: np.ndarray
    categorical: tuple[int, ...]
    n_classes: int = 0

    @property
    def task(self) -> tasks.Task:
        return tasks.get("classification" if self.n_classes else "regression")

    def context(self, rows: int, jobs: int = 1) -> Context:
        return Context(rows, self.X.shape[1], self.categorical, self.n_classes, jobs, 0)


@cache
def coded(name: str) -> Coded:
    """Credit applications: "status" (2 classes), "amount" (7 classes), "price" (a number)."""
    rows = _rows()
    target = {"status": "Status", "amount": "Amount", "price": "Price"}[name]
    truth = np.array([row[target] for row in rows])
    columns = [_column([row[key] for row in rows]) for key in rows[0] if key != target]
    X = np.stack([values for values, _ in columns], axis=1).astype(np.float32)
    categorical = tuple(at for at, (_, codes) in enumerate(columns) if codes)
    if name == "status":
        return Coded(X, (truth == "bad").astype(np.int32), categorical, 2)
    if name == "price":
        return Coded(X, truth.astype(float), categorical)
    edges = np.quantile(truth.astype(float), np.arange(1, 7) / 7)
    return Coded(X, np.digitize(truth.astype(float), edges).astype(np.int32), categorical, 7)


def fitted(text: str, data: Coded, jobs: int = 1, rows: np.ndarray | None = None
           ) -> tuple[Model, Any, Context]:
    """The model fitted on `rows`, every other one unless said."""
    at = np.arange(0, len(data.X), 2) if rows is None else rows
    model, context = make(text), data.context(len(at), jobs)
    estimator = model.build(data.task, context)
    return model, estimator.fit(suited(model, data)[at], data.y[at]), context


def suited(model: Model, data: Coded, strange: bool = False) -> np.ndarray:
    """The features as the model's encoding would give them; `strange` adds unseen codes."""
    X = data.X.copy()
    if strange and data.categorical:
        at = np.random.default_rng(0).integers(0, len(X), (40, len(data.categorical)))
        for column, feature in enumerate(data.categorical):
            X[at[:, column], feature] = UNSEEN
    wanted = model.encoding(data.task)
    if wanted.impute != "none":
        X = np.where(np.isnan(X), np.nanmedian(X, axis=0), X)
    if wanted.scale == "standard":
        X = (X - X.mean(axis=0)) / X.std(axis=0)
    return X.astype(np.float32 if wanted.single else np.float64)


def agree(text: str, name: str, most: float = 1e-9) -> np.ndarray:
    """Assert that state and live estimator agree on unseen rows, gaps and codes; the answer."""
    data = coded(name)
    model, estimator, context = fitted(text, data)
    X = suited(model, data, strange=True)[1::2]
    live = model.answer(estimator, X, data.task, context)
    found = scorer(model.state(estimator, data.task, context)).answer(X)
    assert found.dtype == live.dtype == np.float64
    assert found.shape == live.shape == ((len(X), data.n_classes) if data.n_classes else (len(X),))
    assert np.abs(found - live).max() <= most * max(1.0, np.abs(live).max())
    if data.n_classes:
        assert np.abs(found.sum(axis=1) - 1).max() < 1e-12
    return found


def skill(found: np.ndarray, name: str) -> float:
    """Accuracy above that of the commonest class, or R2, on the rows that `agree` answers."""
    truth = coded(name).y[1::2]
    if coded(name).n_classes:
        right = (found.argmax(axis=1) == truth).mean()
        return float(right - np.bincount(truth).max() / len(truth))
    return float(1 - ((found - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())


@cache
def _rows() -> list[dict[str, str]]:
    root = os.environ.get("WHOLEFIT_DATA")
    if not root:
        pytest.skip("WHOLEFIT_DATA does not name the folder with the real data sets")
    with gzip.open(Path(root) / "credit_data" / "data.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["Status"] in ("good", "bad")]
    order = np.random.default_rng(0).permutation(len(rows))[:2000]
    return [rows[at] for at in order]


def _column(values: list[str]) -> tuple[np.ndarray, bool]:
    """Numbers, or codes of the sorted levels; NaN where missing."""
    gap = [value in ("", "NA") for value in values]
    known = [value for value, missing in zip(values, gap, strict=True) if not missing]
    try:
        numbers = {value: float(value) for value in known}
        codes = False
    except ValueError:
        numbers = {value: float(code) for code, value in enumerate(sorted(set(known)))}
        codes = True
    return np.array([np.nan if missing else numbers[value]
                     for value, missing in zip(values, gap, strict=True)]), codes
