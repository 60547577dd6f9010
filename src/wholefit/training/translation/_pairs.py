"""The pairs of texts: which columns they stand in, and which of them are set apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.base.params import Params, param
from wholefit.base.seeds import generator
from wholefit.data import Dataset
from wholefit.data.schema import LEARNT

FEWEST, JUDGED = 50, 10
"""Pairs from which on some are set apart, and fewest that anything is judged on."""
_LEAST = 2
_NOTHING = "too few pairs to set some apart: nothing could be judged"


@dataclass(frozen=True)
class Options(Params):
    """The words of `wf.fit(..., task="translation")`."""

    text: str | None = param(
        None, "The column of texts to write from; None: where the target and one other column "
        "hold texts, that one.", none=True)
    judged: int = param(500, "Most pairs that models are judged on.", low=JUDGED, high=5000)


def as_read(
    target: Any, options: Options, reading: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of `wf.read`, by which the named columns stay the texts that they are: "007" is
    no number here, and "2026-11-21" no date.
    """
    dtypes = reading.get("dtypes") or {}
    named = {name: "text" for name in (target, options.text) if isinstance(name, str)}
    return {**reading, "dtypes": {**named, **dtypes}}


@dataclass(frozen=True, eq=False)
class Pairs:
    """All pairs, and the places of those to learn on and of those set apart, these in an order
    drawn by chance.

    `units` (held,) names what a pair set apart was drawn with: its group, or its source. `empty`
    counts rows without a source; `known` is the share of targets set apart that were learnt from
    word for word.
    """

    source: str
    target: str
    sources: list[str]
    targets: list[str]
    learn: np.ndarray
    held: np.ndarray
    split: str
    units: np.ndarray | None = None
    empty: int = 0
    known: float = 0.0

    def of(self, rows: Sequence[int] | np.ndarray) -> tuple[list[str], list[str]]:
        """Sources and targets of these pairs."""
        return [self.sources[at] for at in rows], [self.targets[at] for at in rows]


def settled(dataset: Dataset, options: Options) -> Dataset:
    """The dataset with its roles: the source is text, other columns to learn from are ignored.

    ParameterError where it is not plain which column is the source, UnknownNameError for one that
    is not there, DataError for a source or a target that holds no texts.
    """
    schema = dataset.schema
    target = schema.having("target")[0]
    source = _source(dataset, target, options.text)
    for name in (source, target):
        kind = dataset.original.get_column(name).dtype
        if kind not in (pl.String, pl.Categorical, pl.Enum):
            raise DataError(f"column {name!r} must hold texts; it was read as {kind}: say "
                            f"dtypes={{{name!r}: 'text'}}, or make its cells text.")
    columns = []
    for column in schema.columns:
        if column.name == source:
            column = replace(column, role="text", reason="what is written from", levels=None,
                             low=None, high=None, format=None)
        elif column.role in LEARNT:
            column = replace(column, role="ignored", reason="a text is written from one column")
        columns.append(column)
    return dataset.with_schema(replace(schema, columns=tuple(columns)))


def _source(dataset: Dataset, target: str, named: str | None) -> str:
    schema = dataset.schema
    names = [column.name for column in schema.columns]
    if named is not None:
        if named not in names:
            raise unknown("column", named, names)
        if schema.role(named) in ("target", "group"):
            raise ParameterError(f"text={named!r} is the {schema.role(named)}: name the column of "
                                 "texts to write from.")
        return named
    said = [column.name for column in schema.columns
            if column.role == "text" and column.reason == "set by the user"]
    able = said or [column.name for column in schema.columns
                    if column.role not in ("target", "group", "ignored")
                    and dataset.original.get_column(column.name).dtype == pl.String]
    if len(able) == 1:
        return able[0]
    others = able or [name for name in names if name != target]
    raise ParameterError("translation needs to know which column is written from: say text= "
                         f"(--set text=COLUMN), one of {', '.join(map(repr, others))}.")


def pairs_of(dataset: Dataset, options: Options, seed: int) -> Pairs:
    """The pairs of a settled dataset and their parts. DataError for fewer than 2 pairs."""
    source, target = (dataset.schema.having(role)[0] for role in ("text", "target"))
    sources, targets = dataset.texts(source), dataset.texts(target)
    there = np.array([at for at, text in enumerate(sources) if text and text.strip()],
                     dtype=np.int64)
    if len(there) < _LEAST:
        raise DataError(f"translation learns from at least {_LEAST} pairs of texts; {source!r} and "
                        f"{target!r} hold {len(there)}.")
    whole = Pairs(source, target, [str(sources[at]) for at in there],
                  [str(targets[at]) for at in there], np.arange(len(there)),
                  np.arange(0), _NOTHING, empty=len(sources) - len(there))
    groups = dataset.groups()
    return _parted(whole, None if groups is None else groups[there], options, seed)


def _parted(
    pairs: Pairs, groups: np.ndarray | None, options: Options, seed: int
) -> Pairs:
    """A fifth of the pairs set apart, at most `judged`: whole groups, and all pairs of a source.

    Pairs whose source is asked about are not learnt from, whatever their group.
    """
    n = len(pairs.sources)
    if n < FEWEST:
        return pairs
    _, of = np.unique([text.strip() for text in pairs.sources], return_inverse=True)
    units = of if groups is None else np.where(groups < 0, groups.max() + 1 + np.arange(n), groups)
    wanted = max(JUDGED, min(n // 5, options.judged))
    drawn = generator(seed, "held pairs").permutation(np.unique(units))
    sizes = np.cumsum(np.bincount(units)[drawn])
    apart = np.isin(units, drawn[:int((sizes <= wanted).sum())])
    learn = ~apart & ~np.isin(of, of[apart])
    if apart.sum() < JUDGED or learn.sum() < JUDGED:
        return pairs
    held = generator(seed, "order of held pairs").permutation(np.flatnonzero(apart))
    rows = np.flatnonzero(learn)
    seen = {pairs.targets[at] for at in rows}
    return replace(
        pairs, learn=rows, held=held, units=units[held],
        known=float(np.mean([pairs.targets[at] in seen for at in held])),
        split=f"each model learnt from {len(rows):,} pairs and was asked about {len(held):,} "
              f"others, none of whose sources it had read"
              + ("" if groups is None else "; pairs of one group are on one side"))
