"""`wf.adopt`: a fitted estimator from elsewhere becomes a Result, without refitting."""

from __future__ import annotations

from typing import Any

from wholefit import data, evaluation
from wholefit.api import _record
from wholefit.api.fitting import choose_task
from wholefit.api.result import Result


def adopt(
    estimator: Any, source: Any, target: str, *, task: str | None = None, roles: Any = None,
    **reading: Any,
) -> Result:
    """Bring in any fitted scikit-learn-style estimator, scored on the rows of `source`.

    `source` holds the estimator's columns, as it takes them, and the target. The scores are
    honest only if the estimator has not seen these rows: give held-out rows. It can be
    evaluated, compared and reported; saved where it is one of scikit-learn's models, or a pipeline
    of its steps, that the catalog can read and that answers these rows as it does once read
    (StateError otherwise).
    """
    from wholefit.training import adopt as adopting

    dataset = data.load(source, target=target, roles=roles, **reading)
    chosen, said = choose_task(dataset, target, task)
    fitted = adopting.adopt(estimator, dataset, chosen)
    truth = dataset.target(fitted.codec)
    answer = fitted.answer(dataset)
    scores = evaluation.score(
        chosen.name, truth, answer, positive=getattr(fitted.codec, "positive", 1))
    pictured = _record.shown(chosen, truth, answer, fitted.codec)
    facts = _record.of_adopted(
        type(estimator).__name__, chosen, scores, said, dataset, pictured)
    return Result(fitted, facts)


