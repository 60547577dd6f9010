"""Which columns matter: several methods side by side, and what they say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.events import emit
from wholefit.base.seeds import derive, generator
from wholefit.base.tasks import Task
from wholefit.data import splits
from wholefit.data.dataset import Dataset
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding, for_linear, for_trees
from wholefit.features.select import Seen, linear, redundant, trees, univariate
from wholefit.features.select._seen import discoveries
from wholefit.models import Model
from wholefit.training import portfolio
from wholefit.training._folds import Problem
from wholefit.training.permutation import Losses, permutation
from wholefit.training.stability import ROUNDS, WRONG, Stable, stability

MOST_ROWS = 50_000
"""Rows looked at; more change the figures by less than their error."""
_MOST_SHUFFLED, _FEW = 100, 30
_ALIKE = 0.99
_MANY_COLUMNS, _FEW_TREES = 200, 50


@dataclass(frozen=True)
class ColumnVerdict:
    """What is known of one column.

    `p_value`: F or chi-squared test of the column alone, times its features. `information`:
    mutual information with the target, in nats. `trees`: decrease of error out of the bag.
    `l1`, `rfe`: rank, 1 the first to enter or the last to go. `stable`: share of half-samples
    that picked it. `loss`, `low`, `high`: loss that shuffling it adds on unseen rows, with a
    95% interval; None if not tried. `repeats`: the column that stands for it, as they correlate
    by 0.99 or more. `verdict`: "matters" if shuffling costs (false discovery rate 5%) or
    half-samples agree; "repeats"; "adds nothing" if it tells something, but only alone; or
    "no sign".
    """

    column: str
    p_value: float
    information: float
    trees: float
    l1: int
    rfe: int
    stable: float
    loss: float | None
    low: float | None
    high: float | None
    repeats: str | None
    verdict: str


@dataclass(frozen=True)
class Chosen:
    """Verdicts on every column, those that matter most first; and how they were come by."""

    columns: tuple[ColumnVerdict, ...]
    target: str
    task: str
    rows: int
    of_rows: int
    model: str
    base: float
    stable: Stable

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of the columns that matter."""
        return tuple(c.column for c in self.columns if c.verdict == "matters")

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        s = self.stable
        return {
            "target": self.target, "task": self.task, "rows": self.rows, "of_rows": self.of_rows,
            "model": self.model, "loss": self.base, "kept": list(self.kept),
            "stability": {"picks": s.picks, "cutoff": s.cutoff, "pairs": s.rounds,
                          "wrong_at_most": s.worst, "wrong_expected_below": s.expected},
            "columns": [asdict(column) for column in self.columns],
        }


def choose(
    dataset: Dataset, task: Task, *, model: Model | None = None, folds: int = 5,
    rounds: int = ROUNDS, jobs: int = 1, seed: int = 0,
) -> Chosen:
    """Judge every column of a dataset by its target; 50,000 rows at most are looked at.

    `model`, whose loss is measured with columns shuffled, is the default set's boosting if None
    (of 50 trees where there are more than 200 columns).
    Raises DataError where there is nothing to choose from.
    """
    whole = len(dataset)
    if whole > MOST_ROWS:
        drawn = generator(seed, "choose").choice(whole, MOST_ROWS, replace=False)
        dataset = dataset.take(np.sort(drawn))
    name = str(dataset.schema.target)
    codec = task.codec(name, dataset.target_values())
    y = dataset.target(codec)
    columns = list(dataset.schema.features)
    if not columns:
        raise DataError("select needs at least one column beside the target; got none.")
    model = model or _boosting(task, len(y), len(columns))
    tables = _tables(dataset, y, columns, seed)
    stable = _stable(dataset, y, columns, rounds, seed)
    problem = Problem(dataset, task, y, len(getattr(codec, "classes", ())),
                      _plan(dataset, task, y, folds, seed), dataset.telling_weights(), jobs, seed,
                      changes={})
    first = sorted(columns, key=lambda c: -tables["trees"][columns.index(c)])[:_MOST_SHUFFLED]
    emit("select_step", step="shuffling")
    losses = permutation(problem, model, first, repeats=3 if len(first) <= _FEW else 1)
    found = _verdicts(columns, tables, stable, losses)
    return Chosen(found, name, task.name, len(y), whole, model.name, losses.base, stable)


def _boosting(task: Task, rows: int, columns: int) -> Model:
    """The default set's boosting; of fewer trees where they would take minutes to grow."""
    found = portfolio.default(task, rows, columns).models[2]
    return found.replace(n_estimators=_FEW_TREES) if columns > _MANY_COLUMNS else found


def _plan(dataset: Dataset, task: Task, y: np.ndarray, folds: int, seed: int) -> splits.Plan:
    if dataset.time_order() is not None:
        return splits.time_ordered(dataset, folds=folds)
    return splits.kfold(dataset, y, folds=folds, repeats=1, seed=seed, stratify=task.stratified)


def _encoded(dataset: Dataset, y: np.ndarray, encoding: Encoding, seed: int) -> tuple[Seen, Any]:
    encoder = Encoder(encoding, seed=derive(seed, "encoder")).fit(dataset)
    return Seen(encoder.transform(dataset), y, encoder.categorical, seed), encoder


def _by_column(
    values: np.ndarray, sources: Sequence[str], columns: list[str], least: float
) -> np.ndarray:
    """The largest value of each column's features; `least` for one without any."""
    place = {column: at for at, column in enumerate(columns)}
    found = np.full(len(columns), least)
    np.maximum.at(found, [place[source] for source in sources], values)
    return found


def _tables(
    dataset: Dataset, y: np.ndarray, columns: list[str], seed: int
) -> dict[str, np.ndarray]:
    """Scores (columns,) by method; "twin" holds the index of the column that stands in."""
    emit("select_step", step="one column at a time")
    seen, encoder = _encoded(dataset, y, for_trees(indicator=True, rare=0.001), seed)
    sources = encoder.sources
    tests = univariate.f(seen)
    assert tests.p_values is not None
    each = np.array([sources.count(source) for source in sources])
    alone = _by_column(-np.minimum(tests.p_values * each, 1.0), sources, columns, -1.0)
    told = univariate.mutual_info(seen)
    found = {
        "p_value": -alone,
        "information": _by_column(told.values, sources, columns, 0.0).clip(min=0),
        "trees": _by_column(trees.tree(seen, keep=1).values, sources, columns, 0.0),
        "twin": _repeats(redundant.correlation(seen, _ALIKE).stands, sources, columns),
    }
    emit("select_step", step="columns together")
    seen, encoder = _encoded(dataset, y, for_linear(text="svd", rare=0.01), seed)
    for name, method in (("l1", linear.l1), ("rfe", linear.rfe)):
        values = _by_column(method(seen).values, encoder.sources, columns, -np.inf)
        found[name] = np.argsort(np.argsort(-values, kind="stable"), kind="stable") + 1
    return found


def _repeats(
    stands: np.ndarray | None, sources: Sequence[str], columns: list[str]
) -> np.ndarray:
    """For each column the index of the one that stands for its first feature; itself if none."""
    assert stands is not None
    found = np.arange(len(columns))
    place = {column: at for at, column in enumerate(columns)}
    for at in reversed(range(len(sources))):
        found[place[sources[at]]] = place[sources[stands[at]]]
    return found


def _stable(
    dataset: Dataset, y: np.ndarray, columns: list[str], rounds: int, seed: int
) -> Stable:
    emit("select_step", step="half-samples")
    seen, encoder = _encoded(dataset, y, for_linear(text="svd", rare=0.01), seed)
    place = {column: at for at, column in enumerate(columns)}
    return stability(seen, np.array([place[source] for source in encoder.sources]),
                     rounds=rounds)


def _verdicts(
    columns: list[str], tables: dict[str, np.ndarray], stable: Stable, losses: Losses
) -> tuple[ColumnVerdict, ...]:
    place = {column: at for at, column in enumerate(losses.columns)}
    costs = discoveries(losses.p_value)
    agreed = stable.stable if stable.expected <= WRONG else np.zeros_like(stable.stable)
    agreed = np.append(agreed, np.zeros(len(columns), dtype=bool))
    alone = discoveries(tables["p_value"])
    frequency = np.append(stable.frequency, np.zeros(len(columns)))[:len(columns)]
    found = []
    for at, column in enumerate(columns):
        here = place.get(column)
        other = int(tables["twin"][at])
        matters = bool(agreed[at]) or (here is not None and bool(costs[here]))
        verdict = ("repeats" if other != at else "matters" if matters
                   else "adds nothing" if alone[at] else "no sign")
        loss, low, high = (None if here is None else float(ends[here])
                           for ends in (losses.value, losses.low, losses.high))
        found.append(ColumnVerdict(
            column, float(tables["p_value"][at]), float(tables["information"][at]),
            float(tables["trees"][at]), int(tables["l1"][at]), int(tables["rfe"][at]),
            float(frequency[at]), loss, low, high,
            columns[other] if other != at else None, verdict))
    order = ("matters", "repeats", "adds nothing", "no sign")
    return tuple(sorted(found, key=lambda c: (order.index(c.verdict), -(c.loss or 0.0),
                                              -c.stable, -c.information)))
