"""`result.advice()`: what to do next, from the evidence at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.api import _answers
from wholefit.api._shown import as_kind
from wholefit.base.errors import DataError, ParameterError
from wholefit.data import Dataset
from wholefit.evaluation import metrics, score
from wholefit.evaluation.fairness import Audit
from wholefit.training import advice as advising
from wholefit.training.advice import Evidence
from wholefit.training.cures import Cures
from wholefit.training.curves import LearningCurve
from wholefit.training.record import Entry

_KINDS = {"cures": Cures, "curve": LearningCurve, "audit": Audit}
# Of more columns than these not all pairs are looked at.
_MOST_COLUMNS = 500


@dataclass(frozen=True)
class Advised(advising.Advised):
    """What the evidence advises; see `wholefit.training.advice.Advised` for what it holds."""

    def _repr_html_(self) -> str:
        from wholefit.report import advice as pages

        return pages.snippet(self)


def advice(result: Any, seen: Any, known: Sequence[Any], options: dict[str, Any]) -> Advised:
    """What to do next; see `wholefit.api.understanding.Understood.advice`."""
    found = advising.advise(evidence(result, seen, known, options))
    return as_kind(Advised, found)


def evidence(
    result: Any, seen: Any = None, known: Sequence[Any] = (),
    options: dict[str, Any] | None = None,
) -> Evidence:
    """The facts of a result, what rows it learnt from say, and records that are known."""
    facts, fitted = result._facts, result._fitted
    metric = facts.metric
    better, own, together = _better(fitted.task.name, metric, facts.entries), None, None
    if seen is not None:
        asked = _answers.dataset(fitted, seen, options or {}, with_target=True)
        own, together = _own(result, asked), _together(asked)
    shown = facts.exhibits()
    classes = tuple(map(str, getattr(fitted.codec, "classes", ())))
    told = shown.get("per_class") or []
    sources = getattr(fitted.encoder, "sources", None)
    return Evidence(
        task=fitted.task.name, target=str(fitted.schema.target), metric=metric, better=better,
        baseline=fitted.task.baseline, model=facts.chosen.model, params=facts.chosen.params,
        rows=int(facts.lineage.get("rows") or 0),
        features=len(fitted.schema.features) if sources is None else len(sources),
        schema=fitted.schema, entries=facts.entries, lineage=facts.lineage, split=facts.split,
        classes=classes, supports=tuple(int(each["support"]) for each in told),
        recalls=tuple((float(each["recall"][0]), float(each["recall"][1]),
                       float(each["recall"][2])) for each in told),
        decided=fitted.decision is not None, findings=facts.findings, own=own,
        together=together, **_records(known))


def _better(task: str, metric: str, entries: Sequence[Entry]) -> str:
    if metric in metrics.names(task):
        return "higher" if metrics.get(task, metric).sign > 0 else "lower"
    # A user's own function is not at hand in a loaded model; who is best says which way it goes.
    behind = [each.difference["value"] for each in entries
              if each.difference and each.difference.get("value")]
    return "lower" if behind and behind[0] > 0 else "higher"


def _records(known: Sequence[Any]) -> dict[str, Any]:
    """Each record by its kind; ParameterError for what no rule reads."""
    found: dict[str, Any] = {}
    for record in known:
        kind = next((name for name, each in _KINDS.items() if isinstance(record, each)), None)
        if kind is None:
            raise ParameterError(
                "known= takes what wf.cures, wf.learning_curve and result.audit give; got "
                f"{type(record).__name__}.")
        found[kind] = record
    return found


def _own(result: Any, asked: Dataset) -> Any:
    """The main metric on rows that were learnt from; None for a metric that is not at hand."""
    fitted, metric = result._fitted, result._facts.metric
    if metric not in fitted.task.metrics:
        return None
    if not len(asked):
        raise DataError("seen= must hold the rows that the model learnt from; it has none.")
    truth, answer = _answers.truth_and_answer(fitted, asked)
    return score(fitted.task.name, truth, answer, metrics=[metric], weights=asked.weights(),
                 positive=getattr(fitted.codec, "positive", 1),
                 predicted=fitted.codes(answer, asked))[metric]


def _together(asked: Dataset) -> tuple[str, str, float] | None:
    """The two numeric columns that correlate most."""
    names = [name for name in asked.schema.features
             if asked.schema.role(name) == "numeric"][:_MOST_COLUMNS]
    if len(names) < 2 or len(asked) < 3:
        return None
    table = np.column_stack([asked.numeric(name) for name in names])
    table = table[np.isfinite(table).all(axis=1)]
    if len(table) < 3:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.nan_to_num(np.corrcoef(table, rowvar=False))
    np.fill_diagonal(found, 0.0)
    a, b = np.unravel_index(int(np.abs(found).argmax()), found.shape)
    return names[min(a, b)], names[max(a, b)], float(found[a, b])
