"""Adversarial validation: can a model tell the rows of two tables apart, and by which columns?

If it can, what was measured on one need not hold on the other. Rows of both are mixed and
labelled by where they came from; boosted trees are cross-validated on the label, and the area
under the ROC curve of the unseen answers, with its interval, says how far apart the tables are:
0.5 is not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit import evaluation, models
from wholefit.base import tasks
from wholefit.base.errors import DataError
from wholefit.base.seeds import generator, some
from wholefit.data import splits
from wholefit.data.dataset import Dataset
from wholefit.data.findings import Finding, _remedy, ordered
from wholefit.data.loading import dataset_of
from wholefit.evaluation import Score
from wholefit.training._folds import Problem, validate
from wholefit.training._leaks_score import codes_score, numbers_score

_ROWS = 5_000
_FEWEST = 20
_MODEL = "hist_gradient_boosting(n_estimators=60, max_leaf_nodes=15)"
_TELLS = 0.6
_SHOWN = 8


@dataclass(frozen=True)
class Skew:
    """How far two tables are apart.

    `auc` is the area under the ROC curve of a model that tells their rows apart, with its
    interval; `columns` the same of each column alone, the most telling first; `constant` the
    columns that hold one value in the new table only; `absent` and `added` the columns that only
    the old, or only the new, has; `findings` all of it in sentences.
    """

    auc: Score
    columns: tuple[tuple[str, float], ...]
    constant: tuple[str, ...]
    absent: tuple[str, ...]
    added: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def alike(self) -> bool:
        """True if chance alone could tell the rows as well as the model did."""
        return self.auc.low <= 0.5

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"auc": self.auc.to_json(), "alike": self.alike,
                "columns": [list(pair) for pair in self.columns],
                "constant": list(self.constant), "absent": list(self.absent),
                "added": list(self.added), "findings": [f.to_json() for f in self.findings]}

    def __str__(self) -> str:
        said = "no better than chance" if self.alike else "better than chance"
        lines = [f"a model tells the rows of the two tables apart with AUC {self.auc}: {said}"]
        if not self.alike:
            least = 0.5 + (self.auc.value - 0.5) / 4
            lines += [f"  {name}: AUC {value:.3f} alone"
                      for name, value in self.columns[:_SHOWN] if value >= least]
        return "\n".join([*lines, *(f"{f.severity}: {f}" for f in self.findings)])


def skew(old: Dataset, new: Dataset, *, most: int = _ROWS, seed: int = 0) -> Skew:
    """Compare two datasets by at most `most` rows of each, over the columns they share.

    The columns are those that the old one learns from, and its target where the new one has it.
    Raises DataError where either has fewer than 20 rows, or they share no column.
    """
    for which in (old, new):
        if len(which) < _FEWEST:
            raise DataError(f"{which.source} must have at least {_FEWEST} rows to be compared; "
                            f"it has {len(which)}.")
    learnt = [*old.schema.features, *old.schema.having("constant"),
              *([old.schema.target] if old.schema.target else [])]
    there = set(new.frame.columns)
    shared = [name for name in learnt if name in there]
    if not shared:
        raise DataError(f"{old.source} and {new.source} share no column that is learnt from.")
    mixed, y, _ = _mixed(old, new, shared, most, seed)
    auc = _told_apart(mixed, y, seed)
    columns = sorted(((name, _alone(mixed, name, y)) for name in mixed.schema.features),
                     key=lambda pair: -pair[1])
    absent = tuple(name for name in learnt if name not in there)
    added = tuple(name for name in new.frame.columns if name not in set(old.frame.columns))
    constant = tuple(name for name in shared if _one_value(new, name) and not _one_value(old, name))
    found = _said(auc, columns, constant, absent, old, new)
    return Skew(auc, tuple(columns), constant, absent, added, ordered(found))


def _mixed(
    old: Dataset, new: Dataset, shared: list[str], most: int, seed: int
) -> tuple[Dataset, np.ndarray, np.ndarray]:
    """Rows of both, shuffled, and 1 for those of the new table; and where each row was before."""
    a, b = _drawn(old, most, seed, "old"), _drawn(new, most, seed, "new")
    columns = []
    for name in shared:
        first, second = (each.frame.get_column(name).alias("column") for each in (a, b))
        if first.dtype != second.dtype:
            kind: Any = pl.Float64 if first.dtype.is_numeric() and second.dtype.is_numeric() \
                else pl.String
            first, second = first.cast(kind, strict=False), second.cast(kind, strict=False)
        columns.append(pl.concat([first, second]).alias(name))
    label = "table"
    while label in shared:
        label += "_"
    y = np.concatenate([np.zeros(len(a)), np.ones(len(b))]).astype(np.int32)
    order = generator(seed, "skew", "order").permutation(len(y))
    frame = pl.DataFrame([*columns, pl.Series(label, y)])[order]
    roles = {c.name: c.role for c in old.schema.columns if c.name in shared
             and c.role in ("numeric", "categorical", "boolean", "datetime", "text")}
    return dataset_of(frame, target=label, roles=roles), y[order], order


def _drawn(dataset: Dataset, most: int, seed: int, which: str) -> Dataset:
    return dataset if len(dataset) <= most else \
        dataset.take(some(len(dataset), most, seed, "skew", which))


def _told_apart(mixed: Dataset, y: np.ndarray, seed: int) -> Score:
    """Cross-validated AUC of boosted trees, with its interval."""
    task = tasks.get("classification")
    plan = splits.kfold(mixed, y, folds=5, seed=seed, stratify=True)
    problem = Problem(mixed, task, y, 2, plan, None, 1, seed, {})
    answer = validate(problem, models.make(_MODEL), float("inf"), 5).known()
    found = evaluation.score("classification", y, answer, metrics=["roc_auc"], positive=1)
    return found["roc_auc"]


def _alone(mixed: Dataset, name: str, y: np.ndarray) -> float:
    """Cross-fitted AUC of one column."""
    role = mixed.schema.role(name)
    if role == "text":
        lengths = mixed.frame.get_column(name).alias("column").cast(pl.String).str.len_chars()
        return (1 + numbers_score(lengths.cast(pl.Float64).to_numpy(), y, 2)) / 2
    if role == "datetime":
        times = mixed.times(name)
        values = np.where(np.isnat(times), np.nan, times.astype(np.int64).astype(np.float64))
        return (1 + numbers_score(values, y, 2)) / 2
    if role == "categorical":
        return (1 + codes_score(mixed.codes(name)[0], y, 2)) / 2
    return (1 + numbers_score(mixed.numeric(name), y, 2)) / 2


def _one_value(dataset: Dataset, name: str) -> bool:
    return dataset.frame.get_column(name).n_unique() <= 1


def _said(
    auc: Score, columns: list[tuple[str, float]], constant: tuple[str, ...],
    absent: tuple[str, ...], old: Dataset, new: Dataset,
) -> list[Finding]:
    found = []
    if auc.low > 0.5:
        telling = [(name, value) for name, value in columns if value >= (0.5 + auc.value) / 2]
        telling = (telling or columns[:1])[:_SHOWN]
        severity = "critical" if auc.low >= 0.8 else "warning" if auc.low >= _TELLS else "info"
        listed = ", ".join(f"{name!r} ({value:.3f} alone)" for name, value in telling[:4])
        found.append(Finding(
            "skewed_tables", severity, tuple(name for name, _ in telling),
            f"a model tells rows of {new.source} from rows of {old.source} with AUC {auc}; most "
            f"telling: {listed}",
            "what was measured on the one need not hold on the other",
            *_remedy.ignore(telling[0][0]), count=len(new), strength=float(2 * auc.value - 1)))
    for name in constant:
        found.append(Finding(
            "constant_in_new", "warning", (name,),
            f"column {name!r} holds one value in {new.source}, and several in {old.source}",
            "it was not recorded there, or the rows were chosen by it", *_remedy.ignore(name),
            count=len(new), strength=1.0))
    if absent:
        found.append(Finding(
            "absent_in_new", "warning", absent,
            f"{new.source} lacks {', '.join(repr(name) for name in absent[:5])}"
            + (f" and {len(absent) - 5} more" if len(absent) > 5 else ""),
            "a model that learnt from a column cannot answer without it",
            *_remedy.ignore(*absent[:5]), count=len(absent), strength=1.0))
    return found
