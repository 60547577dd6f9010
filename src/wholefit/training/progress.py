"""Is more time likely to help: what the later half of a search's models added to the earlier.

Configurations are tried in the order of their expected gain, so that what the second half of
them added is mostly more than as many again will. How often a doubling helps after one that did,
and after one that did not, was counted on public tables (`benchmarks/more_budget.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.base.seeds import generator
from wholefit.training.ensembling import Pool, blend

# Of fewer models neither half tells anything; more rows, or numbers in all, tell no more of a gain
# worth having, and take time from the search.
_LEAST, _MOST_ROWS, _MOST_CELLS = 4, 20_000, 2_000_000


@dataclass(frozen=True)
class Progress:
    """What the later half of the models added to the ensemble of the earlier half.

    `models` were tried, `waiting` had no turn or were cut short. `gain` is how much better the
    ensemble of all is than that of the first `earlier`, in `metric` (log loss or RMSE, so that a
    gain is a fall), paired on rows that neither saw, with its 95 % interval (low, high).
    """

    models: int
    earlier: int
    waiting: int
    metric: str
    gain: float
    low: float
    high: float

    @property
    def grows(self) -> bool:
        """True if the later half gained beyond chance."""
        return self.low > 0

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Progress | None:
        """Back from `to_json`; None for what is not one."""
        try:
            counts = (int(stored[name]) for name in ("models", "earlier", "waiting"))
            numbers = (float(stored[name]) for name in ("gain", "low", "high"))
            models, earlier, waiting = counts
            return cls(models, earlier, waiting, str(stored["metric"]), *numbers)
        except (KeyError, TypeError, ValueError):
            return None


def progress(
    answers: Mapping[str, np.ndarray], order: Sequence[str], truth: np.ndarray,
    fold: np.ndarray, task: str, *, weights: np.ndarray | None = None, waiting: int = 0,
    most: int | None = None, seed: int = 0,
) -> Progress | None:
    """The progress of a search; None where too few models answered to tell.

    `answers` are out-of-fold, by label, of which `order` names those to count in the order in
    which they were tried (no baseline, no ensemble); rows, folds and weights are those of
    `ensembling.Pool`, which bounds an ensemble to `most` members.
    """
    order = [label for label in order if label in answers]
    rows = np.flatnonzero((fold >= 0) & np.all(
        [np.isfinite(answers[label].reshape(len(truth), -1)).all(axis=1) for label in order],
        axis=0)) if order else np.zeros(0, int)
    if len(order) < _LEAST or len(rows) < 2:
        return None
    each = len(order) * int(np.prod(answers[order[0]].shape[1:]))
    few = min(_MOST_ROWS, max(_MOST_CELLS // each, 1_000))
    if len(rows) > few:
        rows = np.sort(generator(seed, "progress").choice(rows, few, replace=False))
    heavy = None if weights is None else weights[rows]
    earlier = order[:len(order) // 2]
    first, whole = (_answer(answers, labels, truth, fold, heavy, rows, task, most, seed)
                    for labels in (earlier, order))
    metric = "log_loss" if task == "classification" else "rmse"
    found = evaluation.compare(task, metric, truth[rows], first, whole, weights=heavy)
    return Progress(len(order), len(earlier), waiting, metric, found.value, found.low, found.high)


def of_run(run: Any, *, skip: Sequence[str], most: int | None = None) -> Progress | None:
    """The progress of a finished run (`record.Run`), by its schedule; `skip` names what is no
    trial: the baseline and the ensemble.
    """
    tried = [turn for turn in run.lineage.get("schedule", ()) if turn["model"] not in skip]
    order = [str(turn["model"]) for turn in tried if turn.get("folds")]
    return progress(run.oof, order, run.truth, run.held.fold, run.task.name,
                    waiting=len(tried) - len(order), most=most,
                    seed=int(run.lineage.get("seed") or 0))


def _answer(
    answers: Mapping[str, np.ndarray], labels: Sequence[str], truth: np.ndarray,
    fold: np.ndarray, weights: np.ndarray | None, rows: np.ndarray, task: str, most: int | None,
    seed: int,
) -> np.ndarray:
    """What the ensemble of these models answers, cross-fitted."""
    pool = Pool({label: answers[label][rows] for label in labels}, truth[rows],
                fold[rows].astype(np.int16), weights, task, None)
    return blend(pool, most=most, seed=seed).answer
