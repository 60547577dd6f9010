"""Pool: rows of which new rows are composed, column by column, and asked of a model.

What a model does with a row is learnt by asking it about rows that nobody has: this row with that
one's age, a row with one column shuffled, a row moved along a grid. Each such row is written as
row numbers, one a column: which row of the pool lends that column. Permutation, partial
dependence, Shapley sampling, local surrogates and counterfactuals all ask in this way, so that
rows are encoded once, and the model is asked in large blocks.

>>> pool = Pool(fitted, dataset)                                        # doctest: +SKIP
>>> own = np.arange(len(pool))[:, None].repeat(len(pool.columns), 1)    # doctest: +SKIP
>>> own[:, pool.at("age")] = shuffled                                   # doctest: +SKIP
>>> pool.answer(own)                                                    # doctest: +SKIP
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp

from wholefit.base.errors import StateError, unknown
from wholefit.data import Dataset
from wholefit.training import Fitted

# Cells of a matrix that is composed at once: some 60 MB of float64.
_CELLS = 8_000_000


class Pool:
    """Rows that conform to a fitted model's schema, to be taken apart by column.

    `columns` are the features of the schema. The model is asked by `answer`, whose argument
    (m, columns) holds row numbers; what it gives has the shape of the task's answer.
    Raises StateError for a model whose features look back on earlier rows, for then no row can
    be asked alone.
    """

    def __init__(self, fitted: Fitted, dataset: Dataset) -> None:
        if any(getattr(step.transformer, "ordered", False) for step in
               getattr(fitted.encoder, "_applied", ())):
            raise StateError("its features look back on earlier rows (lags, rolling means), so "
                             "rows cannot be taken apart column by column: fit without them to "
                             "have its answers explained.")
        self.fitted, self.dataset = fitted, dataset
        self.columns: tuple[str, ...] = tuple(fitted.schema.features)
        self._places = {name: at for at, name in enumerate(self.columns)}

    def __len__(self) -> int:
        return len(self.dataset)

    def at(self, column: str) -> int:
        """The place of a column among `columns`; UnknownNameError for another name."""
        if column not in self._places:
            raise unknown("column", column, self.columns)
        return self._places[column]

    def own(self, rows: Any = None) -> np.ndarray:
        """Row numbers (m, columns) of rows as they are; of all where `rows` is None."""
        rows = np.arange(len(self)) if rows is None else np.asarray(rows)
        return np.repeat(rows[:, None], len(self.columns), axis=1)

    def answer(self, take: np.ndarray) -> np.ndarray:
        """Answers (m, ...) to the composed rows: probabilities (m, classes) or numbers (m,)."""
        step = max(1, _CELLS // max(1, self._width))
        with self.fitted.reading("the model file cannot answer"):
            parts = [self._ask(take[at:at + step]) for at in range(0, max(len(take), 1), step)]
            return np.concatenate(parts)

    @cached_property
    def separable(self) -> bool:
        """Whether each feature of the encoded matrix comes from one column of the schema."""
        encoder = self.fitted.encoder
        return (hasattr(encoder, "sources") and self.fitted.replay is None
                and not self.fitted.takes_rows
                and not getattr(encoder, "_applied", ())
                and set(encoder.sources) <= set(self.columns))

    @cached_property
    def matrix(self) -> Any:
        """The pool's rows encoded (n, p): as the model takes them."""
        with self.fitted.reading("the model file cannot encode rows"):
            return self.fitted.encoder.transform(self.fitted.cleaned(self.dataset))

    @cached_property
    def groups(self) -> tuple[np.ndarray, ...]:
        """For each column, the features (indices) of the encoded matrix that it alone makes."""
        sources = np.array(self.fitted.encoder.sources, dtype=object)
        return tuple(np.flatnonzero(sources == name) for name in self.columns)

    def composed(self, take: np.ndarray) -> Dataset:
        """The composed rows as a Dataset; identifiers and the like are of the first column's row.
        """
        frame = self.dataset.frame
        base = frame[take[:, 0]] if take.shape[1] else frame[np.zeros(len(take), dtype=np.intp)]
        changed = base.with_columns([
            frame.get_column(name)[take[:, at]].alias(name)
            for at, name in enumerate(self.columns) if name in frame.columns])
        return Dataset(changed, self.dataset.schema, source=self.dataset.source)

    def frame(self, take: np.ndarray) -> pl.DataFrame:
        """The features of the composed rows, to be shown."""
        return self.composed(take).frame.select(self.columns)

    @property
    def _width(self) -> int:
        return self.matrix.shape[1] if self.separable else len(self.columns)

    def _ask(self, take: np.ndarray) -> np.ndarray:
        if not self.separable:
            return self.fitted.answer(self.composed(take))
        return self.scorer.answer(self._mixed(take))

    @cached_property
    def scorer(self) -> Any:
        """What answers the encoded matrix: the state's scorer, or the live estimator."""
        with self.fitted.reading("the model file cannot answer"):
            self.fitted.settle()
        return self.fitted._scorer or _Live(self.fitted)

    @cached_property
    def mixed(self) -> Any:
        """The encoded rows, to be asked with some features lent by others; only if separable."""
        from wholefit.explain._mixed import mixed

        return mixed(self.scorer, self.matrix)

    def _mixed(self, take: np.ndarray) -> Any:
        whole = self.matrix
        if sp.issparse(whole):
            return _mixed_sparse(whole, take, self.groups)
        made = np.empty((len(take), whole.shape[1]), dtype=whole.dtype)
        for at, features in enumerate(self.groups):
            if len(features) == 1:
                made[:, features[0]] = whole[take[:, at], features[0]]
            elif len(features):
                made[:, features] = whole[np.ix_(take[:, at], features)]
        return made


class _Live:
    """A live estimator that has no state, asked as a scorer is."""

    def __init__(self, fitted: Fitted) -> None:
        self._fitted = fitted

    def answer(self, X: Any) -> np.ndarray:
        return self._fitted.live_answer(X)


def _mixed_sparse(whole: Any, take: np.ndarray, groups: tuple[np.ndarray, ...]) -> Any:
    """Composed rows of a CSR matrix, in the order of its features."""
    by_column = whole.tocsc()
    order = np.concatenate([g for g in groups if len(g)])
    parts = [by_column[:, features].tocsr()[take[:, at]]
             for at, features in enumerate(groups) if len(features)]
    joined = sp.hstack(parts, format="csc")
    back = np.empty(len(order), dtype=np.intp)
    back[order] = np.arange(len(order))
    return joined[:, back].tocsr()
