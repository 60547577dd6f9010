"""Rule lists: if this, then that; else if ..., a page that a person can apply by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, for_trees
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class RuleList(Model):
    """An ordered list of few rules, each tested on rows that did not choose it."""

    name: ClassVar[str] = "rule_list"
    burden: ClassVar[int] = 15
    pace: ClassVar[float] = 3.0
    family: ClassVar[str] = "glass boxes"
    readable: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "At most a handful of if-then rules with honest intervals, which can be applied by hand; "
        "coarse: all rows of a rule get one answer, and small effects are left out.")
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")

    max_rules: int = param(
        8, "Most rules before the last 'else'.", low=1, high=50, search=(4, 12))
    max_conditions: int = param(
        3, "Most conditions of a rule.", low=1, high=5, search=(1, 3))
    min_samples: int = param(
        10, "Fewest rows that a rule may take, of those that choose the rules.", low=2,
        search=(5, 100), log=True)
    level: float = param(
        0.05, "Chance that a rule which says nothing gets a place in the list: rows that did not "
        "choose the rules test them.",
        above=0, below=1)

    def encoding(self, task: Task) -> Encoding:
        """Codes; a missing value is a condition of its own."""
        return for_trees()

    def build(self, task: Task, context: Context) -> Any:
        """Our own estimator."""
        from wholefit.models._rules_estimators import RuleListClassifier, RuleListRegressor

        kind = RuleListClassifier if context.n_classes else RuleListRegressor
        return kind(rules=self.max_rules, conditions=self.max_conditions, least=self.min_samples,
                    level=self.level, categorical=context.categorical, random_state=context.seed)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "rule_list": conditions, values, and the intervals of the values."""
        config = {**estimator.state_.config, "n_classes": int(context.n_classes)}
        if context.n_classes:
            config["classes"] = [int(code) for code in estimator.classes_]
        return State("rule_list", config, estimator.state_.arrays)
