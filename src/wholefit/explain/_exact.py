"""Which models have exact contributions, and how those of members make up an ensemble's.

A mean of answers has the mean of the members' contributions; a stack with a linear model on top
has their weighted sum; a sigmoid over margins scales them; a shift of proportions adds a constant
to log-odds. Where one member is not additive on the scale that is summed, none of this holds, and
StateError says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.explain._additive import (
    BACKGROUND,
    LOG,
    LOG_ODDS,
    NUMBER,
    ONE_AGAINST_REST,
    PROBABILITY,
    TRAINING,
    Explainer,
    seen,
)
from wholefit.explain._bayes import BayesExplainer
from wholefit.explain.additive import AdditiveExplainer
from wholefit.explain.linear import LinearExplainer, dense, means
from wholefit.explain.native import NativeExplainer
from wholefit.explain.trees import TreeShap

_LINKS = {"sigmoid": LOG_ODDS, "softmax": LOG_ODDS, "exp": LOG}


Behind = Callable[[], Any]


def explainer(state: State, background: Behind) -> Explainer:
    """What gives the exact contributions of a model; StateError, saying why, where nothing does.

    `background()` gives encoded rows (m, p), from whose means weighted sums start; it is asked
    for only where it matters.
    """
    make = _MAKERS.get(state.kind)
    if make is None:
        raise StateError(f"this kind of model ({state.kind.replace('_', ' ')}) is no sum of "
                         "contributions")
    found: Explainer = make(state, background)
    return found


class _TreeExplainer(Explainer):
    """Contributions of trees of our own form."""

    rests = TRAINING

    def __init__(self, state: State, background: Behind) -> None:
        self._shap = TreeShap(state)
        self.base = self._shap.base
        classes = bool(state.config["n_classes"])
        self.scale = _LINKS.get(state.config["link"], PROBABILITY if classes else NUMBER)
        self.classes = seen(state, len(self.base)) if classes else None

    def values(self, X: Any) -> np.ndarray:
        """See `Explainer.values`."""
        return self._shap.values(X)


class _Constant(Explainer):
    """The same answer for every row."""

    rests: frozenset[str] = frozenset()

    def __init__(self, state: State, background: Behind) -> None:
        self.base = np.asarray(state.arrays["value"], dtype=np.float64).ravel()
        classes = bool(state.config.get("n_classes"))
        self.scale = PROBABILITY if classes else NUMBER
        self.classes = seen(state, len(self.base)) if classes else None

    def values(self, X: Any) -> np.ndarray:
        """See `Explainer.values`."""
        return np.zeros((*X.shape, len(self.base)))


class _Calibrated(Explainer):
    """Margins under a sigmoid for each class."""

    def __init__(self, state: State, background: Behind) -> None:
        self._inner = explainer(state.parts["base"], background)
        _must(self._inner.scale == NUMBER, "its margins are no sums of contributions")
        self._slope = np.asarray(state.arrays["slope"], dtype=np.float64)
        self.base = self._inner.base * self._slope + state.arrays["offset"]
        self.scale = LOG_ODDS if len(self.base) == 1 else ONE_AGAINST_REST
        self.classes = seen(state, len(self.base))
        self.rests = self._inner.rests

    def values(self, X: Any) -> np.ndarray:
        """See `Explainer.values`."""
        return self._inner.values(X) * self._slope


class _Shifted(Explainer):
    """Probabilities brought to other proportions: a constant in log-odds."""

    def __init__(self, state: State, background: Behind) -> None:
        self._inner = explainer(state.parts["base"], background)
        self.scale, self.classes = self._inner.scale, self._inner.classes
        _must(self.scale == LOG_ODDS, "its probabilities are no sums of contributions")
        factor = np.log(np.asarray(state.arrays["factor"], dtype=np.float64))
        self._power = float(state.config["power"])
        assert self.classes is not None
        moved = factor[list(self.classes)]
        if len(self.classes) == 1:
            _must(len(factor) == 2, "it knows more classes than it learnt")
            moved = moved - factor[0]
        self.base = self._inner.base * self._power + moved
        self.rests = self._inner.rests

    def values(self, X: Any) -> np.ndarray:
        """See `Explainer.values`."""
        return self._inner.values(X) * self._power


class _Summed(Explainer):
    """Members' contributions, weighted and added; `weights` (outputs, members' outputs)."""

    def __init__(
        self, members: Sequence[Explainer], weights: Sequence[np.ndarray],
        shown: Sequence[np.ndarray] | None,
    ) -> None:
        self._members, self._weights, self._shown = members, weights, shown
        self.base = np.sum([weight @ member.base for member, weight
                            in zip(members, weights, strict=True)], axis=0)
        self.rests = frozenset[str]().union(*(member.rests for member in members))
        self.scale = NUMBER
        self.classes: tuple[int, ...] | None = None

    def values(self, X: Any) -> np.ndarray:
        """See `Explainer.values`."""
        whole = dense(X)
        total = np.zeros((*whole.shape, len(self.base)))
        for at, (member, weight) in enumerate(zip(self._members, self._weights, strict=True)):
            if self._shown is None:
                total += member.values(whole) @ weight.T
                continue
            columns = np.asarray(self._shown[at], dtype=np.intp)
            part = member.values(whole[:, columns]) @ weight.T
            for place, column in enumerate(columns.tolist()):  # one may be shown twice
                total[:, column] += part[:, place]
        return total


def _mean(state: State, background: Behind) -> Explainer:
    """Parts "0", "1", ... whose answers are averaged."""
    columns, parts = state.arrays.get("columns"), _parts(state)
    members = [explainer(part, background if columns is None
                         else _picked(background, columns[at])) for at, part in enumerate(parts)]
    given = state.config["weights"]
    shares = np.asarray([1.0] * len(parts) if given is None else given, dtype=np.float64)
    shares = shares / shares.sum()
    made = _Summed(members, [share * spread for share, spread in zip(
        shares, _spreads(state, members), strict=True)],
        None if columns is None else list(columns))
    return _named(made, state)


def _picked(background: Behind, columns: np.ndarray) -> Behind:
    return lambda: dense(background())[:, columns]


def _stack(state: State, background: Behind) -> Explainer:
    """A linear model on top of the members' answers, and perhaps of the features themselves."""
    final = state.parts["final"]
    _must(final.kind == "linear", "the model on top of its members is not linear")
    members = [explainer(part, background) for part in _parts(state)]
    spreads = _spreads(state, members)
    if state.config["n_classes"] and len(spreads[0]) == 2:
        spreads = [spread[1:] for spread in spreads]  # of two classes, the second's share
    wide = sum(len(spread) for spread in spreads)
    nothing = np.zeros((1, np.shape(final.arrays["coef"])[1]))
    top = LinearExplainer(final, lambda: nothing)
    weights, at = [], 0
    for spread in spreads:
        weights.append(top._coef[:, at:at + len(spread)] @ spread)
        at += len(spread)
    if state.config["through"]:
        members = [*members, _Through(background)]
        weights.append(top._coef[:, wide:])
    made = _Summed(members, weights, None)
    made.base = made.base + top.base
    made.scale, made.classes = top.scale, _outer(state, top.classes)
    return made


class _Through(Explainer):
    """The features as they are: each an output of its own."""

    rests = BACKGROUND

    def __init__(self, background: Behind) -> None:
        self.scale, self.classes = NUMBER, None
        self.base = means(background())

    def values(self, X: Any) -> np.ndarray:
        """See `Explainer.values`."""
        away = dense(X) - self.base
        return away[:, :, None] * np.eye(away.shape[1])


def _parts(state: State) -> list[State]:
    return [state.parts[name] for name in
            sorted((name for name in state.parts if name.isdigit()), key=int)]


def _spreads(state: State, members: Sequence[Explainer]) -> list[np.ndarray]:
    """For each member, the matrix (answers, its outputs) from its outputs to its answers."""
    n_classes = state.config["n_classes"]
    known = state.config.get("classes")
    inner = (len(known) if known is not None else n_classes) if n_classes else 0
    for member in members:
        _must(member.scale == (PROBABILITY if inner else NUMBER),
              "a member's answers are no sums of contributions on the scale that is averaged")
    if not inner:
        return [np.ones((1, 1)) for _ in members]
    return [np.eye(inner)[:, list(member.classes or range(inner))] for member in members]


def _named(made: _Summed, state: State) -> Explainer:
    """The scale and the classes of a mean of answers."""
    if state.config["n_classes"]:
        made.scale, made.classes = PROBABILITY, seen(state, len(made.base))
    return made


def _outer(state: State, inner: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Codes into the classes that the ensemble saw, as codes of all classes."""
    known = state.config.get("classes")
    return inner if inner is None or known is None else tuple(int(known[at]) for at in inner)


def _must(holds: bool, why: str) -> None:
    if not holds:
        raise StateError(why)


_MAKERS: dict[str, Any] = {
    "additive": AdditiveExplainer, "bernoulli_nb": BayesExplainer, "gaussian_nb": BayesExplainer,
    "multinomial_nb": BayesExplainer, "calibrated": _Calibrated, "constant": _Constant,
    "linear": LinearExplainer, "mean": _mean, "shifted": _Shifted, "stack": _stack,
    "trees": _TreeExplainer,
    "catboost": lambda state, background: NativeExplainer(state),
    "lightgbm": lambda state, background: NativeExplainer(state),
    "xgboost": lambda state, background: NativeExplainer(state),
}
