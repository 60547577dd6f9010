"""From scores to a selection: how many, of what, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.state import State
from wholefit.features.encoding import Encoding
from wholefit.features.select import linear, redundant, trees, univariate
from wholefit.features.select._seen import Scores, Seen

KIND = "encoder.selection"

_UNIVARIATE = {"variance": univariate.variance, "f": univariate.f, "chi2": univariate.chi2,
               "mutual_info": univariate.mutual_info}
_JOINT = {"l1": linear.l1, "rfe": linear.rfe, "tree": trees.tree}


@dataclass(frozen=True, eq=False)
class Selection:
    """Which features are kept, and why.

    `kept` are indices, ascending; `values` what `method` gave each feature, more being better;
    `p_values` where it is a test; `stands` where it drops what repeats another: for each feature
    the one that stands for it.
    """

    method: str
    kept: np.ndarray
    values: np.ndarray
    p_values: np.ndarray | None = None
    stands: np.ndarray | None = None

    def table(self, names: Sequence[str], sources: Sequence[str]) -> list[dict[str, Any]]:
        """One row a feature, the best first: feature, column, value, kept, and what there is."""
        kept = set(self.kept.tolist())
        rows = []
        for at in np.argsort(-self.values, kind="stable").tolist():
            row = {"feature": names[at], "column": sources[at], "value": float(self.values[at]),
                   "kept": at in kept}
            if self.p_values is not None:
                row["p_value"] = float(self.p_values[at])
            if self.stands is not None and self.stands[at] != at:
                row["stands_for_it"] = names[self.stands[at]]
            rows.append(row)
        return rows

    def state(self) -> State:
        """Indices and scores as arrays."""
        given = {"kept": self.kept, "values": self.values, "p_values": self.p_values,
                 "stands": self.stands}
        return State(KIND, {"method": self.method},
                     {name: array for name, array in given.items() if array is not None})

    @classmethod
    def from_state(cls, state: State) -> Selection:
        """The selection that `state` describes."""
        return cls(state.config["method"], **state.arrays)


def learn(
    X: Any, y: np.ndarray | None, encoding: Encoding, *, sources: Sequence[str],
    codes: tuple[int, ...], seed: int,
) -> Selection:
    """What `encoding.select` keeps of the features of X (rows, features), learnt with y."""
    seen = _seen(X, y, encoding.select, codes, seed)
    groups = np.unique(np.array(sources, dtype=object).astype(str), return_inverse=True)[1]
    groups = groups if encoding.whole_columns else np.arange(len(groups))
    count = _count(encoding.keep, int(groups.max()) + 1)
    scores = score(seen, encoding, None if encoding.whole_columns else count)
    kept = choose(scores, count, groups)
    return Selection(encoding.select, kept, scores.values, scores.p_values, scores.stands)


def score(seen: Seen, encoding: Encoding, count: int | None) -> Scores:
    """The scores of a method; `count`, how many are wanted at most, may spare it work."""
    if encoding.select == "correlation":
        return redundant.correlation(seen, encoding.alike)
    if encoding.select in _UNIVARIATE:
        return _UNIVARIATE[encoding.select](seen)
    return _JOINT[encoding.select](seen, count)


def choose(scores: Scores, count: int | None, groups: np.ndarray) -> np.ndarray:
    """Indices kept: of all members of the `count` best groups, or of those the method chose."""
    able = scores.chosen if scores.only else np.ones(len(groups), dtype=bool)
    able = able if able.any() else ~able
    values = np.full(int(groups.max()) + 1, -np.inf)
    np.maximum.at(values, groups[able], scores.values[able])
    order = np.argsort(-values, kind="stable")
    if count is None:
        wanted = np.zeros(len(values), dtype=bool)
        wanted[groups[scores.chosen]] = True
        wanted[order[0]] |= not wanted.any()
    else:
        wanted = np.zeros(len(values), dtype=bool)
        wanted[order[:count]] = True
    wanted &= values > -np.inf
    single = len(values) == len(groups)
    return np.flatnonzero(wanted[groups] & (able | (not single)))


def _count(keep: float | None, groups: int) -> int | None:
    if keep is None:
        return None
    return min(int(keep) if keep >= 1 else max(1, round(keep * groups)), groups)


def _seen(
    X: Any, y: np.ndarray | None, method: str, codes: tuple[int, ...], seed: int
) -> Seen:
    if y is None and method != "variance":
        raise DataError(f"select={method!r} must be given the target; got none: call "
                        "fit(dataset, rows, y).")
    y = np.zeros(X.shape[0]) if y is None else np.asarray(y)
    known = y >= 0 if y.dtype.kind in "iu" else np.isfinite(y)
    if not known.any():
        raise DataError(f"select={method!r} needs rows whose target is known; got none.")
    if not known.all():
        X, y = X[np.flatnonzero(known)], y[known]
    return Seen(X, y, codes, seed)
