"""Proxies: how well do the other columns tell a protected one?

Leaving a column out hides it only if nothing else tells it. So a model is taught to tell it from
the other columns, and judged on rows that it has not seen; and each column alone is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from wholefit import data, evaluation, models
from wholefit.base import seeds, tasks
from wholefit.base.errors import WholefitError
from wholefit.base.tasks import Task
from wholefit.data import Dataset
from wholefit.evaluation import metrics
from wholefit.evaluation.fairness import Proxy
from wholefit.training.plain import fit_plain

# More rows than these tell nothing more that matters here; more groups become "(other)".
_ROWS, _GROUPS, _FEWEST = 5_000, 6, 40
_FOLDS, _BINS, _TOP = 3, 16, 3
_LABEL = "(protected)"


def proxies(
    dataset: Dataset, labels: Mapping[str, np.ndarray], *, seed: int = 0, jobs: int = 1
) -> tuple[Proxy, ...]:
    """For each protected column, how well all other columns tell its groups.

    `labels` (n,) are the groups by each column, as text. Protected columns are not asked about
    each other.
    """
    features = [name for name in dataset.schema.features if name not in labels]
    return tuple(_proxy(dataset, name, column, features, seed, jobs)
                 for name, column in labels.items())


def _proxy(
    dataset: Dataset, name: str, labels: np.ndarray, features: Sequence[str], seed: int, jobs: int
) -> Proxy:
    seen = name in dataset.schema.features
    rows, kept = _sample(labels, seed)
    counts = np.unique(kept, return_counts=True)[1]
    if len(counts) < 2 or counts.min() < 2 * _FOLDS or len(rows) < _FEWEST:
        return Proxy(name, None, (), seen, "too few rows of its groups")
    if not features:
        return Proxy(name, None, (), seen, "there are no other columns")
    whole, label, groups = dataset.frame, _LABEL, dataset.groups()
    unit = None if groups is None else _units(groups[rows])
    while label in features:
        label += "_"
    frame = pl.DataFrame([*(whole.get_column(each)[rows] for each in features),
                          pl.Series(label, kept.tolist(), dtype=pl.String)])
    roles = {each: dataset.schema.role(each) for each in features}
    try:
        asked = data.dataset_of(frame, target=label, roles=roles)
        found = _judged(asked, tasks.get("classification"), seed, jobs, unit)
    except WholefitError as error:
        return Proxy(name, None, (), seen, str(error).rstrip("."))
    truth = asked.target(_codec(asked))
    alone = {each: _alone(asked, each, truth, seed, unit) for each in features}
    top = sorted(alone.items(), key=lambda item: -item[1])[:_TOP]
    return Proxy(name, found, tuple(top), seen)


def _sample(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Some rows at random, and their groups, the small ones together."""
    random = seeds.generator(seed, "proxies")
    rows = np.sort(random.permutation(len(labels))[:_ROWS])
    kept = labels[rows].astype(object)
    names, counts = np.unique(kept.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    most = {str(names[at]) for at in order[:_GROUPS] if counts[at] >= 2 * _FOLDS}
    other = np.array([str(each) not in most for each in kept])
    if 0 < other.sum() < 2 * _FOLDS:
        return rows[~other], kept[~other]
    kept[other] = "(other)"
    return rows, kept


def _codec(asked: Dataset) -> Any:
    target = str(asked.schema.target)
    return tasks.get("classification").codec(target, asked.target_values())


def _judged(
    asked: Dataset, task: Task, seed: int, jobs: int, unit: np.ndarray | None
) -> evaluation.Score:
    """The AUC, mean over groups, of answers to rows that the model had not seen."""
    truth = asked.target(_codec(asked))
    fold = _folds(truth, seed, unit)
    answer = np.empty((len(truth), int(truth.max()) + 1))
    model = models.make("hist_gradient_boosting(n_estimators=60)")
    for number in range(_FOLDS):
        learnt = fit_plain(asked, task, model, rows=np.flatnonzero(fold != number), seed=seed,
                           jobs=jobs)
        answer[fold == number] = learnt.answer(asked.take(np.flatnonzero(fold == number)))
    return _auc(truth, answer, unit=unit)


def _auc(
    truth: np.ndarray, answer: np.ndarray, level: float | None = 0.95,
    unit: np.ndarray | None = None,
) -> evaluation.Score:
    metric = metrics.get("classification", "roc_auc")
    return evaluation.score("classification", truth, answer, metrics=[metric],
                            level=level, units=unit)["roc_auc"]


def _units(groups: np.ndarray) -> np.ndarray:
    """Rows that belong together as codes from 0; one that belongs to none is alone."""
    codes = groups.astype(np.int64)
    alone = codes < 0
    codes[alone] = codes.max(initial=0) + 1 + np.arange(int(alone.sum()))
    return np.unique(codes, return_inverse=True)[1]


def _folds(truth: np.ndarray, seed: int, unit: np.ndarray | None = None) -> np.ndarray:
    """A fold for each row, every group dealt round; rows that belong together in one fold."""
    if unit is not None:
        first = np.unique(unit, return_index=True)[1]
        return _folds(truth[first], seed)[unit]
    order = seeds.generator(seed, "proxy folds").permutation(len(truth))
    order = order[np.argsort(truth[order], kind="stable")]
    fold = np.empty(len(truth), dtype=np.intp)
    fold[order] = np.arange(len(truth)) % _FOLDS
    return fold


def _alone(
    asked: Dataset, name: str, truth: np.ndarray, seed: int, unit: np.ndarray | None
) -> float:
    """The AUC of one column's bins or levels: group shares learnt on one half, asked of the other.
    """
    if asked.schema.role(name) in ("numeric", "boolean"):
        numbers = asked.numeric(name)
        edges = np.unique(np.nanquantile(numbers, np.arange(1, _BINS) / _BINS)) \
            if np.isfinite(numbers).any() else np.empty(0)
        place = np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers))
        place = place.astype(np.intp)
    else:
        place = asked.codes(name)[0].astype(np.intp) + 1
    bins, groups = int(place.max()) + 1, int(truth.max()) + 1
    half = _folds(truth, seed, unit) == 0
    answer = np.empty((len(truth), groups))
    share = np.bincount(truth, minlength=groups) / len(truth)
    for taught in (half, ~half):
        table = np.zeros((bins, groups))
        np.add.at(table, (place[taught], truth[taught]), 1.0)
        table += share
        answer[~taught] = (table / table.sum(axis=1, keepdims=True))[place[~taught]]
    return float(_auc(truth, answer, None).value)
