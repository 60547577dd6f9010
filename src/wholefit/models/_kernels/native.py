"""Boosting libraries' own formats: LightGBM text, XGBoost UBJSON, CatBoost binary.

The one family of scorers that needs the library itself: its own reader is the only one that
promises bit-equal answers from its own format. The live estimator answers through the same
functions, so a model and its state cannot disagree.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from wholefit.base.cores import cores
from wholefit.base.optional import need
from wholefit.base.state import State
from wholefit.models._kernels import _lightgbm
from wholefit.models._kernels._links import dense, spread

# Up to so many rows, XGBoost would take longer to make its matrix than to answer.
_FEW = 256
# From so many visits of a tree by a row on (some 5 ms of one core), a model answers with all cores;
# how many never changes an answer.
_MANY = 50_000
# XGBoost's trees are asked in blocks of so many bytes of its format (half as many in memory), as
# LightGBM's are: a block stays near while all rows visit it. Two to three times as fast where there
# are many blocks; not worth a call each for fewer rows than these.
_BLOCK, _ROWS = 1_000_000, 500
_BYTES: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


class _Native:
    """Config: classes seen, n_classes, features, categorical. Blob "model".

    Where there was nothing to boost there is no blob, and config `constant` is the answer.
    """

    def __init__(self, state: State) -> None:
        self._config = state.config
        self._model: Any = self._load(state.blobs["model"]) if "model" in state.blobs else None
        self._trees = 0 if self._model is None else self._count(len(self._config["classes"] or ()))

    def _count(self, classes: int) -> int:
        """How many trees a row visits."""
        raise NotImplementedError

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), NaN for missing, to probabilities (n, classes) or numbers (n,)."""
        classes, n_classes = self._config["classes"], self._config["n_classes"]
        whole = dense(X, self._config["features"])
        if self._model is None:
            raw = np.repeat(np.array([self._config["constant"]]), len(whole), axis=0)
        else:
            raw = self._raw(whole, len(classes or ()), _threads(len(whole) * self._trees))
        return spread(shares(raw), classes, n_classes) if n_classes else raw.ravel()

    def _raw(self, X: np.ndarray, classes: int, jobs: int) -> np.ndarray:
        return self.raw(self._model, X, self._config["categorical"], classes, jobs)

    @staticmethod
    def _load(blob: bytes) -> Any:
        raise NotImplementedError

    @classmethod
    def own(cls, blob: bytes) -> Any:
        """The library's own object, which can do more than answer."""
        return cls._load(blob)

    @staticmethod
    def raw(
        model: Any, X: np.ndarray, categorical: Sequence[int], classes: int, jobs: int = 1
    ) -> np.ndarray:
        """The library's answer: numbers, or the positive's share (n,), or shares (n, classes)."""
        raise NotImplementedError


def _threads(visits: int) -> int:
    """Threads for so many visits of trees: all cores, or as many as OMP_NUM_THREADS allows."""
    if visits < _MANY:
        return 1
    said = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores(), max(1, int(said))) if said.isdigit() else cores()


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
        return _lightgbm.Booster(blob)

    @classmethod
    def own(cls, blob: bytes) -> Any:
        """See `_Native.own`."""
        lightgbm = need("lightgbm", extra="boost", user="a LightGBM model")
        return lightgbm.Booster(model_str=blob.decode())

    @staticmethod
    def raw(
        model: Any, X: np.ndarray, categorical: Sequence[int], classes: int, jobs: int = 1
    ) -> np.ndarray:
        """See `_Native.raw`."""
        if not isinstance(model, _lightgbm.Booster):
            model = _lightgbm.Booster.of(model)
        return np.asarray(model.predict(X, num_threads=jobs), dtype=np.float64)

    def _count(self, classes: int) -> int:
        return int(self._model.trees)


class XGBoost(_Native):
    """Answers with XGBoost's UBJSON."""

    @staticmethod
    def _load(blob: bytes) -> Any:
        xgboost = need("xgboost", extra="boost", user="an XGBoost model")
        booster = xgboost.Booster(params={"nthread": 1, "verbosity": 0})
        booster.load_model(bytearray(blob))
        _BYTES[booster] = len(blob)
        return booster

    def _raw(self, X: np.ndarray, classes: int, jobs: int) -> np.ndarray:
        """A part of the rows a thread: a booster's own number of threads is not for one call."""
        jobs = min(jobs, 1 + len(X) // _FEW)
        if jobs == 1:
            return super()._raw(X, classes, 1)
        with ThreadPoolExecutor(jobs) as pool:
            ask = partial(super()._raw, classes=classes, jobs=1)
            return np.concatenate(list(pool.map(ask, np.array_split(X, jobs))))

    @staticmethod
    def raw(
        model: Any, X: np.ndarray, categorical: Sequence[int], classes: int, jobs: int = 1
    ) -> np.ndarray:
        """See `_Native.raw`."""
        if len(X) < _FEW:
            found = model.inplace_predict(
                _xgboost_cells(X, categorical), missing=np.nan, validate_features=False)
        else:
            found = _in_blocks(model, xgboost_matrix(X, categorical, jobs), len(X))
        raw = np.asarray(found, dtype=np.float64)
        return raw.reshape(len(X), classes) if classes > 2 else raw.reshape(len(X))

    def _count(self, classes: int) -> int:
        return int(self._model.num_boosted_rounds()) * (classes if classes > 2 else 1)


def _in_blocks(model: Any, matrix: Any, rows: int) -> np.ndarray:
    """XGBoost's answers, each block of trees adding to the sums that the one before left.

    Every tree is added in its turn to the same single-precision sum: the answer is, to the last
    bit, that of all trees asked at once.
    """
    rounds = model.num_boosted_rounds()
    step = max(1, rounds * _BLOCK // max(_BYTES.get(model, 0), 1))
    if rows < _ROWS or step >= rounds:
        return np.asarray(model.predict(matrix))
    for begin in range(0, rounds, step):
        last = begin + step >= rounds
        found = model.predict(matrix, iteration_range=(begin, min(begin + step, rounds)),
                              output_margin=not last)
        if not last:
            matrix.set_base_margin(found)
    return np.asarray(found)


def _xgboost_cells(X: np.ndarray, categorical: Sequence[int]) -> np.ndarray:
    """Features as XGBoost reads them: float32, negative codes of categories missing."""
    whole = X.astype(np.float32)
    for feature in categorical:
        whole[whole[:, feature] < 0, feature] = np.nan
    return whole


def xgboost_matrix(
    X: np.ndarray, categorical: Sequence[int], jobs: int, **facts: Any
) -> Any:
    """XGBoost's matrix; negative codes of categories count as missing, it has none such."""
    xgboost = need("xgboost", extra="boost", user="an XGBoost model")
    kinds = ["q"] * X.shape[1]
    for feature in categorical:
        kinds[feature] = "c"
    return xgboost.DMatrix(_xgboost_cells(X, categorical), feature_types=kinds,
                           enable_categorical=True, nthread=jobs, missing=np.nan, **facts)


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

    def _count(self, classes: int) -> int:
        return int(self._model.tree_count_)


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
    if codes.size <= _FEW:
        few = np.empty(codes.shape, dtype=object)
        few.ravel()[:] = [b"-1" if code != code else b"%d" % int(code)
                          for code in codes.ravel().tolist()]
        return few
    whole = np.where(np.isnan(codes), -1, codes).astype(np.int64)
    if whole.min() < -1 or whole.max() > codes.size:
        levels, whole = np.unique(whole, return_inverse=True)
        whole = whole.reshape(codes.shape)
    else:  # codes count from 0: a word for each of them, and the missing one's comes last
        levels = np.append(np.arange(whole.max() + 1), -1)
    words = np.array([b"%d" % level for level in levels.tolist()], dtype=object)
    return np.asarray(words[whole])
