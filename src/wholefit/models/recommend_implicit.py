"""Recommenders of implicit feedback: ALS, BPR and EASE learn from who met what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.models._model import Context
from wholefit.models._recommend.base import Recommender


@dataclass(frozen=True)
class ALS(Recommender):
    """Alternating least squares over all cells, met or not (iALS)."""

    name = "als"
    burden = 10
    pace = 2.0
    summary = ("What a user will take next, from uses alone; the choice for many items, and it "
               "takes up new users and uses at once.")
    learns = "events"

    rank: int = param(64, "Entries of each user's and item's vector.", low=1, search=(16, 256),
                      log=True)
    rounds: int = param(3, "Times that users and items are solved for in turn.", low=1,
                        search=(2, 16), log=True)
    ridge: float = param(0.01, "Strength that holds the vectors, an interaction.", low=1e-9,
                         search=(0.001, 0.1), log=True)
    ridge_power: float = param(1.0, "How that strength grows with a user's interactions: 0 not "
                               "at all, 1 in proportion.", low=0, high=1, search=(0.0, 1.0))
    unobserved: float = param(10.0, "Weight of all cells together against that of all "
                              "interactions; more trusts that what was not met was not wanted.",
                              above=0, search=(2.0, 30.0), log=True)
    strength: str = param("log", "Whether strong interactions weigh more, by the logarithm, or "
                          "all the same.", choices=("log", "none"))

    def build(self, task: Task, context: Context) -> Any:
        """Alternating weighted ridge regressions."""
        return self.restore(None, task, context)  # type: ignore[arg-type]

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Ready for `partial_fit`: new items and changed users are solved for, others stay."""
        from wholefit.models._recommend.factor_events import EventFactors, EventSettings

        return EventFactors(EventSettings(
            self.rank, self.rounds, float(self.ridge), float(self.ridge_power),
            float(self.unobserved), self.strength == "log", seed=context.seed,
            jobs=context.jobs), state)


@dataclass(frozen=True)
class BPR(Recommender):
    """Bayesian personalised ranking: an item met before one that was not."""

    name = "bpr"
    burden = 10
    pace = 20.0
    summary = ("Learns the order of items rather than their scores; als is quicker and mostly "
               "better.")
    learns = "events"

    rank: int = param(48, "Entries of each user's and item's vector.", low=1, search=(16, 256),
                      log=True)
    rounds: int = param(30, "Passes over the interactions.", low=1, search=(10, 200), log=True)
    step: float = param(0.05, "Size of the first steps.", above=0, search=(0.01, 0.5), log=True)
    ridge: float = param(0.02, "Strength that holds the vectors.", low=0, search=(0.001, 0.1),
                         log=True)

    def build(self, task: Task, context: Context) -> Any:
        """Batches of pairs."""
        return self.restore(None, task, context)  # type: ignore[arg-type]

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Ready for `partial_fit`: ridge regression places new items and changed users."""
        from wholefit.models._recommend.factor_pairs import PairFactors, PairSettings

        return PairFactors(PairSettings(self.rank, self.rounds, float(self.step),
                                        float(self.ridge), context.seed, context.jobs), state)


@dataclass(frozen=True)
class EASE(Recommender):
    """Items from items by one ridge regression with a zero diagonal (Steck 2019)."""

    name = "ease"
    burden = 15
    pace = 2.0
    summary = ("From uses alone, in closed form, and hard to beat up to some thousand items; "
               "it keeps a number for each pair of items.")
    learns = "events"

    ridge: float = param(250.0, "Strength that holds the weights.", above=0,
                         search=(20.0, 5000.0), log=True)
    most: int = param(10_000, "Items above which it refuses: memory grows with their square.",
                      low=1)

    def build(self, task: Task, context: Context) -> Any:
        """One Cholesky inverse."""
        return self.restore(None, task, context)  # type: ignore[arg-type]

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Ready for `partial_fit`, which fits anew: exact."""
        from wholefit.models._recommend.items import EASEFit

        return EASEFit(state, float(self.ridge), self.most, context.jobs)
