"""Contributions of LightGBM, XGBoost and CatBoost models, by the libraries' own exact TreeSHAP.

All three give the path-dependent values of Lundberg et al. (2020) on the scale of the sum of
trees. XGBoost works in float32: what rounding leaves between its contributions and its sum (some
1e-7 of it) is shared out in proportion to them, so that they add up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.explain._additive import LOG, LOG_ODDS, NUMBER, PROBABILITY, TRAINING, Explainer, seen
from wholefit.models._kernels import native
from wholefit.models._kernels._links import dense

_LOG = ("poisson", "gamma", "tweedie")
# What float32 may leave between contributions and their sum, of the sum's size.
_ROUNDING = 1e-3


class NativeExplainer(Explainer):
    """Contributions of a State of kind "lightgbm", "xgboost" or "catboost"."""

    rests = TRAINING

    def __init__(self, state: State) -> None:
        self._config, self._ask = state.config, _ASK[state.kind]
        classes, features = len(state.config["classes"] or ()), state.config["features"]
        if "model" not in state.blobs:
            self._constant(state)
            return
        self._model = _LOADERS[state.kind]._load(state.blobs["model"])
        self._outputs = 1 if classes <= 2 else classes
        self.scale = LOG_ODDS if classes else (
            LOG if _objective(state, self._model).startswith(_LOG) else NUMBER)
        self.classes = seen(state, self._outputs) if classes else None
        self.base = self._whole(np.zeros((1, features)))[0, -1]

    def values(self, X: Any) -> np.ndarray:
        """See `Explainer.values`."""
        whole = dense(X, self._config["features"])
        if self._model is None:
            return np.zeros((*whole.shape, self._outputs))
        return self._whole(whole)[:, :-1]

    def _whole(self, X: np.ndarray) -> np.ndarray:
        """Contributions and, last, the start: (n, p + 1, outputs)."""
        return self._ask(self._model, X, self._config["categorical"], self._outputs)

    def _constant(self, state: State) -> None:
        """Nothing was boosted: every row has the same answer, and no feature adds to it."""
        self._model = None
        self.base = np.asarray(state.config["constant"], dtype=np.float64)
        self._outputs = len(self.base)
        self.scale = PROBABILITY if state.config["n_classes"] else NUMBER
        self.classes = seen(state, self._outputs) if state.config["n_classes"] else None


def _objective(state: State, model: Any) -> str:
    """The name of what the model was boosted to fit, in lower case."""
    if state.kind == "lightgbm":
        said = re.search(rb"^objective=(\S+)", state.blobs["model"], re.MULTILINE)
        return said.group(1).decode().lower() if said else ""
    if state.kind == "xgboost":
        found = re.search(r'"objective":\s*\{"name":\s*"(?:\w+:)?(\w+)"|"name":\s*"(?:count|reg):'
                          r'(\w+)"', model.save_config())
        return (found.group(1) or found.group(2)).lower() if found else ""
    return str(model.get_all_params().get("loss_function", "")).lower()


def _lightgbm(model: Any, X: np.ndarray, categorical: Any, outputs: int) -> np.ndarray:
    found = model.contributions(X, num_threads=1 if len(X) < 256 else 0)
    return found.reshape(len(X), outputs, X.shape[1] + 1).transpose(0, 2, 1)


def _xgboost(model: Any, X: np.ndarray, categorical: Any, outputs: int) -> np.ndarray:
    matrix = native.xgboost_matrix(X, categorical, 1 if len(X) < 256 else -1)
    found = np.asarray(model.predict(matrix, pred_contribs=True), dtype=np.float64)
    found = found.reshape(len(X), outputs, X.shape[1] + 1).transpose(0, 2, 1).copy()
    sums = np.asarray(model.predict(matrix, output_margin=True), dtype=np.float64)
    return _settled(found, sums.reshape(len(X), outputs))


def _catboost(model: Any, X: np.ndarray, categorical: Any, outputs: int) -> np.ndarray:
    found = np.asarray(model.get_feature_importance(
        native.catboost_pool(X, categorical), type="ShapValues"), dtype=np.float64)
    found = found.reshape(len(X), outputs, X.shape[1] + 1).transpose(0, 2, 1)
    chosen = np.zeros(X.shape[1], dtype=bool)
    chosen[list(categorical)] = True
    # CatBoost is given numbers first and categories after them.
    order = np.concatenate([np.flatnonzero(~chosen), np.flatnonzero(chosen), [X.shape[1]]])
    placed = np.empty_like(found)
    placed[:, order] = found
    return placed


def _settled(found: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Contributions (n, p + 1, outputs) that add up to `sums` (n, outputs); the start is kept."""
    left = sums - found.sum(axis=1)
    if np.abs(left).max(initial=0) > _ROUNDING * (1 + np.abs(sums).max(initial=0)):
        raise StateError("its library's contributions do not add up to its answer")
    weight = np.abs(found)
    weight[:, -1] = 0
    total = weight.sum(axis=1, keepdims=True)
    found += np.divide(weight, total, out=np.zeros_like(weight), where=total > 0) * left[:, None]
    return found


_LOADERS: dict[str, Any] = {"lightgbm": native.LightGBM, "xgboost": native.XGBoost,
                            "catboost": native.CatBoost}
_ASK: dict[str, Callable[..., np.ndarray]] = {
    "lightgbm": _lightgbm, "xgboost": _xgboost, "catboost": _catboost}
