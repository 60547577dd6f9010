"""What a study of worth gives: parts, steps, the set to buy, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.wording import figures
from wholefit.data.notes import some
from wholefit.evaluation import Difference, Score


@dataclass(frozen=True)
class Paid:
    """A part: its price, what it tells while all are there, and whether it is to be bought.

    `tells` is the loss that shuffling it adds (nats; for numbers a share of the variance), the
    mean over folds; `folds` of the folds bought it by themselves.
    """

    name: str
    columns: tuple[str, ...]
    price: float
    tells: float
    folds: int
    bought: bool


@dataclass(frozen=True)
class Step:
    """A round of giving up: the parts kept when all rows choose, their price, the score.

    `paid` is the mean price of the sets that the folds chose for themselves; the score, and the
    difference from all parts, are those of the folds' choices on rows that took no part in them.
    """

    parts: tuple[str, ...]
    price: float
    paid: float
    score: Score
    difference: Difference | None


@dataclass(frozen=True)
class Worth:
    """Which columns are worth their cost: steps from all parts to none, and the one to take."""

    target: str
    metric: str
    better: str
    model: str
    rows: int
    split: str
    folds: int
    free: tuple[str, ...]
    parts: tuple[Paid, ...]
    steps: tuple[Step, ...]
    chosen: int
    baseline: float
    of: int

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of the parts to buy."""
        return self.steps[self.chosen].parts

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names of the parts that are not worth their price."""
        return tuple(part.name for part in self.parts if not part.bought)

    @property
    def said(self) -> tuple[str, ...]:
        """What follows, in sentences."""
        step, whole = self.steps[self.chosen], self.steps[0]
        if not self.chosen:
            found = [f"All {len(self.parts)} parts are worth their {figures(whole.price)} a row: "
                     f"with fewer, {self.metric} gets worse."]
        elif not step.parts:
            found = ["Nothing that costs is worth it: "
                     + ("what is free does as well." if self.free
                        else f"the baseline does as well ({self.metric} {step.score}).")]
        else:
            found = [f"Buy {len(step.parts)} of {len(self.parts)} parts for {figures(step.price)} "
                     f"instead of {figures(whole.price)} a row: {self.metric} {step.score} "
                     f"instead of {whole.score}, no worse beyond chance.",
                     f"Not worth their price: {some([repr(name) for name in self.dropped])}."]
        cheaper = self._next()
        if cheaper:
            found.append(cheaper)
        unsure = [part.name for part in self.parts if 0 < part.folds < self.folds]
        if unsure:
            found.append("Close calls, bought in some folds and not in others: "
                         f"{some([repr(name) for name in unsure])}.")
        if self.folds < self.of:
            found.append(f"The budget allowed {self.folds} of {self.of} folds.")
        return tuple(found)

    def _next(self) -> str:
        """What the next cheaper set would lose."""
        if self.chosen + 1 >= len(self.steps):
            return ""
        step = self.steps[self.chosen + 1]
        if step.difference is None:
            return ""
        spared = self.steps[self.chosen].price - step.price
        return (f"The next cheaper set spares {figures(spared)} more a row, and its {self.metric} "
                f"is {step.score}.")

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text: one for each step."""
        rows = []
        for at, step in enumerate(self.steps):
            told = step.difference
            diff = "" if told is None else (f"{told.value:+.4g} [{told.low:+.4g}, "
                                            f"{told.high:+.4g}]")
            rows.append([str(len(step.parts)), figures(step.price), str(step.score), diff,
                         "buy this" if at == self.chosen else ""])
        return ["parts", "price a row", self.metric, "against all parts", ""], rows

    def parts_table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text: one for each part, what tells most for its price first."""
        lined = sorted(self.parts, key=lambda part: -part.tells / part.price)
        return ["part", "price", "tells", "tells for its price", "folds that buy it", ""], [
            [part.name, figures(part.price), f"{part.tells:.4g}",
             f"{part.tells / part.price:.3g}", f"{part.folds} of {self.folds}",
             "buy" if part.bought else ""] for part in lined]

    def to_text(self) -> str:
        """What follows, a sentence a line."""
        return "\n".join(self.said)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        names = ("target", "metric", "better", "model", "rows", "split", "folds", "baseline")
        return {
            **{name: getattr(self, name) for name in names}, "free": list(self.free),
            "parts": [{**part.__dict__, "columns": list(part.columns)} for part in self.parts],
            "steps": [{"parts": list(step.parts), "price": step.price, "paid": step.paid,
                       "score": step.score.to_json(),
                       "difference": None if step.difference is None
                       else dict(step.difference.__dict__)} for step in self.steps],
            "kept": list(self.kept), "dropped": list(self.dropped), "said": list(self.said)}

    def __str__(self) -> str:
        return self.to_text()
