"""One decision tree: rules a person can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_trees
from wholefit.models import _tree_states
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class DecisionTree(Model):
    """A single tree of yes/no questions (Breiman et al. 1984)."""

    name: ClassVar[str] = "decision_tree"
    burden: ClassVar[int] = 20
    pace: ClassVar[float] = 0.3
    family: ClassVar[str] = "trees"
    readable: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "Rules that can be read aloud; less accurate than a forest, and unstable: a few "
        "different rows can give a different tree.")
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    max_depth: int | None = param(
        None, "Most questions from the root to a leaf; None grows until other limits stop it.",
        low=1, none=True, search=(2, 3, 4, 6, 8, 12, 16, None))
    min_samples_leaf: int = param(
        1, "Fewest training rows in a leaf; larger values smooth the answers.",
        low=1, search=(1, 100), log=True)
    min_samples_split: int = param(
        2, "Fewest training rows a node must have to be split.", low=2, search=(2, 50), log=True)
    max_leaf_nodes: int | None = param(
        None, "Most leaves, grown best first; None sets no limit.", low=2, none=True)
    max_features: float = param(
        1.0, "Share of the features looked at for each split.", above=0, high=1,
        search=(0.3, 1.0))
    ccp_alpha: float = param(
        0.0, "Minimal cost-complexity pruning: branches that gain less are cut back.",
        low=0, search=(0.0, 0.02))
    criterion: str = param(
        "default", "What a split improves: Gini impurity or entropy for classes, squared error "
        "or Poisson deviance for numbers; the default is Gini or squared error.",
        choices=("default", "entropy", "poisson"), search=("default",))
    balanced: bool = param(
        False, "Weigh classes inversely to their frequency (classification only).",
        search=(False,))

    def encoding(self, task: Task) -> Encoding:
        """Codes; missing values stay, the tree learns where to send them."""
        return for_trees()

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's tree."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        common = {
            "max_depth": self.max_depth, "min_samples_leaf": self.min_samples_leaf,
            "min_samples_split": self.min_samples_split, "max_leaf_nodes": self.max_leaf_nodes,
            "max_features": self.max_features, "ccp_alpha": self.ccp_alpha,
            "random_state": context.seed,
            "criterion": criterion(self.criterion, context, type(self).__name__)}
        if context.n_classes:
            return DecisionTreeClassifier(
                class_weight="balanced" if self.balanced else None, **common)
        return DecisionTreeRegressor(**common)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """The tree's arrays."""
        return _tree_states.mean([estimator], estimator, context)


def criterion(name: str, context: Context, owner: str) -> str:
    """The word scikit-learn has for a criterion; ParameterError where the task has none."""
    words = ({"default": "gini", "entropy": "entropy"} if context.n_classes
             else {"default": "squared_error", "poisson": "poisson"})
    if name not in words:
        wanted = "classes" if context.n_classes else "numbers"
        raise ParameterError(
            f"{owner}.criterion must be one of {', '.join(map(repr, words))} when the target "
            f"is {wanted}; got {name!r}.")
    return words[name]
