"""Matrix factorisation of ratings: SVD with biases, and SVD++."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.models._model import Context
from wholefit.models._recommend.base import Recommender

_RANK = "Entries of each user's and item's vector."
_ROUNDS = "Times that users and items are solved for in turn."
_RIDGE = ("Strength that holds the vectors: 1 keeps out noise of the size that biases leave "
          "over.")
_RIDGE_USER = "Ratings that the mean of all stands for against a user's."
_RIDGE_ITEM = "Ratings that the mean of all stands for against an item's."


@dataclass(frozen=True)
class SVD(Recommender):
    """Ratings as biases and a product of vectors, by alternating least squares."""

    name = "svd"
    burden = 10
    pace = 1.0
    summary = ("The rating a user would give; the usual first choice where there are ratings.")
    learns = "ratings"
    answers = "rating"

    rank: int = param(10, _RANK, low=1, search=(4, 64), log=True)
    rounds: int = param(8, _ROUNDS, low=1, search=(4, 30), log=True)
    ridge: float = param(1.1, _RIDGE, above=0, search=(0.4, 3.0), log=True)
    ridge_user: float = param(10.0, _RIDGE_USER, above=0, search=(1.0, 30.0), log=True)
    ridge_item: float = param(5.0, _RIDGE_ITEM, above=0, search=(1.0, 30.0), log=True)

    def build(self, task: Task, context: Context) -> Any:
        """Alternating ridge regressions."""
        return _factors(self, context)

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Ready for `partial_fit`: new items and changed users are solved for, others stay."""
        return _factors(self, context, state)


@dataclass(frozen=True)
class SVDpp(Recommender):
    """SVD in which what a user rated at all also tells of them (Koren 2008)."""

    name = "svdpp"
    burden = 12
    pace = 2.0
    summary = ("SVD that also learns from which items were rated; a little better than svd for "
               "a little more time.")
    learns = "ratings"
    answers = "rating"

    rank: int = param(10, _RANK, low=1, search=(4, 64), log=True)
    rounds: int = param(10, _ROUNDS, low=1, search=(4, 30), log=True)
    ridge: float = param(1.1, _RIDGE, above=0, search=(0.4, 3.0), log=True)
    ridge_user: float = param(10.0, _RIDGE_USER, above=0, search=(1.0, 30.0), log=True)
    ridge_item: float = param(5.0, _RIDGE_ITEM, above=0, search=(1.0, 30.0), log=True)
    implicit: float = param(30.0, "Strength that holds the vectors of what was rated at all.",
                            above=0, search=(5.0, 200.0), log=True)

    def build(self, task: Task, context: Context) -> Any:
        """Alternating ridge regressions about what the items rated lead to expect."""
        return _factors(self, context, implicit=float(self.implicit))

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Ready for `partial_fit`: new items and changed users are solved for, others stay."""
        return _factors(self, context, state, implicit=float(self.implicit))


def _factors(model: SVD | SVDpp, context: Context, state: State | None = None,
             implicit: float | None = None) -> Any:
    from wholefit.models._recommend.factor_ratings import RatingFactors, RatingSettings

    settings = RatingSettings(model.rank, model.rounds, float(model.ridge),
                              float(model.ridge_user), float(model.ridge_item), implicit,
                              seed=context.seed, jobs=context.jobs)
    return RatingFactors(settings, state)
