"""Where more rows would help: each part of the data thinned by half, alone, and what that costs.

For each part (a level of a column, or a quarter of its range) half of its rows are taken out of
what is learnt, everything else left as it is, and the part's own rows are judged. What the part
loses is what its last doubling bought, and so about an upper bound of what the next one would,
since curves flatten. Differences are paired on the same rows, intervals corrected for the number
of parts (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from wholefit.base.budget import Clock
from wholefit.base.errors import DataError, unknown
from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.base.wording import plain
from wholefit.evaluation import Score
from wholefit.models import Model
from wholefit.training.curves._bench import Array, Bench
from wholefit.training.curves._measure import judged

_PARTS, _FEWEST, _DRAWS = 6, 60, 2


@dataclass(frozen=True)
class Part:
    """A part: its rows, its score, and what its last doubling of rows gained it.

    `gain` is positive where more rows of the part made its score better.
    """

    name: str
    rows: int
    score: Score
    gain: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return plain({"name": self.name, "rows": self.rows, "score": self.score.to_json(),
                      "gain": self.gain, "low": self.low, "high": self.high})


@dataclass(frozen=True)
class Where:
    """Parts of a column, most helped by rows first; `said` in sentences."""

    column: str
    parts: tuple[Part, ...]
    said: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"column": self.column, "parts": [part.to_json() for part in self.parts],
                "said": list(self.said)}


def where(
    bench: Bench, model: Model, column: str, answers: Array, clock: Clock
) -> Where:
    """The six largest parts of at least 60 rows; those that there is no time for are left out.

    UnknownNameError for a column that is not there, DataError where it has fewer than two parts.
    """
    rows = judged(bench)
    names = list(_parts(bench, column))
    if len(names) < 2:
        raise DataError(f"column {column!r} has fewer than two parts of {_FEWEST} rows; say "
                        "another one.")
    level = 1 - (1 - bench.options.level) / len(names)
    found: list[Part] = []
    for name, inside in names:
        if clock.left() <= 0:
            break
        found.append(_part(bench, model, name, inside, rows, answers, level))
    found.sort(key=lambda part: -part.low)
    return Where(column, tuple(found), _said(column, found, bench, len(names)))


def _parts(bench: Bench, column: str) -> Iterator[tuple[str, Array]]:
    """Name and mask (n,) of each part, the largest first."""
    dataset = bench.problem.dataset
    if column not in dataset.schema.features:
        raise unknown("column", column, dataset.schema.features)
    if dataset.schema.role(column) == "numeric":
        numbers = dataset.numeric(column)
        edges = np.unique(np.nanquantile(numbers, [0.25, 0.5, 0.75])) if np.isfinite(
            numbers).any() else np.array([])
        code = np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers, side="left"))
        names = _ranges(edges)
    else:
        code, names = dataset.codes(column)
    counts = np.bincount(code[code >= 0], minlength=max(len(names), 1))
    for at in np.argsort(-counts, kind="stable")[:_PARTS]:
        if counts[at] >= _FEWEST:
            yield f"{column} = {names[at]}", code == at


def _ranges(edges: Array) -> list[str]:
    said = [f"{edge:.4g}" for edge in edges]
    if not said:
        return ["all"]
    middle = [f"{a} to {b}" for a, b in pairwise(said)]
    return [f"up to {said[0]}", *middle, f"above {said[-1]}"]


def _part(
    bench: Bench, model: Model, name: str, inside: Array, rows: Array, answers: Array,
    level: float,
) -> Part:
    here = np.flatnonzero(inside[rows])
    gaps = []
    for draw in range(_DRAWS):  # each alone: the mean of two answers is better than either
        thinned = np.concatenate([
            _thinned(bench, model, inside, train, test, f"{name} {draw} {number}")
            for number, (train, test) in enumerate(bench.problem.plan.folds)])
        gap = bench.compared(rows[here], answers[here], thinned[here], level)
        gaps.append((gap.value, gap.low, gap.high))
    value, *ends = (bench.metric.sign * np.mean(gaps, axis=0)).tolist()
    emit("curve_step", step=name, gain=value)
    return Part(name, int(inside.sum()), bench.scored(bench.sheet(rows[here], answers[here])),
                value, min(ends), max(ends))


def _thinned(
    bench: Bench, model: Model, inside: Array, train: Array, test: Array, key: str
) -> Array:
    """Answers to the test rows after half of the part's rows were left out of the training."""
    mine = train[inside[train]]
    rng = generator(bench.options.seed, "where", key)
    gone = rng.permutation(mine)[: len(mine) // 2]
    return bench.answers(bench.fit(model, np.setdiff1d(train, gone), f"where {key}"), test)


def _said(column: str, parts: list[Part], bench: Bench, of: int) -> tuple[str, ...]:
    helped = [part for part in parts if part.low > 0]
    short = f" ({of - len(parts)} parts were left out for lack of time)" if len(parts) < of else ""
    if not helped:
        return (f"By {column}: for none of {len(parts)} parts did the second half of its own "
                f"rows help beyond chance{short}; where to collect more is not known from this.",)
    first = ", ".join(f"{part.name} ({Score('', part.gain, part.low, part.high, 0.95, '', 0)})"
                      for part in helped)
    return (f"By {column}: the second half of their own rows helped {first} in "
            f"{bench.metric.name}{short}; collect more there first.",)
