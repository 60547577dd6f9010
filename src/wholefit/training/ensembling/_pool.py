"""The pool: out-of-fold answers of several models to the same rows, checked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.base.errors import DataError, ParameterError
from wholefit.models._kernels._links import bounded, tempered

Array = np.ndarray
# A member that lies within so many standard errors of the best counts as good as it.
_NEAR = 1.0
# Where all rows were held out in one fold, they are parted so often to cross-fit the shares.
_PARTS = 5
_BEYOND = 0.5


@dataclass(frozen=True)
class Pool:
    """What each member answered to rows that it had not learnt from.

    `answers` maps a label to numbers (n,) or probabilities (n, classes), NaN where no finished
    fold answered a row; `truth` (n,) holds numbers or class codes; `fold` (n,) says in which
    fold a row was held out, -1 where in none; `weights` (n,) weigh the rows; `loss` is the
    metric that the blend is to be good at: a name, a Metric or a function, the task's own where
    None. `order` (n,) is each row's rank in time where folds follow each other in time: then
    what answers a row is learnt from earlier rows only. DataError where the shapes do not fit
    together.
    """

    answers: Mapping[str, Array]
    truth: Array
    fold: Array
    weights: Array | None = None
    task: str = "classification"
    loss: str | Callable[..., float] | Any = None
    order: Array | None = None

    def __post_init__(self) -> None:
        if not self.answers:
            raise DataError("a pool needs the answers of at least one model; got none.")
        rows = len(self.truth)
        shapes = {np.shape(answer) for answer in self.answers.values()}
        if len(shapes) > 1 or next(iter(shapes))[:1] != (rows,):
            raise DataError(f"a pool's answers must be of one shape, a row for each of the {rows} "
                            f"truths; got {sorted(shapes)}.")
        if len(next(iter(shapes))) != (2 if self.is_classes else 1):
            raise DataError(f"answers of {self.task} must be "
                            f"{'(n, classes)' if self.is_classes else '(n,)'}; got "
                            f"{next(iter(shapes))}.")
        for name, values in (("fold", self.fold), ("weights", self.weights),
                             ("order", self.order)):
            if values is not None and np.shape(values) != (rows,):
                raise DataError(f"a pool's {name} must have a value for each of the {rows} rows; "
                                f"got shape {np.shape(values)}.")

    @property
    def is_classes(self) -> bool:
        """True where answers are class probabilities."""
        return self.task == "classification"

    @property
    def classes(self) -> int:
        """How many classes there are; 0 where answers are numbers."""
        return int(next(iter(self.answers.values())).shape[1]) if self.is_classes else 0

    @cached_property
    def bounds(self) -> tuple[float, float] | None:
        """Numbers that an answer may lie between; None for classes.

        Half the range of the truth beyond its ends: what a line or a network says far from all
        rows that it learnt from can be wild, and one such row outweighs all others.
        """
        truth = np.asarray(self.truth)[np.isfinite(np.asarray(self.truth))]
        if self.is_classes or not len(truth):
            return None
        low, high = float(truth.min()), float(truth.max())
        return low - _BEYOND * (high - low), high + _BEYOND * (high - low)

    @cached_property
    def shown(self) -> dict[str, Array]:
        """The answers within the bounds."""
        return {label: bounded(answer, self.bounds) for label, answer in self.answers.items()}

    @cached_property
    def answered(self) -> dict[str, Array]:
        """Which rows (n,) each member answered, with finite numbers."""
        held = np.asarray(self.fold) >= 0
        if self.weights is not None:
            held = held & (np.asarray(self.weights) > 0)
        found = {}
        for label, answer in self.answers.items():
            finite = np.isfinite(answer)
            found[label] = held & (finite.all(axis=1) if answer.ndim == 2 else finite)
        return found

    @cached_property
    def judged(self) -> tuple[tuple[str, ...], Array, tuple[str, ...]]:
        """Members to blend, the rows (indices) that all of them answered, and what is said of it.

        Some members may have answered fewer folds than others, where a budget ended. Of the
        members that may be the best (on the rows that all answered), the one that answered most
        rows sets the rows; who did not answer them is left out.
        """
        answered = {label: rows for label, rows in self.answered.items() if rows.any()}
        if not answered:
            raise DataError("no model answered any row with finite numbers: there is nothing to "
                            "blend.")
        leader = self._leader(answered)
        rows = answered[leader]
        kept = tuple(label for label, other in answered.items() if bool(other[rows].all()))
        out = [label for label in self.answers if label not in kept]
        said = () if not out else (
            f"left out of the ensemble, because they answered fewer rows: {', '.join(out)}.",)
        return kept, np.flatnonzero(rows), said

    def _leader(self, answered: dict[str, Array]) -> str:
        full = max(answered, key=lambda label: answered[label].sum())
        common = np.logical_and.reduce(list(answered.values()))
        if bool((common == answered[full]).all()) or not common.any():
            return full
        losses = {label: self.rowwise(self.shown[label], common) for label in answered}
        best = min(losses, key=lambda label: losses[label].mean())
        near = [label for label in answered
                if not _worse(losses[label] - losses[best])]
        return max(near, key=lambda label: answered[label].sum())

    def rowwise(self, answer: Array, rows: Any) -> Array:
        """The loss of each row: -log(probability of the true class), or the squared error."""
        truth = np.asarray(self.truth)[rows]
        if not self.is_classes:
            return (answer[rows] - truth) ** 2
        given = np.take_along_axis(answer[rows], truth.astype(np.intp)[:, None], axis=1)[:, 0]
        return -np.log(np.clip(given, np.finfo(np.float64).eps, 1.0))

    def forward(self, rows: Array) -> bool:
        """True if these rows are answered by what was learnt from earlier ones, part by part."""
        return self.order is not None and len(np.unique(np.asarray(self.order)[rows])) > 1

    def before(self, rows: Array) -> tuple[Pool, Array]:
        """The pool as it was before the first of these rows, and the rows of it, in order."""
        order = np.asarray(self.order)
        past = np.flatnonzero(order < order[rows].min())
        return replace(
            self, answers={label: answer[past] for label, answer in self.answers.items()},
            truth=np.asarray(self.truth)[past], fold=np.asarray(self.fold)[past],
            weights=None if self.weights is None else np.asarray(self.weights)[past],
            order=order[past]), past

    def parts(self, rows: Array, seed: int = 0) -> list[Array]:
        """The judged rows by the fold that held them out; random parts if there is only one.

        In order of time where that is known: one fold's rows are parted into stretches of it.
        """
        fold = np.asarray(self.fold)[rows]
        numbers = np.unique(fold)
        if len(numbers) > 1:
            return [np.flatnonzero(fold == number) for number in numbers]
        if self.forward(rows):
            return _stretches(np.asarray(self.order)[rows], _PARTS)
        count = min(_PARTS, len(rows))
        drawn = seeds.generator(seed, "ensemble", "parts").permutation(len(rows)) % count
        return [np.flatnonzero(drawn == number) for number in range(count)]


def _stretches(order: Array, count: int) -> list[Array]:
    """At most so many consecutive stretches of time, of about as many rows; equal times together.

    There are two at least where there are two times.
    """
    times, at, many = np.unique(order, return_inverse=True, return_counts=True)
    middle = (np.cumsum(many) - many / 2) * count / len(order)
    bins = np.minimum(middle.astype(np.intp), count - 1)
    if bins[0] == bins[-1]:
        bins = (np.arange(len(times)) > 0).astype(np.intp)
    return [np.flatnonzero(bins[at] == number) for number in np.unique(bins)]


def mixed(
    answers: Mapping[str, Array], shares: Mapping[str, float], temperature: float = 1.0,
    line: tuple[float, float] = (0.0, 1.0), bounds: tuple[float, float] | None = None,
) -> Array:
    """The ensemble's answer: the members' weighted mean, calibrated.

    `answers` maps labels to (n,) or (n, classes), those of `shares` among them. Probabilities p
    become p^(1/temperature), made to add up to 1; numbers are held within the `bounds`, and their
    mean becomes line[0] + line[1] * mean.
    """
    used = {label: share for label, share in shares.items() if share}
    missing = [label for label in used if label not in answers]
    if missing or not used:
        raise ParameterError(f"the ensemble needs the answers of {', '.join(missing or ['any'])}.")
    total: Any = 0.0
    for label, share in used.items():
        total = total + share * bounded(np.asarray(answers[label], dtype=np.float64), bounds)
    if total.ndim == 1:
        return total if line == (0.0, 1.0) else line[0] + line[1] * total
    return tempered(total, temperature)


def others(count: int, part: Array) -> Array:
    """The places among `count` that are not in `part`, in order."""
    left = np.ones(count, dtype=bool)
    left[part] = False
    return np.flatnonzero(left)


def _worse(difference: Array) -> bool:
    """True if the mean of row differences lies clearly above 0."""
    if len(difference) < 2:
        return bool(difference.mean() > 0)
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return bool(difference.mean() > _NEAR * error)
