"""A model asked about rows of which some features are lent by others: by the shortest way it has.

Every way gives the answers that composing the rows and asking the model gives, to rounding. Trees
walk only what changes (`_leaves`), sums are updated by what was lent, means and stacks of models
ask their members; any other model is asked about the composed rows, in large blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp

from wholefit.explain._leaves import Leaves
from wholefit.models._kernels import calibrated, linear, members, trees
from wholefit.models._kernels._links import dense, spread

Array = np.ndarray
# Cells of a matrix that is composed at once: some 60 MB of float64.
_CELLS = 8_000_000


class Mixed(Protocol):
    """Rows X (n, p) of one model, to be asked with some of their features lent."""

    def lent(self, features: Array, values: Any, which: Array) -> Array:
        """Answers (m, n, ...): in round k, row i has values[which[k, i]] as `features`.

        `values` (q, len(features)), `which` (m, n).
        """

    def grid(self, features: Array, values: Any) -> Array:
        """Answers (q, n, ...): every row with each of `values` (q, len(features))."""


def mixed(asked: Any, X: Any) -> Mixed:
    """The shortest way to ask a scorer, or any function from rows to answers, about X (n, p)."""
    if isinstance(asked, trees.Trees) and asked._aggregate != "median":
        return _Trees(asked, X)
    if isinstance(asked, linear.Linear):
        return _Linear(asked, X)
    if isinstance(asked, (members.Mean, members.Stack)):
        return _Members(asked, X)
    if isinstance(asked, calibrated.Calibrated):
        return _Calibrated(asked, X)
    return Composed(asked.answer if hasattr(asked, "answer") else asked, X)


def short(asked: Any) -> bool:
    """Whether a scorer has a shorter way than being asked about every composed row."""
    if isinstance(asked, members.Mean | members.Stack):
        return all(short(member) for member in asked._members)
    if isinstance(asked, calibrated.Calibrated):
        return short(asked._base)
    if isinstance(asked, trees.Trees):
        return bool(asked._aggregate != "median")
    return isinstance(asked, linear.Linear)


class Composed:
    """Any function from rows (n, p) to answers: the rows are composed, many rounds at once."""

    def __init__(self, answer: Callable[[Any], Any], X: Any) -> None:
        self.answer, self.X = answer, X if sp.issparse(X) else np.asarray(X)

    def lent(self, features: Array, values: Any, which: Array) -> Array:
        """See `Mixed`."""
        rows, width = self.X.shape
        rounds = max(1, _CELLS // max(1, rows * width))
        parts = [self._rounds(features, values, which[at:at + rounds])
                 for at in range(0, len(which), rounds)]
        return np.concatenate(parts)

    def grid(self, features: Array, values: Any) -> Array:
        """See `Mixed`."""
        return self.lent(features, values,
                         np.repeat(np.arange(values.shape[0])[:, None], self.X.shape[0], axis=1))

    def _rounds(self, features: Array, values: Any, which: Array) -> Array:
        rows = self.X.shape[0]
        if sp.issparse(self.X):
            made = _put(sp.vstack([self.X] * len(which), format="csr"), features,
                        values[which.ravel()])
        else:
            made = np.tile(self.X, (len(which), 1))
            made[:, features] = values[which.ravel()]
        found = np.asarray(self.answer(made))
        return found.reshape(len(which), rows, *found.shape[1:])


def _put(whole: Any, features: Array, block: Any) -> Any:
    """A CSR matrix with other columns at `features`."""
    others = np.setdiff1d(np.arange(whole.shape[1]), features)
    joined = sp.hstack([whole.tocsc()[:, others], sp.csc_matrix(block)], format="csc")
    back = np.empty(whole.shape[1], dtype=np.intp)
    back[np.concatenate([others, features])] = np.arange(whole.shape[1])
    return joined[:, back].tocsr()


class _Trees:
    """Trees by the leaves that change."""

    def __init__(self, scorer: trees.Trees, X: Any) -> None:
        self._scorer, self._leaves = scorer, Leaves(scorer, X)

    def lent(self, features: Array, values: Any, which: Array) -> Array:
        """See `Mixed`."""
        return self._ended(self._leaves.lent(features, _dense(values), which))

    def grid(self, features: Array, values: Any) -> Array:
        """See `Mixed`."""
        return self._ended(self._leaves.grid(features, _dense(values)))

    def _ended(self, raw: Array) -> Array:
        found = self._scorer.ended(raw.reshape(-1, raw.shape[-1]))
        return found.reshape(*raw.shape[:2], *found.shape[1:])


class _Linear:
    """Weighted sums: what a row's own features gave is taken off, what is lent to it is added."""

    def __init__(self, scorer: linear.Linear, X: Any) -> None:
        self._scorer = scorer
        self._X = linear.numbers(X, scorer._coef.shape[1])
        self._sums = np.asarray(self._X @ scorer._coef.T) + scorer._intercept

    def lent(self, features: Array, values: Any, which: Array) -> Array:
        """See `Mixed`."""
        rest, given = self._parts(features, values)
        return self._ended(rest[None] + given[which])

    def grid(self, features: Array, values: Any) -> Array:
        """See `Mixed`."""
        rest, given = self._parts(features, values)
        return self._ended(rest[None] + given[:, None])

    def _parts(self, features: Array, values: Any) -> tuple[Array, Array]:
        coef = self._scorer._coef[:, features].T
        own = np.asarray(self._X[:, features] @ coef)
        return self._sums - own, np.asarray(values @ coef)

    def _ended(self, sums: Array) -> Array:
        found = self._scorer.ended(sums.reshape(-1, sums.shape[-1]))
        return found.reshape(*sums.shape[:2], *found.shape[1:])


class _Members:
    """A mean or a stack: each member by its own way, joined as the model joins them."""

    def __init__(self, scorer: members.Mean | members.Stack, X: Any) -> None:
        self._scorer, self._X = scorer, dense(X, scorer._config["features"])
        shown = getattr(scorer, "_columns", None)
        self._shown = [None] * len(scorer._members) if shown is None else list(shown)
        self._members = [mixed(member, self._X if columns is None else self._X[:, columns])
                         for member, columns in zip(scorer._members, self._shown, strict=True)]

    def lent(self, features: Array, values: Any, which: Array) -> Array:
        """See `Mixed`."""
        values = _dense(values)
        return np.stack([self._round(features, values, row[None], row) for row in which])

    def grid(self, features: Array, values: Any) -> Array:
        """See `Mixed`."""
        values = _dense(values)
        rows = len(self._X)
        each = [self._member(at, features, values, None) for at in range(len(self._members))]
        return np.stack([self._joined([found[q] for found in each], features,
                                      values, np.full(rows, q)) for q in range(len(values))])

    def _round(self, features: Array, values: Array, which: Array, row: Array) -> Array:
        each = [self._member(at, features, values, which)[0] for at in range(len(self._members))]
        return self._joined(each, features, values, row)

    def _member(self, at: int, features: Array, values: Array, which: Array | None) -> Array:
        """The answers of a member, which may be shown some of the features only."""
        columns, member = self._shown[at], self._members[at]
        if columns is not None:
            place = np.flatnonzero(np.isin(columns, features))
            order = np.searchsorted(np.sort(features), np.asarray(columns)[place])
            values = values[:, np.argsort(features)[order]]
            features = place
        return member.grid(features, values) if which is None else \
            member.lent(features, values, which)

    def _joined(self, each: list[Array], features: Array, values: Array, row: Array) -> Array:
        config = self._scorer._config
        if isinstance(self._scorer, members.Mean):
            found = members.mean(each, config["weights"])
        else:
            through = None
            if config["through"]:
                through = self._X.copy()
                through[:, features] = values[row]
            found = self._scorer._final.answer(members.stacked(each, through))
        n_classes = config["n_classes"]
        return spread(found, config["classes"], n_classes) if n_classes else found


class _Calibrated:
    """Margins by their own way, then the sigmoid of each class."""

    def __init__(self, scorer: calibrated.Calibrated, X: Any) -> None:
        self._scorer, self._base = scorer, mixed(scorer._base, X)

    def lent(self, features: Array, values: Any, which: Array) -> Array:
        """See `Mixed`."""
        return self._ended(self._base.lent(features, values, which))

    def grid(self, features: Array, values: Any) -> Array:
        """See `Mixed`."""
        return self._ended(self._base.grid(features, values))

    def _ended(self, margins: Array) -> Array:
        flat = margins.reshape(-1, *margins.shape[2:])
        made = calibrated.probabilities(flat, self._scorer._slope, self._scorer._offset)
        found = spread(made, self._scorer._classes, self._scorer._n_classes)
        return found.reshape(*margins.shape[:2], *found.shape[1:])


def _dense(values: Any) -> Array:
    return values.toarray() if sp.issparse(values) else np.asarray(values, dtype=np.float64)
