"""What takes all columns of a row at once: told apart, strange, and the estimated score."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from wholefit.base.errors import WholefitError
from wholefit.data import Dataset, Policies, conforming
from wholefit.evaluation import metrics
from wholefit.evaluation.intervals import student
from wholefit.monitoring import estimate, strange
from wholefit.monitoring.apart import Apart, told_apart
from wholefit.monitoring.case import Case, Reader, Side
from wholefit.monitoring.record import Check

_LENIENT = Policies(missing_column="impute", swapped="warn")
_FEWEST_TRUTHS = 50


@dataclass(frozen=True, eq=False)
class Reference:
    """Reference rows as the model knows them, and what was learnt of them once."""

    case: Case
    side: Side
    rows: Dataset
    _by_columns: dict[tuple[str, ...], estimate.ByColumns | None] = field(
        default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, case: Case) -> Reference | None:
        """The rows of the reference, or of the first window; None where they were not kept."""
        side = case.answered
        if side is None or side.frame is None:
            return None
        rows = as_rows(case, side.frame)
        return None if rows is None else cls(case, side, rows)

    @cached_property
    def usual(self) -> strange.Usual | None:
        """How strange rows usually are."""
        return strange.learnt(self.rows, self.case.options.seed)

    @cached_property
    def labelled(self) -> np.ndarray:
        """Places of the rows that have a truth."""
        reader = self.case.reader
        return np.empty(0, dtype=np.intp) if reader is None else \
            np.flatnonzero(reader.known(self.side))

    @cached_property
    def answered(self) -> Side:
        """The answers that have a truth."""
        return self.side.take(self.labelled)

    @cached_property
    def losses(self) -> np.ndarray:
        """What each of those was off by."""
        assert self.case.reader is not None
        return self.case.reader.losses(self.answered)

    def promised(self, new: Dataset) -> tuple[np.ndarray, np.ndarray] | None:
        """How far numbers are off by the columns: here, and in a window that has them; or None."""
        there = set(new.frame.columns)
        names = tuple(name for name in self.rows.schema.features if name in there)
        if names not in self._by_columns:
            self._by_columns[names] = estimate.by_columns(
                self.rows.take(self.labelled), self.losses, names, self.case.options.seed)
        made = self._by_columns[names]
        found = None if made is None else made.of(new)
        return None if made is None or found is None else (made.old, found)


def as_rows(case: Case, frame: pl.DataFrame) -> Dataset | None:
    """Rows made to fit the model's schema; None where that cannot be."""
    try:
        return conforming(frame, case.subject.schema, _LENIENT)
    except WholefitError:
        return None


def checks(case: Case, reference: Reference | None, new: Side) -> Iterator[Check]:
    """All that needs whole rows, of a window whose rows were kept."""
    if reference is None or new.frame is None:
        return
    rows = as_rows(case, new.frame)
    if rows is None:
        return
    apart = None
    if case.options.together:
        apart = told_apart(reference.rows, rows, case.options.seed)
        if apart is not None:
            yield together(apart, case.options.threshold)
    if case.options.anomalies and reference.usual is not None:
        yield strange.check(reference.usual, rows, case.options.threshold)
    if case.reader is not None and case.options.together:
        yield from _estimates(case, case.reader, reference, new, rows, apart)


def together(apart: Apart, threshold: float) -> Check:
    """A check of rows told apart; its distance is how far the AUC is above a half."""
    return Check("together", "all columns", apart.said, value=apart.auc, low=apart.low,
                 high=apart.high, before=0.5, distance=max(apart.auc - 0.5, 0.0), p=apart.p,
                 matters=apart.auc - 0.5 >= threshold)


def _estimates(
    case: Case, reader: Reader, reference: Reference, new: Side, rows: Dataset,
    apart: Apart | None,
) -> Iterator[Check]:
    """The estimated score, and whether the truths that came agree with it."""
    known = reference.labelled
    metric = metrics.chosen(case.subject.task, ["accuracy" if reader.classes else "mae"])[0]
    if len(known) < len(reference.side.said.get("prediction", ())) or apart is None:
        # Only some of the reference's truths are known: weigh and learn from those.
        apart = told_apart(reference.rows.take(known), rows, case.options.seed) \
            if len(known) else None
    if apart is None or not len(known):
        why = "the reference or the window has too few rows" if len(known) else \
            "the reference has no truths"
        yield Check("estimate", metric.name, f"not known: {why}", verdict="not judged")
        return
    losses = reference.losses
    promised = None if reader.classes else reference.promised(rows)
    if promised is None and not reader.classes:
        return
    found = estimate.of_window(apart, losses, reference.answered.sure, new.sure,
                               bounded=bool(reader.classes), seed=case.options.seed,
                               promised=promised)
    yield told(metric.name, metric.sign, bool(reader.classes), losses, found, case.options.loss)
    yield from _concept(case, reader, new, found, metric.name)


def told(
    name: str, sign: float, classes: bool, losses: np.ndarray, found: estimate.Estimate,
    loss: float,
) -> Check:
    """An estimate as a check: an alarm if it is known, and certainly worse than before."""
    before = float(losses.mean())
    value, low, high = (found.value, found.low, found.high)
    if not math.isfinite(value):
        return Check("estimate", name, f"not known: {found.why}", verdict="not judged")
    spread = math.hypot((high - low) / 2 / student(0.95, math.inf),
                        float(losses.std()) / math.sqrt(len(losses)))
    from scipy.special import ndtr

    worse = value - before
    p = float(ndtr(-worse / spread)) if spread > 0 else (0.0 if worse > 0 else 1.0)
    shown = (1 - value, 1 - high, 1 - low, 1 - before) if classes else (value, low, high, before)
    said = (f"{shown[3]:.3f} -> about {shown[0]:.3f} [{max(shown[1], 0):.3f}, {shown[2]:.3f}] "
            f"without truths, {found.effective:,.0f} reference rows count")
    if not found.known:
        return Check("estimate", name, f"not known: {found.why} ({said})", before=shown[3],
                     verdict="not judged")
    return Check("estimate", name, said, value=shown[0], low=max(shown[1], 0.0), high=shown[2],
                 before=shown[3], distance=max(worse, 0.0), p=p,
                 matters=worse >= loss * max(abs(shown[3]), 1e-12))


def _concept(
    case: Case, reader: Reader, new: Side, found: estimate.Estimate, name: str
) -> Iterator[Check]:
    """Truths against the estimate: where they disagree, rows mean something else than before."""
    rows = np.flatnonzero(reader.known(new))
    if len(rows) < max(_FEWEST_TRUTHS, case.options.least) or not found.known:
        return
    from scipy.special import ndtr

    losses = reader.losses(new.take(rows))
    value = float(losses.mean())
    spread = math.hypot((found.high - found.low) / 2 / student(0.95, math.inf),
                        float(losses.std(ddof=1)) / math.sqrt(len(rows)))
    p = float(ndtr(-(value - found.value) / spread)) if spread > 0 else 1.0
    shown = (1 - found.value, 1 - value) if reader.classes else (found.value, value)
    yield Check("concept", name,
                f"{shown[0]:.3f} was to be expected of these rows, {shown[1]:.3f} is true of "
                f"{len(rows):,} truths",
                value=shown[1], before=shown[0], distance=max(value - found.value, 0.0), p=p,
                matters=value - found.value >= case.options.loss * max(abs(shown[0]), 1e-12))
