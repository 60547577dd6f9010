"""What distilling leaves behind: each student beside its teacher, in score, speed and size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.errors import unknown
from wholefit.base.wording import aligned, plain
from wholefit.evaluation import Difference, Score
from wholefit.training.distil.lesson import Way
from wholefit.training.fitted import Fitted


@dataclass(frozen=True)
class Pace:
    """Seconds that an answer takes, from conforming rows to answers: 1,000 rows, and one row."""

    thousand: float
    one: float


@dataclass(frozen=True, eq=False)
class Taught:
    """One student: the fitted model, how it was taught, and what it lost and gained.

    `scores` are of rows that neither it nor its teacher had seen (empty where there were none);
    `difference` is its score minus the teacher's on the same rows, paired; `agreement` how near
    its answers come to the teacher's on rows that it was not taught: the share of rows of which
    both say the same class, or the R2 of its numbers for the teacher's.
    """

    word: str
    said: str
    fitted: Fitted
    catalog: str
    params: dict[str, Any]
    way: Way
    scores: dict[str, Score]
    difference: Difference | None
    agreement: float
    pace: Pace
    size: int = 0
    seconds: float = 0.0
    answer: np.ndarray | None = field(default=None, repr=False)
    """Answers to the rows it is judged by (n, ...), NaN where it gave none."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A teacher and its students; rows are `students` in the order that they were asked for."""

    task: str
    metric: str
    better: str
    teacher: str
    scores: dict[str, Score]
    pace: Pace
    size: int
    students: tuple[Taught, ...]
    judged: str
    rows: int
    made: int
    said: tuple[str, ...] = ()

    def row(self, word: str) -> Taught:
        """The student of that word; UnknownNameError if there is none."""
        for each in self.students:
            if each.word == word:
                return each
        raise unknown("student", word, [each.word for each in self.students])

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text: the teacher first."""
        header = ["", self.metric, "minus the teacher's", "agrees", "1,000 rows", "one row",
                  "on disk"]
        first = ["teacher: " + self.teacher, self._score(self.scores), "", "",
                 _time(self.pace.thousand), _time(self.pace.one), _bytes(self.size)]
        return header, [first, *([
            each.word, self._score(each.scores), _difference(each.difference),
            "" if np.isnan(each.agreement) else f"{each.agreement:.3f}",
            _time(each.pace.thousand) + _gain(self.pace.thousand, each.pace.thousand),
            _time(each.pace.one) + _gain(self.pace.one, each.pace.one),
            _bytes(each.size) + _gain(self.size, each.size)] for each in self.students)]

    def to_text(self) -> str:
        """What was compared and how, and the table."""
        return "\n".join([*self.said, "", *aligned(*self.table())])

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        whole: dict[str, Any] = plain({
            "task": self.task, "metric": self.metric, "judged": self.judged, "rows": self.rows,
            "made": self.made, "said": list(self.said),
            "teacher": {"model": self.teacher, "scores": _scores(self.scores),
                        "seconds_1000": self.pace.thousand, "seconds_1": self.pace.one,
                        "bytes": self.size},
            "students": [{
                "student": each.word, "model": each.catalog, "params": each.params,
                "taught": str(each.way), "scores": _scores(each.scores),
                "difference": None if each.difference is None else each.difference.__dict__,
                "agreement": each.agreement, "seconds_1000": each.pace.thousand,
                "seconds_1": each.pace.one, "bytes": each.size, "seconds": each.seconds}
                for each in self.students]})
        return whole

    def _score(self, scores: dict[str, Score]) -> str:
        return str(scores[self.metric]) if self.metric in scores else "not judged"


def _scores(scores: dict[str, Score]) -> dict[str, Any]:
    return {name: score.to_json() for name, score in scores.items()}


def _difference(found: Difference | None) -> str:
    if found is None or not np.isfinite(found.value):
        return "unknown"
    room = max(found.high - found.low, 1e-12)
    digits = min(6, max(1, 1 - int(np.floor(np.log10(room)))))
    words = {"a": "better", "b": "worse"}.get(found.better, "tied")
    return (f"{found.value:+,.{digits}f} [{found.low:+,.{digits}f}, {found.high:+,.{digits}f}] "
            f"{words}")


def _time(seconds: float) -> str:
    if np.isnan(seconds):
        return "unknown"
    return f"{seconds:,.2f} s" if seconds >= 1 else f"{seconds * 1000:,.2f} ms"


def _bytes(size: int) -> str:
    if size <= 0:
        return "cannot be saved"
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} KB"


def _gain(before: float, after: float) -> str:
    """" (12x)" where it became twelve times smaller; nothing where it cannot be told."""
    if not (before > 0 and after > 0):
        return ""
    times = before / after
    return f" ({times:,.0f}x)" if times >= 10 else f" ({times:,.1f}x)"
