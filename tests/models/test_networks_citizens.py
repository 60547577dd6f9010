"""Networks in scikit-learn's own hands: its checks, pipelines, searches, and saving as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

import wholefit as wf
from wholefit.base.errors import StateError
from wholefit.estimators import NetworkClassifier, NetworkRegressor
from wholefit.models._networks._brought import ModuleClassifier, ModuleRegressor

QUICK = {"epochs": 30, "rate": 0.03, "patience": 8}
SLOWER = {"epochs": 60, "rate": 0.01, "patience": None, "batch": 16}
# Batches count rows: a row of weight two is not two rows.
FAIL = {"check_sample_weight_equivalence_on_dense_data"}


def _module(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, 16), nn.ReLU(), nn.Linear(16, outputs))


def _series(kind: str, **options: Any) -> dict[str, Any]:
    """Columns as steps of time, at the level they have."""
    return {"network": "series", "normalise": False, "reader": {"network": kind, **options}}


EVERY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "mlp": ({"network": "mlp", "hidden": [16]}, QUICK),
    "realmlp": ({"network": "realmlp", "hidden": [16]}, QUICK),
    "tabm": ({"network": "tabm", "hidden": [16], "members": 4}, QUICK),
    "cell_mlp": ({"network": "cell_mlp", "cell": ["dense 0", "identity 0"], "width": 16}, QUICK),
}
MORE = {
    "rnn": (_series("rnn", hidden=16, layers=1), SLOWER),
    "temporal": (_series("temporal", hidden=16, layers=3), SLOWER),
    "gru": (_series("gru", hidden=16, layers=1), SLOWER),
    "lstm": (_series("lstm", hidden=16, layers=1), SLOWER),
    "transformer_encoder": (_series("transformer_encoder", width=16, heads=2, layers=1,
                                    dropout=0.0), SLOWER),
}


def _passes(made: Any) -> None:
    results = check_estimator(made, on_fail=None, on_skip=None)
    assert len(results) > 40
    assert {found["check_name"] for found in results if found["status"] == "failed"} == FAIL


@pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(kind: type, name: str) -> None:
    _passes(kind(*EVERY[name]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
@pytest.mark.parametrize("name", MORE)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks_of_series(kind: type, name: str) -> None:
    _passes(kind(*MORE[name]))


@pytest.mark.parametrize("kind", [ModuleClassifier, ModuleRegressor])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks_of_a_module_brought(kind: type) -> None:
    _passes(kind({"network": "module", "made": _module}, QUICK))


def test_a_pipeline_is_crossed_and_searched() -> None:
    X, y = load_wine(return_X_y=True)
    whole = Pipeline([("scale", StandardScaler()), ("net", NetworkClassifier(*EVERY["mlp"]))])
    assert cross_val_score(whole, X, y, cv=3).mean() > 0.9
    untaught = {**QUICK, "epochs": 1, "rate": 1e-6}
    found = GridSearchCV(whole, {"net__recipe": [untaught, QUICK],
                                 "net__scaling": ["standard", "robust"]}, cv=3).fit(X, y)
    assert found.best_params_["net__recipe"] == QUICK and found.best_score_ > 0.9
    X, y = load_diabetes(return_X_y=True)
    assert cross_val_score(NetworkRegressor(*EVERY["tabm"]), X, y, cv=3).mean() > 0.3


pytestmark = pytest.mark.filterwarnings("ignore:X has feature names")


def _frame(X: np.ndarray, y: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({f"c{at}": column for at, column in enumerate(X.T)}).with_columns(
        pl.Series("y", y))


@pytest.mark.parametrize("name", ["mlp", "tabm", "rnn"])
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "pipeline"])
def test_classes_are_saved_without_pickling(tmp_path: Path, name: str, alone: bool) -> None:
    X, y = load_wine(return_X_y=True)
    y = np.array(["barolo", "grignolino", "barbera"])[y]
    made: Any = NetworkClassifier(*(EVERY | MORE)[name])
    made = (made if alone else make_pipeline(StandardScaler(), made)).fit(X[::2], y[::2])
    new = _frame(X[1::2], y[1::2])
    wf.adopt(made, new, "y").save(tmp_path / "m.wf")
    again = wf.load(tmp_path / "m.wf")
    found = np.asarray(again.predict(new.drop("y"))).ravel()
    np.testing.assert_array_equal(found, made.predict(X[1::2]))


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "pipeline"])
def test_numbers_are_saved_without_pickling(tmp_path: Path, alone: bool) -> None:
    X, y = load_diabetes(return_X_y=True)
    made: Any = NetworkRegressor(*EVERY["mlp"])
    made = (made if alone else make_pipeline(StandardScaler(), made)).fit(X[::2], y[::2])
    new = _frame(X[1::2], y[1::2])
    wf.adopt(made, new, "y").save(tmp_path / "m.wf")
    found = np.asarray(wf.load(tmp_path / "m.wf").predict(new.drop("y")), dtype=float).ravel()
    np.testing.assert_allclose(found, made.predict(X[1::2]), rtol=1e-6)


def test_a_class_that_no_file_can_name_is_not_saved(tmp_path: Path) -> None:
    X, y = load_iris(return_X_y=True)
    made = ModuleClassifier({"network": "module", "made": _module}, QUICK).fit(X[::2], y[::2])
    kept = wf.adopt(made, _frame(X[1::2], y[1::2]), "y")
    with pytest.raises(StateError, match="not in the registry of networks"):
        kept.save(tmp_path / "m.wf")
