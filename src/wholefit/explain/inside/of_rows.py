"""Standard errors from rows: by formula where the penalty is smooth, or by fitting anew."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from wholefit import models
from wholefit.base.errors import StateError
from wholefit.data import Dataset
from wholefit.explain.inside import columns_of, linear_part
from wholefit.explain.inside.coefficients import Rows, coefficients, in_units
from wholefit.explain.inside.record import Coefficients
from wholefit.training import Fitted

# Cells times features that the formula multiplies at most without being asked.
_MOST_WORK = 3e10


def penalty_of(model: dict[str, Any]) -> float | None:
    """What the squares of a model's encoded weights are penalised by; None: no formula holds."""
    name, params = model["name"], model["params"]
    plain = params.get("fit_intercept", True) and not params.get("positive", False)
    if not plain or params.get("balanced", False):
        return None
    if name == "linear":
        return 0.0
    if name in ("ridge", "polynomial"):
        return float(params["alpha"])
    if name == "logistic" and params.get("penalty") in ("l2", "none"):
        return 0.0 if params["penalty"] == "none" else 1.0 / float(params["C"])
    return None


def of_rows(
    fitted: Fitted, model: dict[str, Any], rows: Dataset, y: np.ndarray, *, bootstrap: int = 0,
    seed: int = 0, quick: bool = False,
) -> Coefficients | None:
    """The coefficients with standard errors from these rows and their encoded target.

    By formula, or with `bootstrap` by that many fits on rows drawn with replacement. None where
    the model is no weighted sum; with `quick` also where the formula would take long.
    """
    part = linear_part(fitted.state())
    if part is None:
        return None
    size = part.arrays["coef"].size
    if quick and (part is not fitted.state() or len(rows) * float(size) ** 2 > _MOST_WORK):
        return None
    X = fitted.encoder.transform(fitted.cleaned(rows))
    whole = Rows(X, y, rows.weights())
    known = columns_of(fitted, part)
    classes = _seen(part, tuple(str(name) for name in getattr(fitted.codec, "classes", ())))
    if bootstrap:
        draws = _draws(fitted, model, whole, bootstrap, seed)
        return coefficients(part, known, classes, whole, draws=draws)
    direct = part is fitted.state()
    coded = whole if not classes else dataclasses.replace(whole, y=_coded(part, y))
    return coefficients(part, known, classes, coded, penalty_of(model) if direct else None)


def _draws(
    fitted: Fitted, model: dict[str, Any], rows: Rows, count: int, seed: int
) -> np.ndarray:
    """Weights (count, k, p) of fits on rows drawn with replacement, in the target's units."""
    made = models.get(model["name"]).from_dict(model["params"])
    rng = np.random.default_rng(seed)
    shape = _weights(fitted.state()).shape
    found = []
    for _ in range(3 * count):
        picked = rng.integers(0, len(rows.y), len(rows.y))
        context = models.Context(
            rows=len(rows.y), features=rows.X.shape[1], seed=seed,
            n_classes=len(getattr(fitted.codec, "classes", ())))
        given = {} if rows.weights is None or not made.weighted else {
            "sample_weight": rows.weights[picked]}
        estimator = made.build(fitted.task, context).fit(rows.X[picked], rows.y[picked], **given)
        weight = _weights(made.state(estimator, fitted.task, context))
        if weight.shape == shape:  # a rare class may be missing from the rows drawn
            found.append(weight)
        if len(found) == count:
            return np.stack(found)
    raise StateError("too many draws lacked one of the classes: give more rows of the rare ones.")


def _weights(state: Any) -> np.ndarray:
    part = linear_part(state)
    assert part is not None
    return in_units(part)[0]


def _seen(state: Any, classes: tuple[str, ...]) -> tuple[str, ...]:
    codes = state.config.get("classes")
    return tuple(classes[code] for code in codes) if classes and codes is not None else classes


def _coded(state: Any, y: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.asarray(state.config["classes"]), y)
