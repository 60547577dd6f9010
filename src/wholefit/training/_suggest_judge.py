"""What a feature adds to a model, on rows that the model had not seen.

A model's own matrix is made once a fold; a feature under judgement is encoded beside it, as the
model's family wants its numbers, learnt on the same training rows. So a trial costs a fit of
the model, and the two answers that are compared differ by the feature alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wholefit import evaluation, models
from wholefit.base import optional, seeds
from wholefit.base.errors import DataError
from wholefit.base.optional import available
from wholefit.base.tasks import Codec, Task
from wholefit.data.dataset import Dataset
from wholefit.data.splits import Plan
from wholefit.evaluation import Difference
from wholefit.features.custom import Custom
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding
from wholefit.models import Model
from wholefit.models._model import Context

LINEAR, TREE = "linear", "tree"
_RAW = Encoding(impute="none", indicator=False, categories="drop", text="drop", dates=False,
                dense=True)
_CACHED = 300_000_000


def judges(task: Task, n_classes: int = 0) -> dict[str, Model]:
    """The two models that features are judged by: one that adds columns, one that splits them.

    Boosting grows a tree a class: of many classes it is given fewer rounds.
    """
    rounds = 80 if n_classes < 3 else max(10, 240 // n_classes)
    linear = "logistic" if task.name == "classification" else "ridge"
    tree = "lightgbm" if available("lightgbm") else "hist_gradient_boosting"
    trees = models.make(f"{tree}(n_estimators={rounds}, learning_rate=0.1, max_leaf_nodes=15)")
    return {LINEAR: models.make(linear), TREE: trees}


@dataclass
class Bench:
    """Rows, target and models; `metric` compares. Matrices are kept while they are small."""

    dataset: Dataset
    task: Task
    codec: Codec
    y: np.ndarray
    metric: Any
    weights: np.ndarray | None
    jobs: int
    seed: int
    models: dict[str, Model]
    seconds: dict[str, float] = field(default_factory=dict)
    _kept: dict[Any, Any] = field(default_factory=dict)
    _held: int = 0

    def __post_init__(self) -> None:
        optional.wake("sklearn", without="pandas")
        self.n_classes = len(getattr(self.codec, "classes", ()))

    def answers(self, name: str, steps: Sequence[Custom], plan: Plan) -> np.ndarray:
        """Out-of-fold answers of a model with these features, NaN in rows of no test fold."""
        shape = (len(self.y), self.n_classes) if self.n_classes else (len(self.y),)
        found = np.full(shape, np.nan)
        for at, (train, test) in enumerate(plan.folds):
            found[test] = self.answer(name, steps, ("fold", at), train, test)
        return found

    def ignoring(self, plan: Plan) -> np.ndarray:
        """Out-of-fold answers of the baseline, which looks at no column."""
        shape = (len(self.y), self.n_classes) if self.n_classes else (len(self.y),)
        found = np.full(shape, np.nan)
        for train, test in plan.folds:
            weights = None if self.weights is None else self.weights[train]
            if self.n_classes:
                counts = np.bincount(self.y[train], weights, minlength=self.n_classes) + 1e-9
                found[test] = counts / counts.sum()
            else:
                found[test] = np.average(self.y[train], weights=weights)
        return found

    def answer(
        self, name: str, steps: Sequence[Custom], key: Any, train: np.ndarray, test: np.ndarray
    ) -> np.ndarray:
        """Answers to the test rows after learning from the training rows."""
        start = time.perf_counter()
        model = self.models[name]
        parts = [self._base(name, key, train, test)]
        parts += [self._beside(name, step, key, train, test) for step in steps]
        X, X_test = (_joined([part[side] for part in parts]) for side in (0, 1))
        context = Context(rows=X.shape[0], features=X.shape[1], categorical=parts[0][2],
                          n_classes=self.n_classes, jobs=self.jobs,
                          seed=seeds.derive(self.seed, "model", model.name))
        estimator = model.build(self.task, context)
        options = {}
        if self.weights is not None and model.weighted:
            options["sample_weight"] = self.weights[train]
        estimator.fit(X, self.y[train], **options)
        made = model.answer(estimator, X_test, self.task, context)
        spent = time.perf_counter() - start
        self.seconds[name] = 0.6 * self.seconds.get(name, spent) + 0.4 * spent
        return made

    def gain(
        self, before: np.ndarray, after: np.ndarray, rows: np.ndarray, units: np.ndarray | None
    ) -> Difference:
        """The paired difference after - before on these rows."""
        return evaluation.compare(
            self.task.name, self.metric, self.y[rows], after[rows], before[rows],
            positive=getattr(self.codec, "positive", 1),
            weights=None if self.weights is None else self.weights[rows],
            units=units, seed=self.seed)

    def score(
        self, answer: np.ndarray, rows: np.ndarray, units: np.ndarray | None
    ) -> evaluation.Score:
        """The metric of an answer on these rows, with its interval."""
        return evaluation.score(
            self.task.name, self.y[rows], answer[rows], metrics=[self.metric],
            positive=getattr(self.codec, "positive", 1), units=units, seed=self.seed,
            weights=None if self.weights is None else self.weights[rows])[self.metric.name]

    def residuals(self, answer: np.ndarray) -> np.ndarray:
        """What an answer leaves unexplained (n, outputs), NaN in rows of no test fold."""
        if not self.n_classes:
            return (self.y - answer)[:, None]
        truth = (self.y[:, None] == np.arange(self.n_classes)).astype(np.float64)
        left = truth - answer
        return left[:, 1:] if self.n_classes == 2 else left

    def columns(self, step: Custom, rows: np.ndarray) -> np.ndarray:
        """The feature's own columns (rows, made), as learnt on these rows, NaN where missing."""
        encoder = Encoder(_RAW, [replace(step, keep=False)])
        return encoder.fit_transform(self._only(step), rows, self.y[rows])

    def parents(self, step: Custom, rows: np.ndarray) -> np.ndarray:
        """The numeric columns that the feature is made of (rows, columns)."""
        names = [n for n in step.columns or () if self.dataset.schema.role(n) == "numeric"]
        return np.stack([self.dataset.numeric(n)[rows] for n in names], axis=1) if names else \
            np.empty((len(rows), 0))

    def _only(self, step: Custom) -> Dataset:
        """The dataset with nothing to learn from but the columns of a feature."""
        schema = self.dataset.schema
        others = {n: "ignored" for n in schema.features if n not in (step.columns or ())}
        return self.dataset.with_schema(schema.with_role(others))

    def _base(self, name: str, key: Any, train: np.ndarray, test: np.ndarray) -> Any:
        return self._cached(("base", name, key), lambda: self._encoded(
            Encoder(self.models[name].encoding(self.task),
                    seed=seeds.derive(self.seed, "encoder")), self.dataset, train, test))

    def _beside(
        self, name: str, step: Custom, key: Any, train: np.ndarray, test: np.ndarray
    ) -> Any:
        encoding = self.models[name].encoding(self.task).replace(dense=True)
        return self._cached(("step", step.name, name, key), lambda: self._encoded(
            Encoder(encoding, [replace(step, keep=False)]), self._only(step), train, test))

    def _encoded(
        self, encoder: Encoder, dataset: Dataset, train: np.ndarray, test: np.ndarray
    ) -> Any:
        X = encoder.fit_transform(dataset, train, self.y[train])
        return X, encoder.transform(dataset, test), encoder.categorical

    def _cached(self, key: Any, make: Any) -> Any:
        if key in self._kept:
            return self._kept[key]
        made = make()
        size = _size(made)
        if self._held + size <= _CACHED:
            self._kept[key] = made
            self._held += size
        return made

    def forget(self, step: Custom) -> None:
        """Let go of a feature's columns: it was judged, and not taken."""
        for key in [key for key in self._kept if key[:2] == ("step", step.name)]:
            self._held -= _size(self._kept.pop(key))

    def forget_rows(self) -> None:
        """Let go of everything that was made for other rows."""
        self._kept.clear()
        self._held = 0

    def clear(self) -> None:
        """Let go of that, and of the pace that other rows had."""
        self.forget_rows()
        self.seconds.clear()


def screened(bench: Bench, step: Custom, left: dict[str, np.ndarray], rows: np.ndarray) -> float:
    """A p-value at a glance: whether a feature goes with what the models leave unexplained.

    For the linear model by correlation of what the feature says beyond its own columns; for the
    trees by the spread of the residual over slices of the feature. No model is fitted.
    """
    try:
        columns = bench.columns(step, rows)
    except DataError:
        return 1.0
    parents = bench.parents(step, rows)
    found = [1.0]
    for column in columns.T:
        known = np.isfinite(column)
        if known.sum() < 20 or np.ptp(column[known]) == 0:
            continue
        beyond = _beyond(column[known], parents[known])
        found += [_correlated(beyond, r[known]) for r in left[LINEAR].T]
        if TREE in left:
            found += [_sliced(column[known], r[known]) for r in left[TREE].T]
    return min(1.0, min(found) * max(1, columns.shape[1]))


def _beyond(column: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """A column without what a line through its parents says of it."""
    if not parents.shape[1]:
        return column
    filled = np.where(np.isfinite(parents), parents, 0.0)
    scale = np.abs(filled).max(axis=0)
    design = np.column_stack([np.ones(len(column)), filled / np.where(scale > 0, scale, 1)])
    return column - design @ np.linalg.lstsq(design, column, rcond=None)[0]


def _correlated(column: np.ndarray, residual: np.ndarray) -> float:
    from scipy.special import stdtr

    with np.errstate(all="ignore"):
        r = float(np.corrcoef(column, residual)[0, 1])
    if not np.isfinite(r):
        return 1.0
    degrees = len(column) - 2
    t = abs(r) * np.sqrt(degrees / max(1 - r * r, 1e-12))
    return 2 * float(stdtr(degrees, -t))


def _sliced(column: np.ndarray, residual: np.ndarray) -> float:
    """One-way analysis of variance of the residual over twelve slices of the column."""
    from scipy.special import fdtrc

    cuts = np.unique(np.quantile(column, np.arange(1, 12) / 12))
    slices = np.searchsorted(cuts, column, side="left")
    count = np.bincount(slices).astype(np.float64)
    groups = int((count > 0).sum())
    if groups < 2 or len(column) <= groups:
        return 1.0
    means = np.bincount(slices, weights=residual) / np.maximum(count, 1)
    between = float((count * (means - residual.mean())**2).sum())
    within = float(((residual - means[slices])**2).sum())
    if within <= 0:
        return 1.0
    degrees = len(column) - groups
    return float(fdtrc(groups - 1, degrees, between / (groups - 1) / (within / degrees)))


def _size(made: Any) -> int:
    return sum(part.data.nbytes for part in made[:2])


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if any(hasattr(part, "tocsr") for part in parts):
        from scipy.sparse import csr_matrix, hstack

        return hstack([csr_matrix(part) for part in parts], format="csr")
    return np.concatenate(parts, axis=1)
