"""A loop beside a machine: nine sensors read, answered at once, by a model made small enough.

A forest learns the states of a space shuttle's radiators. Fewer of its trees say the same; then
readings come one by one. Some are broken, as sensors break: a value is missing, or is a word. The
loop says so and goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import wholefit as wf

DATA = "shuttle"
EXPECTED = {
    "accuracy in the loop": (0.99, 1.0),
    "accuracy less accuracy before": (-0.01, 0.01),
    "times less learnt to keep": (8, 12),
    "readings answered": (1999, 1999),
    "readings told to be wrong": (1, 1),
}


def sensors(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What stands for the machine: readings one by one, three of them broken."""
    for at, row in enumerate(rows):
        if at == 500:
            row = {**row, "V4": None}        # a gap: filled as in training
        if at == 1000:
            row = {**row, "V2": "3"}         # a number sent as text: read as a number
        if at == 1500:
            row = {**row, "V2": "ERR"}       # a word: no answer, and the reason
        yield row


def main() -> dict[str, float]:
    table = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / "shuttle/data.parquet").frame
    table = table.sample(12_000, shuffle=True, seed=0)
    train, held, live = table[:6000], table[6000:10_000], table[10_000:]
    model = wf.fit(train, target="Class", models="random_forest(n_estimators=100)", jobs=1,
                   choose="best", checks=False)
    found = model.compress(train, to=["float16", "fewer", "shallow"], trees=0.1, depth=8,
                           held_out=held, metric="accuracy", jobs=1)
    print(found)
    small = found["fewer"]

    seconds, right, wrong = [], 0, []
    began = time.perf_counter()
    readings = sensors(live.drop("Class").to_dicts())
    for answer, truth in zip(small.stream(readings, deadline=0.1), live["Class"], strict=True):
        seconds.append(answer.seconds)
        if answer.wrong:
            wrong.append(answer.wrong)
        right += answer.prediction == truth
    print(f"a reading took {sorted(seconds)[len(seconds) // 2] * 1e6:.0f} microseconds (median), "
          f"{max(seconds) * 1e3:.1f} ms at most; all {time.perf_counter() - began:.2f} s")
    print("told of:", *wrong)

    row = found.row("fewer")
    assert row.difference is not None
    return {
        "accuracy in the loop": right / len(live),
        "accuracy less accuracy before": row.difference.value,
        "times less learnt to keep": found.weights / row.weights,
        "readings answered": len(live) - len(wrong),
        "readings told to be wrong": len(wrong),
    }


if __name__ == "__main__":
    for name, value in main().items():
        print(f"{name}: {value:.3f}")
