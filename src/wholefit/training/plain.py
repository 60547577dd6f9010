"""One model fitted on all rows, without comparison: for checks, tools and lessons."""

from __future__ import annotations

import numpy as np

from wholefit.base.tasks import Task
from wholefit.data.dataset import Dataset
from wholefit.data.splits import Plan
from wholefit.models import Model
from wholefit.training._folds import Problem, fit_one
from wholefit.training.fitted import Fitted


def fit_plain(
    dataset: Dataset, task: Task, model: Model, *, rows: np.ndarray | None = None,
    seed: int = 0, jobs: int = 1,
) -> Fitted:
    """Fit `model` on `rows` of the dataset (all if None); no scores are made.

    The classes are those of the whole dataset, so rows may lack some of them.
    """
    target = dataset.schema.target
    assert target is not None
    codec = task.codec(target, dataset.target_values())
    problem = Problem(
        dataset, task, dataset.target(codec), len(getattr(codec, "classes", ())),
        Plan(folds=(), how="all rows", unit=task.unit, units=None), dataset.telling_weights(),
        jobs, seed, changes={},
    )
    made = fit_one(problem, model, rows, "all")
    return Fitted(task, dataset.schema, codec, made.encoder,
                  model=made.model, estimator=made.estimator, context=made.context)
