"""Students: small models taught the answers of a larger one, read into States that numpy answers.

Each learns soft targets: the shares that the teacher gives to classes (n, k), or its numbers (n,).
What each is taught was chosen by measurement (docs/distil.md):

- the tree regresses the shares themselves, several outputs at once, so that a leaf says the mean
  share of its rows: what has the least cross-entropy among constants;
- the boosted trees regress logits, one sum of trees for each class (for two classes one sum, of
  the log-odds): hard labels could not be told from soft ones by the log loss of the library;
- the weighted sum minimises the cross-entropy with the shares.

Sources: Bucila, Caruana and Niculescu-Mizil (2006, "Model compression"); Hinton, Vinyals and Dean
(2015, "Distilling the knowledge in a neural network"); Frosst and Hinton (2017) and Bastani, Kim
and Bastani (2017) for trees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_linear, for_trees
from wholefit.models import Model, scorer
from wholefit.models._model import Context

# Shares are kept this far from 0 before their logarithm is taken: a teacher's 1e-9 and 1e-6 are
# the same answer, and must not be what a regression of logits spends its trees on.
FLOOR = 0.01
_RATE, _LEAF_OF_BOOSTED, _LEAST_IN_LEAF = 0.1, 15, 5
_RIDGE = 1.0
_MOST_STEPS = 500


@dataclass(frozen=True)
class Size:
    """How large students may become: `leaves` of the tree, `rounds` of the boosted trees."""

    leaves: int = 32
    rounds: int = 100


Learn = Callable[[Any, np.ndarray, "np.ndarray | None", Context, Size], State]


@dataclass(frozen=True)
class Student:
    """A kind of student: its word, the catalog's model that its State is one of, how it learns.

    `ways` are those that were worth trying: shares of the teacher's answer in the target, each
    with whether made-up rows are taught too.
    """

    word: str
    catalog: dict[str, str]
    encoding: Encoding
    learn: Learn
    said: str
    ways: tuple[tuple[float, bool], ...]

    def params(self, size: Size) -> dict[str, Any]:
        """The hyper-parameters that the catalog would call these."""
        known: dict[str, dict[str, Any]] = {
            "tree": {"max_leaf_nodes": size.leaves, "min_samples_leaf": _LEAST_IN_LEAF},
            "boosted": {"n_estimators": size.rounds, "learning_rate": _RATE,
                        "max_leaf_nodes": _LEAF_OF_BOOSTED}}
        return known.get(self.word, {})


class Taught(Model):
    """A student as a Model; no catalog entry, it is made by distilling."""

    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")
    family: ClassVar[str] = "distilled"
    summary: ClassVar[str] = "A small model taught by a larger one."
    name: ClassVar[str] = "distilled"

    def encoding(self, task: Task) -> Encoding:
        """Not asked: the student was taught before this stands for it."""
        return Encoding()

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """What the student learnt."""
        learnt: State = estimator
        return learnt

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """The student's answer to encoded rows."""
        return scorer(estimator).answer(X)


def tree(
    X: Any, soft: np.ndarray, weights: np.ndarray | None, context: Context, size: Size
) -> State:
    """One tree, grown best first to at most `size.leaves` leaves."""
    from sklearn.tree import DecisionTreeRegressor

    from wholefit.models import _tree_states
    from wholefit.models._trees import trees_state

    classes = context.n_classes
    grown = DecisionTreeRegressor(
        max_leaf_nodes=size.leaves, min_samples_leaf=min(_LEAST_IN_LEAF, max(1, len(soft) // 4)),
        random_state=context.seed)
    # Of two shares that add up to 1 one is enough, and its splits are the same.
    grown.fit(X, soft[:, 1] if classes == 2 else soft, sample_weight=weights)
    value = grown.tree_.value[:, :, 0]
    if classes:
        value = _careful(value, grown.tree_.weighted_n_node_samples)
    if classes == 2:
        value = np.column_stack([1 - value, value])
    return trees_state(
        [_tree_states._raw(grown.tree_, value)], features=context.features, aggregate="mean",
        link="identity", classes=range(classes) if classes else None, n_classes=classes)


def _careful(value: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Shares of nodes drawn to the root's by as much as one row weighs: none is ever 0."""
    return np.asarray((value * cover[:, None] + value[:1]) / (cover[:, None] + 1))


def boosted(
    X: Any, soft: np.ndarray, weights: np.ndarray | None, context: Context, size: Size
) -> State:
    """Boosted trees for each output, taking turns in one sum."""
    from wholefit.models import _tree_states
    from wholefit.models._hist import estimator_class
    from wholefit.models._trees import trees_state

    classes = context.n_classes
    wanted = soft[:, None] if not classes else logits(soft)
    if classes == 2:
        wanted = wanted[:, 1:] - wanted[:, :1]
    taught = []
    for output in wanted.T:
        one = estimator_class("regressor")(
            jobs=context.jobs, max_levels=30, max_iter=size.rounds, learning_rate=_RATE,
            max_leaf_nodes=_LEAF_OF_BOOSTED, categorical_features=context.categorical,
            random_state=context.seed)
        taught.append(one.fit(X, output, sample_weight=weights))
    each = [list(_tree_states._hist_trees(one)) for one in taught]
    return trees_state(
        [grown for turn in zip(*each, strict=True) for grown in turn], features=context.features,
        aggregate="sum", link={0: "identity", 2: "sigmoid"}.get(classes, "softmax"),
        turns=len(taught) > 1, extra=_tree_states._levels(taught[0]),
        base=np.array([float(np.ravel(one._baseline_prediction)[0]) for one in taught]),
        classes=range(classes) if classes else None, n_classes=classes)


def linear(
    X: Any, soft: np.ndarray, weights: np.ndarray | None, context: Context, size: Size
) -> State:
    """A weighted sum of the features, with a penalty on the squares of its weights."""
    from wholefit.models import _states

    classes = context.n_classes
    if not classes:
        from wholefit.models.linear import _ridge

        fitted = _ridge(_RIDGE, True, False).fit(X, soft, sample_weight=weights)
        return _states.linear(fitted.coef_, fitted.intercept_, {"n_classes": 0, "link": "identity"})
    coef, intercept = soft_logistic(X, soft[:, 1:] if classes == 2 else soft, weights)
    return _states.linear(coef, intercept, {
        "n_classes": classes, "classes": list(range(classes)),
        "link": "ovr" if classes == 2 else "softmax"})


def logits(shares: np.ndarray) -> np.ndarray:
    """Logarithms of shares (n, k), not below `FLOOR`, centred in each row."""
    held = np.maximum(shares, FLOOR)
    found = np.log(held / held.sum(axis=1, keepdims=True))
    return np.asarray(found - found.mean(axis=1, keepdims=True))


def soft_logistic(
    X: Any, soft: np.ndarray, weights: np.ndarray | None = None, penalty: float = _RIDGE
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (k, p) and constants (k,) of least cross-entropy with the shares `soft` (n, k).

    The sum over rows, plus half the penalty times the squares of the weights: scikit-learn's
    LogisticRegression(C=1 / penalty) where shares are 0 and 1. One column is the share of yes.
    """
    from scipy.optimize import minimize

    n, p = X.shape
    k = soft.shape[1]
    count = np.ones(n) if weights is None else weights

    def cost(flat: np.ndarray) -> tuple[float, np.ndarray]:
        whole = flat.reshape(k, p + 1)
        sums = np.asarray(X @ whole[:, :p].T) + whole[:, p]
        lost, pull = _binary(sums, soft) if k == 1 else _several(sums, soft)
        pull *= count[:, None]
        slope = np.column_stack([np.asarray((X.T @ pull).T) + penalty * whole[:, :p],
                                 pull.sum(axis=0)])
        return float(count @ lost + penalty / 2 * (whole[:, :p] ** 2).sum()), slope.ravel()

    found = minimize(cost, np.zeros(k * (p + 1)), jac=True, method="L-BFGS-B",
                     options={"maxiter": _MOST_STEPS, "gtol": 1e-6 * n})
    whole = found.x.reshape(k, p + 1)
    return whole[:, :p], whole[:, p]


def _binary(sums: np.ndarray, soft: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cross-entropy (n,) and its slope (n, 1) in the sums."""
    from wholefit.models._kernels._links import sigmoid

    lost = np.logaddexp(0, sums[:, 0]) - soft[:, 0] * sums[:, 0]
    return lost, sigmoid(sums) - soft


def _several(sums: np.ndarray, soft: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.special import logsumexp

    total = logsumexp(sums, axis=1)
    return total - (soft * sums).sum(axis=1), np.exp(sums - total[:, None]) - soft


STUDENTS: dict[str, Student] = {each.word: each for each in (
    Student("tree", {"classification": "decision_tree", "regression": "decision_tree"},
            for_trees(), tree, "one tree that can be read",
            ((1.0, False), (0.5, False), (0.0, False), (1.0, True), (0.5, True))),
    Student("boosted", dict.fromkeys(("classification", "regression"), "hist_gradient_boosting"),
            for_trees(), boosted, "a few boosted trees",
            ((1.0, False), (0.5, False), (0.0, False), (0.5, True))),
    Student("linear", {"classification": "logistic", "regression": "ridge"},
            for_linear(), linear, "a weighted sum of the columns",
            ((1.0, False), (0.5, False), (0.0, False), (0.5, True))),
)}
"""Every kind of student by its word."""
