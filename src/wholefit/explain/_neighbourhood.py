"""Rows around a row, made of real ones: what a local surrogate learns from.

A point takes some columns from one other row, all from the same, and keeps the rest: so what is
changed together occurs together, which independent draws around each number would not give. Of a
text, words are left out. What a person is told of a point is simpler than the point: whether a
column's value is still in the row's own bin or level ("bins"), or how far a number has moved
("values"), and which words are left.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.seeds import generator
from wholefit.data import Dataset
from wholefit.explain import _plausible
from wholefit.explain._plausible import Ground
from wholefit.explain.pool import Pool

FORMS = ("bins", "values")
WORD = re.compile(r"\w\w+")
_BINS, _MOST_WORDS, _VARIANTS = 4, 60, 1000


@dataclass(frozen=True, eq=False)
class Points:
    """Drawn points: `z` (n, terms) for each form, distance (n,) and answers (n, outputs)."""

    z: dict[str, np.ndarray]
    distance: np.ndarray
    answer: np.ndarray


@dataclass(frozen=True)
class Term:
    """One thing that a surrogate weighs: the place of its column, and its name for a person.

    `unit` is how much of a number one unit of the term is; None for a bin, a level or a word.
    """

    column: int
    said: str
    unit: float | None = None


class Around:
    """The neighbourhood of one row of `asked` among the rows of `background`."""

    def __init__(
        self, asked: Pool, row: int, background: Dataset, every: Sequence[Ground], seed: int
    ) -> None:
        self.every, self.seed, self.columns = every, seed, asked.columns
        own = asked.dataset.take(np.array([row]))
        self.others = len(background)
        self.texts = {
            at: _words(own.texts(name)[0]) for at, name in enumerate(asked.columns)
            if asked.dataset.schema.role(name) == "text"}
        self.pool = Pool(asked.fitted, self._rows(own, background))
        self.cells = [None if every[at].kind == "fixed" else
                      _plausible.cells(self.pool.dataset, every[at])
                      for at in range(len(every))]
        # Columns that no other row has otherwise can tell nothing.
        self.free = np.array([at for at in range(len(every)) if at in self.texts
                              or self.gap[1:self.others + 1, at].any()], dtype=np.intp)

    def draw(self, count: int, *name: str | int) -> Points:
        """`count` points, drawn with the seed of that name, and the model's answers to them."""
        random = generator(self.seed, "around", *name)
        take = np.zeros((count, len(self.columns)), dtype=np.intp)
        donor = random.integers(1, self.others + 1, count)
        if len(self.free):
            # How many columns are taken over is drawn first: as many points are near as far.
            many = random.integers(1, len(self.free) + 1, count)
            rank = random.random((count, len(self.free))).argsort(axis=1).argsort(axis=1)
            replaced = rank < many[:, None]
            take[:, self.free] = np.where(replaced, donor[:, None], 0)
        for at in self.texts:
            here = take[:, at] > 0
            variant = random.integers(0, max(1, self._variants), count)
            take[:, at] = np.where(here & (self._variants > 0), 1 + self.others + variant, 0)
        return self.of(take)

    def of(self, take: np.ndarray) -> Points:
        """The points of composed rows."""
        answer = self.pool.answer(take)
        answer = answer[:, None] if answer.ndim == 1 else answer
        where = np.arange(take.shape[1])
        distance = self.gap[take, where][:, self.free].mean(axis=1) if len(self.free) else (
            np.zeros(len(take)))
        return Points({form: self._z(form, take) for form in FORMS}, distance, answer)

    def terms(self, form: str) -> list[Term]:
        """What the columns of `z` stand for."""
        return [term for at in range(len(self.columns)) for term in self._terms(form, at)]

    def typical(self, form: str) -> np.ndarray:
        """The mean of `z` over the other rows as they are, (terms,); of a text without any word."""
        take = np.repeat(np.arange(1, self.others + 1)[:, None], len(self.columns), axis=1)
        z = self._z(form, take).mean(axis=0) if self.others else np.zeros(0)
        words = np.array([each.unit is None and each.column in self.texts
                          for each in self.terms(form)], dtype=bool)
        return np.where(words, 0.0, z) if len(z) else z

    # ---- how it is laid out -------------------------------------------------------------

    def _rows(self, own: Dataset, background: Dataset) -> Dataset:
        """The row itself, the others, then copies of it with words left out."""
        names = [name for name in own.frame.columns if name in background.frame.columns
                 or name in self.columns]
        self._left = {at: self._masks(at, words) for at, words in self.texts.items()}
        self._variants = max((len(masks) for masks in self._left.values()), default=0)
        columns = []
        for name in names:
            mine = own.frame.get_column(name).alias("column")
            rest = background.frame.get_column(name).alias("column") if (
                name in background.frame.columns) else mine[:0]
            more = pl.concat([mine] * self._variants) if self._variants else mine[:0]
            at = self.columns.index(name) if name in self.columns else -1
            if at in self._left and len(self._left[at]):
                more = pl.Series(_without(own.texts(name)[0], self.texts[at], self._left[at]))
            columns.append(pl.concat([mine, rest.cast(mine.dtype), more.cast(mine.dtype)]).alias(
                name))
        return Dataset(pl.DataFrame(columns), own.schema, source=own.source)

    def _masks(self, at: int, words: list[str]) -> np.ndarray:
        """Which words are left in each variant of a text (variants, words)."""
        if not words:
            return np.ones((0, 0), dtype=bool)
        random = generator(self.seed, "words", at)
        share = random.random((_VARIANTS, 1))
        return random.random((_VARIANTS, len(words))) >= share

    @cached_property
    def gap(self) -> np.ndarray:
        """How far each row of the pool lies from the row, by column (rows, columns)."""
        found = np.zeros((len(self.pool), len(self.columns)))
        for at, ground in enumerate(self.every):
            if at in self.texts:
                masks = self._left[at]
                if len(masks):
                    found[1 + self.others:, at] = 1 - masks.mean(axis=1)
            elif ground.kind == "fixed":
                cells = self.pool.dataset.frame.get_column(ground.name).alias("column")
                own = cells[0]
                found[:, at] = np.array([value != own for value in cells.to_list()]) * 1.0
            else:
                cell = self.cells[at]
                assert cell is not None
                found[:, at] = ground.apart(np.repeat(cell[:1], len(cell)), cell)
        return found

    def _z(self, form: str, take: np.ndarray) -> np.ndarray:
        parts = [self._table[form][at][take[:, at]] for at in range(len(self.columns))]
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(take), 0))

    @cached_property
    def _table(self) -> dict[str, list[np.ndarray]]:
        """For each form and column, the terms of every row of the pool."""
        return {form: [self._columns_of(form, at) for at in range(len(self.columns))]
                for form in FORMS}

    def _columns_of(self, form: str, at: int) -> np.ndarray:
        rows, ground = len(self.pool), self.every[at]
        if at in self.texts:
            masks = self._left[at]
            left = np.ones((rows, masks.shape[1]))
            if len(masks):
                left[1 + self.others:] = masks
            return left
        if at not in self.free:
            return np.zeros((rows, 0))
        cell = self.cells[at]
        if cell is None or ground.kind != "number":
            return (self.gap[:, at:at + 1] == 0).astype(np.float64)
        if form == "values" and np.isfinite(cell[0]):
            return (np.nan_to_num(cell - cell[0]) / self._unit(at))[:, None]
        bins = np.searchsorted(self._edges(at), cell, side="left").astype(np.float64)
        bins[np.isnan(cell)] = -1
        return (bins == bins[0]).astype(np.float64)[:, None]

    def _terms(self, form: str, at: int) -> list[Term]:
        name, ground = self.columns[at], self.every[at]
        if at in self.texts:
            return [Term(at, f"{name} has {word!r}") for word in self.texts[at]]
        if at not in self.free:
            return []
        cell = self.cells[at]
        if cell is None:
            return [Term(at, f"{name} as it is")]
        if ground.kind != "number" or np.isnan(cell[0]):
            return [Term(at, f"{name} is {ground.said(cell[0])}")]
        if form == "values":
            return [Term(at, name, self._unit(at))]
        return [Term(at, _between(name, self._edges(at), float(cell[0])))]

    def _unit(self, at: int) -> float:
        """The spread of a number between its quartiles, or whatever it has."""
        cell: Any = self.cells[at]
        values = cell[1:self.others + 1]
        values = values[np.isfinite(values)]
        if not len(values):
            return 1.0
        low, high = np.quantile(values, [0.25, 0.75])
        return float(high - low) or float(values.std()) or 1.0

    def _edges(self, at: int) -> np.ndarray:
        cell: Any = self.cells[at]
        values = cell[1:self.others + 1]
        values = values[np.isfinite(values)]
        if not len(values):
            return np.zeros(0)
        return np.unique(np.quantile(values, np.arange(1, _BINS) / _BINS, method="inverted_cdf"))


def _words(text: str | None) -> list[str]:
    """The different words of a text, in order, at most so many as can be told."""
    return list(dict.fromkeys(WORD.findall((text or "").lower())))[:_MOST_WORDS]


def _without(text: str | None, words: list[str], masks: np.ndarray) -> list[str]:
    """The text with the words that a mask lacks left out."""
    known = {word: at for at, word in enumerate(words)}
    pieces: list[tuple[str, int]] = []
    end = 0
    for found in WORD.finditer(text or ""):
        pieces += [((text or "")[end:found.start()], -1),
                   (found.group(), known.get(found.group().lower(), -1))]
        end = found.end()
    pieces.append(((text or "")[end:], -1))
    return ["".join(piece for piece, at in pieces if at < 0 or mask[at]) for mask in masks]


def _between(name: str, edges: np.ndarray, value: float) -> str:
    """ "12 < age <= 30": the bin that holds a value."""
    at = int(np.searchsorted(edges, value, side="left"))
    low = f"{_plausible.number(float(edges[at - 1]))} < " if at else ""
    high = f" <= {_plausible.number(float(edges[at]))}" if at < len(edges) else ""
    return f"{low}{name}{high}"
