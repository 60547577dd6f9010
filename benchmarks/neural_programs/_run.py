"""What every writing shares as a program: its words, its arrays, what it prints at the end."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

BEGAN = time.perf_counter()


class _Reached(Exception):
    """The goal of a race is reached: whoever trains may end."""


class _Race:
    """Where a goal is set, how good the model is after each epoch, and when it is good enough."""

    def __init__(self) -> None:
        self.goal, self.seen = math.inf, list[tuple[float, float]]()

    def after_epoch(self, seconds: Sequence[float], quality: Callable[[], float]) -> None:
        """`seconds` of the epochs so far; what is asked here is in none of them."""
        if self.goal == math.inf:
            return
        self.seen.append((sum(seconds), quality()))
        if self.seen[-1][1] >= self.goal:
            raise _Reached("as good as the goal")


RACE = _Race()
# Trains: (program, arrays, epochs, seed) -> (seconds of each epoch, quality).
Train = Callable[[Any, Any, int, int], tuple[list[float], float]]


def main(trains: Callable[[str], Train]) -> None:
    """`python -m benchmarks.neural_programs.WRITING PROGRAM FILE EPOCHS SEED THREADS [MODE]`.

    With `--goal Q` it ends after the epoch in which the model is as good as that.
    """
    parser = argparse.ArgumentParser()
    for word in ("program", "file"):
        parser.add_argument(word)
    for word in ("epochs", "seed", "threads"):
        parser.add_argument(word, type=int)
    parser.add_argument("mode", nargs="?", default="")
    parser.add_argument("--goal", type=float, default=math.inf)
    asked = parser.parse_args()
    RACE.goal = asked.goal
    cores = sorted(os.sched_getaffinity(0))[:asked.threads]
    os.sched_setaffinity(0, cores)
    import numpy as np

    from benchmarks.neural_programs._data import PROGRAMS

    began = time.perf_counter()
    train = trains(asked.mode)
    imported = time.perf_counter() - began
    with np.load(asked.file) as stored:
        data = {name: stored[name] for name in stored.files}
    program = PROGRAMS[asked.program]
    try:
        seconds, quality = train(program, data, asked.epochs, asked.seed)
    except _Reached:
        seconds, quality = [RACE.seen[-1][0]], RACE.seen[-1][1]
    from benchmarks._tools import most_memory

    sys.stdout.write("\n" + json.dumps({
        "imports": imported, "seconds": seconds, "quality": quality, "peak": most_memory(),
        "rows": len(data["x"]), "seen": RACE.seen}) + "\n")
