"""Fitted estimators read into State: one reader for each class of scikit-learn's, and our own.

What a reader needs, it takes from the fitted estimator alone, so that an estimator fitted
elsewhere with other settings is read as well as one that the catalog built.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._model import Context

_HOMES = ("sklearn", "wholefit")


def read(estimator: Any, context: Context) -> State:
    """The state of a fitted estimator; StateError if its class has no reader."""
    reader = _READERS.get(type(estimator).__name__) if at_home(estimator) else None
    if reader is None:
        raise StateError(f"{type(estimator).__name__} has no reader in the catalog.")
    return reader(estimator, context)


def at_home(estimator: Any) -> bool:
    """True if the estimator's class is scikit-learn's or ours, not a namesake."""
    return type(estimator).__module__.partition(".")[0] in _HOMES


def floats(array: Any) -> np.ndarray:
    """A dense, contiguous float64 copy; scipy's sparse matrices are filled in."""
    whole = array.toarray() if hasattr(array, "toarray") else array
    return np.array(whole, dtype=np.float64, order="C")


def class_facts(estimator: Any, context: Context) -> dict[str, Any]:
    """What the config of every classifier says: classes in all, and the codes seen in training."""
    return {"n_classes": int(context.n_classes),
            "classes": [int(code) for code in estimator.classes_]}


def linear(coef: Any, intercept: Any, config: dict[str, Any], **arrays: np.ndarray) -> State:
    """Kind "linear": `coef` (p,) or (outputs, p), `intercept` a number or (outputs,)."""
    weights = np.atleast_2d(floats(coef))
    offsets = np.broadcast_to(np.atleast_1d(floats(intercept)), (len(weights),))
    return State("linear", config,
                 {"coef": weights, "intercept": np.array(offsets), **arrays})


def _constant(estimator: Any, context: Context) -> State:
    if context.n_classes:
        row = np.zeros((1, estimator.n_features_in_))
        if estimator.strategy not in ("prior", "uniform"):
            raise StateError(
                f"DummyClassifier(strategy={estimator.strategy!r}) answers at random or with one "
                "class; only 'prior' and 'uniform' have a state.")
        return State("constant", class_facts(estimator, context),
                     {"value": floats(estimator.predict_proba(row)[0])})
    return State("constant", {"n_classes": 0}, {"value": floats(estimator.constant_).ravel()})


def _regressor(estimator: Any, context: Context) -> State:
    return linear(estimator.coef_, estimator.intercept_, {"n_classes": 0, "link": "identity"})


def _logistic(estimator: Any, context: Context) -> State:
    link = "ovr" if len(estimator.classes_) == 2 else "softmax"
    return linear(estimator.coef_, estimator.intercept_,
                  {**class_facts(estimator, context), "link": link})


def _margin(estimator: Any, context: Context) -> State:
    return linear(estimator.coef_, estimator.intercept_,
                  {**class_facts(estimator, context), "link": "margin"})


_SGD_LINKS = {"log_loss": "ovr", "modified_huber": "modified_huber"}
# What partial_fit goes on from, beside the weights that answer; the last four where it averages.
SGD_MEMORY = ("_standard_coef", "_standard_intercept", "_average_coef", "_average_intercept")


def _sgd_classifier(estimator: Any, context: Context) -> State:
    link = _SGD_LINKS.get(getattr(estimator, "loss", ""), "margin")
    config = {**class_facts(estimator, context), "link": link, **_sgd_place(estimator)}
    return linear(estimator.coef_, estimator.intercept_, config, **_sgd_memory(estimator))


def _sgd_regressor(estimator: Any, context: Context) -> State:
    config = {"n_classes": 0, "link": "identity", **_sgd_place(estimator)}
    return linear(estimator.coef_, estimator.intercept_, config, **_sgd_memory(estimator))


def _sgd_place(estimator: Any) -> dict[str, Any]:
    """Steps so far, which set the size of the next, and the seed that shuffles the next rows."""
    seed = estimator.random_state
    return {"steps": float(estimator.t_), "seed": int(seed) if isinstance(seed, Integral) else None}


def _sgd_memory(estimator: Any) -> dict[str, np.ndarray]:
    if not getattr(estimator, "average", False):
        return {}
    return {name.lstrip("_"): floats(getattr(estimator, name)) for name in SGD_MEMORY}


def _neighbors(estimator: Any, context: Context) -> State:
    rows = {"rows": floats(estimator._fit_X)}
    config = {"neighbors": int(estimator.n_neighbors), "power": _power(estimator),
              "weights": str(estimator.weights), "stores_rows": True}
    if context.n_classes:
        known = {**class_facts(estimator, context), **config}
        return State("neighbors", known, {**rows, "labels": np.asarray(estimator._y, np.int32)})
    return State("neighbors", {"n_classes": 0, **config},
                 {**rows, "target": floats(estimator._y)})


def _power(estimator: Any) -> float:
    named = {"euclidean": 2.0, "l2": 2.0, "manhattan": 1.0, "l1": 1.0, "cityblock": 1.0}
    if estimator.metric == "minkowski" and not estimator.metric_params:
        power = float(estimator.p)
    elif estimator.metric in named:
        power = named[estimator.metric]
    else:
        raise StateError(f"neighbours under metric {estimator.metric!r} have no state; "
                         "Minkowski distances have.")
    if estimator.weights not in ("uniform", "distance"):
        raise StateError("neighbours weighted by a function have no state; use 'distance'.")
    return power


def _kernel_machine(estimator: Any, context: Context) -> State:
    if callable(estimator.kernel) or estimator.kernel == "precomputed":
        raise StateError("a kernel machine with a kernel of the user's own has no state; "
                         "linear, poly, rbf and sigmoid have.")
    outputs = len(estimator.classes_) if context.n_classes else 2
    if outputs > 2 and estimator.decision_function_shape != "ovr":
        raise StateError("a kernel machine with decision_function_shape='ovo' has no state; "
                         "'ovr' has.")
    if outputs == 2 and estimator.kernel == "linear":
        facts = class_facts(estimator, context) if context.n_classes else {"n_classes": 0}
        link = "margin" if context.n_classes else "identity"
        return linear(estimator.coef_, estimator.intercept_, {**facts, "link": link})
    config: dict[str, Any] = {
        "kernel": estimator.kernel, "gamma": float(estimator._gamma),
        "degree": int(estimator.degree), "coef0": float(estimator.coef0), "stores_rows": True,
        "n_classes": 0}
    arrays = {"support": floats(estimator.support_vectors_), "dual": floats(estimator.dual_coef_),
              "intercept": floats(estimator.intercept_)}
    if context.n_classes:
        config |= class_facts(estimator, context)
        arrays["sizes"] = np.asarray(estimator.n_support_, dtype=np.int32)
    return State("kernel_machine", config, arrays)


def _gaussian(estimator: Any, context: Context) -> State:
    config = {**class_facts(estimator, context), "epsilon": float(estimator.epsilon_)}
    arrays = {"mean": estimator.theta_, "variance": estimator.var_,
              "prior": estimator.class_prior_, "count": estimator.class_count_}
    return State("gaussian_nb", config, {name: floats(a) for name, a in arrays.items()})


def _multinomial(estimator: Any, context: Context) -> State:
    floor = {"floor": True} if type(estimator).__name__ == "CountsNB" else {}
    return State("multinomial_nb", {**class_facts(estimator, context), **floor}, {
        "coef": floats(estimator.feature_log_prob_),
        "intercept": floats(estimator.class_log_prior_),
        **_counts(estimator)})


def _bernoulli(estimator: Any, context: Context) -> State:
    absent = np.log(1 - np.exp(estimator.feature_log_prob_))
    threshold = None if estimator.binarize is None else float(estimator.binarize)
    return State("bernoulli_nb", {**class_facts(estimator, context), "threshold": threshold}, {
        "coef": floats(estimator.feature_log_prob_ - absent),
        "intercept": floats(estimator.class_log_prior_ + absent.sum(axis=1)),
        **_counts(estimator)})


def _counts(estimator: Any) -> dict[str, np.ndarray]:
    return {"feature_count": floats(estimator.feature_count_),
            "class_count": floats(estimator.class_count_)}


def _scaled(estimator: Any, context: Context) -> State:
    base = read(estimator.estimator_, context)
    target = np.array([estimator.offset_, estimator.scale_], dtype=np.float64)
    return State(base.kind, base.config, {**base.arrays, "target": target}, base.blobs, base.parts)


def _calibrated(estimator: Any, context: Context) -> State:
    base = estimator.estimator_
    if not hasattr(base, "decision_function"):
        raise StateError(f"{type(base).__name__} gives no margins; it has no state.")
    inner = _margins(read(base, context))
    stores = {"stores_rows": True} if inner.config.get("stores_rows") else {}
    return State("calibrated", {**class_facts(estimator, context), **stores},
                 {"slope": floats(estimator.slope_), "offset": floats(estimator.offset_)},
                 parts={"base": inner})


def _margins(state: State) -> State:
    """The state of a classifier, answering its margins in place of probabilities."""
    if state.kind == "linear":
        return State("linear", {**state.config, "link": "margin"}, state.arrays)
    if state.kind == "kernel_machine":
        return state
    raise StateError(f"margins of state of kind {state.kind!r} cannot be answered.")


_READERS: dict[str, Callable[[Any, Context], State]] = {
    "BernoulliNB": _bernoulli,
    "CountsNB": _multinomial,
    "DummyClassifier": _constant,
    "DummyRegressor": _constant,
    "ElasticNet": _regressor,
    "GaussianNB": _gaussian,
    "HuberRegressor": _regressor,
    "KNeighborsClassifier": _neighbors,
    "KNeighborsRegressor": _neighbors,
    "Lasso": _regressor,
    "LinearRegression": _regressor,
    "LinearSVC": _margin,
    "LinearSVR": _regressor,
    "LogisticRegression": _logistic,
    "MarginClassifier": _calibrated,
    "MultinomialNB": _multinomial,
    "NearestClassifier": _neighbors,
    "NearestRegressor": _neighbors,
    "NuSVC": _kernel_machine,
    "NuSVR": _kernel_machine,
    "Perceptron": _sgd_classifier,
    "QuantileRegressor": _regressor,
    "Ridge": _regressor,
    "GramRidge": _regressor,
    "RidgeClassifier": _margin,
    "SGDClassifier": _sgd_classifier,
    "SGDRegressor": _sgd_regressor,
    "SVC": _kernel_machine,
    "SVR": _kernel_machine,
    "ScaledTarget": _scaled,
}
