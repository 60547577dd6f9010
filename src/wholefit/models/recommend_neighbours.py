"""Users like you, items like those you liked: collaborative filtering by neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.models._model import Context
from wholefit.models._recommend.base import Recommender

_LIKENESS = ("cosine", "pearson", "adjusted")
_LIKENESS_DOC = ("Of ratings, over what both rated: the cosine, the correlation, or the cosine of "
                 "what they are above the biases. Of uses it is always the cosine.")
_SHRINK_DOC = "Common ratings below which likeness is drawn towards 0; more trusts less."
_DAMP_DOC = "Likeness that the biases weigh against the neighbours."


@dataclass(frozen=True)
class ItemKNN(Recommender):
    """An item by the items most like it (Sarwar, Karypis, Konstan and Riedl 2001)."""

    name = "item_knn"
    burden = 20
    pace = 2.0
    growth = "linear"
    summary = ("Because you liked this: plain to explain, learns at once from a new rating, holds "
               "its own on uses; grows with the square of the number of items.")
    learns = "both"
    answers = "rating"

    neighbours: int = param(200, "Items kept for each item.", low=1, search=(20, 400), log=True)
    likeness: str = param("adjusted", _LIKENESS_DOC, choices=_LIKENESS)
    shrink: float = param(20.0, _SHRINK_DOC, low=0, search=(1.0, 200.0), log=True)
    damp: float = param(0.5, _DAMP_DOC, low=0, search=(0.1, 5.0), log=True)

    def build(self, task: Task, context: Context) -> Any:
        """Likeness of items, in blocks."""
        return _near("items", self)

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Ready for `partial_fit`, which fits anew: exact."""
        return _near("items", self, state)


@dataclass(frozen=True)
class UserKNN(Recommender):
    """A user by the users most like them (Resnick et al. 1994; Herlocker et al. 1999)."""

    name = "user_knn"
    burden = 25
    pace = 2.0
    growth = "quadratic"
    summary = ("What people like you liked; grows with the square of the number of users, so "
               "for thousands of them rather than millions.")
    learns = "both"
    answers = "rating"

    neighbours: int = param(100, "Users kept for each user.", low=1, search=(20, 400), log=True)
    likeness: str = param("adjusted", _LIKENESS_DOC, choices=_LIKENESS)
    shrink: float = param(20.0, _SHRINK_DOC, low=0, search=(1.0, 200.0), log=True)
    damp: float = param(0.5, _DAMP_DOC, low=0, search=(0.1, 5.0), log=True)

    def build(self, task: Task, context: Context) -> Any:
        """Likeness of users, in blocks."""
        return _near("users", self)

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """Ready for `partial_fit`, which fits anew: exact."""
        return _near("users", self, state)


def _near(by: str, model: ItemKNN | UserKNN, state: State | None = None) -> Any:
    from wholefit.models._recommend.near import Near, NearSettings

    return Near(NearSettings(by, model.neighbours, model.likeness, float(model.shrink),
                             float(model.damp)), state)
