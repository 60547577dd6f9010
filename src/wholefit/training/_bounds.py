"""What an answer may cost where one model gives it: seconds for 1,000 rows, bytes of its state."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wholefit.base.errors import StateError
from wholefit.training.fitted import Fitted
from wholefit.training.record import Entry

# Who answers, fitted on all rows, and what must be said.
Answer = tuple[str, Fitted, tuple[str, ...]]
# Fits a label on all rows; where that is stopped, one of the others that are given.
Refit = Callable[[str, Sequence[str]], Answer]


@dataclass(frozen=True)
class Bounds:
    """Limits that were asked for; None where one was not."""

    predict_time: float | None
    model_size: float | None

    @classmethod
    def of(cls, options: Any) -> Bounds | None:
        """Those of a fit's options; None where there are none."""
        if options.predict_time is None and options.model_size is None:
            return None
        return cls(options.predict_time, options.model_size)

    def excess(self, seconds: float = 0.0, size: float = 0.0) -> float:
        """What is taken of the tightest limit: 1 where it is just met; what is unknown is inf."""
        taken = [value / limit for value, limit in (
            (seconds, self.predict_time), (size, self.model_size)) if limit is not None]
        return max((each if each >= 0 else math.inf for each in taken), default=0.0)

    def __str__(self) -> str:
        said = [] if self.predict_time is None else [f"predict_time={self.predict_time:g}"]
        return " and ".join([*said, *([] if self.model_size is None else [
            f"model_size={self.model_size:g}"])])


def able(
    bounds: Bounds, cost: Mapping[str, float], size: Mapping[str, float], taken: Sequence[str],
) -> frozenset[str]:
    """The models that keep the limits by what was measured; those of an ensemble of one do."""
    kept = {label for label in cost
            if bounds.excess(cost[label], size.get(label, math.nan)) <= 1}
    return frozenset(kept | (set(taken) if len(taken) == 1 else set()))


def passed_over(bounds: Bounds, wanted: str, label: str) -> str:
    """What is said where a limit decided."""
    return (f"{wanted} would have been chosen and does not keep {bounds}: {label} answers "
            "instead.")


def answering(
    bounds: Bounds, chosen: str, order: Sequence[Entry], refit: Refit,
    takes: Callable[[str], float], until: float,
) -> Answer:
    """The best model that keeps the limits, fitted on all rows.

    `chosen` comes first, then the others in `order`. How large a model is shows when it is fitted:
    while there is time for another, which `takes` says of each, the next is tried. Where none
    keeps the limits, the one that comes nearest answers, and it is said.
    """
    ranked = [entry for entry in order if not math.isnan(entry.predict_seconds)]
    ranked.sort(key=lambda entry: entry.model != chosen)
    quick = [entry.model for entry in ranked if bounds.excess(entry.predict_seconds) <= 1]
    tried = quick or [min(ranked, key=lambda entry: entry.predict_seconds).model]
    seconds = {entry.model: entry.predict_seconds for entry in ranked}
    nearest: tuple[float, Answer] | None = None
    passed = chosen not in tried
    for label in tried:
        if nearest is not None and time.perf_counter() + takes(label) > until:
            continue
        try:
            found = refit(label, tried)
        except (Exception, KeyboardInterrupt):
            if nearest is None:
                raise
            break  # one that can answer is there
        over = bounds.excess(seconds[found[0]], states_size(found[1])
                             if bounds.model_size is not None else 0.0)
        passed = passed or (found[0] == chosen and over > 1)
        if nearest is None or over < nearest[0]:
            nearest = over, found
        if nearest[0] <= 1 or found[0] != label:  # that it is another says: time is up
            break
    assert nearest is not None
    return _said(bounds, chosen, passed, *nearest)


def _said(bounds: Bounds, chosen: str, passed: bool, over: float, found: Answer) -> Answer:
    label, fitted, said = found
    if over > 1:
        much = f"{over:.3g} times as much" if math.isfinite(over) else "nobody knows how much"
        return label, fitted, (*said, f"no model that there was time for keeps {bounds}: {label} "
                                      f"comes nearest, with {much}.")
    return label, fitted, (*said, *((passed_over(bounds, chosen, label),)
                                    if passed and label != chosen else ()))


def states_size(fitted: Fitted) -> float:
    """Bytes of all that a fitted model answers with, as it lies in memory; NaN where it has no
    stored form."""
    try:
        return sum(state.nbytes for state in fitted.states().values())
    except StateError:
        return math.nan
