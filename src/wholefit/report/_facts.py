"""What a report reads of a result, and the few things it looks up elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Protocol

from wholefit.base import tasks
from wholefit.data import Schema
from wholefit.evaluation import Score, metrics
from wholefit.evaluation.metrics import Metric
from wholefit.training import Entry
from wholefit.training.decision import cost_matrix


class Board(Protocol):
    """The leaderboard: rows best first, and the metric that they are compared by."""

    metric: str

    def __iter__(self) -> Iterator[Entry]: ...
    def __len__(self) -> int: ...


class Reported(Protocol):
    """A result, as a report sees it; `api.Result` is one."""

    @property
    def task(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def said(self) -> str: ...
    @property
    def schema(self) -> Schema: ...
    @property
    def model(self) -> str: ...
    @property
    def score(self) -> Score: ...
    @property
    def expected(self) -> Score: ...
    @property
    def scores(self) -> dict[str, Score]: ...
    @property
    def leaderboard(self) -> Any: ...
    @property
    def classes(self) -> tuple[Any, ...] | None: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...
    @property
    def notes(self) -> tuple[Any, ...]: ...
    @property
    def findings(self) -> tuple[Any, ...]: ...
    @property
    def split(self) -> str: ...
    @property
    def lineage(self) -> dict[str, Any]: ...
    @property
    def exhibits(self) -> dict[str, Any]: ...


def metric_of(result: Reported, name: str) -> Metric | None:
    """The metric of that name; None for a user's own, whose code a report must not import."""
    costs, classes = result.lineage.get("costs"), result.classes
    if name == "expected_cost" and costs is not None and classes is not None:
        return metrics.expected_cost(cost_matrix(costs, classes))
    return metrics.get(result.task, name) if name in metrics.names(result.task) else None


def chosen(result: Reported) -> Entry:
    """The leaderboard row of the model that answers."""
    return next(entry for entry in result.leaderboard if entry.recommended)


def baseline(result: Reported) -> Entry | None:
    """The leaderboard row of the task's baseline, if it was scored."""
    name = tasks.get(result.task).baseline
    return next((entry for entry in result.leaderboard
                 if entry.model == name and entry.scores), None)


def is_baseline(result: Reported) -> bool:
    """Whether the model that answers is the baseline itself."""
    return chosen(result).model == tasks.get(result.task).baseline


def main_score(result: Reported, entry: Entry) -> Score | None:
    """The entry's score by the metric that models are compared by."""
    return entry.scores.get(result.leaderboard.metric)


def known(score: Score | None) -> bool:
    """Whether there is a score with a value."""
    return score is not None and not math.isnan(score.value)


def label(result: Reported, code: int) -> str:
    """The class of that code, as the data writes it."""
    classes = result.classes or ()
    return str(classes[code]) if 0 <= code < len(classes) else f"class {code}"
