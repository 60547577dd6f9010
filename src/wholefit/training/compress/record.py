"""What compressing leaves behind: each way beside the model as it was, in score, speed and size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.errors import unknown
from wholefit.base.wording import aligned, plain
from wholefit.evaluation import Difference, Score
from wholefit.training.distil.record import Pace, _bytes, _difference, _gain, _scores, _time
from wholefit.training.fitted import Fitted


@dataclass(frozen=True, eq=False)
class Smaller:
    """The model compressed in one way.

    `scores` are of the rows set aside to judge by, `difference` is its score minus that of the
    model as it was on the same rows, paired; `agreement` the share of rows of which both say the
    same class, or the R2 of its numbers for the other's; `furthest` how far apart two answers to
    the same row are at most. `weights` are the bytes of what was learnt, in memory; `size` those
    of the file.
    """

    word: str
    said: str
    fitted: Fitted
    scores: dict[str, Score]
    difference: Difference | None
    agreement: float
    furthest: float
    pace: Pace
    weights: int
    size: int = 0
    seconds: float = 0.0
    answer: np.ndarray | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Comparison:
    """A model and what became of it in each way; rows are `found` in the order asked for.

    `skipped` says of each way that was not possible why not.
    """

    task: str
    metric: str
    better: str
    model: str
    scores: dict[str, Score]
    pace: Pace
    weights: int
    size: int
    found: tuple[Smaller, ...]
    judged: str
    rows: int
    said: tuple[str, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)

    def row(self, word: str) -> Smaller:
        """The way of that word; UnknownNameError if there is none."""
        for each in self.found:
            if each.word == word:
                return each
        raise unknown("way of compressing", word, [each.word for each in self.found])

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text: the model as it was first."""
        header = ["", self.metric, "minus that before", "agrees", "1,000 rows", "one row",
                  "learnt", "on disk"]
        first = ["as it was: " + self.model, self._score(self.scores), "", "",
                 _time(self.pace.thousand), _time(self.pace.one), _bytes(self.weights),
                 _bytes(self.size)]
        return header, [first, *([
            each.word, self._score(each.scores), _difference(each.difference),
            "" if np.isnan(each.agreement) else f"{each.agreement:.4f}",
            _time(each.pace.thousand) + _gain(self.pace.thousand, each.pace.thousand),
            _time(each.pace.one) + _gain(self.pace.one, each.pace.one),
            _bytes(each.weights) + _gain(self.weights, each.weights),
            _bytes(each.size) + _gain(self.size, each.size)] for each in self.found)]

    def to_text(self) -> str:
        """What was compared and how, the table, and what each way is."""
        return "\n".join([
            *self.said, "", *aligned(*self.table()), "",
            *(f"{each.word}: {each.said}" for each in self.found),
            *(f"{word}: not here: {why}" for word, why in self.skipped.items())])

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        whole: dict[str, Any] = plain({
            "task": self.task, "metric": self.metric, "judged": self.judged, "rows": self.rows,
            "said": list(self.said), "skipped": self.skipped,
            "before": {"model": self.model, "scores": _scores(self.scores),
                       "seconds_1000": self.pace.thousand, "seconds_1": self.pace.one,
                       "weights": self.weights, "bytes": self.size},
            "ways": [{
                "way": each.word, "said": each.said, "scores": _scores(each.scores),
                "difference": None if each.difference is None else each.difference.__dict__,
                "agreement": each.agreement, "furthest": each.furthest,
                "seconds_1000": each.pace.thousand, "seconds_1": each.pace.one,
                "weights": each.weights, "bytes": each.size, "seconds": each.seconds}
                for each in self.found]})
        return whole

    def _score(self, scores: dict[str, Score]) -> str:
        return str(scores[self.metric]) if self.metric in scores else "not judged"
