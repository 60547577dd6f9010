"""Rows as they come: batches in, alarms out, and a word when the scores drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl

from wholefit.data import Dataset
from wholefit.training.anomaly._judge import Judge, Verdict
from wholefit.training.anomaly._threshold import Threshold

# How fast an adapting threshold follows: the step of the wanted share after each row, times it.
_STEP = 0.005
_BINS = 20
# Rows before drift is spoken of, and the chance of speaking of it where there is none.
_ENOUGH, _RISK = 500, 0.001


class Alarming(Protocol):
    """What a stream needs of the alarms that it asks."""

    @property
    def threshold(self) -> Threshold: ...
    @property
    def _judge(self) -> Judge: ...
    def asked(self, new: Any, options: Mapping[str, Any] | None = None) -> Dataset: ...


@dataclass(frozen=True)
class Alarm:
    """One row that alarms: its number in the stream (from 0), its score and tail, and why."""

    row: int
    score: float
    tail: float
    why: tuple[str, ...]
    named: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"row": self.row, **({"named": self.named} if self.named else {}),
                "score": self.score, "tail": self.tail, "why": list(self.why)}


class Stream:
    """Takes batches of rows and gives the alarms among them.

    The detectors do not learn on. The threshold stays as it was set unless `adapt`: then the share
    of rows it lets alarm moves against the alarms seen (adaptive conformal inference: Gibbs and
    Candes, 2021), so that over a long run the budget holds on drifting data, too. Where stretches
    are judged, the last rows are kept until their window is full; rows must come in order.
    """

    def __init__(self, alarms: Alarming, *, adapt: bool = False) -> None:
        self._alarms, self.adapt = alarms, adapt
        self.rows = self.alarmed = 0
        self.share = alarms.threshold.asked
        self._value = alarms.threshold.value
        self._ranks = np.zeros(_BINS)
        windows = alarms._judge.lens.windows
        self._window = windows.length if windows else 0
        self._kept: pl.DataFrame | None = None
        self._told_until = 0

    @property
    def threshold(self) -> float:
        """The score above which rows alarm now."""
        return self._value

    def feed(self, batch: Any, *, reasons: int = 3, **options: Any) -> list[Alarm]:
        """The alarms of a batch: any table `wf.read` takes, or one row as a dict of values.

        Where stretches are judged, one alarm names the row at which a stretch began to alarm.
        """
        if isinstance(batch, Mapping) and batch and not any(
                isinstance(value, (list, tuple, np.ndarray, pl.Series)) for value in
                batch.values()):
            batch = {name: [value] for name, value in batch.items()}
        dataset = self._alarms.asked(batch, options)
        if not len(dataset):
            return []
        return self._stretches(dataset, reasons) if self._window else self._rows(dataset, reasons)

    def scores(self, batch: Any, **options: Any) -> np.ndarray:
        """Scores of a batch alone (n,), nothing counted and nothing kept."""
        return self._alarms._judge.verdict(
            self._alarms.asked(batch, options), self._value).scores

    def drift(self) -> str | None:
        """A sentence where the rows seen score unlike those the threshold was set on; else None.

        A two-sample chi-square test of how the ranks of the rows seen spread beside those of the
        rows learnt from. It takes rows for independent of each other, and then speaks falsely once
        in 1,000 times asked.
        """
        total = self._ranks.sum()
        if total < _ENOUGH:
            return None
        from scipy.special import gammaincc

        due = self._alarms._judge.ladder.binned(_BINS)
        met = due > 0
        # Both samples vary: the rows seen, and those that the threshold was set on.
        away = float(((self._ranks / total - due)[met] ** 2 / due[met]).sum()) / (
            1 / total + 1 / self._alarms._judge.ladder.rows)
        p = float(gammaincc(max(met.sum() - 1, 1) / 2, away / 2))
        if p >= _RISK:
            return None
        half = _BINS // 2
        high, usual = self._ranks[:half].sum() / total, due[:half].sum()
        way = "stranger" if high > usual else "less strange"
        return (f"the scores drift: of {total:,.0f} rows, {high:.0%} score as high as the stranger "
                f"half of the rows learnt from ({usual:.0%} are due, p = {p:.1g}), so rows have "
                f"become {way}; "
                f"{self.alarmed:,} alarmed, {self.rows * self._alarms.threshold.asked:,.1f} were "
                "asked for: fit anew on recent rows.")

    def _rows(self, dataset: Dataset, reasons: int) -> list[Alarm]:
        verdict = self._alarms._judge.verdict(dataset, self._value)
        hits = np.flatnonzero(verdict.alarms)
        found = self._told(dataset, verdict, hits, hits, self.rows, reasons)
        self._note(verdict.ranks, len(hits), len(dataset))
        return found

    def _told(
        self, dataset: Dataset, verdict: Verdict, rows: np.ndarray,
        units: Sequence[int] | np.ndarray,
        start: int, reasons: int,
    ) -> list[Alarm]:
        from wholefit.training.anomaly import _told as told

        why = self._alarms._judge.reasons(dataset, verdict, units, reasons)
        part = dataset.take(rows)
        names = {name: told.words(part, name) for name in told.naming(dataset)}
        return [Alarm(start + int(row), float(verdict.unit_scores[unit]),
                      float(self._alarms._judge.ladder.rank(verdict.unit_scores[[unit]])[0]),
                      tuple(reason.said for reason in some),
                      {name: words[at] for name, words in names.items()})
                for at, (row, unit, some) in enumerate(zip(rows, units, why, strict=True))]

    def _stretches(self, dataset: Dataset, reasons: int) -> list[Alarm]:
        """Windows that the new rows complete, judged with the rows kept before them."""
        frame = dataset.original if self._kept is None else pl.concat(
            [self._kept, dataset.original], how="diagonal_relaxed")
        old = 0 if self._kept is None else self._kept.height
        first, fresh = self.rows - old, len(dataset)
        whole = self._alarms.asked(frame, {})
        verdict = self._alarms._judge.verdict(whole, self._value)
        self._kept = frame.tail(6 * self._window)  # what a shift is measured against, and a window
        assert verdict.cut is not None
        found = []
        for low, high, worst in self._alarms._judge.stretches(verdict, self._value):
            begun, until = (int(verdict.cut.order[place]) for place in (low, high - 1))
            if first + until >= self.rows and first + begun >= self._told_until:
                found += self._told(whole, verdict, np.array([begun]), [worst], first, reasons)
            self._told_until = max(self._told_until, first + until + 1)
        ends = verdict.cut.order[verdict.cut.starts + verdict.cut.length - 1]
        new = verdict.unit_scores[ends >= old]
        self._note(self._alarms._judge.ladder.rank(new), len(found), fresh)
        return found

    def _note(self, ranks: np.ndarray, hits: int, rows: int) -> None:
        known = ranks[np.isfinite(ranks)]
        self._ranks += np.bincount(np.minimum((known * _BINS).astype(int), _BINS - 1),
                                   minlength=_BINS)
        self.rows += rows
        self.alarmed += hits
        if self.adapt:
            self._follow(hits, rows)

    def _follow(self, hits: int, rows: int) -> None:
        """Move the share that may alarm against what did; never beyond a hundredth or ten times."""
        asked = self._alarms.threshold.asked
        due = asked * rows / (self._window or 1)
        moved = self.share + _STEP * (due - hits)
        self.share = float(np.clip(moved, asked / 100, min(10 * asked, 0.5)))
        self._value = self._alarms._judge.ladder.threshold(self.share).value

    def __repr__(self) -> str:
        way = "adapting" if self.adapt else "fixed"
        return (f"<Stream {way} threshold {self._value:.4g}: {self.rows:,} rows, "
                f"{self.alarmed:,} alarms>")


