"""One cell of the study: a configuration cross-validated on a table, on one thread.

Kept of each row is what its loss needs: the probability given to its class, or the number
answered; and the processor's seconds, which, unlike the clock's, hardly hang on what else runs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.portfolio._tables import Table, read
from wholefit.base import seeds, tasks
from wholefit.data import loading, splits
from wholefit.features.encoder import Encoder
from wholefit.models import Context, Model

FOLDS = 3
SEED = 0
# A fold that would take longer than this is not begun: in a minute it has no place.
MOST_SECONDS = 15.0


@dataclass
class Cell:
    """Answers (rows,), processor seconds of all folds, rounds each fold was cut to; or `dear`."""

    answer: np.ndarray
    seconds: float
    rounds: tuple[int, ...] = ()
    dear: bool = False

    def save(self, path: Path) -> None:
        """Whole or not at all."""
        part = path.with_name(path.name + ".part.npz")
        np.savez_compressed(part, answer=self.answer.astype(np.float32), seconds=self.seconds,
                            rounds=np.array(self.rounds), dear=self.dear)
        part.rename(path)

    @classmethod
    def load(cls, path: Path) -> Cell:
        """As saved."""
        with np.load(path, allow_pickle=False) as kept:
            return cls(kept["answer"].astype(np.float64), float(kept["seconds"]),
                       tuple(int(r) for r in kept["rounds"]), bool(kept["dear"]))


class Prepared:
    """A table ready for cells: its dataset, target and folds."""

    def __init__(self, table: Table) -> None:
        frame, target = read(table)
        self.task = tasks.get(table.task)
        self.dataset = loading.dataset_of(frame, target=target, task=table.task)
        codec = self.task.codec(target, self.dataset.target_values())
        self.y = self.dataset.target(codec)
        self.classes = len(getattr(codec, "classes", ()))
        plan = splits.kfold(self.dataset, self.y, folds=FOLDS, seed=SEED,
                            stratify=self.task.stratified)
        self.folds = plan.folds
        self.fold = np.zeros(len(self.y), dtype=np.int8)
        for number, (_, test) in enumerate(self.folds):
            self.fold[test] = number
        self.columns = len(self.dataset.schema.features)

    def cell(self, model: Model) -> Cell:
        """Cross-validate; rounds that answer a fold are read from the other folds' curves."""
        made = []
        begun = time.process_time()
        for number, (train, test) in enumerate(self.folds):
            made.append(self._fit(model, number, train, test))
        rounds = _rounds([fit[0] for fit in made]) if model.watches else []
        answer = np.zeros(len(self.y))
        for number, (estimator, X, context) in enumerate(made):
            test = self.folds[number][1]
            if rounds:
                estimator.cut(rounds[number])
            said = model.answer(estimator, X, self.task, context)
            answer[test] = said[np.arange(len(test)), self.y[test]] if self.classes else said
        return Cell(answer, time.process_time() - begun, tuple(rounds))

    def _fit(
        self, model: Model, number: int, train: np.ndarray, test: np.ndarray
    ) -> tuple[Any, Any, Context]:
        encoder = Encoder(model.encoding(self.task), seed=seeds.derive(SEED, "encoder"))
        encoder.fit(self.dataset, train, self.y[train])
        X, held = encoder.transform_training(self.dataset, train), encoder.transform(
            self.dataset, test)
        context = Context(
            rows=X.shape[0], features=X.shape[1], categorical=encoder.categorical,
            n_classes=self.classes, seed=seeds.derive(SEED, "model", model.name),
            spans=encoder.spans)
        estimator = model.build(self.task, context)
        watch = {"watch": (held, self.y[test], None)} if model.watches else {}
        with threadpool_limits(1):
            estimator.fit(X, self.y[train], **watch)
        return estimator, held, context


def _rounds(estimators: list[Any]) -> list[int]:
    """For each fold the round of least mean loss of the other folds' curves."""
    curves = [np.asarray(estimator.curve_) for estimator in estimators]
    if not all(len(curve) for curve in curves):
        return []
    found = []
    for number in range(len(curves)):
        others = [curve for place, curve in enumerate(curves) if place != number]
        common = min(map(len, others))
        best = int(np.argmin(np.mean([curve[:common] for curve in others], axis=0))) + 1
        found.append(min(best, len(curves[number])))
    return found


def dummy(prepared: Prepared) -> np.ndarray:
    """What the baseline answers: the other folds' shares, or their mean."""
    answer = np.zeros(len(prepared.y))
    for train, test in prepared.folds:
        if prepared.classes:
            counts = np.bincount(prepared.y[train], minlength=prepared.classes) + 0.5
            answer[test] = (counts / counts.sum())[prepared.y[test]]
        else:
            answer[test] = prepared.y[train].mean()
    return answer
