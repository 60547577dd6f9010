"""From state back to a live estimator, for models that can learn more rows after loading.

`partial_fit` on a restored estimator gives, bit for bit, what an unbroken one would have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._states import SGD_MEMORY


def restore(estimator: Any, state: State) -> Any:
    """Put the memory in `state` into `estimator`, unfitted and built with the same settings.

    Returns the estimator; StateError if its class cannot go on learning.
    """
    restorer = _RESTORERS.get(type(estimator).__name__)
    if restorer is None:
        raise StateError(f"{type(estimator).__name__} cannot learn more rows; fit it again.")
    restorer(estimator, state)
    return estimator


def _sgd_classifier(estimator: Any, state: State) -> None:
    _sgd(estimator, state, state.arrays["coef"])
    estimator.classes_ = _classes(state)


def _sgd_regressor(estimator: Any, state: State) -> None:
    _sgd(estimator, state, state.arrays["coef"][0])


def _sgd(estimator: Any, state: State, coef: np.ndarray) -> None:
    estimator.coef_ = np.array(coef)
    estimator.intercept_ = np.array(state.arrays["intercept"])
    estimator.n_features_in_ = coef.shape[-1]
    # The count of steps so far sets the learning rate of the next one.
    estimator.t_ = state.config["steps"]
    estimator.random_state = state.config["seed"]
    for name in SGD_MEMORY:
        if name[1:] in state.arrays:
            setattr(estimator, name, np.array(state.arrays[name[1:]]))


def _scaled(estimator: Any, state: State) -> None:
    from sklearn.base import clone

    offset, scale = state.arrays["target"]
    estimator.offset_, estimator.scale_ = float(offset), float(scale)
    estimator.estimator_ = restore(clone(estimator.estimator), state)
    estimator.n_features_in_ = estimator.estimator_.n_features_in_


def _calibrated(estimator: Any, state: State) -> None:
    from sklearn.base import clone

    estimator.estimator_ = restore(clone(estimator.estimator), state.parts["base"])
    estimator.slope_ = np.array(state.arrays["slope"])
    estimator.offset_ = np.array(state.arrays["offset"])
    estimator.classes_ = _classes(state)
    estimator.n_features_in_ = estimator.estimator_.n_features_in_


def _gaussian(estimator: Any, state: State) -> None:
    for attribute, name in (("theta_", "mean"), ("var_", "variance"), ("class_prior_", "prior"),
                            ("class_count_", "count")):
        setattr(estimator, attribute, np.array(state.arrays[name]))
    estimator.epsilon_ = state.config["epsilon"]
    estimator.classes_ = _classes(state)
    estimator.n_features_in_ = state.arrays["mean"].shape[1]


def _counted(estimator: Any, state: State) -> None:
    estimator.feature_count_ = np.array(state.arrays["feature_count"])
    estimator.class_count_ = np.array(state.arrays["class_count"])
    estimator.classes_ = _classes(state)
    estimator.n_features_in_ = estimator.feature_count_.shape[1]
    # Log probabilities follow from the counts; scikit-learn derives them again at each update.
    estimator._update_feature_log_prob(estimator._check_alpha())
    estimator._update_class_log_prior(class_prior=estimator.class_prior)


def _classes(state: State) -> np.ndarray:
    return np.array(state.config["classes"], dtype=np.int32)


_RESTORERS: dict[str, Callable[[Any, State], None]] = {
    "BernoulliNB": _counted,
    "CountsNB": _counted,
    "GaussianNB": _gaussian,
    "MarginClassifier": _calibrated,
    "MultinomialNB": _counted,
    "Perceptron": _sgd_classifier,
    "SGDClassifier": _sgd_classifier,
    "SGDRegressor": _sgd_regressor,
    "ScaledTarget": _scaled,
}
