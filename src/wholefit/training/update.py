"""Update: teach a fitted model more rows, where its family can learn on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit import evaluation, models
from wholefit.base.errors import DataError, StateError
from wholefit.data.dataset import Dataset
from wholefit.evaluation import Score
from wholefit.models._kernels.compressed import KIND as COMPRESSED
from wholefit.models._shifted import KIND as SHIFTED
from wholefit.training._lineage import data_hash
from wholefit.training.fitted import Fitted


@dataclass(frozen=True)
class Updated:
    """The updated model, its score on the new rows before learning them, and its lineage."""

    fitted: Fitted
    scores: dict[str, Score]
    seconds: float
    lineage: dict[str, Any]


def update(
    fitted: Fitted, named: dict[str, Any], dataset: Dataset, before: dict[str, Any]
) -> Updated:
    """Answer the new rows, score the answers, then learn the rows (test, then train).

    The encoder stays as it was fitted: it is the meaning of the features the model knows.
    """
    able = [name for name in models.names(fitted.task.name) if models.get(name).incremental]
    if fitted.state().kind == "blend":
        raise StateError("an ensemble of a search cannot learn on: its members were fitted on "
                         f"folds; fit anew on all rows, or fit one of {', '.join(able)}, which "
                         "can.")
    model = models.get(named["name"]).from_dict(named["params"])
    if not model.incremental:
        raise StateError(
            f"{model.name} cannot learn on from where it is; fit anew on all rows, or fit one "
            f"of {', '.join(able)}, which can."
        )
    if fitted.state().kind == COMPRESSED:
        raise StateError(f"{model.name} was compressed, and what was taken away is not there to "
                         "learn with; update the model as it was, and compress it anew.")
    if fitted.state().kind == SHIFTED:
        raise StateError(f"{model.name} was fitted on balanced rows, and cannot learn more of them "
                         "as they come; fit anew on all rows.")
    y = dataset.target(fitted.codec)
    if y.dtype.kind == "i" and (y < 0).any():
        raise DataError("the new rows hold classes the model was not fitted with; fit anew.")
    scores = _scores(fitted, dataset, y)
    start = time.perf_counter()
    taught = fitted.taught(dataset)
    X = fitted.encoder.transform(fitted.cleaned(dataset), taught)
    context = fitted.context_for(X)
    estimator = model.restore(fitted.state(), fitted.task, context)
    estimator.partial_fit(X, y if taught is None else y[taught])
    learnt = Fitted(fitted.task, fitted.schema, fitted.codec, fitted.encoder,
                    model=model, estimator=estimator, context=context)
    learnt.decision, learnt.replay = fitted.decision, fitted.replay
    lineage = {**before, "rows": before["rows"] + len(dataset), "source": dataset.source,
               "data_hash": data_hash(dataset, y),
               "parents": [*before["parents"], before["data_hash"]]}
    return Updated(learnt, scores, time.perf_counter() - start, lineage)


def _scores(fitted: Fitted, dataset: Dataset, y: np.ndarray) -> dict[str, Score]:
    """Scores of the answers as the model decides them, the cost too where costs were stated."""
    answer = fitted.answer(dataset)
    costs = None if fitted.decision is None else fitted.decision.stated()
    wanted: list[Any] = list(fitted.task.metrics)
    if costs is not None:
        wanted.append(evaluation.metrics.expected_cost(costs))
    return evaluation.score(
        fitted.task.name, y, answer, metrics=wanted,
        positive=getattr(fitted.codec, "positive", 1), weights=dataset.weights(),
        predicted=fitted.codes(answer, dataset))
