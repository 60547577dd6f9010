"""A log judged: its windows, what each is compared with, every check, and the level of each.

All checks of a window share its level (Holm 1979), and windows share that of the whole as
`sequence` says; so the level is that of a false alarm of the whole watch, not of one of its tests.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import unknown
from wholefit.data.predictions import Counted
from wholefit.data.validate import Expectations
from wholefit.data.validate.sketch import Sketch
from wholefit.evaluation import two_sample
from wholefit.monitoring import answers, inputs, labels, latency, quality, whole
from wholefit.monitoring.case import Case, Reader, Side, Subject
from wholefit.monitoring.options import Options
from wholefit.monitoring.record import Check, Judged, Monitored
from wholefit.monitoring.sequence import Levels
from wholefit.monitoring.windows import Window, cut, of_hours

Counts = tuple[Sketch, list[tuple[int, Counted]]]


def watch(
    subject: Subject, logged: pl.DataFrame, options: Options | None = None, *,
    reference: Side | None = None, counts: Counts | None = None, log: str = "the log",
    since: float | None = None, now: float | None = None, rules: Expectations | None = None,
) -> Monitored:
    """Judge the windows of a log.

    `logged` is what `Log.read` gives of one version of a model, sorted by time, without shadows.
    `reference` are rows that the model should be asked about, with its answers, and truths where
    they are known; without, columns are compared with the sketch of the model file, and the rest
    with the first window. `counts` is what `Log.counted` gives, for rows that were not kept.
    Windows that ended before `since` are passed over; the last one, while more may come to it
    (before `now`, seconds since 1970), is not judged. `rules` are expectations of rows beside those
    that the model file has.
    """
    options = options or Options()
    _check_columns(logged, options)
    times = logged.get_column("time").dt.epoch("us").to_numpy() / 1e6
    now = math.inf if now is None else now
    kept = any(name.startswith("row.") for name in logged.columns)
    if kept or counts is None:
        cuts: list[tuple[Window, Counted | None]] = [
            (window, None) for window in cut(times, options.window, now)]
    else:
        cuts = _counted(times, counts, options, now)
    usable = [(window, more) for window, more in cuts
              if window.whole and window.rows >= options.least]
    sides = _Sides(logged)
    case = dataclasses.replace(_case(subject, options, reference, usable, sides), rules=rules)
    judged = _judged(case, usable, sides, since)
    return Monitored(
        subject.name, subject.version, subject.task, log, logged.height,
        _compared(case, reference), tuple(judged), options,
        tuple(_notes(case, cuts, usable, kept, judged)))


def _check_columns(logged: pl.DataFrame, options: Options) -> None:
    """UnknownNameError for a part's column that the log's rows lack, where there are rows."""
    there = [name.removeprefix("row.") for name in logged.columns if name.startswith("row.")]
    for name in (*options.by, *options.protected):
        if there and name not in there:
            raise unknown("column of the log's rows", name, there)


class _Sides:
    """Windows of the log as sides, made when they are asked for."""

    def __init__(self, logged: pl.DataFrame) -> None:
        self._logged = logged

    def of(self, window: Window, more: Counted | None) -> Side:
        return Side.of_log(self._logged[window.first:window.past], more)


def _counted(
    times: np.ndarray, counts: Counts, options: Options, now: float
) -> list[tuple[Window, Counted | None]]:
    """Windows of whole hours, with what was counted in them."""
    sketch, hours = counts
    found: list[tuple[Window, Counted | None]] = []
    for window in of_hours(np.array([hour for hour, _ in hours]),
                           np.array([each.rows for _, each in hours]), options.window, now):
        more = Counted.none(sketch)
        for _, each in hours[window.first:window.past]:
            more = more + each
        first, past = np.searchsorted(times, [window.start, window.end], side="left")
        found.append((dataclasses.replace(window, first=int(first), past=int(past)), more))
    return found


def _case(
    subject: Subject, options: Options, reference: Side | None,
    usable: Sequence[tuple[Window, Counted | None]], sides: _Sides,
) -> Case:
    first = sides.of(*usable[0]) if usable else None
    answered = reference if reference is not None else first
    rows = reference.frame if reference is not None else None
    if rows is None and subject.sketch is None and first is not None:
        rows = first.frame
    made = Case(subject, options, rows, answered, given=reference is not None)
    reader = Reader(subject) if subject.codec is not None else None
    return dataclasses.replace(made, reader=reader,
                               inputs=None if rows is None else made.within(rows))


def _judged(
    case: Case, usable: Sequence[tuple[Window, Counted | None]], sides: _Sides,
    since: float | None,
) -> list[Judged]:
    options = case.options
    first = sides.of(*usable[0]) if usable and case.given else case.answered
    start = max(0, len(usable) - options.last)
    if since is not None:
        start = max(start, sum(window.end < since for window, _ in usable))
    levels = Levels(options.control, options.level)
    levels.skip(start)
    reference = whole.Reference.of(case)
    found = []
    for at, (window, more) in enumerate(usable[start:], start):
        level = levels.next()
        new = sides.of(window, more)
        checks = settled(_checks(case, reference, new, level, first if at > 0 else None), level,
                         window.number)
        if any(check.verdict in ("alarm", "slight") and check.p_adjusted <= level
               for check in checks):
            levels.alarm()
        truths = 0 if case.reader is None else int(case.reader.known(new).sum())
        found.append(Judged(window, level, tuple(checks), truths))
    return found


def _checks(
    case: Case, reference: whole.Reference | None, new: Side, level: float, first: Side | None
) -> list[Check]:
    """Every check; the first window, for which `first` is None, is not compared with itself."""
    fresh = case.given or first is not None
    found = [*quality.checks(case, new, level / 2)]
    if fresh or case.inputs is None:
        found += inputs.checks(case, new)
    found += latency.checks(case, new, first)
    if fresh:
        found += [*answers.checks(case, new), *labels.checks(case, new),
                  *labels.parts(case, new), *labels.fairness(case, new),
                  *whole.checks(case, reference, new)]
    elif case.subject.score is not None:
        found += labels.checks(dataclasses.replace(case, answered=None), new)
    return found


def settled(checks: Sequence[Check], level: float, window: int) -> list[Check]:
    """The checks with p-values corrected for each other, and verdicts; the gravest first.

    Expectations on quality have half the level for themselves, and are corrected already.
    """
    # Twice the p-value at the level is the p-value at half of it.
    raw = [math.nan if check.kind == "quality" or check.verdict == "not judged" else 2 * check.p
           for check in checks]
    corrected = two_sample.adjusted(np.minimum(raw, 1.0).tolist(), "holm")
    found = [dataclasses.replace(check, window=window, **_verdict(check, float(p), level))
             for check, p in zip(checks, corrected, strict=True)]
    order = {"alarm": 0, "slight": 1, "none": 2, "not judged": 3}
    return sorted(found, key=lambda check: order[check.verdict])


def _verdict(check: Check, p: float, level: float) -> dict[str, Any]:
    if check.verdict == "not judged":
        return {}
    if check.kind == "quality":
        return {"p_adjusted": check.p, "verdict": "alarm" if check.matters else "slight"}
    certain = p <= level
    return {"p_adjusted": p,
            "verdict": ("alarm" if check.matters else "slight") if certain else "none"}


def _compared(case: Case, reference: Side | None) -> str:
    if reference is not None:
        return f"{reference.rows:,} reference rows"
    if case.inputs is None and case.subject.sketch is not None:
        return (f"the sketch of {case.subject.sketch.rows:,} training rows in the model file, and "
                "the first window for answers")
    return "the first window"


def _notes(
    case: Case, cuts: Sequence[Any], usable: Sequence[Any], kept: bool, judged: Sequence[Judged]
) -> list[str]:
    notes = []
    thin = sum(window.whole for window, _ in cuts) - len(usable)
    if thin:
        notes.append(f"{thin:,} windows of fewer than {case.options.least} rows are not judged.")
    if not usable:
        notes.append(f"no window is full yet: {case.options.window} are judged at once.")
    if not kept:
        counted = any(more is not None for _, more in usable)
        notes.append("the log keeps no rows: columns are compared by counts of whole hours; "
                     "quality, rows told apart, strange rows and parts are not judged."
                     if counted else "the log keeps no rows and no counts of them: only answers, "
                     "truths and times are judged.")
    elif not case.given:
        notes.append("without reference rows, strange rows, rows told apart and the estimated "
                     "score are judged beside the first window.")
    if case.subject.sketch is None and not case.given:
        notes.append("the model file carries no sketch of its training rows.")
    if case.reader is not None and judged and not any(each.labels for each in judged):
        notes.append("no truths have come: whether rows mean something else now cannot be known.")
    return notes
