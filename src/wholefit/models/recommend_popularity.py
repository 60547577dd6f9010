"""What is popular, and who rates high: the floors that any recommender must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.models._model import Context
from wholefit.models._recommend.base import Recommender


@dataclass(frozen=True)
class Popularity(Recommender):
    """The same items for everyone: those met by most users, or rated best."""

    name = "popularity"
    burden = 0
    pace = 0.01
    summary = ("The same for everyone, and the answer for a user never met; whatever cannot beat "
               "it has learnt nothing of users.")
    learns = "both"

    by: str = param("count", "By how many met an item, or by its mean rating (shrunk).",
                    choices=("count", "rating"), search=("count",))
    half_life: float | None = param(
        None, "Time after which a use counts half, in the unit of the times (seconds of dates); "
        "None: never.", above=0, none=True)

    def build(self, task: Task, context: Context) -> Any:
        """Counts, or shrunk means."""
        from wholefit.models._recommend.items import MeanRating, PopularityCount

        return PopularityCount(half_life=self.half_life) if self.by == "count" else MeanRating()

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Ready for `partial_fit`, which counts anew: exact."""
        made = self.build(task, context)
        made.state_ = state
        return made


@dataclass(frozen=True)
class Bias(Recommender):
    """Mean rating + what the user adds + what the item adds, by ridge regression."""

    name = "bias"
    burden = 1
    pace = 0.05
    summary = ("The mean, kind and harsh users, good and bad items, and nothing else: the "
               "baseline of ratings.")
    learns = "ratings"
    answers = "rating"

    ridge_user: float = param(10.0, "Ratings that the mean of all stands for against a user's.",
                              low=0, search=(1.0, 50.0), log=True)
    ridge_item: float = param(5.0, "Ratings that the mean of all stands for against an item's.",
                              low=0, search=(1.0, 50.0), log=True)

    def build(self, task: Task, context: Context) -> Any:
        """Both biases at once, to convergence."""
        from wholefit.models._recommend.items import BiasRidge

        return BiasRidge(ridge_user=float(self.ridge_user), ridge_item=float(self.ridge_item))

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Ready for `partial_fit`, which fits anew: exact."""
        made = self.build(task, context)
        made.state_ = state
        return made
