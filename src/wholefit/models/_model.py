"""What a catalog entry is: hyper-parameters, how to build it, and its fitted form as state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.params import Params
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features import Encoding
from wholefit.features.spans import Span


@dataclass(frozen=True)
class Context:
    """What a model may know when it is built.

    `rows` and `features` of the training matrix; `categorical`, indices of features that hold
    category codes; `n_classes` (0 for a number); `jobs` threads it may use; `seed`; `spans`, which
    features are numbers, codes, pixels or tokens (none said: all are numbers); `seconds` that the
    fit may take, for models that are `clocked` or watch (None: as many as it needs); `counted`,
    what a fit that these ended did, by count (its estimator's `counted_`): a fit that is given it
    does the same again.
    """

    rows: int
    features: int
    categorical: tuple[int, ...] = ()
    n_classes: int = 0
    jobs: int = 1
    seed: int = 0
    spans: tuple[Span, ...] = ()
    seconds: float | None = None
    counted: Any = None


class Scorer(Protocol):
    """A fitted model as numpy alone: what an artifact answers with."""

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), dense or CSR, to probabilities (n, classes) or numbers (n,)."""
        ...


@dataclass(frozen=True)
class Model(Params):
    """Base of the catalog: a frozen dataclass of documented, bounded hyper-parameters.

    Class facts: `name` in the catalog; `family`; `summary`, one honest sentence on when to
    use it; `tasks`; `requires`, an optional library and the `extra` that brings it; `growth`,
    how its training time grows with rows ("linear", "quadratic"); `weighted`, whether it takes
    sample weights; `incremental`, whether `update` can teach it more rows; `burden`, its place
    in the order of what a prediction costs (0 nothing, 100 most): among tied models the one of
    least burden is recommended, and an order that is not a stopwatch keeps that repeatable;
    `readable`, whether a person can read all of a fitted one: weights, a tree, rules, curves;
    `must`, parameters that have no usable default, so that the user has to give them;
    `blind`, whether it looks at no feature, and so needs none made to learn from;
    `pace`, seconds to fit a million cells of training matrix on two cores, for estimates only;
    `clocked`, whether a fit keeps to `Context.seconds` by itself and answers with the best so far;
    `heard`, whether its estimator's `fit` takes `checkpoint` and `callbacks`, as networks' do;
    `steady`, how far a row's answer alone may lie from its answer in a batch, for the scale of the
    answers: what is computed in float32 hangs on the batch by its rounding.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    summary: ClassVar[str]
    tasks: ClassVar[tuple[str, ...]]
    requires: ClassVar[str | None] = None
    extra: ClassVar[str | None] = None
    growth: ClassVar[str] = "linear"
    weighted: ClassVar[bool] = True
    incremental: ClassVar[bool] = False
    clocked: ClassVar[bool] = False
    heard: ClassVar[bool] = False
    blind: ClassVar[bool] = False
    steady: ClassVar[float] = 1e-9
    burden: ClassVar[int] = 50
    readable: ClassVar[bool] = False
    pace: ClassVar[float] = 1.0
    must: ClassVar[tuple[str, ...]] = ()

    @property
    def watches(self) -> bool:
        """True if the estimator's `fit` takes `watch`, held-out rows that say when to stop.

        `fit(X, y, sample_weight, watch=(X, y, weight or None))` then leaves `curve_` (rounds,),
        the mean loss of the watched rows after each round, and `cut(rounds)` shortens what was
        fitted to its first rounds. It ends when `Context.seconds` are over.
        """
        return int(getattr(self, "early_stopping", 0)) > 0

    @property
    def unlabelled(self) -> bool:
        """True if the estimator's `fit` takes `unlabelled`, features (m, p) without a target.

        It learns from them, beside those that have one, before it is shown any target.
        """
        return False

    def encoding(self, task: Task) -> Encoding:
        """How this family wants its columns."""
        raise NotImplementedError

    def build(self, task: Task, context: Context) -> Any:
        """An unfitted estimator of the scikit-learn kind."""
        raise NotImplementedError

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """The fitted estimator as version-independent data; `scorer(state)` answers with it."""
        raise NotImplementedError

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """The estimator that `state` was read from, ready to learn on (incremental models)."""
        raise StateError(f"{self.name} cannot learn on from its state.")

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """The live estimator's answer: probabilities (n, n_classes) or numbers (n,)."""
        if not context.n_classes:
            return np.asarray(estimator.predict(X), dtype=np.float64)
        found = np.asarray(estimator.predict_proba(X), dtype=np.float64)
        return spread(found, np.asarray(estimator.classes_), context.n_classes)


def spread(found: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities of the classes seen in training, (n, seen), laid over all (n, n_classes)."""
    if found.shape[1] == n_classes:
        return found
    whole = np.zeros((len(found), n_classes))
    whole[:, classes.astype(np.intp)] = found
    return whole
