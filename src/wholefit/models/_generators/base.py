"""What every generator of rows is: a family of the catalog, an estimator, and what its rows are.

Rows are a matrix (n, p) of float64: features that are numbers (NaN is missing) and features that
are codes 0..k-1 (missing, where it occurs, is a level of its own). Where rows are conditioned on a
label, that is the first feature, of codes; `condition_of(spans)` says so. Pixels are one image
span of numbers 0 to 255.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features import Encoding
from wholefit.features.spans import Span
from wholefit.models._model import Context, Model

CONDITION = "label"
"""The `column` of the span of codes that rows are conditioned on."""


class Sampler(Protocol):
    """A fitted generator, made of its state: what an artifact samples with."""

    def sample(self, count: int, seed: int, given: int | None = None) -> np.ndarray:
        """`count` new rows (count, p), all with the label code `given` where one is said."""
        ...


@dataclass(frozen=True)
class GeneratorModel(Model):
    """A family that makes rows. `makes` names what it can make: "table", "image"."""

    tasks = ("generation",)
    weighted = False
    makes: ClassVar[tuple[str, ...]] = ("table",)
    keeps_rows: ClassVar[bool] = False
    """Whether the fitted form holds rows that it learnt from."""

    def encoding(self, task: Task) -> Encoding:
        """Not asked: rows are made in columns of their own kind, not in features."""
        return Encoding()

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """What the estimator learnt."""
        learnt: State = estimator.state_
        return learnt


def condition_of(spans: Sequence[Span]) -> int | None:
    """How many labels rows are conditioned on; None where they are not."""
    if spans and spans[0].kind == "codes" and spans[0].column == CONDITION:
        return spans[0].levels[0]
    return None


def levels_of(spans: Sequence[Span], features: int) -> np.ndarray:
    """Levels of each feature (p,), 0 of a number; all are numbers where nothing is said."""
    found = np.zeros(features, dtype=np.int64)
    for span in spans:
        if span.kind == "codes":
            found[span.start:span.stop] = span.levels
    return found


def image_of(spans: Sequence[Span]) -> Span | None:
    """The span of pixels, where there is one."""
    return next((span for span in spans if span.kind == "image"), None)


def checked(X: Any, fewest: int, who: str) -> np.ndarray:
    """The matrix as float64; DataError for fewer rows than the method needs, or infinities."""
    rows = np.asarray(X, dtype=np.float64)
    if len(rows) < fewest:
        raise DataError(f"{who} learns from at least {fewest} rows; got {len(rows)}: add rows, or "
                        "use models='independent_columns'.")
    if np.isinf(rows).any():
        raise DataError(f"{who} learns from finite numbers; got infinite ones: clean them first.")
    return rows
