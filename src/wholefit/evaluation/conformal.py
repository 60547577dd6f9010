"""Conformal prediction: intervals and sets that hold the truth as often as they say.

What they rest on is errors on rows that the answering model had not seen: a new row, drawn like
those, errs by more than the k-th smallest of n errors with probability at most 1 - k / (n + 1)
(Vovk, Gammerman and Shafer 2005). No form of the errors is assumed; rows that come otherwise than
those (drift, other groups, later times) are not covered by it.

Numbers: the errors are signed, so that an interval need not be symmetric, and kept apart by the
size of the answer (Mondrian categories), so that it may be wider where answers are large. Classes:
an error is one minus the probability given to the true class (Sadinle, Lei and Wasserman 2019), in
all rows, and in the rows of each class. A set may be empty: no class is then as probable as true
classes usually are, which is a reason to look at the row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import ParameterError, StateError
from wholefit.base.state import State
from wholefit.evaluation.intervals import student, wilson
from wholefit.evaluation.score import Score

KIND = "calibration"
# Rows that a part needs to have quantiles of its own; the most parts by size of the answer.
_PART, _MOST_PARTS = 300, 10
# Errors kept of each part: the outermost at either end, and as many evenly between them.
_KEPT = 250


@dataclass(frozen=True, eq=False)
class Errors:
    """`n` errors in order, of which those at the ranks `at` (from 1) are kept."""

    n: int
    at: np.ndarray
    values: np.ndarray

    def below(self, share: float) -> float:
        """The largest kept error with at most `share` of a new row's chance below it; or -inf."""
        rank = math.floor((self.n + 1) * share + 1e-9)
        place = int(np.searchsorted(self.at, rank, side="right")) - 1
        return float(self.values[place]) if rank >= 1 and place >= 0 else -math.inf

    def above(self, share: float) -> float:
        """The smallest kept error with at least `share` of a new row's chance below it; or inf."""
        rank = math.ceil((self.n + 1) * share - 1e-9)
        place = int(np.searchsorted(self.at, rank, side="left"))
        return float(self.values[place]) if rank <= self.n and place < len(self.at) else math.inf


@dataclass(frozen=True, eq=False)
class Calibration:
    """Errors on unseen rows: of a number by size of the answer, of classes in all and by class.

    `edges` part the answers of a number: one more part than edges. Of k classes the parts are all
    rows, then each class.
    """

    classes: int
    edges: np.ndarray
    parts: tuple[Errors, ...]

    @property
    def rows(self) -> int:
        """Rows that it rests on."""
        return self.parts[0].n if self.classes else sum(part.n for part in self.parts)

    def interval(
        self, answer: np.ndarray, level: float, asked: object = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Low and high ends (n,) around a number (n,); infinite where there are too few rows.

        The rows `asked` play no part; see `conformal_groups` for those that do.
        """
        share = _open(level)
        ends = np.array([[part.below((1 - share) / 2), part.above((1 + share) / 2)]
                         for part in self.parts])
        part = np.searchsorted(self.edges, answer, side="right")
        return answer + ends[part, 0], answer + ends[part, 1]

    def sets(
        self, answer: np.ndarray, level: float, per_class: bool = False, asked: object = None
    ) -> np.ndarray:
        """Which classes are in each row's set, (n, k) bool, from probabilities (n, k).

        `per_class` holds the level within the rows of each class, which widens the sets for
        classes that are hard to tell; a class of too few rows is then in every set.
        """
        share = _open(level)
        parts = self.parts[1:] if per_class else self.parts[:1]
        bound = np.array([part.above(share) for part in parts])
        return np.asarray(1.0 - answer <= bound + 1e-12)

    def state(self) -> State:
        """As plain data; `from_state` reads it back."""
        return State(KIND, {"classes": self.classes}, {
            "edges": self.edges, "n": np.array([part.n for part in self.parts], dtype=np.int64),
            "kept": np.array([len(part.at) for part in self.parts], dtype=np.int64),
            "at": np.concatenate([part.at for part in self.parts]),
            "values": np.concatenate([part.values for part in self.parts])})

    @classmethod
    def from_state(cls, state: State) -> Calibration:
        """Read back what `state` gave; ValueError where its parts do not belong together."""
        arrays, classes = state.arrays, int(state.config["classes"])
        edges, n, kept = arrays["edges"], arrays["n"], arrays["kept"]
        at, values = arrays["at"], arrays["values"]
        parts = classes + 1 if classes else len(edges) + 1
        if (any(each.ndim != 1 or each.dtype.kind not in "iuf"
                for each in (edges, n, kept, at, values)) or len(n) != parts
                or len(kept) != parts or (kept < 0).any() or kept.sum() != len(at)
                or len(at) != len(values) or not np.isfinite(values).all()
                or (np.diff(edges) < 0).any()):
            raise ValueError("its calibration does not fit together")
        ends = np.cumsum(kept)[:-1]
        made = tuple(Errors(int(count), rank, value) for count, rank, value in zip(
            n, np.split(at, ends), np.split(values, ends), strict=True))
        if any((np.diff(part.at) <= 0).any() or (np.diff(part.values) < 0).any()
               or (len(part.at) and not 1 <= part.at[0] <= part.at[-1] <= part.n)
               for part in made):
            raise ValueError("its calibration is not in order")
        return cls(classes, edges, made)


def calibrate(truth: np.ndarray, answer: np.ndarray) -> Calibration:
    """Learn from truth (n,) and answers of models that had not seen these rows.

    Numbers (n,) and numbers (n,), or class codes and probabilities (n, k). Rows whose truth or
    answer is missing are left out. StateError if no row is left.
    """
    if answer.ndim == 1:
        known = np.isfinite(truth) & np.isfinite(answer)
        return _of_numbers(truth[known], answer[known])
    known = (truth >= 0) & np.isfinite(answer).all(axis=1)
    return _of_classes(truth[known].astype(np.intp), answer[known])


def coverage(
    truth: np.ndarray, low: np.ndarray, high: np.ndarray, level: float = 0.95
) -> dict[str, Score]:
    """How often intervals hold the truth, and how wide they are; with 95% intervals."""
    return of_intervals((truth >= low) & (truth <= high), high - low, level)


def of_intervals(
    held: np.ndarray, width: np.ndarray, level: float = 0.95
) -> dict[str, Score]:
    """The same from whether each interval holds the truth (n,), and how wide it is (n,)."""
    return {"coverage": _share("coverage", held, level), "width": _median("width", width, level)}


def set_coverage(truth: np.ndarray, sets: np.ndarray, level: float = 0.95) -> dict[str, Score]:
    """How often sets (n, k) hold the true class, how many classes they hold, how often just one."""
    return of_sets(sets[np.arange(len(truth)), truth], sets.sum(axis=1), level)


def of_sets(held: np.ndarray, size: np.ndarray, level: float = 0.95) -> dict[str, Score]:
    """The same from whether each set holds the truth (n,), and how many classes it has (n,)."""
    return {"coverage": _share("coverage", held, level),
            "classes": _mean("classes", size.astype(float), level),
            "single": _share("single", size == 1, level)}


def _of_numbers(truth: np.ndarray, answer: np.ndarray) -> Calibration:
    _check(len(truth))
    parts = max(1, min(_MOST_PARTS, len(truth) // _PART))
    edges = np.unique(np.quantile(answer, np.arange(1, parts) / parts)) if parts > 1 else \
        np.empty(0)
    part = np.searchsorted(edges, answer, side="right")
    if np.bincount(part, minlength=len(edges) + 1).min() < _PART // 2:
        edges, part = np.empty(0), np.zeros(len(answer), dtype=np.intp)
    error = truth - answer
    return Calibration(0, edges, tuple(
        _errors(error[part == at]) for at in range(len(edges) + 1)))


def _of_classes(truth: np.ndarray, answer: np.ndarray) -> Calibration:
    _check(len(truth))
    error = 1.0 - answer[np.arange(len(truth)), truth]
    each = (_errors(error[truth == code]) for code in range(answer.shape[1]))
    return Calibration(answer.shape[1], np.empty(0), (_errors(error), *each))


def _errors(found: np.ndarray) -> Errors:
    n = len(found)
    ranks = np.arange(1, n + 1)
    if n > 3 * _KEPT:
        middle = np.linspace(_KEPT, n - _KEPT, _KEPT).round().astype(np.int64)
        ranks = np.unique(np.concatenate([ranks[:_KEPT], middle, ranks[-_KEPT:]]))
    return Errors(n, ranks.astype(np.int64), np.sort(found)[ranks - 1].astype(np.float64))


def _check(rows: int) -> None:
    if not rows:
        raise StateError("there are no answers to unseen rows to learn from.")


def _open(level: float) -> float:
    if not (isinstance(level, (int, float)) and 0 < level < 1):
        raise ParameterError(f"level must be > 0 and < 1, such as 0.9; got {level!r}.")
    return float(level)


def _share(name: str, held: np.ndarray, level: float) -> Score:
    n = len(held)
    value = float(held.mean()) if n else math.nan
    low, high = wilson(value, n, student(level, math.inf)) if n else (math.nan, math.nan)
    return Score(name, value, low, high, level, "Wilson interval", n)


def _mean(name: str, values: np.ndarray, level: float) -> Score:
    n = len(values)
    error = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    value, reach = float(values.mean()) if n else math.nan, student(level, n - 1) if n > 1 else 0
    return Score(name, value, value - reach * error, value + reach * error, level,
                 "Student's t interval of a mean", n)


def _median(name: str, values: np.ndarray, level: float) -> Score:
    """The median with its order-statistic interval: widths may be infinite."""
    n, ordered = len(values), np.sort(values)
    if not n:
        return Score(name, math.nan, math.nan, math.nan, level, "no rows", 0)
    reach = student(level, math.inf) * math.sqrt(n) / 2
    low, high = max(0, math.floor(n / 2 - reach)), min(n - 1, math.ceil(n / 2 + reach))
    middle = ordered[(n - 1) // 2:n // 2 + 1].mean()
    return Score(name, float(middle), float(ordered[low]), float(ordered[high]), level,
                 "median, order-statistic interval", n)


def words(classes: Sequence[object], sets: np.ndarray) -> list[str]:
    """Each row's set as text, its classes parted by " | "; empty where it holds none."""
    return [" | ".join(str(classes[int(at)]) for at in np.flatnonzero(row)) for row in sets]
