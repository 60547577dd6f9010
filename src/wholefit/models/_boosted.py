"""One scikit-learn estimator around the boosting libraries: LightGBM, XGBoost, CatBoost.

Their own scikit-learn wrappers differ in what they take: one refuses class codes with a gap,
one wants categories only as an argument of `fit`, one refuses categories in arrays. This one
behaves the same for all, and its answers are those of the scorer in `_kernels/native.py`.

The catalog's defaults (300 small trees at a rate of 0.05, category sets up to 30 levels) were
chosen on six real tables: on each, a lower held-out loss than 100 larger trees at 0.1.

The classes are made when first asked for, so that the catalog wakes no library; pickle finds
them by name in this module all the same.
"""

from __future__ import annotations

import copy
import importlib
import time
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._hist import narrow
from wholefit.models._kernels.native import shares
from wholefit.models._model import Context
from wholefit.models._watch import Clocked, Watch, held_out, rounds_to_keep

_NAMES = ("BoostedClassifier", "BoostedRegressor")
# library: where its booster is trained and dumped, and what answers with it.
_TRAINERS = {name: f"wholefit.models.{name}" for name in ("lightgbm", "xgboost", "catboost")}
_SCORERS = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "catboost": "CatBoost"}


def boosted(
    library: str, params: dict[str, Any], context: Context, *, rounds: int,
    categorical: tuple[int, ...], balanced: bool = False, max_levels: int | None = None,
    patience: int = 0,
) -> Any:
    """An unfitted estimator: `rounds` of boosting by `library` with its own `params`.

    Features in `categorical` with more than `max_levels` codes are taken as numbers. Where `fit`
    is given rows to watch, it ends `patience` rounds after their loss was lowest (0: never), or
    when the context's seconds are over.
    """
    kind = estimator_class(_NAMES[0] if context.n_classes else _NAMES[1])
    made = kind(library=library, params=params, rounds=rounds, categorical=categorical,
                jobs=context.jobs, balanced=balanced, max_levels=max_levels, patience=patience,
                seconds=context.seconds)
    made.by_count = context.counted
    return made


def boosted_state(estimator: Any, n_classes: int) -> State:
    """A fitted estimator's booster in its library's own format."""
    classes = [int(code) for code in estimator.classes_] if n_classes else None
    config = {"classes": classes, "n_classes": int(n_classes),
              "features": int(estimator.n_features_in_),
              "categorical": [int(feature) for feature in estimator.categorical_]}
    if estimator.booster_ is None:
        return State(estimator.library, {**config, "constant": estimator.constant_.tolist()})
    blob = _trainer(estimator.library).dump(estimator.booster_)
    return State(estimator.library, config, blobs={"model": blob})


def estimator_class(name: str) -> Any:
    """The class of that name: a scikit-learn classifier or regressor."""
    if name not in globals():
        from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

        parents = {_NAMES[0]: (_Classes, ClassifierMixin, BaseEstimator),
                   _NAMES[1]: (_Numbers, RegressorMixin, BaseEstimator)}
        globals()[name] = type(name, parents[name], {"__module__": __name__})
    return globals()[name]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return estimator_class(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Boosted(Clocked):
    """Fit and answer; `booster_` is the library's own object.

    Where no feature varies, or only one class was seen, there is nothing to boost: `booster_`
    is None and `constant_` (outputs,) is the answer. `curve_` (rounds,) is the mean loss of the
    rows watched after each round; without any (or nothing to boost) it is empty.
    """

    booster_: Any
    curve_: np.ndarray
    rounds_: int

    n_features_in_: int

    def __init__(
        self, library: str = "lightgbm", params: dict[str, Any] | None = None,
        rounds: int = 100, categorical: tuple[int, ...] = (), jobs: int = 1,
        balanced: bool = False, max_levels: int | None = None, patience: int = 0,
        seconds: float | None = None,
    ) -> None:
        self.library = library
        self.params = params
        self.rounds = rounds
        self.categorical = categorical
        self.jobs = jobs
        self.balanced = balanced
        self.max_levels = max_levels
        self.patience = patience
        self.seconds = seconds

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        return tags

    @property
    def feature_importances_(self) -> np.ndarray:
        """Share of the total gain that each feature brought."""
        if self.booster_ is None:
            return np.zeros(self.n_features_in_)
        gain = _trainer(self.library).gains(
            self.booster_, self.n_features_in_, self.categorical_)
        return np.asarray(gain / gain.sum() if gain.sum() > 0 else gain)

    def cut(self, rounds: int) -> Any:
        """Keep the first `rounds` rounds, in place; `curve_` stays as it was."""
        keep = rounds_to_keep(rounds)
        if self.booster_ is not None and keep < self.rounds_:
            self.booster_ = _trainer(self.library).shorten(self.booster_, keep)
            self.rounds_ = keep
        return self

    def watched(self, X: Any, rounds: int) -> np.ndarray | None:
        """What the first `rounds` rounds answer to the rows X that were watched, (n,) or (n, seen).

        It was noted while it learnt, so that not every tree is asked again; None where it was not,
        or the model has been cut since. Equal to `predict` or `predict_proba` but for rounding.
        """
        noted, trainer = getattr(self, "_watched", None), _trainer(self.library)
        if noted is None or self.booster_ is None or self.rounds_ != len(self.curve_) \
                or not hasattr(trainer, "before") or len(noted) != X.shape[0]:
            return None
        found: np.ndarray | None = trainer.before(
            self.booster_, noted, X, rounds, len(getattr(self, "classes_", ())))
        return found

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Cut as it is: LightGBM's own copy of a booster forgets to how many rounds."""
        made = type(self).__new__(type(self))
        made.__dict__.update({name: copy.deepcopy(value, memo)
                              for name, value in self.__dict__.items()})
        if getattr(getattr(self, "booster_", None), "best_iteration", None):
            made.booster_.best_iteration = self.booster_.best_iteration
        return made

    def _train(
        self, X: np.ndarray, y: np.ndarray, weight: Any, classes: int, watch: Watch | None
    ) -> None:
        self.booster_, self.constant_ = None, _constant(y, weight, classes)
        self.categorical_ = tuple(narrow(self.categorical, X, self.max_levels))
        if classes != 1 and _varies(X):
            self.booster_ = _trainer(self.library).train(
                {**(self.params or {})}, X, y, weight, rounds=self.rounds, jobs=self.jobs,
                categorical=self.categorical_, classes=classes, watch=self._bound(watch))
        self.curve_ = np.array(watch.curve if watch is not None else [], dtype=np.float64)
        self._watched = None if watch is None or watch.answer is None or not watch.whole \
            else np.array(watch.answer)
        self.rounds_ = len(self.curve_) or self.rounds
        self.counted_ = watch.counted(len(self.curve_)) if watch is not None else []

    def _raw(self, X: Any, classes: int) -> np.ndarray:
        from sklearn.utils.validation import validate_data

        whole = validate_data(self, X, reset=False, **_MATRIX)
        if self.booster_ is None:
            return np.repeat(self.constant_[None], len(whole), axis=0)
        native = importlib.import_module("wholefit.models._kernels.native")
        score = getattr(native, _SCORERS[self.library]).raw
        return np.asarray(score(self.booster_, whole, self.categorical_, classes, self.jobs))


_MATRIX = {"dtype": [np.float32, np.float64], "ensure_all_finite": "allow-nan"}


class _Classes(_Boosted):
    """Class codes, gaps allowed, to probabilities."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, watch: Any = None) -> Any:
        """Fit on features (n, p) and labels (n,); `watch` holds out (X, y, weight or None)."""
        from sklearn.utils.multiclass import check_classification_targets
        from sklearn.utils.validation import validate_data

        self._begun = time.perf_counter()
        X, y = validate_data(self, X, y, **_MATRIX)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        weight, balance = _weights(X, sample_weight), None
        if self.balanced:
            balance = _balance(codes, weight)
            weight = balance[codes] if weight is None else weight * balance[codes]
        self._train(X, codes, weight, len(self.classes_),
                    held_out(self, watch, self.patience, self.classes_, balance))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (n, classes seen), float64."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "booster_")
        return shares(self._raw(X, len(self.classes_)))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable label (n,)."""
        found = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_)[found]


class _Numbers(_Boosted):
    """Numbers to numbers."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, watch: Any = None) -> Any:
        """Fit on features (n, p) and numbers (n,); `watch` holds out (X, y, weight or None)."""
        from sklearn.utils.validation import validate_data

        self._begun = time.perf_counter()
        X, y = validate_data(self, X, y, y_numeric=True, **_MATRIX)
        self._train(X, np.asarray(y, dtype=np.float64), _weights(X, sample_weight), 0,
                    held_out(self, watch, self.patience))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Numbers (n,), float64."""
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "booster_")
        return self._raw(X, 0).ravel()


def _weights(X: np.ndarray, weight: Any) -> np.ndarray | None:
    from sklearn.utils.validation import _check_sample_weight

    return None if weight is None else np.asarray(_check_sample_weight(weight, X, dtype=np.float64))


def _balance(codes: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """What each class weighs, (classes,): the inverse of its frequency."""
    count = np.bincount(codes, weights=weight)
    return np.asarray(count.sum() / (len(count) * count))


def _constant(y: np.ndarray, weight: np.ndarray | None, classes: int) -> np.ndarray:
    """The answer without features: class shares (classes,), or the mean (1,)."""
    if not classes:
        return np.array([np.average(y, weights=weight)])
    count = np.bincount(y, weights=weight, minlength=classes)
    return np.asarray(count / count.sum())


def _varies(X: np.ndarray) -> bool:
    """True if some feature has two different values, missing being one."""
    for feature in X.T:
        first = feature[:1]
        if not np.all((feature == first) | (np.isnan(feature) & np.isnan(first))):
            return True
    return False


def _trainer(library: str) -> Any:
    return importlib.import_module(_TRAINERS[library])
