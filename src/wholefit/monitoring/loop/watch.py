"""The watch after a promotion: the new model against its predecessor, on labels that came later.

Both answer the same rows, which neither has learnt, once there are enough of them: one paired
test, whose level bounds the chance that a good model is rolled back. A difference that is certain,
but within the margin of the gate, does not matter here either.
"""

from __future__ import annotations

import time

import polars as pl

from wholefit.artifact.registry import Version
from wholefit.evaluation import metrics
from wholefit.monitoring.loop.gate import apart
from wholefit.monitoring.loop.hands import Hands
from wholefit.monitoring.loop.plan import Plan, seconds
from wholefit.monitoring.loop.trial import Judged


def judged(
    rows: pl.DataFrame, plan: Plan, hands: Hands, new: Version, old: Version, since: float
) -> Judged:
    """Keep the promoted model, roll back, or wait for more labels."""
    if rows.height < plan.watch.rows:
        if time.time() - since > seconds(plan.watch.within):
            return Judged(True, f"kept: {rows.height:,} labels within {plan.watch.within} are too "
                          "few to tell")
        return Judged(None, f"watched: {rows.height:,} of {plan.watch.rows:,} labels so far")
    mine, theirs = (hands.side(each.path, str(each), rows) for each in (new, old))
    metric = plan.gate.metric or hands.known(old.path).metric
    both = apart(theirs, mine, metric, plan.gate, plan.watch.level)
    found = both.difference
    sign = metrics.get(mine.fitted.task.name, metric).sign
    worse = found.better == "b" and not -sign * found.value <= both.margin
    said = (f"{found.metric} of {new} minus that of {old} on {len(mine.asked):,} later rows: "
            f"{found.value:+.4g} [{found.low:+.4g}, {found.high:+.4g}]")
    if found.better == "b" and not worse:
        said += f", worse, but by no more than the gate's margin of {both.margin:.2g}"
    return Judged(not worse, said)
