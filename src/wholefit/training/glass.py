"""Glass boxes beside the best black box: what reading a model costs in score, on the same folds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wholefit import evaluation, models
from wholefit.base.budget import Clock
from wholefit.base.errors import ParameterError
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.base.wording import aligned, counted, plain
from wholefit.data import splits
from wholefit.data.dataset import Dataset
from wholefit.evaluation import Score, conformal
from wholefit.models import Model
from wholefit.training import portfolio
from wholefit.training._folds import Problem, fit_one
from wholefit.training.fitted import Fitted
from wholefit.training.fitting import Options, fit
from wholefit.training.record import Entry, Run, labels

# From the easiest to read to the hardest; what is not named here is a black box.
READABLE = ("rule_list", "decision_tree", "linear", "ridge", "lasso", "elastic_net", "logistic",
            "polynomial", "additive")
_USUAL = {
    "classification": ("rule_list", "decision_tree(max_depth=4, min_samples_leaf=5)", "logistic",
                       "additive"),
    "regression": ("rule_list", "decision_tree(max_depth=4, min_samples_leaf=5)", "ridge",
                   "additive"),
}
# A tie may hide a loss where intervals are wide: this share of the gain may be lost, no more.
_LOSS_ALLOWED = 0.02
# A refit is begun where this many times its own fold's seconds are left.
_ROOM = 1.5


@dataclass(frozen=True)
class Box:
    """One model of the comparison.

    `price` is how much worse it is than the best, with the interval `low` to `high` of the paired
    difference and its p-value; None for the best. `size` says how much there is to read.
    """

    model: str
    params: dict[str, Any]
    glass: bool
    score: Score
    price: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    tied: bool = False
    size: str = ""
    seconds: float = math.nan

    @property
    def said(self) -> str:
        """The price in a few words."""
        if self.price is None or self.low is None or self.high is None:
            return "the best" if self.price is None else "unknown"
        digits = max(1, 1 - math.floor(math.log10(max(self.high - self.low, 1e-12))))
        digits = min(digits, 6)
        numbers = (f"{each:,.{digits}f}" for each in (self.price, self.low, self.high))
        return "{} [{}, {}]".format(*numbers)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        whole: dict[str, Any] = plain({**{f.name: getattr(self, f.name) for f in
                                          dataclasses.fields(self)},
                                       "score": self.score.to_json()})
        return whole


@dataclass(frozen=True)
class GlassBoxes:
    """Glass boxes and black boxes on the same folds, the best first.

    `recommended` is the most readable of those that are tied with the best and lose next to
    nothing, or the best where no glass box is; `said` says so in sentences.
    """

    target: str
    task: str
    metric: str
    rows: tuple[Box, ...]
    best: str
    recommended: str
    split: str
    said: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    def row(self, model: str) -> Box:
        """The row of a model; ParameterError if there is none."""
        for each in self.rows:
            if each.model == model:
                return each
        raise ParameterError(f"model must be one of {', '.join(r.model for r in self.rows)}; "
                             f"got {model!r}.")

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text."""
        header = ["model", self.metric, "price of reading it", "to read", "seconds", ""]
        return header, [[
            each.model, str(each.score), each.said,
            each.size if each.glass else "a black box",
            "" if math.isnan(each.seconds) else f"{each.seconds:.1f}",
            ", ".join(word for word, is_so in (
                ("tied", each.tied and each.model != self.best), ("best", each.model == self.best),
                ("recommended", each.model == self.recommended)) if is_so)]
            for each in self.rows]

    def to_text(self) -> str:
        """What follows, and the table."""
        lines = [*self.said, "", *aligned(*self.table())]
        lines += [f"{name} was left out: {why}" for name, why in self.left_out.items()]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"target": self.target, "task": self.task, "metric": self.metric,
                "best": self.best, "recommended": self.recommended, "split": self.split,
                "said": list(self.said), "left_out": dict(self.left_out),
                "rows": [each.to_json() for each in self.rows]}


def compare(
    dataset: Dataset, task: Task, options: Options, clock: Clock,
    boxes: Sequence[Any] | None = None, against: Sequence[Any] | None = None,
) -> tuple[GlassBoxes, dict[str, Run]]:
    """Cross-validate glass and black boxes on the same folds; a finished run for each glass box.

    `boxes` are the glass boxes, `against` the black ones; the usual of each where None. What the
    budget leaves no time for is left out, and said. Raises as `training.fit` does.
    """
    glass = [models.make(each) for each in (_USUAL[task.name] if boxes is None else boxes)]
    black = _black(dataset, task) if against is None else [models.make(each) for each in against]
    every = [*glass, *black]
    run = fit(
        dataset, task, dataclasses.replace(options, models=every, choose="best"), clock)
    by_label = dict(zip(labels(every), every, strict=True))
    seen = {label: model for label, model in by_label.items() if label in run.oof}
    refits = _Refits(dataset, run, options, clock)
    runs = {label: made for label, model in seen.items()
            if _readable(model) and (made := refits.run(label, model)) is not None}
    sizes = {label: size(made.fitted.state(), made.fitted.encoder) for label, made in runs.items()}
    return _judged(run, seen, sizes, dataset), runs


def _readable(model: Model) -> bool:
    return model.name in READABLE


def _black(dataset: Dataset, task: Task) -> list[Model]:
    """The usual models that nobody can read: boosted trees, a forest where rows allow it."""
    usual = portfolio.default(task, len(dataset), len(dataset.schema.features)).models
    return [model for model in usual
            if model.name != task.baseline and not _readable(model)]


class _Refits:
    """Fits models on all rows, and makes of each a run in which that model was chosen."""

    def __init__(self, dataset: Dataset, run: Run, options: Options, clock: Clock) -> None:
        self.run_of, self.clock, self.dataset = run, clock, dataset
        how = splits.Plan(folds=(), how="all rows", unit=run.task.unit, units=None)
        self.problem = Problem(
            dataset, run.task, run.truth, len(getattr(run.codec, "classes", ())), how,
            dataset.telling_weights(), options.jobs, options.seed, dict(options.features),
            tuple(options.transformers))

    def run(self, label: str, model: Model) -> Run | None:
        """The run as if this model had been chosen; None if the budget is spent."""
        run = self.run_of
        board = tuple(dataclasses.replace(entry, recommended=entry.model == label)
                      for entry in run.leaderboard)
        if run.chosen.model == label:
            return run
        entry = next(entry for entry in board if entry.model == label)
        if self.clock.left() < _ROOM * entry.fit_seconds:
            return None
        made = fit_one(self.problem, model, None, "all")
        fitted = Fitted(run.task, self.dataset.schema, run.codec, made.encoder, model=made.model,
                        estimator=made.estimator, context=made.context)
        fitted.calibration = conformal.calibrate(run.truth, run.oof[label])
        lineage = {**run.lineage, **({"model": label} if "model" in run.lineage else {})}
        return dataclasses.replace(run, fitted=fitted, model=model, leaderboard=board,
                                   lineage=lineage)


def size(state: State, encoder: Any) -> str:
    """How much there is to read in a glass box."""
    if state.kind == "rule_list":
        rules = len(state.arrays["value"]) - 1
        return f"{counted(rules, 'rule')}, {counted(len(state.arrays['rule']), 'condition')}"
    if state.kind == "trees":
        leaves = int((state.arrays["feature"] < 0).sum())
        return f"{leaves:,} {'leaf' if leaves == 1 else 'leaves'}"
    if state.kind == "additive":
        pairs = len(state.arrays["pair"])
        curves = int((state.arrays["size"] > 2).sum())
        return f"{counted(curves, 'curve')}" + (f", {counted(pairs, 'table')} of pairs"
                                                if pairs else "")
    if state.kind == "linear":
        coef = state.arrays["coef"]
        columns = len(set(getattr(encoder, "sources", range(coef.shape[1]))))
        return f"{counted(int((coef != 0).sum()), 'weight')} of {counted(columns, 'column')}"
    return state.kind


def _judged(
    run: Run, seen: dict[str, Model], sizes: dict[str, str], dataset: Dataset
) -> GlassBoxes:
    metric = evaluation.metrics.main(run.task.name, run.metric, getattr(run.codec, "classes", None))
    sign = 1.0 if metric.better == "lower" else -1.0
    entries = {entry.model: entry for entry in run.leaderboard}
    rows = tuple(_box(entry, seen[entry.model], sign, run.metric, sizes)
                 for entry in run.leaderboard if entry.model in seen and entry.scores)
    best = next((row for row in rows if row.price is None), None) or min(
        rows, key=lambda row: row.price or 0.0)
    gain = _gain(entries.get(run.task.baseline), sign)
    chosen = _recommended(rows, best, gain, seen)
    left = {entry.model: entry.reason for entry in run.leaderboard
            if entry.status in ("failed", "skipped")}
    found = GlassBoxes(str(dataset.schema.target), run.task.name, run.metric, rows, best.model,
                       chosen, run.split, left_out=left)
    return dataclasses.replace(found, said=tuple(_said(found, seen)))


def _box(
    entry: Entry, model: Model, sign: float, metric: str, sizes: dict[str, str]
) -> Box:
    glass, size_ = _readable(model), sizes.get(entry.model, "not fitted on all rows")
    difference = entry.difference
    base = Box(entry.model, entry.params, glass, entry.scores[metric],
               size=size_ if glass else "", seconds=entry.fit_seconds)
    if difference is None:  # the best, or one that answered too few rows to be compared
        return dataclasses.replace(base, tied=True) if entry.best else dataclasses.replace(
            base, price=math.nan)
    ends = [difference[name] for name in ("value", "low", "high")]
    if any(end is None for end in ends):
        return dataclasses.replace(base, price=math.nan)
    value, *interval = (sign * end for end in ends)
    return dataclasses.replace(base, price=value, low=min(interval), high=max(interval),
                               p=difference["p"], tied=entry.tied)


def _gain(baseline: Entry | None, sign: float) -> float:
    """What the best gains over the baseline; infinite where that is not known."""
    if baseline is None or baseline.difference is None or baseline.difference["value"] is None:
        return math.inf
    return abs(sign * baseline.difference["value"])


def _recommended(
    rows: Sequence[Box], best: Box, gain: float, seen: dict[str, Model]
) -> str:
    """The most readable of those tied that keep nearly all of the gain; else the best."""
    near = [row for row in rows if row.glass and row.tied
           and (row.price or 0.0) <= _LOSS_ALLOWED * gain]
    if not near:
        return best.model
    return min(near, key=lambda row: READABLE.index(seen[row.model].name)).model


def _said(found: GlassBoxes, seen: dict[str, Model]) -> list[str]:
    """What follows, in sentences."""
    best = found.row(found.best)
    glass = [row for row in found.rows if row.glass]
    lines = [f"The best is {best.model}, {found.metric} {best.score}"
             + (", and it can be read." if best.glass else ", which nobody can read.")]
    chosen = found.row(found.recommended)
    if chosen.glass and chosen is not best:
        lines.append(f"Recommended: {chosen.model} ({chosen.size}). It is tied with the best and "
                     f"loses next to nothing: {chosen.said} of {found.metric}.")
    elif chosen.glass:
        lines.append(f"Recommended: {chosen.model} ({chosen.size}): reading it costs nothing.")
    elif glass:
        near = min((row for row in glass if row.price is not None and not math.isnan(row.price)),
                   key=lambda row: row.price or 0.0, default=None)
        if near is not None:
            sure = "no glass box is tied with it" if not near.tied else (
                "a glass box may be as good, or lose more than is worth it")
            lines.append(f"Reading has a price here: {sure}. The nearest is {near.model} "
                         f"({near.size}): {near.said} of {found.metric}.")
    lines.append("Prices are paired differences from the best on the same rows, their intervals "
                 "corrected for the number of models.")
    return lines
