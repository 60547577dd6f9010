"""Does the model answer as before, and is it as sure?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from wholefit.base.wording import percent
from wholefit.data.schema import Column
from wholefit.data.validate import sketch as sketching
from wholefit.data.validate._chance import chance
from wholefit.evaluation import drift as drifting
from wholefit.evaluation import two_sample
from wholefit.evaluation.intervals import student, wilsons
from wholefit.monitoring.case import Case, Side
from wholefit.monitoring.inputs import of_shift
from wholefit.monitoring.record import Check

# Columns of an answer that are compared, at most; of a supervised task, its prediction is.
_MOST = 20
_NUMBERS = 20
_LEAST_SHARE = 0.02


def checks(case: Case, new: Side) -> Iterator[Check]:
    """Predictions, confidences, and the share of answers low in confidence."""
    old = case.answered
    if old is None:
        return
    names = ["prediction"] if case.reader is not None else [*new.said][:_MOST]
    for name in names:
        if name in old.said and name in new.said:
            yield from _said(case, name, new.said[name], old.said[name])
    if old.sure is None or new.sure is None:
        return
    before, after = (side[np.isfinite(side)] for side in (old.sure, new.sure))
    if len(before) >= case.options.least and len(after) >= case.options.least:
        yield _sure(case, before, after)
        yield _unsure(case, before, after)


def _said(case: Case, name: str, new: pl.Series, old: pl.Series) -> Iterator[Check]:
    number = old.dtype.is_numeric() and new.dtype.is_numeric() and not case.subject.classes \
        and old.n_unique() > _NUMBERS
    column = Column(name, "numeric" if number else "categorical", "Float64" if number else "String",
                    "an answer", distinct=old.n_unique())
    if sketching.kind_of(column) == "category":
        new, old = (each.cast(pl.String, strict=False) for each in (new, old))
    for shift in drifting._compared(column, new.alias("column"), old.alias("column"),
                                    case.options.seed):
        if shift.verdict != "not judged":
            yield of_shift(shift, "prediction", case.options.threshold,
                           f"{name} (missing)" if shift.kind == "missing" else name)


def _sure(case: Case, before: np.ndarray, after: np.ndarray) -> Check:
    test = two_sample.ks(before, after)
    old, new = float(np.mean(before)), float(np.mean(after))
    return Check("confidence", "all answers",
                 f"mean {old:.3f} -> {new:.3f}, distance {test.statistic:.3f} ({test.how})",
                 value=new, before=old, distance=test.statistic, p=test.p,
                 matters=test.statistic >= case.options.threshold)


def _unsure(case: Case, before: np.ndarray, after: np.ndarray) -> Check:
    """Only more of them is an alarm."""
    edge = case.options.unsure
    old, new = float((before < edge).mean()), float((after < edge).mean())
    p = chance(int((after < edge).sum()), len(after), int((before < edge).sum()), len(before))
    low, high = wilsons(new, len(after), student(0.95, math.inf))
    return Check("unsure", f"below {edge:g}",
                 f"{percent(old)} -> {percent(new)} of answers are less sure than {edge:g}",
                 value=new, low=float(low), high=float(high), before=old,
                 distance=max(new - old, 0.0), p=p,
                 matters=new - old >= max(_LEAST_SHARE, case.options.threshold / 2))
