"""What a search notes of its trials: leaderboard rows, the schedule, and why nothing came of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.budget import Clock
from wholefit.base.errors import BudgetError, DataError, WholefitError
from wholefit.models import Model
from wholefit.training._folds import Validated
from wholefit.training.record import Entry
from wholefit.training.replaying.script import written


def entry_of(label: str, model: Model, found: Validated, folds: int, peak: int = 0) -> Entry:
    """A leaderboard row, without scores, of what `folds` folds at most gave."""
    rows = max(int(found.seen.sum()), 1)
    partial = found.folds < folds
    return Entry(
        model=label, params=jsonable(model.to_dict()), status="stopped" if partial else "ok",
        reason=f"{found.folds} of {folds} folds fitted the budget" if partial else "",
        fit_seconds=float(np.mean(found.fit_seconds)),
        predict_seconds=float(np.sum(found.predict_seconds) / rows * 1000),
        folds=found.folds, peak=peak,
    )


def scheduled(label: str, model: Model, found: Validated) -> dict[str, Any]:
    """A finished trial, as a replay needs it: what was fitted, on how many folds, how far."""
    return {"model": label, "name": model.name, "params": jsonable(model.to_dict()),
            "configuration": written(model), "kept": bool(found.kept) and all(found.kept),
            "folds": found.folds, "rounds": list(found.rounds) or None,
            "counted": list(found.counted) if any(found.counted) else None,
            "seconds": round(sum(found.fit_seconds) + sum(found.predict_seconds), 3)}


def nothing_found(errors: dict[str, Exception], clock: Clock) -> Exception:
    """The error of a search of which nothing came: the first model's own, or of the budget."""
    if not errors:
        return BudgetError(
            f"no model could be fitted within {clock.budget}; give a larger budget, "
            "fewer rows, or a cheaper model (models='dummy' costs next to nothing).")
    label, error = next(iter(errors.items()))
    if isinstance(error, WholefitError):
        return error
    failed = DataError(f"every model failed; {label}: {type(error).__name__}: {error}")
    failed.__cause__ = error
    return failed


def jsonable(values: dict[str, Any]) -> dict[str, Any]:
    """Parameters as plain data; what is none is given as text."""
    plain = (str, int, float, bool, type(None))
    return {name: value if isinstance(value, plain) else str(value)
            for name, value in values.items()}
