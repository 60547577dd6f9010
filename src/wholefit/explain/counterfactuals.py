"""What would have to be otherwise for another answer: the record, and how it is told.

A row is changed in few columns, to values that rows really have, until the model answers as
wanted. Each alternative is asked of the model itself before it is told; that none exists within
what may change is an answer too, and says how thoroughly was looked.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from wholefit.base.stored import typed
from wholefit.base.wording import counted, plain
from wholefit.explain._plausible import number

# So little above the probability that is needed is only just enough.
_JUST = 0.05

__all__ = ["Change", "Counterfactual", "Counterfactuals"]


@dataclass(frozen=True)
class Change:
    """One column: its value before and after, as plain values and in words, and how far apart.

    `distance` is the share of the rows that lies between two numbers; 1/3 for a change of level.
    """

    column: str
    before: Any
    after: Any
    said_before: str
    said_after: str
    distance: float

    def said(self) -> str:
        """ "amount been 1,200 rather than 3,500"."""
        return f"{self.column} been {self.said_after} rather than {self.said_before}"


@dataclass(frozen=True)
class Counterfactual:
    """A row with a few changes, and what the model answers to it.

    `probability` is that of the predicted class, None for a number. `distance` sums those of the
    changes. `nearest` is how far the changed row lies from the nearest real row (mean over
    columns), None where no rows were given.
    """

    changes: tuple[Change, ...]
    prediction: Any
    probability: float | None
    distance: float
    nearest: float | None = None

    def to_text(self) -> str:
        """One sentence."""
        had = " and ".join(change.said() for change in self.changes)
        if len(self.changes) > 2:
            first = ", ".join(change.said() for change in self.changes[:-1])
            had = f"{first} and {self.changes[-1].said()}"
        return f"It would have been {answered(self.prediction, self.probability)} had {had}."


@dataclass(frozen=True)
class Counterfactuals:
    """Alternatives to one row, the least change first; empty where there is none.

    `complete` is the largest number of changed columns of which all combinations of coarse values
    were asked (0: none), `most` the largest that was looked for; `asked` counts the rows asked.
    `kept` names the columns that were not to change, `nearest` what came nearest where nothing
    was found. `values_from` says where plausible values come from; `usual` is how far real rows
    lie from their own nearest, at most (95%). `cut` is the probability from which on the wanted
    one of two classes is said; None where it is not that of one threshold.
    """

    target: str
    prediction: Any
    probability: float | None
    wanted: str
    already: bool
    alternatives: tuple[Counterfactual, ...]
    changeable: tuple[str, ...]
    kept: tuple[str, ...]
    values_from: str
    most: int
    complete: int
    asked: int
    nearest: Counterfactual | None = None
    usual: float | None = None
    notes: tuple[str, ...] = ()
    cut: float | None = 0.5

    def to_text(self) -> str:
        """Plain sentences."""
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The same, line by line."""
        now = answered(self.prediction, self.probability)
        if self.already:
            return [f"The prediction of {self.target} is {now}, which is {self.wanted} already: "
                    "nothing has to change."]
        said = [f"The prediction of {self.target} is {now}; wanted is {self.wanted}."]
        said += [f"{at}. {each.to_text()} ({self._distance(each)})"
                 for at, each in enumerate(self.alternatives, 1)]
        if not self.alternatives:
            said += self._none()
        elif self.complete:
            said.append(f"All combinations of at most {counted(self.complete, 'changed column')} "
                        "were asked on a grid of values.")
        if self.cut is not None and any(
                each.probability is not None and each.probability < self.cut + _JUST
                for each in self.alternatives):
            near = "one half" if self.cut == 0.5 else f"{self.cut:.2g}, from which on it is said,"
            said.append(f"A probability near {near} is only just enough, and may not hold when "
                        f"the model is fitted anew: least={min(self.cut + 0.1, 0.99):.2g} asks "
                        "for more.")
        return [*said, f"Values are {self.values_from}.", *self.notes,
                "This is how the model answers, not what a change in the world would do."]

    def table(self) -> pl.DataFrame:
        """One row a change: alternative, column, before, after, distance, and the prediction."""
        rows = [{"alternative": at, "column": change.column, "before": change.said_before,
                 "after": change.said_after, "distance": change.distance,
                 "prediction": str(each.prediction), "probability": each.probability}
                for at, each in enumerate(self.alternatives, 1) for change in each.changes]
        kinds = {"alternative": pl.Int64, "column": pl.String, "before": pl.String,
                 "after": pl.String, "distance": pl.Float64, "prediction": pl.String,
                 "probability": pl.Float64}
        return pl.DataFrame(rows, schema=kinds)

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is not a finite number is null."""
        return plain(asdict(self))

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Counterfactuals:
        """Back from `to_json`."""
        lists = {name: tuple(stored[name]) for name in ("changeable", "kept", "notes")}
        nearest = stored["nearest"]
        return typed(cls(**{
            **stored, **lists,
            "alternatives": tuple(_one(each) for each in stored["alternatives"]),
            "nearest": None if nearest is None else _one(nearest)}))

    def _distance(self, each: Counterfactual) -> str:
        changes = counted(len(each.changes), "column")
        said = f"{changes}, {each.distance:.2f} apart in shares of the rows"
        if each.nearest is None or self.usual is None:
            return said
        near = ("as near as real rows are to each other" if each.nearest <= self.usual else
                f"farther than real rows are from each other, {self.usual:.2f}: implausible")
        return f"{said}; {each.nearest:.2f} from the nearest real row, {near}"

    def _none(self) -> list[str]:
        thorough = (f"all combinations of at most {counted(self.complete, 'change')} were asked"
                    if self.complete >= min(self.most, len(self.changeable)) else
                    f"all combinations of at most {counted(self.complete, 'change')} were asked, "
                    "of more only the most promising" if self.complete else "none could be asked")
        columns = counted(len(self.changeable), "column")
        said = [f"No such change exists within the {columns} that may change, at most {self.most} "
                f"at once ({thorough})."]
        if self.nearest is not None and self.nearest.changes:
            had = " and ".join(change.said() for change in self.nearest.changes)
            reached = answered(self.nearest.prediction, self.nearest.probability)
            said.append(f"What comes nearest is {reached}, had {had}.")
        return said


def answered(prediction: Any, probability: float | None) -> str:
    """ "'good' (probability 0.61)", "1,234"."""
    if probability is None:
        return number(float(prediction))
    return f"{str(prediction)!r} (probability {probability:.2f})"


def _one(stored: dict[str, Any]) -> Counterfactual:
    changes = tuple(typed(Change(**change)) for change in stored["changes"])
    return typed(Counterfactual(**{**stored, "changes": changes}))
