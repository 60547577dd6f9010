"""From out-of-fold answers to a leaderboard: scores with intervals, ties, and the choice."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.base.tasks import Codec
from wholefit.base.wording import plain
from wholefit.evaluation import Difference
from wholefit.models import Model
from wholefit.training import imbalance
from wholefit.training._folds import Problem, Validated
from wholefit.training.record import Entry

# A recommended model keeps at least 98% of the best one's gain over the baseline.
_LOSS_ALLOWED = 0.02


@dataclass(frozen=True)
class Judged:
    """The finished leaderboard, best first, and the label of the model to refit."""

    entries: tuple[Entry, ...]
    chosen: str
    metric: str
    warnings: tuple[str, ...]

    def instead(self, label: str) -> Judged:
        """The same with another model recommended: the one that could be refitted."""
        entries = tuple(dataclasses.replace(entry, recommended=entry.model == label)
                        for entry in self.entries)
        return dataclasses.replace(self, entries=entries, chosen=label)


def judge(
    found: dict[str, Validated], candidates: dict[str, Model], problem: Problem, options: Any,
    codec: Codec, entries: dict[str, Entry],
) -> Judged:
    """Score every model on the rows it answered, and compare them on the rows all answered.

    What answered too few rows to be compared (see `comparable`) comes after the others.
    """
    metric = evaluation.metrics.main(
        problem.task.name, options.metric, getattr(codec, "classes", None))
    positive = getattr(codec, "positive", 1)
    more = problem.imbalance.metrics() if problem.imbalance else []
    asked: list[Any] = [metric, *(m for m in more if m.name != metric.name),
                        *(m for m in problem.task.metrics if m != metric.name)]
    scored = {
        label: _scores(problem, each, asked, positive, candidates[label])
        for label, each in found.items()
    }
    ties = _ties(problem, comparable(found, candidates, problem.task.baseline), metric, positive,
                 candidates)
    best = _best(ties, metric)
    tied = [label for label, diff in ties.items() if label == best or diff.better == "tied"]
    near = [label for label in tied if _keeps_the_gain(ties, label, best, problem.task.baseline)]
    recommended = min(near, key=lambda label: (candidates[label].burden, label != best))
    chosen = best if options.choose == "best" else recommended
    made = [
        _entry(entries[label], scored[label], ties.get(label), label, best, tied, chosen)
        for label in found
    ]
    rest = [entry for label, entry in entries.items() if label not in found]
    ordered = sorted(made, key=lambda entry: (entry.model not in ties, *_rank(entry, metric)))
    return Judged((*ordered, *rest), chosen, metric.name,
                  _warnings(problem, ties, best, entries))


def comparable(
    found: Mapping[str, Validated], candidates: Mapping[str, Model], baseline: str
) -> dict[str, Validated]:
    """What answered at least half as many rows as any other, and the baseline.

    Models are compared on the rows that all answered: one that the clock ended after its first
    fold of five would have the others compared on a fifth of the rows, where all are tied, and
    the cheapest would answer.
    """
    rows = {label: int((each.seen > 0).sum()) for label, each in found.items()}
    most = max((many for label, many in rows.items() if candidates[label].name != baseline),
               default=0)
    return {label: each for label, each in found.items()
            if 2 * rows[label] >= most or candidates[label].name == baseline}


def _keeps_the_gain(
    ties: dict[str, Difference], label: str, best: str, baseline: str
) -> bool:
    """True if a tied model loses almost nothing of what the best gains over the baseline.

    A tie says that the rows cannot tell two models apart, not that they are equal: where a few
    wild rows make the interval wide, a much worse model may be tied. Where the baseline itself
    is tied with the best there is no gain to keep, and cheapest is cheapest.
    """
    if label == best or baseline not in ties or ties[baseline].better == "tied":
        return True
    gain, loss = abs(ties[baseline].value), abs(ties[label].value)
    return loss <= _LOSS_ALLOWED * gain


def _scores(
    problem: Problem, found: Validated, asked: list[Any], positive: int, model: Model
) -> dict[str, evaluation.Score]:
    seen = found.seen > 0
    every = bool(seen.all())
    pick = slice(None) if every else seen
    return evaluation.score(
        problem.task.name, problem.y[pick], found.answer[pick], metrics=asked, positive=positive,
        weights=None if problem.weights is None else problem.weights[pick],
        units=None if problem.plan.units is None else problem.plan.units[pick],
        seed=problem.seed, predicted=imbalance.predicted(problem, found.answer, pick, model),
    )


def _ties(
    problem: Problem, found: dict[str, Validated], metric: Any, positive: int,
    candidates: dict[str, Model],
) -> dict[str, Difference]:
    """Each model's paired difference from the best."""
    common = np.logical_and.reduce([each.seen > 0 for each in found.values()])
    pick = slice(None) if common.all() else common
    return evaluation.ties(
        problem.task.name, metric, problem.y[pick],
        {label: each.answer[pick] for label, each in found.items()}, positive=positive,
        weights=None if problem.weights is None else problem.weights[pick],
        units=None if problem.plan.units is None else problem.plan.units[pick],
        seed=problem.seed, predicted={
            label: imbalance.predicted(problem, each.answer, pick, candidates[label])
            for label, each in found.items()},
    )


def _entry(
    entry: Entry, scores: dict[str, evaluation.Score], difference: Difference | None,
    label: str, best: str, tied: list[str], chosen: str,
) -> Entry:
    return dataclasses.replace(
        entry, scores=scores, best=label == best, tied=label in tied and len(tied) > 1,
        recommended=label == chosen,
        difference=None if label == best or difference is None else _plain(difference),
    )


def _best(ties: dict[str, Difference], metric: Any) -> str:
    """The label that no other leads: its own difference from the best is nothing."""
    sign = -1.0 if metric.better == "lower" else 1.0
    known = {label: diff.value for label, diff in ties.items() if not np.isnan(diff.value)}
    return max(known, key=lambda label: sign * known[label]) if known else next(iter(ties))


def _plain(difference: Difference) -> dict[str, Any]:
    """JSON-able form."""
    found: dict[str, Any] = plain(dataclasses.asdict(difference))
    return found


def _rank(entry: Entry, metric: Any) -> tuple[bool, float]:
    value = entry.scores[metric.name].value
    if np.isnan(value):
        return True, 0.0
    return False, -value if metric.better == "higher" else value


def _warnings(
    problem: Problem, ties: dict[str, Difference], best: str, entries: dict[str, Entry],
) -> tuple[str, ...]:
    """What a person must know about the comparison itself."""
    found = []
    baseline = problem.task.baseline
    if len(ties) > 1 and baseline in ties and (
        best == baseline or ties[baseline].better == "tied"
    ):
        found.append(
            "no model is significantly better than the baseline, which ignores the columns: "
            "these columns may say nothing about the target, or the rows are too few to tell."
        )
    failed = [label for label, entry in entries.items() if entry.status == "failed"]
    if failed:
        found.append(f"failed and left out: {', '.join(failed)} (see the leaderboard's reason).")
    return tuple(found)
