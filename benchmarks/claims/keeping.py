"""Claims about models that are kept alive: what is forgotten, and what replay saves."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks._tools import data_folder
from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim
from wholefit.monitoring.loop.retrain import replayed

_LEARNERS = ("sgd", "mlp(epochs=20)")
_SEEDS, _ROWS, _HELD, _PASSES = 3, 3_000, 1_500, 5


@claim("B71", "Replaying old rows prevents catastrophic forgetting",
       "letters: narrow ones learnt first, then wide ones alone, or mixed with as many of 1,000 "
       f"remembered narrow ones; {_PASSES} passes over 3,000 rows, held-out accuracy, three seeds",
       data="letter_recognition")
def forgetting() -> Finding:
    said, saved, lost = [], [], []
    for text in _LEARNERS:
        before, after, kept, new, both = np.mean(
            [_once(text, seed) for seed in range(_SEEDS)], axis=0)
        said.append(f"{text.partition('(')[0]}: on the narrow {before:.1%} before, {after:.1%} "
                    f"after the wide alone, {kept:.1%} with replay; on the wide {new:.1%} and "
                    f"{both:.1%}")
        lost.append(before - after)
        saved.append((kept - after) / max(before - after, 1e-9))
    if min(lost) < 0.02:
        return "; ".join(said), f"{FALSE}: nothing to prevent, {min(lost):.1%} forgotten"
    whole = min(saved)
    if whole > 0.9:
        return "; ".join(said), TRUE
    return "; ".join(said), (f"{PARTLY}: of what is forgotten replay saves "
                             f"{', '.join(f'{each:.0%}' for each in saved)}"
                             if whole > 0.1 else FALSE)


def _once(text: str, seed: int) -> tuple[float, ...]:
    """Accuracy on the old rows before, after, and with replay; on the new without and with."""
    rows = wf.read(data_folder() / "letter_recognition" / "data.parquet").frame.sample(
        fraction=1.0, shuffle=True, seed=seed)
    middle = rows["width"].median()
    old, new = rows.filter(pl.col("width") <= middle), rows.filter(pl.col("width") > middle)
    first = wf.fit(old[:_ROWS], target="lettr", models=text, choose="best", folds=2, jobs=1,
                   seed=seed, checks=False, budget="10min")
    lesson = new[:_ROWS].filter(pl.col("lettr").is_in(list(first.classes or ())))
    held = [part[_ROWS:_ROWS + _HELD].filter(pl.col("lettr").is_in(list(first.classes or ())))
            for part in (old, new)]
    alone, mixed = first, first
    for turn in range(_PASSES):
        alone = alone.update(lesson.sample(fraction=1.0, shuffle=True, seed=turn))
    for batch in replayed(lesson, old[:_ROWS], 1_000, 1.0, seed, _PASSES):
        mixed = mixed.update(batch)
    return (_right(first, held[0]), _right(alone, held[0]), _right(mixed, held[0]),
            _right(alone, held[1]), _right(mixed, held[1]))


def _right(result: Any, rows: pl.DataFrame) -> float:
    return float((result.predict(rows)["prediction"] == rows["lettr"]).mean())
