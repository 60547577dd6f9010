"""`wf.compare`: is A better than B, on the same held-out rows, by a paired test."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.api import _answers
from wholefit.api.result import Result
from wholefit.base.errors import DataError
from wholefit.evaluation import Difference


def compare(
    a: Result, b: Result, held_out: Any, *, metric: Any = None, **options: Any
) -> Difference:
    """The paired difference a - b of a metric on `held_out`, with its interval.

    Both must predict the same target of the same task; `options` are those of `Result.predict`.
    `Difference.better` says "a", "b" or "tied". Raises DataError if the two cannot be compared.
    """
    for each in (a, b):
        if not isinstance(each, Result):
            raise DataError("compare is a paired test on rows with a known target, and "
                            f"{getattr(each, 'task', type(each).__name__)} has none: see "
                            "its leaderboard and its evaluate instead.")
    if (a.task, a.target, a.classes) != (b.task, b.target, b.classes):
        raise DataError(
            f"cannot compare a {a.task} of {a.target!r} with a {b.task} of {b.target!r}: "
            "task, target and classes must be the same."
        )
    rows = _answers.read_once(held_out, options)
    first = _answers.dataset(a._fitted, rows, options, with_target=True)
    second = _answers.dataset(b._fitted, rows, options, with_target=True)
    truth, of_a = _answers.truth_and_answer(a._fitted, first)
    same, of_b = _answers.truth_and_answer(b._fitted, second)
    if not np.array_equal(truth, same):
        raise DataError(f"cannot compare: the two clean {a.target!r} otherwise, so that they are "
                        "not asked the same; compare models of the same recipe, or clean the rows "
                        "and leave those without a target out first.")
    return evaluation.compare(
        a.task, _answers.main_metric(a._fitted, metric, b._fitted), truth, of_a, of_b,
        positive=getattr(a._fitted.codec, "positive", 1), weights=first.weights(),
        predicted=(_decided(a, of_a), _decided(b, of_b)),
    )


def _decided(result: Result, answer: Any) -> Any:
    """The class codes that a result decided on; None for the most probable ones."""
    decision = result._fitted.decision
    return None if decision is None else decision.codes(answer)
