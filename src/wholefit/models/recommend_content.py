"""Recommenders that know what items and users are like: for what nobody has met yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.models._model import Context
from wholefit.models._recommend.base import Interactions, Recommender


@dataclass(frozen=True)
class Content(Recommender):
    """Items like those a user met, by text and attributes alone."""

    name = "content"
    burden = 20
    pace = 0.5
    summary = ("More of the same kind, from what items are about; it needs no other users, and "
               "recommends items that nobody has met.")
    learns = "both"
    needs = "item_features"

    def build(self, task: Task, context: Context) -> Any:
        """Cosines of features."""
        from wholefit.models._recommend.items import ContentFit

        return ContentFit()

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Ready for `partial_fit`, which fits anew: exact."""
        from wholefit.models._recommend.items import ContentFit

        return ContentFit(state)


@dataclass(frozen=True)
class Hybrid(Recommender):
    """Factors that are expected where features of users and items place them.

    Ratings: svd; uses: als. What nobody has met is answered by its features; the more is known
    of it, the less they count.
    """

    name = "hybrid"
    burden = 14
    pace = 3.0
    summary = ("Collaborative where there is history, by features where there is none: for cold "
               "items and users.")
    learns = "both"
    answers = "rating"

    rank: int = param(32, "Entries of each user's and item's vector (of ratings, a third of "
                      "them).", low=3, search=(16, 128), log=True)
    rounds: int = param(6, "Times that users and items are solved for in turn.", low=1,
                        search=(3, 20), log=True)
    features: float = param(10.0, "Strength that holds the map from features to vectors.",
                            above=0, search=(0.1, 1000.0), log=True)

    def build(self, task: Task, context: Context) -> Any:
        """Alternating ridge regressions about what features lead to expect."""
        return _Either(self, context)

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Ready for `partial_fit`: new items and changed users are solved for, others stay."""
        return _Either(self, context, state)


class _Either:
    """Factors of ratings or of uses, whichever the interactions are."""

    def __init__(self, model: Hybrid, context: Context, state: State | None = None) -> None:
        self.state_ = state
        self._model, self._context = model, context

    def fit(self, data: Interactions) -> _Either:
        """Learn vectors, biases and what features say of them."""
        self.state_ = self._factors(data).fit(data).state_
        return self

    def partial_fit(self, new: Interactions) -> _Either:
        """Solve for new items and changed users."""
        self.state_ = self._factors(new).partial_fit(new).state_
        return self

    def _factors(self, data: Interactions) -> Any:
        from wholefit.models._recommend.factor_events import EventFactors, EventSettings
        from wholefit.models._recommend.factor_ratings import RatingFactors, RatingSettings

        model, context = self._model, self._context
        if data.explicit and data.values is not None:
            return RatingFactors(RatingSettings(
                max(1, model.rank // 3), model.rounds, 1.1, 10.0, 5.0,
                features=float(model.features), seed=context.seed, jobs=context.jobs), self.state_)
        return EventFactors(EventSettings(
            model.rank, model.rounds, 0.01, 1.0, 10.0,
            features=float(model.features), seed=context.seed, jobs=context.jobs), self.state_)
