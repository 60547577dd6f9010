"""`wf.worth`: which columns are worth what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wholefit.api._shown import as_kind
from wholefit.api.curves import _bench
from wholefit.training import worth as studied


@dataclass(frozen=True)
class Worth(studied.Worth):
    """Which columns are worth their cost; see `wholefit.training.worth.Worth` for its facts."""


def worth(
    source: Any, *, target: str, prices: Mapping[str, float] | None = None,
    together: Mapping[str, Sequence[str]] | None = None, model: Any = None, **words: Any,
) -> Worth:
    """Which columns are worth their price: the score that fewer and fewer of them buy.

    `prices` says what a row of a column costs, in any unit (money, seconds, drops of blood);
    columns without one are free, and all cost 1 where none is said. `together` names columns
    that are had together or not at all, {"blood test": ["iron", "sugar"]}; their price is under
    that name. `model` is one of the catalog, an estimator, or a Result (its model and settings
    are fitted anew); a boosted ensemble where it is None.

    `words` are metric, folds, budget, jobs, seed, level, positive, and, as in `wf.fit`, task,
    roles, time, groups, weights and those of `wf.read`. Raises ParameterError and
    UnknownNameError for wrong prices, BudgetError where not one fold is done in time.
    """
    bench, made, clock = _bench(source, target, model, words)
    parts = studied.parts_of(bench.problem.dataset.schema.features, prices, together)
    return as_kind(Worth, studied.worth(bench, made, parts, clock))
