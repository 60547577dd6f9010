"""A configuration as a model: another model, with changes to its encoding, on a part of the rows.

So a whole pipeline goes wherever a model goes: into folds, into another process, into a refit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding, changed
from wholefit.models._model import Context, Model

_FACTS = ("name", "family", "tasks", "requires", "extra", "growth", "weighted", "incremental",
          "clocked", "steady", "burden", "pace", "must")


class Configured(Model):
    """`inner`, its encoding changed by `changes`, learning from `share` of the rows it is given.

    `steps` are engineered features beside those of the problem.

    No catalog entry: it is made in tuning. The rows are drawn anew in each class, by the seed of
    the context, so that configurations of one search learn from the same ones.
    """

    summary = "Another model within a pipeline of its own."

    def __init__(
        self, inner: Model, changes: Mapping[str, Any], share: float = 1.0,
        steps: tuple[Any, ...] = (),
    ) -> None:
        super().__init__()
        facts = {"inner": inner, "changes": dict(changes), "share": share, "steps": steps,
                 **{name: getattr(inner, name) for name in _FACTS}}
        for name, value in facts.items():
            object.__setattr__(self, name, value)

    @property
    def watches(self) -> bool:
        """Whether the inner model is stopped early."""
        return bool(self.inner.watches)

    def to_dict(self) -> dict[str, Any]:
        """The inner model's hyper-parameters, the changes as "encoding.NAME", and each engineered
        feature as "features.NAME".
        """
        return {**self.inner.to_dict(),
                **{f"encoding.{name}": value for name, value in self.changes.items()},
                **{f"features.{step.name}": True for step in self.steps}}

    def replace(self, **changes: Any) -> Configured:
        """The inner model with other hyper-parameters, in the same pipeline."""
        return Configured(self.inner.replace(**changes), self.changes, self.share, self.steps)

    def encoding(self, task: Task) -> Encoding:
        """The inner model's, with the changes."""
        return changed(self.inner.encoding(task), self.changes)

    def build(self, task: Task, context: Context) -> Any:
        """The inner model's estimator; one that thins the rows first where it must."""
        if self.share >= 1:
            return self.inner.build(task, context)
        few = dataclasses.replace(context, rows=max(1, round(self.share * context.rows)))
        return _Thinned(self.inner.build(task, few), self.share, context)

    def answer(self, estimator: Any, X: Any, task: Task, context: Context) -> np.ndarray:
        """The inner model's."""
        return self.inner.answer(getattr(estimator, "thinned", estimator), X, task, context)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """The inner model's."""
        return self.inner.state(getattr(estimator, "thinned", estimator), task, context)

    def restore(self, state: State, task: Task, context: Context) -> Any:
        """The inner model's."""
        return self.inner.restore(state, task, context)

    inner: Model
    changes: dict[str, Any]
    share: float
    steps: tuple[Any, ...]


class _Thinned:
    """An estimator that learns from a part of the rows it is given; `thinned` is the fitted one."""

    def __init__(self, estimator: Any, share: float, context: Context) -> None:
        self.thinned, self._share, self._context = estimator, share, context

    def fit(self, X: Any, y: np.ndarray, sample_weight: Any = None, **options: Any) -> _Thinned:
        """Learn from some of the rows, each class by its share."""
        rows = thinned(y, self._share, self._context.seed, bool(self._context.n_classes))
        if sample_weight is not None:
            options["sample_weight"] = sample_weight[rows]
        self.thinned.fit(X[rows], y[rows], **options)
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "thinned":
            raise AttributeError(name)
        return getattr(self.thinned, name)


def thinned(y: np.ndarray, share: float, seed: int, classes: bool) -> np.ndarray:
    """Places of a share of the rows, in order; of each class its share, and one at least."""
    draws = seeds.generator(seed, "share").random(len(y))
    groups = [np.flatnonzero(y == value) for value in np.unique(y)] if classes else [
        np.arange(len(y))]
    kept = [rows[np.argsort(draws[rows], kind="stable")[:max(1, round(share * len(rows)))]]
            for rows in groups]
    return np.sort(np.concatenate(kept))
