"""Trials: cross-validate a model, time a pilot of it, refit it; in this process.

`apart.Apart` does the same in another process. A search asks either.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from wholefit.base import seeds
from wholefit.models import Model
from wholefit.training import _cost
from wholefit.training._folds import Problem, Validated, fit_one, validate
from wholefit.training.bags import Bags
from wholefit.training.fitted import Fitted
from wholefit.training.replaying.script import key as counted_by

# Share of the time left that a clocked model may learn in: it must also be packed and sent.
_KEPT = 0.85


class Trials(Protocol):
    """Where models are fitted."""

    def validate(
        self, model: Model, deadline: float, folds: int,
        each: Callable[..., None] | None = None, keep: bool = False,
    ) -> Validated:
        """Cross-validate over the first `folds` folds, by `deadline` (time.perf_counter).

        With `keep`, `Validated.kept` says where each fold's model was put (see `bags`).
        """
        ...

    def pilot(self, model: Model, deadline: float = math.inf) -> float:
        """Seconds that one fold of the model should take."""
        ...

    def refit(
        self, model: Model, schema: Any, codec: Any, deadline: float = math.inf
    ) -> Fitted:
        """The model learnt from all rows."""
        ...

    def close(self) -> None:
        """Give back what was held."""
        ...


class Here:
    """In this process: no start to pay for; a model inside its library hears no clock."""

    def __init__(self, problem: Problem, bags: Bags | None = None) -> None:
        self.problem, self.bags = problem, bags

    def validate(
        self, model: Model, deadline: float, folds: int,
        each: Callable[..., None] | None = None, keep: bool = False,
    ) -> Validated:
        """No fold is begun that would, at the pace so far, end after the deadline."""
        put = self.bags.put if keep and self.bags is not None else None
        return validate(self.problem, model, deadline, folds, each, put)

    def pilot(self, model: Model, deadline: float = math.inf) -> float:
        """Timed on a few rows of the first fold, and scaled as the family grows."""
        train = self.problem.plan.folds[0][0]
        order = np.random.default_rng(0).permutation(train)

        def fit_rows(rows: int) -> None:
            fit_one(self.problem, model, np.sort(order[:rows]), ("pilot", rows))

        return _cost.pilot(fit_rows, len(train), model.growth)

    def refit(
        self, model: Model, schema: Any, codec: Any, deadline: float = math.inf
    ) -> Fitted:
        """The model learnt from all rows; only a clocked model keeps the deadline here."""
        left = _KEPT * (deadline - time.perf_counter())
        made = fit_one(self.problem, model, None, "all", left)
        fitted = Fitted(self.problem.task, schema, codec, made.encoder, model=made.model,
                        estimator=made.estimator, context=made.context)
        fitted.replay, fitted.counted, fitted.learning = made.replay, made.counted, made.learning
        return fitted

    def whole(self, model: Model, number: int, counted: Any = None) -> str:
        """The `number`th model learnt from all rows, put aside: its name, "" if it was not.

        They share encoders, and differ by the models' random numbers. `counted` bounds what a
        clock would bound otherwise.
        """
        assert self.bags is not None
        problem, key = self.problem, "whole"
        problem.encoder(model, None, key)  # the first's, whoever comes first
        if number:
            problem = replace(problem, seed=seeds.derive(problem.seed, key, number))
        if counted:
            problem = replace(problem, counted={counted_by(model): {key: counted}})
        return self.bags.put(len(problem.plan.folds), fit_one(problem, model, None, key))

    def close(self) -> None:
        """Nothing is held."""
