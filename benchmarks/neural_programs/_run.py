"""What every writing shares as a program: its words, its arrays, what it prints at the end."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

BEGAN = time.perf_counter()

# Trains: (program, arrays, epochs, seed) -> (seconds of each epoch, quality).
Train = Callable[[Any, Any, int, int], tuple[list[float], float]]


def main(trains: Callable[[str], Train]) -> None:
    """`python -m benchmarks.neural_programs.WRITING PROGRAM FILE EPOCHS SEED THREADS [MODE]`."""
    parser = argparse.ArgumentParser()
    for word in ("program", "file"):
        parser.add_argument(word)
    for word in ("epochs", "seed", "threads"):
        parser.add_argument(word, type=int)
    parser.add_argument("mode", nargs="?", default="")
    asked = parser.parse_args()
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
    seconds, quality = train(program, data, asked.epochs, asked.seed)
    from benchmarks._tools import most_memory

    sys.stdout.write("\n" + json.dumps({
        "imports": imported, "seconds": seconds, "quality": quality, "peak": most_memory(),
        "rows": len(data["x"])}) + "\n")
