"""From scores to a selection: how many, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.features.encoding import Encoding
from wholefit.features.select import linear, redundant, trees, univariate
from wholefit.features.select._seen import Scores, Seen
from wholefit.features.select._selection import Selection

_UNIVARIATE = {"variance": univariate.variance, "f": univariate.f, "chi2": univariate.chi2,
               "mutual_info": univariate.mutual_info}
_JOINT = {"l1": linear.l1, "rfe": linear.rfe, "tree": trees.tree}


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
