"""Boosting libraries' own formats: LightGBM text, XGBoost UBJSON, CatBoost binary.

The one family of scorers that needs the library itself: its own reader is the only one that
promises bit-equal answers from its own format. The live estimator answers through the same
functions, so a model and its state cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.optional import need
from wholefit.base.state import State
from wholefit.models._kernels._links import dense, spread

# Below this many rows, starting threads takes longer than they save.
_FEW = 256


class _Native:
    """Config: classes seen, n_classes, features, categorical. Blob "model".

    Where there was nothing to boost there is no blob, and config `constant` is the answer.
    """

    def __init__(self, state: State) -> None:
        self._config = state.config
        self._model = self._load(state.blobs["model"]) if "model" in state.blobs else None

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), NaN for missing, to probabilities (n, classes) or numbers (n,)."""
        classes, n_classes = self._config["classes"], self._config["n_classes"]
        whole = dense(X, self._config["features"])
        if self._model is None:
            raw = np.repeat(np.array([self._config["constant"]]), len(whole), axis=0)
        else:
            raw = self.raw(self._model, whole, self._config["categorical"], len(classes or ()))
        return spread(shares(raw), classes, n_classes) if n_classes else raw.ravel()

    @staticmethod
    def _load(blob: bytes) -> Any:
        raise NotImplementedError

    @staticmethod
    def raw(
        model: Any, X: np.ndarray, categorical: Sequence[int], classes: int, jobs: int = 1
    ) -> np.ndarray:
        """The library's answer: numbers, or the positive's share (n,), or shares (n, classes)."""
        raise NotImplementedError


def shares(raw: np.ndarray) -> np.ndarray:
    """Shares as float64 that sum to 1, whatever precision the library worked in."""
    found = raw.astype(np.float64)
    if found.ndim == 1:
        return np.stack([1 - found, found], axis=1)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


class LightGBM(_Native):
    """Answers with LightGBM's model text."""

    @staticmethod
    def _load(blob: bytes) -> Any:
        lightgbm = need("lightgbm", extra="boost", user="a LightGBM model")
        return lightgbm.Booster(model_str=blob.decode())

    @staticmethod
    def raw(
        model: Any, X: np.ndarray, categorical: Sequence[int], classes: int, jobs: int = 1
    ) -> np.ndarray:
        """See `_Native.raw`."""
        return np.asarray(
            model.predict(X, num_threads=1 if len(X) < _FEW else jobs), dtype=np.float64)


class XGBoost(_Native):
    """Answers with XGBoost's UBJSON."""

    @staticmethod
    def _load(blob: bytes) -> Any:
        xgboost = need("xgboost", extra="boost", user="an XGBoost model")
        booster = xgboost.Booster(params={"nthread": 1, "verbosity": 0})
        booster.load_model(bytearray(blob))
        return booster

    @staticmethod
    def raw(
        model: Any, X: np.ndarray, categorical: Sequence[int], classes: int, jobs: int = 1
    ) -> np.ndarray:
        """See `_Native.raw`."""
        raw = np.asarray(model.predict(xgboost_matrix(X, categorical, jobs)), dtype=np.float64)
        return raw.reshape(len(X), classes) if classes > 2 else raw.reshape(len(X))


def xgboost_matrix(
    X: np.ndarray, categorical: Sequence[int], jobs: int, **facts: Any
) -> Any:
    """XGBoost's matrix; negative codes of categories count as missing, it has none such."""
    xgboost = need("xgboost", extra="boost", user="an XGBoost model")
    kinds = ["q"] * X.shape[1]
    whole = X.astype(np.float32)
    for feature in categorical:
        kinds[feature] = "c"
        whole[whole[:, feature] < 0, feature] = np.nan
    return xgboost.DMatrix(whole, feature_types=kinds, enable_categorical=True,
                           nthread=jobs, missing=np.nan, **facts)


class CatBoost(_Native):
    """Answers with CatBoost's binary format."""

    @staticmethod
    def _load(blob: bytes) -> Any:
        catboost = need("catboost", extra="boost", user="a CatBoost model")
        model = catboost.CatBoost()
        model.load_model(blob=blob)
        return model

    @staticmethod
    def raw(
        model: Any, X: np.ndarray, categorical: Sequence[int], classes: int, jobs: int = 1
    ) -> np.ndarray:
        """See `_Native.raw`."""
        kind = "Probability" if classes else "RawFormulaVal"
        found = np.asarray(model.predict(
            catboost_pool(X, categorical), prediction_type=kind, thread_count=jobs))
        return found[:, 1] if classes == 2 else found


def catboost_pool(X: np.ndarray, categorical: Sequence[int], **facts: Any) -> Any:
    """CatBoost's pool: numbers first, then category codes as text; a missing one is a level."""
    catboost = need("catboost", extra="boost", user="a CatBoost model")
    chosen = np.zeros(X.shape[1], dtype=bool)
    chosen[list(categorical)] = True
    numbers = np.ascontiguousarray(X[:, ~chosen], dtype=np.float32)
    data = catboost.FeaturesData(
        num_feature_data=numbers if numbers.shape[1] else None,
        cat_feature_data=_words(X[:, chosen]) if chosen.any() else None)
    return catboost.Pool(data, **facts)


def _words(codes: np.ndarray) -> np.ndarray:
    """Codes (n, p) as byte strings in an object array, as CatBoost wants them."""
    whole = np.where(np.isnan(codes), -1, codes).astype(np.int64)
    levels, at = np.unique(whole, return_inverse=True)
    words = np.array([str(level).encode() for level in levels], dtype=object)
    return np.asarray(words[at.reshape(whole.shape)])
