"""What a fit stands on before its first model, and the record it ends in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wholefit.base.budget import Clock
from wholefit.base.tasks import Codec
from wholefit.data.findings import Finding
from wholefit.evaluation import conformal
from wholefit.models import Model
from wholefit.training import imbalance
from wholefit.training._folds import Problem, Validated
from wholefit.training._judge import Judged
from wholefit.training._lineage import lineage
from wholefit.training.fitted import Fitted
from wholefit.training.record import Entry, Run


@dataclass(frozen=True)
class Ground:
    """The problem, the target's codec, the options as settled, and what was seen in the data."""

    problem: Problem
    codec: Codec
    options: Any
    warnings: tuple[str, ...]
    findings: tuple[Finding, ...]

    def decided(self) -> dict[str, Any]:
        """What a replay must know of the folds: those of older runs might ask later ones."""
        return {"forward": True} if self.problem.forward else {}


def finished(
    ground: Ground, clock: Clock, label: str, fitted: Fitted, by_label: Mapping[str, Model],
    found: Mapping[str, Validated], judged: Judged, left_out: Sequence[Entry],
    schedule: list[dict[str, Any]], said: Sequence[str], **more: Any,
) -> Run:
    """The run's record: `label` answers, by `fitted`; what is known of it is settled here.

    `more` goes into its lineage, and so does what the training of the model told of itself.
    """
    problem = ground.problem
    held = imbalance.held_of(problem)
    told = imbalance.settle(problem, fitted, held, found[label], by_label[label])
    fitted.calibration = conformal.calibrate(problem.y, found[label].known())
    return Run(
        task=problem.task, codec=ground.codec, fitted=fitted, model=by_label[label],
        metric=judged.metric, leaderboard=(*judged.entries, *left_out), split=problem.plan.how,
        truth=problem.y, oof={name: each.known() for name, each in found.items()},
        warnings=(*ground.warnings, *judged.warnings, *said, *told),
        lineage={**lineage(problem.dataset, ground.options, clock, problem, by_label[label],
                           schedule), **_learning(fitted), **more},
        held=held, imbalance=problem.imbalance, findings=ground.findings,
    )


def _learning(fitted: Fitted) -> dict[str, Any]:
    return {} if fitted.learning is None else {"learning": fitted.learning}
