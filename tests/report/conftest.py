"""Results of each kind, made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wholefit as wf
from wholefit.api._understood import understood
from wholefit.data import bundled
from wholefit.report.understood import Understanding


@pytest.fixture(scope="session")
def churn_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "churn.csv"
    wf.read(bundled.path("telco_churn")).frame.head(1500).write_csv(path)
    return path


@pytest.fixture(scope="session")
def binary(churn_file: Path) -> wf.Result:
    return wf.fit(churn_file, target="churn", seed=3, jobs=1, folds=3,
                  models="decision_tree, logistic(C=0.5), decision_tree(max_depth=4)")


@pytest.fixture(scope="session")
def three() -> wf.Result:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 3))
    kind = np.array(["ant", "bee", "cat"])[np.argmax(X + rng.normal(size=X.shape) / 2, axis=1)]
    frame = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "kind": kind})
    return wf.fit(frame, target="kind", models="gaussian_nb", jobs=1)


@pytest.fixture(scope="session")
def number() -> wf.Result:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 2))
    price = 2e5 + 5e4 * X[:, 0] + 2e4 * np.abs(X[:, 0]) * rng.normal(size=400)
    frame = pl.DataFrame({"size": X[:, 0], "age": X[:, 1], "price": price})
    return wf.fit(frame, target="price", models="ridge, decision_tree(max_depth=3)", jobs=1)


@pytest.fixture(scope="session")
def held() -> pl.DataFrame:
    return wf.read(bundled.path("telco_churn")).frame[1500:1850]


@pytest.fixture(scope="session")
def known(binary: wf.Result, held: pl.DataFrame) -> Understanding:
    return understood(binary, held, ["female"], False, {})


@pytest.fixture(scope="session")
def known_number(number: wf.Result) -> Understanding:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 2))
    price = 2e5 + 5e4 * X[:, 0] + 2e4 * np.abs(X[:, 0]) * rng.normal(size=300)
    rows = pl.DataFrame({"size": X[:, 0], "age": X[:, 1], "price": price})
    return understood(number, rows, [], True, {})
