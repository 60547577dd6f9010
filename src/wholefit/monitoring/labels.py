"""Is it as good as it was, by the truths that came, on all rows and on parts of them?"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from wholefit.base.errors import WholefitError
from wholefit.evaluation import Score, metrics, score, two_sample
from wholefit.evaluation.metrics import Metric
from wholefit.evaluation.slices import MISSING, apart, parted
from wholefit.monitoring.case import Case, Reader, Side
from wholefit.monitoring.record import Check

# Metrics that need no probabilities.
_PLAIN = ("accuracy", "balanced_accuracy", "f1", "precision", "recall")
_LEAST_PART, _MOST_PARTS = 30, 50
_LEVEL = 0.95
_UNLIKE = 0.001


def checks(case: Case, new: Side) -> Iterator[Check]:
    """The main metric of a window beside that of the reference."""
    if case.reader is None or "prediction" not in new.said:
        return
    metric = main(case, new)
    now = scored(case, new, metric)
    before = usual(case, metric)
    if now is None:
        return
    if before is None or not math.isfinite(before.value):
        yield Check("score", metric.name, f"{now} of {now.n:,} truths", value=now.value,
                    low=now.low, high=now.high)
        return
    found = worse("score", metric.name, metric, now, before, case.options.loss)
    yield dataclasses.replace(found, said=found.said + _picked(case.reader, new))


def _picked(reader: Reader, new: Side) -> str:
    """Words for truths that came for some rows rather than others, by how sure the model was."""
    known = reader.known(new)
    if new.sure is None:
        return ""
    sides = [new.sure[mask & np.isfinite(new.sure)] for mask in (known, ~known)]
    if min(map(len, sides)) < _LEAST_PART or two_sample.ks(*sides).p >= _UNLIKE:
        return ""
    more = "surer" if sides[0].mean() > sides[1].mean() else "less sure"
    return f"; truths came for {more} answers than the others: it is the score of those"


def worse(
    kind: str, what: str, metric: Metric, now: Score, before: Score, loss: float
) -> Check:
    """Whether a score is worse than one of other rows; a better one is no alarm."""
    difference, _, _, p = apart(now, before, _LEVEL)
    lost = -metric.sign * difference
    p = p / 2 if lost > 0 else 1 - p / 2
    return Check(kind, what, f"{before} -> {now} of {now.n:,} truths", value=now.value,
                 low=now.low, high=now.high, before=before.value, distance=max(lost, 0.0), p=p,
                 matters=lost >= loss * max(abs(before.value), 1e-12))


def main(case: Case, new: Side) -> Metric:
    """The metric that is asked for, or the model's own; accuracy where the log lacks what it needs.

    Raises UnknownNameError for a misspelt one.
    """
    subject, reader = case.subject, case.reader
    assert reader is not None
    wanted = case.options.metric or (subject.score.metric if subject.score else None)
    found: Metric = metrics.chosen(subject.task, None if wanted is None else [wanted])[0]
    if subject.classes and found.name not in _PLAIN and not reader.answer(new)[1]:
        found = metrics.chosen(subject.task, ["accuracy"])[0]
    return found


def scored(case: Case, side: Side, metric: Metric) -> Score | None:
    """The metric of the rows with a truth; None where they are too few or it is undefined."""
    reader = case.reader
    assert reader is not None
    rows = np.flatnonzero(reader.known(side))
    if len(rows) < case.options.least:
        return None
    found = _score(reader, side.take(rows), metric)
    return found if found is not None and math.isfinite(found.value) else None


def usual(case: Case, metric: Metric) -> Score | None:
    """What the score was before: of the reference's truths, else when the model was fitted."""
    own = case.subject.score
    if case.given and (found := _before(case, metric)) is not None:
        return found
    if own is not None and own.metric == metric.name:
        return own
    return _before(case, metric)


def _before(case: Case, metric: Metric) -> Score | None:
    """The metric of the side that windows are compared with, made once."""
    if case.answered is None:
        return None
    if metric.name not in case.scores:
        case.scores[metric.name] = scored(case, case.answered, metric)
    return case.scores[metric.name]


def _score(reader: Reader, side: Side, metric: Metric) -> Score | None:
    assert side.truth is not None
    answer, _ = reader.answer(side)
    said = reader.codes(side.said["prediction"]) if reader.classes else None
    try:
        return score(reader.subject.task, reader.codes(side.truth), answer, metrics=metric,
                     positive=reader.subject.positive, predicted=said, level=_LEVEL)[metric.name]
    except WholefitError:
        return None


# ---- parts ------------------------------------------------------------------------------


def parts(case: Case, new: Side) -> Iterator[Check]:
    """Each part of the rows by the columns that are watched, beside the same part before."""
    old = case.answered
    if case.reader is None or old is None or old.frame is None or new.frame is None:
        return
    if "prediction" not in old.said or "prediction" not in new.said:
        return
    metric = main(case, new)
    for name in case.options.by:
        for where, before, after in both(name, old, new):
            was, now = (_part(case.reader, side, rows, metric)
                        for side, rows in ((old, before), (new, after)))
            if was is not None and now is not None:
                yield worse("slice", f"{name} = {where}", metric, now, was, case.options.loss)


def both(name: str, old: Side, new: Side) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each part by a column, with its rows before and now; numbers are cut at common quartiles."""
    if old.frame is None or new.frame is None:
        return
    if name not in old.frame.columns or name not in new.frame.columns:
        return
    first, second = old.frame.get_column(name), new.frame.get_column(name)
    if first.dtype != second.dtype:
        first, second = first.cast(pl.String), second.cast(pl.String)
    labels = parted(pl.concat([first.alias("x"), second.alias("x")])).to_numpy()
    before, after = labels[:old.rows], labels[old.rows:]
    for where in np.unique(before.astype(str))[:_MOST_PARTS]:
        if where != MISSING:
            yield str(where), np.flatnonzero(before == where), np.flatnonzero(after == where)


def _part(reader: Reader, side: Side, rows: np.ndarray, metric: Metric) -> Score | None:
    part = side.take(rows)
    known = np.flatnonzero(reader.known(part))
    if len(known) < _LEAST_PART:
        return None
    found = _score(reader, part.take(known), metric)
    return found if found is not None and math.isfinite(found.value) else None


# ---- groups of people -------------------------------------------------------------------


def fairness(case: Case, new: Side) -> Iterator[Check]:
    """How far each group's rate of the outcome is from the others', beside how far it was.

    Without truths, how often the outcome is predicted; with them, also how often it is predicted
    of those who have it.
    """
    old, reader = case.answered, case.reader
    if old is None or reader is None or not reader.classes:
        return
    for name in case.options.protected:
        for where, before, after in both(name, old, new):
            for word, condition in (("predicted", False), ("found", True)):
                gaps = [_gap(reader, side, rows, condition)
                        for side, rows in ((old, before), (new, after))]
                if gaps[0] is not None and gaps[1] is not None:
                    yield _moved(f"{name} = {where} ({word})", gaps[0], gaps[1], case)


def _moved(what: str, was: Score, now: Score, case: Case) -> Check:
    difference, low, high, p = apart(now, was, _LEVEL)
    return Check("fairness", what,
                 f"beside the others {was.value:+.3f} -> {now.value:+.3f}: changed by "
                 f"{difference:+.3f} [{low:+.3f}, {high:+.3f}]",
                 value=now.value, low=now.low, high=now.high, before=was.value,
                 distance=abs(difference), p=p,
                 matters=abs(difference) >= case.options.threshold
                 and abs(now.value) > abs(was.value))


def _gap(reader: Reader, side: Side, rows: np.ndarray, found: bool) -> Score | None:
    """The group's rate less that of all others, with its interval; None of too few rows."""
    if "prediction" not in side.said:
        return None
    positive = reader.subject.positive
    said = reader.codes(side.said["prediction"])
    usable = said >= 0
    if found:
        if side.truth is None:
            return None
        usable &= reader.codes(side.truth) == positive
    inside = np.zeros(side.rows, dtype=bool)
    inside[rows] = True
    rates = [_rate(said[mask & usable] == positive) for mask in (inside, ~inside)]
    if rates[0] is None or rates[1] is None:
        return None
    value, low, high, _ = apart(rates[0], rates[1], _LEVEL)
    return dataclasses.replace(rates[0], metric="gap", value=value, low=low, high=high)


def _rate(hits: np.ndarray) -> Score | None:
    from wholefit.evaluation.intervals import student, wilsons

    if len(hits) < _LEAST_PART:
        return None
    low, high = wilsons(hits.mean(), len(hits), student(_LEVEL, math.inf))
    return Score("rate", float(hits.mean()), float(low), float(high), _LEVEL, "Wilson", len(hits))
