"""Triggers: is it time to retrain? Each test looks at labelled rows that no test saw before, so
that its chance of a false alarm is the stated one however often it is asked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from wholefit.artifact.registry import Version
from wholefit.evaluation import metrics
from wholefit.evaluation.score import Score, score
from wholefit.evaluation.slices import apart
from wholefit.monitoring.loop.gate import Side
from wholefit.monitoring.loop.hands import Hands
from wholefit.monitoring.loop.journal import Journal
from wholefit.monitoring.loop.plan import Plan, seconds
from wholefit.monitoring.loop.pool import Pool

Alarms = Callable[[], Sequence[str]]


@dataclass(frozen=True)
class Look:
    """What a look found: reasons to retrain, each a sentence; or what is waited for."""

    reasons: tuple[str, ...]
    said: str


def look(
    served: Version, plan: Plan, journal: Journal, pool: Pool, hands: Hands,
    alarms: Alarms | None = None,
) -> Look:
    """Ask every trigger; a test that has looked at rows is noted in the journal."""
    cycles = journal.cycles()
    learnt = cycles[-1].upto if cycles else 0
    fresh, held = pool.count(after=learnt), pool.held_count()
    if not fresh:
        return Look((), "no new labelled rows")
    if held < plan.gate.least:
        return Look((), f"{held:,} held-out rows; the gate needs {plan.gate.least:,}")
    triggers = plan.triggers
    reasons = []
    if triggers.rows is not None and fresh >= triggers.rows:
        reasons.append(f"rows: {fresh:,} new labelled rows since the last cycle")
    if triggers.every is not None:
        since = cycles[-1].opened if cycles else _moment(served.at)
        if time.time() - since >= seconds(triggers.every):
            reasons.append(f"every: {triggers.every} have passed since the last cycle")
    reasons += _tested(served, plan, journal, pool, hands)
    if triggers.alarms and alarms is not None:
        reasons += [f"alarm: {said}" for said in alarms()]
    return Look(tuple(reasons), "; ".join(reasons) or
                f"{fresh:,} new labelled rows; nothing asks for retraining")


def _tested(
    served: Version, plan: Plan, journal: Journal, pool: Pool, hands: Hands
) -> list[str]:
    """What the tests say of rows that none has seen; those are noted as seen then."""
    triggers, seen = plan.triggers, journal.seen()
    if not (triggers.metric or triggers.drift) or pool.count(after=seen) < triggers.least:
        return []
    upto = pool.last()
    rows = pool.rows(after=seen, upto=upto)
    found = []
    if triggers.metric:
        found += _worse(served, rows, hands, plan)
    if triggers.drift:
        drifted = hands.drifted(served.path, rows, triggers.level)
        found += [] if drifted is None else [f"drift: {drifted}"]
    journal.looked(upto)
    return found


def _worse(served: Version, rows: pl.DataFrame, hands: Hands, plan: Plan) -> list[str]:
    """Whether the served model is significantly worse on these rows than it was said to be."""
    known = hands.known(served.path)
    if known.score is None:
        return []
    asked = plan.gate.metric or known.metric
    metric = metrics.get(task_of(served), asked)
    if known.score.metric != metric.name:
        return []
    live = scored(hands.side(served.path, str(served), rows), asked)
    value, _, _, p = apart(live, known.score, live.level)
    if math.isfinite(p) and p < plan.triggers.level and metric.sign * value < 0:
        return [f"metric: {live.metric} {live} on {live.n:,} new rows, {known.score} when it was "
                f"fitted (p = {p:.2g})"]
    return []


def task_of(version: Version) -> str:
    """The task of a version's model."""
    return str(version.facts.get("task", "classification"))


def scored(side: Side, metric: object) -> Score:
    """The metric of a side on its rows."""
    fitted, asked = side.fitted, side.asked
    chosen = metrics.main(fitted.task.name, metric, getattr(fitted.codec, "classes", None))
    answer = fitted.answer(asked)
    return score(fitted.task.name, asked.target(fitted.codec), answer, metrics=chosen,
                 positive=getattr(fitted.codec, "positive", 1), weights=asked.weights(),
                 units=asked.groups(), predicted=fitted.codes(answer, asked))[chosen.name]


def _moment(words: str) -> float:
    """Seconds since 1970 of a time that the registry wrote; now, where it is none."""
    import datetime as dt

    try:
        return dt.datetime.fromisoformat(words).timestamp()
    except ValueError:
        return time.time()
