"""What the server's log tells the loop: labels that came, and how a trial on live requests went."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from wholefit.artifact.registry import Registry
from wholefit.base.errors import DataError
from wholefit.monitoring.loop.journal import Cycle, Journal
from wholefit.monitoring.loop.plan import Plan, Trial, seconds
from wholefit.monitoring.loop.pool import Pool

if TYPE_CHECKING:
    from wholefit.data.predictions import Log

# Slower by less than this, in seconds, is borne whatever the ratio.
_TRIFLE = 1e-3
# Of the requests that the champion answered, a shadow must have answered this share.
_ANSWERED = 0.98


@dataclass(frozen=True)
class Judged:
    """Whether a trial or a watch went well; None while it cannot be told."""

    ok: bool | None
    said: str


def collected(
    log: Log, name: str, plan: Plan, journal: Journal, pool: Pool, target: str
) -> int:
    """Labelled rows of the log that the pool lacks go into it; how many.

    DataError where labels came, and the log keeps no rows to learn from.
    """
    since = time.time() - seconds(plan.triggers.lookback)
    found = log.read(model=name, since=since, shadow=False)
    found = found.filter(pl.col("truth").is_not_null()).unique("id", keep="first",
                                                               maintain_order=True)
    fresh = journal.fresh(found.get_column("id").to_list())
    found = found.filter(pl.col("id").is_in(list(fresh)))
    if not found.height:
        return 0
    asked = [column for column in found.columns if column.startswith("row.")]
    if not asked:
        raise DataError(f"the log {log.name} holds labels and no rows, so that nothing can be "
                        "learnt from it: let the server keep the rows that it is asked, or give "
                        "labelled rows.")
    rows = found.select([*(pl.col(column).alias(column.removeprefix("row.")) for column in asked
                           if column != f"row.{target}"), pl.col("truth").alias(target)])
    return pool.put(rows, target, f"log {log.name}", found.get_column("id").to_list())


def judged(log: Log, name: str, cycle: Cycle, plan: Trial, since: float) -> Judged:
    """How the challenger did in the shadow, or as a canary, since the trial began."""
    shadow = cycle.state == "shadow"
    wanted = plan.shadow if shadow else plan.answers
    # A little earlier than noted: the registry let requests through before the journal wrote it.
    mine, theirs = (log.read(model=name, version=str(number), since=since, shadow=hidden,
                             rows=False)
                    for number, hidden in ((cycle.candidate, shadow), (cycle.champion, False)))
    if mine.height < wanted:
        if time.time() - since > seconds(plan.within):
            return Judged(False, f"its trial gave {mine.height:,} of {wanted:,} answers within "
                          f"{plan.within}")
        return Judged(None, f"trial: {mine.height:,} of {wanted:,} answers so far")
    said, ok = [f"{mine.height:,} answers"], True
    if shadow:
        share, agrees = _paired(mine, theirs)
        said.append(f"{share:.1%} of the requests answered, {agrees:.1%} like the champion")
        ok = share >= _ANSWERED
    if theirs.height:
        new, old = (float(each.get_column("seconds").fill_null(0).quantile(0.95) or 0)
                    for each in (mine, theirs))
        said.append(f"95 of 100 within {new * 1e3:.3g} ms (the champion {old * 1e3:.3g} ms)")
        ok = ok and not (new > plan.latency * old and new - old > _TRIFLE)
    return Judged(ok, f"trial: {', '.join(said)}" + ("" if ok else ": not good enough"))


def _paired(mine: pl.DataFrame, theirs: pl.DataFrame) -> tuple[float, float]:
    """Share of the champion's answers that the shadow gave too, and of those that are equal.

    Only requests up to the shadow's latest answer count: later ones are on their way.
    """
    last = mine.get_column("time").max()
    asked = theirs.filter(pl.col("time") <= last)
    if not asked.height:
        return 1.0, 1.0
    both = asked.join(mine, on="id", how="inner", suffix=".shadow")
    share = both.height / asked.height
    said = "answer.prediction"
    if said not in asked.columns or f"{said}.shadow" not in both.columns or not both.height:
        return share, 1.0
    same = both.select((pl.col(said).cast(pl.String) == pl.col(f"{said}.shadow").cast(pl.String)
                        ).mean()).item()
    return share, float(same if same is not None else 1.0)


def withdraw(registry: Registry, name: str, number: int, by: str, why: str) -> None:
    """Take a challenger out of the shadows and the shares, if it is there."""
    shadows = registry.shadows(name)
    if number in shadows:
        registry.set_shadows(name, [each for each in shadows if each != number], by, why)
    shares, served = registry.traffic(name), registry.served(name)
    if number in shares and served is not None and served.number != number:
        left = {each: share for each, share in shares.items() if each != number}
        whole = sum(left.values())
        registry.set_traffic(name, {each: share / whole for each, share in left.items()}, by, why)
