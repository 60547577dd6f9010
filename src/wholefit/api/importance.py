"""`result.importance(held_out)`: what each column is worth, with an interval and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit.api import _answers
from wholefit.api._shown import Paged, as_kind
from wholefit.api.effects import split
from wholefit.base.errors import unknown
from wholefit.evaluation import metrics
from wholefit.evaluation.slices import parted
from wholefit.explain import importance as _importance
from wholefit.explain.pool import Pool

if TYPE_CHECKING:
    from wholefit.api.understanding import Understood
    from wholefit.data import Dataset

_OWN = ("metric", "repeats", "together", "alike_from", "within", "level", "most", "seed", "columns")


class Importance(_importance.Importance, Paged):
    """What columns are worth; see `wholefit.explain.importance` for how. Shows itself."""

    _topic = "importance"


def importance(result: Understood, held_out: Any, options: dict[str, Any]) -> Importance:
    """What each column is worth on rows with a known target, not used for fitting.

    `options`: `metric`, a name or a function of (truth, prediction), the model's comparing one
    if left out; `repeats` (5) shuffles; `together`, groups of columns to shuffle together too,
    as lists or {name: list}, those that stand in for each other where it is "auto"
    (`alike_from` 0.7), None for none; `within`, columns: rows lend only to rows that are alike
    in them; `level` (0.95); `most` (10,000) rows asked; `seed`; `columns`, which ones (all).
    Others are policies and options of `wf.read`. Raises DataError where the score is undefined.
    """
    from wholefit.api.result import Result

    assert isinstance(result, Result)
    fitted = result._fitted
    own, rest = split(options, _OWN)
    metric = _metric(result, own.pop("metric", None))
    asked = _answers.dataset(fitted, held_out, rest, with_target=True)
    truth = asked.target(fitted.codec)
    _answers.refuse_unknown(fitted, asked, truth)
    within = own.pop("within", None)
    if within is not None:
        own["within"] = _strata(asked, [within] if isinstance(within, str) else list(within))
    found = _importance.importance(Pool(fitted, asked), truth, metric, **own)
    return as_kind(Importance, found)


def _metric(result: Any, metric: Any) -> Any:
    """The metric that is asked for, or the one the model was chosen by."""
    if metric is None and result._facts.metric in metrics.names(result.task):
        metric = result._facts.metric
    return _answers.main_metric(result._fitted, metric)


def _strata(asked: Dataset, names: Sequence[str]) -> np.ndarray:
    """Which rows are alike in these columns: equal levels, quartiles of numbers."""
    rows = asked.original
    for name in names:
        if name not in rows.columns:
            raise unknown("column", name, rows.columns)
    labels = [parted(rows.get_column(name).alias("column")).to_numpy() for name in names]
    codes = np.stack([np.unique(one.astype(str), return_inverse=True)[1] for one in labels], axis=1)
    return np.unique(codes, axis=0, return_inverse=True)[1].ravel()
