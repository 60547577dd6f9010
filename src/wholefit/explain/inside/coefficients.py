"""Coefficients of weighted sums in the user's units, with standard errors where rows are at hand.

A model learns weights of encoded features: standardised numbers, 0/1 levels. Told are contrasts of
them that mean something by themselves: the weight of a number over its scale, a level against the
level of most rows. The covariance of the weights, M H M with H the information of the likelihood
and M the inverse of H plus the penalty's curvature, is carried through the same contrasts. Without
a penalty that is Wald's covariance; with one it is that of the penalised weights, which are pulled
towards 0: the interval is about the penalised answer, not about the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.explain.inside._columns import FLAG, LEVEL, NUMBER, PRODUCT, Feature
from wholefit.explain.inside.record import Coefficient, Coefficients
from wholefit.models._kernels._links import sigmoid, softmax

# Weights (features times outputs) above which the covariance is not made.
_MOST = 2_000
_Z = 1.959963984540054
_SCALES = {"identity": "number", "ovr": "log-odds", "softmax": "log-odds",
           "modified_huber": "margin", "margin": "margin"}
_NO_ERRORS = ("Standard errors are not given: a formula needs the rows of the fit, and a smooth "
              "loss and penalty; inside(rows, bootstrap=200) measures them on any rows.")
_WALD = ("Standard errors are Wald's, from the information of the likelihood at the fit; they "
         "hold if the model is right in form and rows are independent.")
_PENALISED = ("A penalty pulls these towards 0: standard errors and intervals are those of the "
              "penalised weights, and say nothing of how far these are from the truth.")
_BOOTSTRAP = ("Standard errors are the spread over {} fits on rows drawn with replacement; the "
              "intervals hold the middle 95% of those fits.")


@dataclass(frozen=True)
class Contrasts:
    """Rows of `weights` (m, p) times the encoded weights are what is told, one named by each row.

    `shift` (p,) is what the intercept takes in when units are put back.
    """

    weights: np.ndarray
    shift: np.ndarray
    told: tuple[tuple[str, str, bool], ...]
    features: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Encoded rows that the weights were learnt from: X (n, p), y, row weights or None."""

    X: Any
    y: np.ndarray
    weights: np.ndarray | None = None


def coefficients(
    state: State, features: list[Feature], classes: tuple[str, ...], rows: Rows | None = None,
    penalty: float | None = None, draws: np.ndarray | None = None,
) -> Coefficients:
    """The coefficients of a state of kind "linear" or its like.

    `classes` are the names of the classes seen. `penalty` is what the squares of encoded weights
    are penalised by, half of it in the loss (0: none, None: no smooth penalty). `draws` (b, k, p)
    are weights of b other fits, for a bootstrap in place of the formula.
    """
    weight, intercept = in_units(state)
    outputs, names = _outputs(state, classes, weight)
    made = contrasts(features, None if rows is None else rows.X)
    centred = _centred(weight, outputs)
    value = centred @ made.weights.T
    error, how = _errors(state, rows, penalty, made, outputs, draws)
    spread = None if rows is None else _spreads(rows, made)
    found = []
    for k, of in enumerate(names):
        for at, (column, unit, number) in enumerate(made.told):
            e = None if error is None else float(error[0][k, at])
            low = None if error is None else float(error[1][k, at])
            high = None if error is None else float(error[2][k, at])
            step = None if spread is None or not number else float(spread[at])
            found.append(Coefficient(column, unit, float(value[k, at]), e, low, high, step, of))
    base = _centred((intercept + weight @ made.shift)[:, None], outputs)[:, 0]
    return Coefficients(_SCALES[str(state.config["link"])], tuple(found),
                        {of: float(b) for of, b in zip(names, base, strict=True)}, how)


def contrasts(features: list[Feature], X: Any = None) -> Contrasts:
    """What is told of weights of these features; levels against the one of most rows of X."""
    width = len(features)
    common = np.zeros(width) if X is None else np.asarray(X.mean(axis=0)).ravel()
    rows, told, own, shift = [], [], [], np.zeros(width)
    levels = _levels(features)
    for at, one in enumerate(features):
        row = np.zeros(width)
        row[at] = 1.0
        if one.kind == NUMBER:
            row[at] = 1.0 / one.scale
            shift[at] = -one.centre / one.scale
        reference = _reference(levels.get(one.column, []), common) if one.kind == LEVEL else None
        if reference == at:
            shift[at] = 1.0
            continue
        if reference is not None:
            row[reference] = -1.0
        rows.append(row)
        told.append((_column(one), _unit(one, features, reference),
                     one.kind not in (LEVEL, FLAG)))
        own.append(at)
    return Contrasts(np.array(rows).reshape(-1, width), shift, tuple(told),
                     np.array(own, dtype=np.intp))


def _levels(features: list[Feature]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for at, one in enumerate(features):
        if one.kind == LEVEL:
            found.setdefault(one.column, []).append(at)
    return found


def _reference(places: list[int], common: np.ndarray) -> int | None:
    """The level of most rows; None where a column has one feature alone."""
    if len(places) < 2:
        return None
    return max(places, key=lambda at: (common[at], -at))


def _column(one: Feature) -> str:
    return one.column if one.kind in (LEVEL, FLAG) else one.name


def _unit(one: Feature, features: list[Feature], reference: int | None) -> str:
    if one.kind == LEVEL:
        word = repr(_word(one))
        return word if reference is None else f"{word} against {_word(features[reference])!r}"
    if one.kind == FLAG:
        return "missing, against its fill"
    if one.kind == PRODUCT:
        return "per 1, of standardised columns"
    if one.yes_no:
        return "true against false"
    return "per 1" if one.kind == NUMBER else "per 1, as encoded"


def _word(one: Feature) -> str:
    return one.name.removeprefix(f"{one.column}=")


def in_units(state: State) -> tuple[np.ndarray, np.ndarray]:
    """Weights (k, p) and intercepts (k,), a standardised target put back into its units."""
    weight = np.asarray(state.arrays["coef"], dtype=np.float64)
    intercept = np.asarray(state.arrays["intercept"], dtype=np.float64)
    if "target" in state.arrays:
        offset, scale = state.arrays["target"]
        return weight * scale, intercept * scale + offset
    return weight, intercept


def _outputs(
    state: State, classes: tuple[str, ...], weight: np.ndarray
) -> tuple[bool, tuple[str, ...]]:
    """Whether outputs share a softmax, and what each speaks of."""
    if not classes:
        return False, ("",)
    if len(weight) == 1:
        return False, (classes[-1],)
    return state.config["link"] == "softmax", classes


def _centred(weight: np.ndarray, shared: bool) -> np.ndarray:
    """Of a softmax only differences mean something: each class against the mean of all."""
    return weight - weight.mean(axis=0) if shared else weight


def _errors(
    state: State, rows: Rows | None, penalty: float | None, made: Contrasts, shared: bool,
    draws: np.ndarray | None,
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray] | None, str]:
    """Standard errors and ends of intervals, each (k, m), and how they were made."""
    weight, _ = in_units(state)
    if draws is not None:
        each = np.stack([_centred(one, shared) @ made.weights.T for one in draws])
        low, high = np.quantile(each, [0.025, 0.975], axis=0)
        return (each.std(axis=0, ddof=1), low, high), _BOOTSTRAP.format(len(draws))
    smooth = state.config["link"] in ("identity", "ovr", "softmax") and "target" not in state.arrays
    if rows is None or penalty is None or not smooth or weight.size > _MOST:
        return None, _NO_ERRORS
    whole = covariance(state, rows, penalty)
    outputs, width = weight.shape
    mixing = np.eye(outputs) - 1 / outputs if shared else np.eye(outputs)
    error = np.empty((outputs, len(made.weights)))
    for k in range(outputs):
        together = np.einsum("i,iajb,j->ab", mixing[k], whole, mixing[k])
        error[k] = np.sqrt(np.maximum(
            np.einsum("ma,ab,mb->m", made.weights, together, made.weights, optimize=True), 0.0))
    value = _centred(weight, shared) @ made.weights.T
    from scipy import special

    free = len(rows.y) - width - 1
    z = special.stdtrit(free, 0.975) if state.config["link"] == "identity" and free > 0 else _Z
    return (error, value - z * error, value + z * error), _PENALISED if penalty else _WALD


def covariance(state: State, rows: Rows, penalty: float) -> np.ndarray:
    """The covariance of encoded weights, (k, p, k, p): M H M, without the intercept's part."""
    weight, intercept = in_units(state)
    outputs, width = weight.shape
    row_weight = np.ones(len(rows.y)) if rows.weights is None else rows.weights
    raw = np.asarray(rows.X @ weight.T) + intercept
    if state.config["link"] == "identity":
        left = row_weight @ (rows.y - raw[:, 0]) ** 2
        blocks = {(0, 0): _gram(rows.X, row_weight)}
        free = len(rows.y) - np.linalg.matrix_rank(blocks[0, 0], hermitian=True)
        noise = left / max(float(free), 1.0)
    else:
        noise = 1.0
        found = sigmoid(raw) if outputs == 1 else softmax(raw)
        blocks = {(i, j): _gram(rows.X, row_weight * found[:, i] * ((i == j) - found[:, j]))
                  for i in range(outputs) for j in range(i, outputs)}
    size = width + 1
    H = np.zeros((outputs, size, outputs, size))
    for (i, j), block in blocks.items():
        H[i, :, j, :] = block
        H[j, :, i, :] = block
    flat = H.reshape(outputs * size, -1)
    M = np.linalg.pinv(flat + np.diag(np.tile(np.r_[np.full(width, penalty), 0.0], outputs)),
                       rcond=1e-11, hermitian=True)
    whole = (noise * M @ flat @ M).reshape(outputs, size, outputs, size)
    return np.asarray(whole[:, :width, :, :width])


def _gram(X: Any, weight: np.ndarray) -> np.ndarray:
    """X'WX of the features and a constant, the last."""
    heavy = X.multiply(weight[:, None]).tocsr() if hasattr(X, "tocsr") else X * weight[:, None]
    inner = X.T @ heavy
    inner = inner.toarray() if hasattr(inner, "toarray") else np.asarray(inner)
    sums = np.asarray(heavy.sum(axis=0)).ravel()
    return np.block([[inner, sums[:, None]], [sums[None, :], np.array([[weight.sum()]])]])


def _spreads(rows: Rows, made: Contrasts) -> np.ndarray:
    """Standard deviation of each told number in its own units."""
    X, weight = rows.X, rows.weights
    n = np.ones(X.shape[0]) if weight is None else weight
    mean = np.asarray(X.T @ n).ravel() / n.sum()
    square = X.multiply(X) if hasattr(X, "tocsr") else X * X
    spread = np.sqrt(np.maximum(np.asarray(square.T @ n).ravel() / n.sum() - mean**2, 0.0))
    own = made.features
    return np.asarray(spread[own] / np.abs(made.weights[np.arange(len(own)), own]))
