"""How a challenger is made: fitted anew, or the champion taught the new rows, with or without old
ones.

A model that learns new rows alone may forget what they do not show (catastrophic forgetting:
McCloskey and Cohen 1989). Experience replay mixes old rows into each lesson (Robins 1995).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.base.seeds import generator
from wholefit.monitoring.loop.hands import Hands
from wholefit.monitoring.loop.plan import Retrain
from wholefit.monitoring.loop.pool import together


def retrain(
    how: Retrain, hands: Hands, champion: Path, base: pl.DataFrame | None, old: pl.DataFrame,
    new: pl.DataFrame, seed: int, out: Path,
) -> str:
    """Make a challenger and save it at `out`; what was done, in a clause.

    `base` are the rows that the first model learnt from, None where they are not at hand; `old`
    labelled rows that the champion has learnt since, `new` those that it has not.
    """
    if how.how == "update":
        _needs_new(new)
        hands.update(champion, [_turned(new, seed, turn) for turn in range(how.passes)], out)
        return f"taught {new.height:,} new rows"
    known = together([*([] if base is None else [base]), old])
    if how.how == "replay":
        _needs_new(new)
        if not known.height:
            raise DataError("experience replay needs the rows that were learnt before: say data=, "
                            "the source that the model was fitted on.")
        batches = replayed(new, known, how.memory, how.mix, seed, how.passes)
        hands.update(champion, batches, out)
        return (f"taught {new.height:,} new rows mixed with "
                f"{batches[0].height - new.height:,} old ones")
    rows = together([known, new])
    if how.window is not None:
        rows = rows.tail(how.window)
    elif base is None:
        raise DataError("a model is fitted anew on the rows it was first fitted on and all new "
                        "ones: say data=, its source; or window=, to learn from new rows alone.")
    hands.fit(champion, rows, how, seed, out)
    return f"fitted anew on {rows.height:,} rows"


def replayed(
    new: pl.DataFrame, old: pl.DataFrame, memory: int, mix: float, seed: int, passes: int = 1
) -> list[pl.DataFrame]:
    """New rows, mixed with `mix` times as many remembered ones, shuffled; once a pass.

    `memory` old rows are remembered, drawn at random: every old row with the same chance.
    """
    drawn = generator(seed, "memory")
    kept = old[np.sort(drawn.permutation(old.height)[:memory])]
    found = []
    for turn in range(passes):
        dealt = generator(seed, "replay", turn)
        wanted = max(1, round(mix * new.height))
        picked = dealt.permutation(kept.height)[:wanted] if wanted <= kept.height else \
            dealt.integers(0, kept.height, wanted)
        mixed = together([new, kept[picked]])
        found.append(mixed[dealt.permutation(mixed.height)])
    return found


def _turned(rows: pl.DataFrame, seed: int, turn: int) -> pl.DataFrame:
    return rows[generator(seed, "lesson", turn).permutation(rows.height)]


def _needs_new(new: pl.DataFrame) -> None:
    if not new.height:
        raise DataError("there are no new rows to learn: all of them are held out.")
