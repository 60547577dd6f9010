"""A guest: an estimator of the scikit-learn kind that is not in the catalog."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from wholefit.base.errors import StateError, UnknownNameError, unknown
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_distances
from wholefit.models import _states
from wholefit.models._model import Context, Model

# Classes whose fitted form a catalog entry reads: theirs to ours.
_READ_BY = {
    "AdaBoostClassifier": "ada_boost",
    "AdaBoostRegressor": "ada_boost",
    "DecisionTreeClassifier": "decision_tree",
    "DecisionTreeRegressor": "decision_tree",
    "ExtraTreesClassifier": "extra_trees",
    "ExtraTreesRegressor": "extra_trees",
    "GradientBoostingClassifier": "gradient_boosting",
    "GradientBoostingRegressor": "gradient_boosting",
    "HistGradientBoostingClassifier": "hist_gradient_boosting",
    "HistGradientBoostingRegressor": "hist_gradient_boosting",
    "RandomForestClassifier": "random_forest",
    "RandomForestRegressor": "random_forest",
}

# Classes that still take n_jobs, and only warn that it does nothing.
_NO_THREADS = ("LogisticRegression",)


@dataclass(frozen=True)
class GuestModel(Model):
    """Wraps an estimator with fit, predict and get_params; it is cloned, never changed.

    Its class facts (name, tasks, weighted) are read off the estimator. A classifier without
    probabilities gets them from held-out margins. Estimators of a class that the catalog can
    read have a state; others can be fitted and used, not saved.
    """

    name = "guest"
    family = "guest"
    tasks = ("classification", "regression")
    summary = "An estimator brought in from outside the catalog."

    estimator: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        facts = {"name": type(self.estimator).__name__, "tasks": _tasks(self.estimator),
                 "weighted": _takes_weights(self.estimator)}
        for name, value in facts.items():
            object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """The estimator's own hyper-parameters; what is no plain value is given as text."""
        return {name: value if isinstance(value, (bool, int, float, str, type(None)))
                else repr(value) for name, value in self.estimator.get_params(deep=False).items()}

    def replace(self, **changes: Any) -> GuestModel:
        """A copy whose estimator has some hyper-parameters changed."""
        from sklearn.base import clone

        known = self.estimator.get_params()
        for name in changes:
            if name not in known:
                raise unknown(f"parameter of {self.name}", name, known)
        return GuestModel(clone(self.estimator).set_params(**changes))

    def encoding(self, task: Task) -> Encoding:
        """Dense numbers without gaps, on one scale: what every estimator takes."""
        return for_distances()

    def build(self, task: Task, context: Context) -> Any:
        """A clone with the seed and threads of the context where it leaves them open."""
        from sklearn.base import clone

        estimator = clone(self.estimator)
        open_words = {"random_state": context.seed}
        if context.jobs > 1 and type(estimator).__name__ not in _NO_THREADS:
            open_words["n_jobs"] = context.jobs
        params = estimator.get_params(deep=False)
        estimator.set_params(**{name: value for name, value in open_words.items()
                                if name in params and params[name] is None})
        if not context.n_classes or hasattr(estimator, "predict_proba"):
            return estimator
        from wholefit.models._calibrated import MarginClassifier

        return MarginClassifier(estimator, random_state=context.seed)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """The state that the catalog reads off estimators of this class.

        Raises StateError, with the ways out, where it reads none.
        """
        try:
            return _read(estimator, task, context)
        except StateError as error:
            raise StateError(
                f"{self.name} can be fitted and used, but not saved: {error} Take a model of the "
                "catalog (`wholefit models`), or write a subclass of wholefit.models.Model "
                "whose state() gives its fitted form as numbers, and name its scorer under the "
                "entry points 'wholefit.scorers'."
            ) from error


def _read(estimator: Any, task: Task, context: Context) -> State:
    from wholefit import models

    if type(estimator).__name__ in ("AdoptedModule", "AdoptedKeras") and _states.at_home(estimator):
        return estimator.state(context.n_classes)
    if _is_network(estimator):
        return _network_state(estimator, context)
    known = _READ_BY.get(type(estimator).__name__) if _states.at_home(estimator) else None
    if known is None:
        return _states.read(estimator, context)
    with contextlib.suppress(UnknownNameError):
        return models.get(known)().state(estimator, task, context)
    raise StateError(f"{type(estimator).__name__} has no reader in the catalog.")


def _is_network(estimator: Any) -> bool:
    """True for an estimator of `wholefit.estimators` (or below it) that trains a network."""
    names = {kind.__name__ for kind in type(estimator).__mro__ if kind.__module__.startswith(
        "wholefit.models._networks.")}
    return bool(names & {"NetworkClassifier", "NetworkRegressor"})


def _network_state(estimator: Any, context: Context) -> State:
    from wholefit.models._networks import state_of

    if hasattr(estimator, "module_") and not estimator.made_of_:
        from wholefit.models._networks._brought import stranger

        raise StateError(stranger(type(estimator.module_).__name__))
    return state_of(estimator, context.n_classes)


def _tasks(estimator: Any) -> tuple[str, ...]:
    from sklearn.base import is_classifier, is_regressor

    with contextlib.suppress(Exception):  # an estimator without scikit-learn's tags tells nothing
        if is_classifier(estimator):
            return ("classification",)
        if is_regressor(estimator):
            return ("regression",)
    return ("classification", "regression")


def _takes_weights(estimator: Any) -> bool:
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(estimator, "sample_weight"))
