"""Alarms: which rows are unlike the others, how strange, and why.

    alarms = wf.fit("flows.csv", task="anomaly", alerts="20 per day", time="at")
    alarms.predict(new)          # anomaly, score, tail, why: one row a row
    alarms.with_alerts("5 per day")
    for batch in batches:
        print(stream.feed(batch))
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from wholefit.api._alarm_stream import Stream
from wholefit.api.found import FoundResult
from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.base.stored import reading
from wholefit.data import Dataset
from wholefit.data.write import give_back
from wholefit.evaluation import Score, intervals
from wholefit.training.anomaly import _alerts as alerts
from wholefit.training.anomaly import _labels as labels
from wholefit.training.anomaly import _told as told
from wholefit.training.anomaly._detect import lumps
from wholefit.training.anomaly._judge import Judge, Reason, Verdict
from wholefit.training.anomaly._threshold import Threshold, worth_in

_METRICS = ("roc_auc", "average_precision", "alert_rate", "precision", "recall")
_LEVEL = 0.95
_QUANTILE = 1.959964


@dataclass(frozen=True)
class Why:
    """One row's verdict and the columns it rests on, the weightiest first."""

    row: int
    anomaly: bool
    score: float
    tail: float
    reasons: tuple[Reason, ...]
    unit: str = "row"

    def __str__(self) -> str:
        said = "alarms" if self.anomaly else "does not alarm"
        strange = f"row {self.row + 1} {said}: {_tail_said(self.tail, self.unit)}"
        parts = (f"- {r.said} ({100 * r.share:.0f}% of it)" for r in self.reasons)
        return "\n".join([strange, *parts])


class Alarms(FoundResult):
    """Fitted detectors with a threshold that keeps an alert budget."""

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self._found.states)

    @cached_property
    def threshold(self) -> Threshold:
        """The score from which rows alarm, the alert rate to expect, and its interval."""
        with reading("the model file's threshold cannot be read"):
            return Threshold.from_json(self._found.told["threshold"])

    @property
    def kind(self) -> str:
        """"point", "contextual" or "collective"."""
        return str(self._found.told["kind"])

    def score_samples(self, new: Any, **options: Any) -> Any:
        """How strange each row is, the higher the stranger, in the frame type of `new`.

        NaN where windows are judged and none covers the row. `options` are policies and options
        of `wf.read`.
        """
        dataset = self.asked(new, options)
        return self.framed(dataset, new, {"score": self._verdict(dataset).scores})

    def predict(self, new: Any, *, reasons: int = 3, **options: Any) -> Any:
        """For each row: anomaly (true or false), score, tail, and why it alarms in words.

        `tail` is the share of usual rows at least as strange: a conformal p-value. Where windows
        are judged it is the share of usual windows that are as strange as the strangest that
        covers the row; of the several that do, one is as strange more often. `why` gives up
        to `reasons` columns for rows that alarm, "" for others; a numpy question gets no words.
        """
        dataset = self.asked(new, options)
        verdict = self._verdict(dataset)
        columns: dict[str, Any] = {"anomaly": verdict.alarms, "score": verdict.scores,
                                   "tail": verdict.ranks}
        if dataset.guest != "numpy":
            columns["why"] = self._why(dataset, verdict, _count(reasons))
        return self.framed(dataset, new, columns)

    def answers(self, new: Any, **options: Any) -> Any:
        """What the command line writes: as `predict`."""
        return self.predict(new, **options)

    def explain(self, new: Any, row: int = 0, *, reasons: int = 5, **options: Any) -> Why:
        """Why one row (counted from 0) is strange, or is not, by column."""
        dataset = self.asked(new, options)
        if isinstance(row, bool) or not isinstance(row, (int, np.integer)) or \
                not -len(dataset) <= row < len(dataset):
            raise ParameterError(f"row must be one of the {len(dataset):,} rows, counted from 0; "
                                 f"got {row!r}.")
        row = int(row) % len(dataset)
        verdict = self._verdict(dataset)
        unit = self._unit(verdict, row)
        found = self._judge.reasons(dataset, verdict, [unit], _count(reasons))[0]
        return Why(row, bool(verdict.alarms[row]), float(verdict.scores[row]),
                   float(verdict.ranks[row]), tuple(found),
                   "row" if verdict.cut is None else "window")

    def events(self, new: Any, **options: Any) -> Any:
        """Stretches that alarm, one row each: from, until, rows, score, tail, columns, why.

        Alarms that touch are one. ParameterError where rows, and not windows, are judged.
        """
        import polars as pl

        if self.kind != "collective":
            raise ParameterError("events are stretches of a series, and this judges single rows: "
                                 "fit with window=, or ask predict.")
        dataset = self.asked(new, options)
        verdict = self._verdict(dataset)
        found = told.top_stretches(dataset, self._judge, verdict, verdict.unit_scores,
                                   self.threshold.value, most=None)
        rows = [_event(one) for one in sorted(found, key=lambda one: int(one["row"]))]
        frame = pl.DataFrame(rows, schema=_EVENT, orient="row")
        return give_back(frame, "polars" if dataset.guest == "numpy" else dataset.guest)

    def with_alerts(self, budget: Any) -> Alarms:
        """The same detectors with another alert budget, as `alerts=` of `wf.fit` understands it.

        The threshold comes from the same scores of unlearnt rows; nothing is fitted.
        """
        facts = self._found.told
        asked = alerts.read(budget)
        with reading("the model file's alert budget cannot be read"):
            stretch = facts["window"] or 1
            settled = alerts.settle(asked, max(1, facts["rows"] // stretch), facts["seconds"],
                                    "stretch" if facts["window"] else "row")
            found = self._judge.ladder.threshold(settled.share, self.threshold.worth)
            changed = {**facts, "alerts": alerts.said(asked), "budget": settled.said,
                       "share": settled.share, "threshold": found.to_json(), "changed": True}
            changed["histogram"] = {**facts["histogram"], "threshold": found.value}
            changed["top"] = [{**one, "alarm": one["score"] > found.value}
                              for one in facts["top"]]
        warnings = tuple(w for w in self._found.warnings if "alert budget" not in w)
        if found.note:
            warnings += (f"the alert budget cannot be kept as asked: {found.note}.",)
        return Alarms(replace(self._found, told=changed, warnings=warnings))

    def stream(self, *, adapt: bool = False) -> Stream:
        """What takes rows batch by batch and gives their alarms; see `Stream`.

        The detectors stay as they were fitted. With `adapt` the threshold follows the alert rate
        seen, so that the budget holds on data that drift; without, it stays.
        """
        return Stream(self, adapt=adapt)

    def evaluate(
        self, held_out: Any, *, metric: str | None = None, usual: str | None = None, **options: Any
    ) -> dict[str, Score]:
        """Scores on rows that were not learnt from: the alert rate, and more where a label is.

        With the label column there: AUROC, average precision, and precision and recall of the
        alarms. `metric` names the one to give first; `usual` are the label's values that mean a
        usual row, as in `wf.fit`.
        """
        if metric is not None and metric not in _METRICS:
            raise unknown("metric", str(metric), _METRICS)
        dataset = self.asked(held_out, options)
        if not len(dataset):
            raise DataError(f"{dataset.source} must have rows to evaluate on; it has none.")
        verdict = self._verdict(dataset)
        judged = np.isfinite(verdict.scores)
        units = lumps(dataset, verdict.cut)
        found = {"alert_rate": _share("alert_rate", verdict.alarms, judged, "rows", units)}
        kept = usual if usual is not None else (self._found.told["label"] or {}).get("usual")
        known = labels.known(dataset, kept)
        if known is None:
            return found
        alarms = verdict.alarms
        found = {**labels.scored(known.truth, verdict.scores, units), **found}
        found |= {"precision": _share("precision", known.truth == 1, alarms & (known.truth >= 0),
                                      "alarms with a known truth", units),
                  "recall": _share("recall", alarms, judged & (known.truth == 1),
                                   "known anomalies", units)}
        return {name: found[name] for name in sorted(found, key=lambda name: name != metric)}

    # ---- machinery ----------------------------------------------------------------------

    def _verdict(self, dataset: Dataset) -> Verdict:
        return self._judge.verdict(dataset, self.threshold.value)

    def _why(self, dataset: Dataset, verdict: Verdict, most: int) -> list[str]:
        rows = np.flatnonzero(verdict.alarms)
        said = [""] * len(dataset)
        if not most or not len(rows):
            return said
        units = np.array([self._unit(verdict, int(row)) for row in rows])
        places, back = np.unique(units, return_inverse=True)
        found = self._judge.reasons(dataset, verdict, places, most)
        texts = ["; ".join(reason.said for reason in some) for some in found]
        for row, at in zip(rows, back, strict=True):
            said[int(row)] = texts[int(at)]
        return said

    def _unit(self, verdict: Verdict, row: int) -> int:
        """The row itself, or the strangest window that covers it."""
        if verdict.cut is None:
            return row
        place = int(np.flatnonzero(verdict.cut.order == row)[0])
        starts = verdict.cut.starts
        covering = np.flatnonzero((starts <= place) & (place < starts + verdict.cut.length))
        if not len(covering):
            raise DataError(f"row {row + 1:,} is in no window: its series is shorter than "
                            f"{verdict.cut.length:,} rows there, or has a gap.")
        return int(covering[np.argmax(verdict.unit_scores[covering])])


_EVENT = {"from_row": int, "until_row": int, "from": str, "until": str, "rows": int,
          "score": float, "tail": float, "columns": str, "why": str}


def _event(one: dict[str, Any]) -> tuple[Any, ...]:
    first, last = (", ".join(one[key].values()) for key in ("named", "named_until"))
    return (one["row"], one["until"], first, last, one["rows"], one["score"], one["rank"],
            ", ".join(reason["column"] for reason in one["why"]),
            "; ".join(reason["said"] for reason in one["why"]))


def _share(
    name: str, hits: np.ndarray, among: np.ndarray, of: str, units: np.ndarray | None
) -> Score:
    """The share of hits among some rows, with a Wilson interval of what these rows count for.

    `units` (n,) names the group or stretch of time of each row: rows of one are alike.
    """
    hits = hits[among]
    rows = len(hits)
    if not rows:
        nan = float("nan")
        return Score(name, nan, nan, nan, _LEVEL, f"undefined: there are no {of}", 0)
    value = float(hits.mean())
    worth = worth_in(hits, None if units is None else units[among])
    low, high = intervals.wilson(value, worth, _QUANTILE)
    said = "" if worth == rows else f", which count for {worth:,.0f} independent ones"
    return Score(name, value, low, high, _LEVEL, f"Wilson interval, {rows:,} {of}{said}", rows)


def _count(reasons: Any) -> int:
    if isinstance(reasons, bool) or not isinstance(reasons, int) or reasons < 0:
        raise ParameterError(f"reasons must be a whole number >= 0; got {reasons!r}.")
    return reasons


def _tail_said(tail: float, unit: str) -> str:
    if tail != tail:
        return "no window covers it"
    return f"one in {max(1, round(1 / tail)):,} usual {unit}s is as strange"


RESULT: type[FoundResult] = Alarms
