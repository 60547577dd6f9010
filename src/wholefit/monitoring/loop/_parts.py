"""Parts of the rows in which a challenger is significantly worse than the champion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, unknown
from wholefit.evaluation import two_sample
from wholefit.evaluation.compare import compare
from wholefit.evaluation.metrics import Metric
from wholefit.evaluation.slices import parted

_THIN, _MOST_PARTS, _MOST_COLUMNS, _MOST_VALUES = 50, 100, 8, 12


@dataclass(frozen=True)
class Worse:
    """Parts that are worse, in words; how many were judged, and their corrected p-values."""

    said: tuple[str, ...]
    judged: int
    p: dict[str, float]


def columns(rows: pl.DataFrame, words: str) -> list[str]:
    """The columns named, or for "auto" those of few values that are not numbers."""
    if words.strip().lower() != "auto":
        named = [word.strip() for word in words.split(",") if word.strip()]
        for name in named:
            if name not in rows.columns:
                raise unknown("column of the held-out rows", name, rows.columns)
        return named
    few = [name for name, kind in rows.schema.items()
           if kind in (pl.String, pl.Categorical, pl.Enum, pl.Boolean)
           and 2 <= rows[name].n_unique() <= _MOST_VALUES]
    return few[:_MOST_COLUMNS]


def worse(
    task: str, metric: Metric, truth: np.ndarray, answers: tuple[np.ndarray, np.ndarray],
    codes: tuple[Any, Any], rows: pl.DataFrame, level: float, words: dict[str, Any],
) -> Worse:
    """One-sided paired tests in every part that the columns of `rows` make, each by itself.

    `answers` and `codes` are the challenger's and the champion's, `words` what `compare` takes
    beside them. A part of fewer than 50 rows, or in which the metric is undefined, is not judged.
    """
    found: dict[str, tuple[float, float]] = {}
    for name, members in _parts(rows):
        picked = {key: value if value is None or np.ndim(value) == 0 else np.asarray(value)[members]
                  for key, value in words.items()}
        try:
            apart = compare(
                task, metric, truth[members], answers[0][members], answers[1][members],
                level=level, predicted=(_of(codes[0], members), _of(codes[1], members)),
                **picked)
        except DataError:
            continue
        if math.isfinite(apart.value) and math.isfinite(apart.p):
            loses = metric.sign * apart.value < 0
            found[name] = apart.value, apart.p / 2 if loses else 1 - apart.p / 2
    corrected = two_sample.adjusted([p for _, p in found.values()], "holm")
    told = {name: float(p) for name, p in zip(found, corrected, strict=True)}
    said = tuple(f"{name} ({found[name][0]:+.3g}, p = {p:.2g})"
                 for name, p in sorted(told.items(), key=lambda pair: pair[1])
                 if p < 1 - level)
    return Worse(said[:5], len(found), {name: p for name, p in told.items() if p < 1 - level})


def _of(codes: Any, members: np.ndarray) -> Any:
    return None if codes is None else codes[members]


def _parts(rows: pl.DataFrame) -> list[tuple[str, np.ndarray]]:
    """Each value of each column with its rows, the largest first."""
    found = []
    for column in rows.get_columns():
        labels = parted(column.alias("part")).to_numpy().astype(str)
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            if _THIN <= len(members) < len(labels):
                found.append((f"{column.name} = {label}", members))
    return sorted(found, key=lambda pair: -len(pair[1]))[:_MOST_PARTS]
