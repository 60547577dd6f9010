"""What every runner does around its tool; needs nothing but numpy and pandas.

`main(work)`: `work(order)` fits and gives `Done`; the answers, times and size are measured here
in the same way for each tool, and written where the order says.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_SINGLE = 15  # rows asked one at a time, after one that warms up


@dataclass(frozen=True)
class Order:
    """What to fit on, what to answer, and how long it may take."""

    train: str
    test: str
    target: str
    task: str
    classes: list[str]
    budget: float
    seed: int
    cores: int
    folder: str
    preset: str

    @property
    def classification(self) -> bool:
        return self.task == "classification"


@dataclass
class Done:
    """A fitted tool: its seconds, how it answers a frame, what it says of itself."""

    seconds: float
    answer: Callable[[pd.DataFrame], Any]
    classes: list[str]
    path: Path
    version: str
    reported: float | None = None
    reported_se: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def main(work: Callable[[Order], Done]) -> None:
    """Read the order, work, answer the outer rows, measure, write."""
    warnings.simplefilter("ignore")
    order = Order(**json.loads(Path(sys.argv[1]).read_text()))
    done = work(order)
    test = pd.read_csv(order.test)
    start = time.perf_counter()
    answer = _aligned(order, done, done.answer(test))
    first = time.perf_counter() - start
    start = time.perf_counter()
    again = done.answer(test) if first < 60 else None
    seconds = time.perf_counter() - start if again is not None else first
    rows = test.head(1 + _SINGLE)
    singles = [_timed(done, rows.iloc[at:at + 1]) for at in range(len(rows))][1:]
    np.save(Path(order.folder) / "answer.npy", answer)
    facts = {
        "fit_seconds": done.seconds, "predict_seconds": min(first, seconds),
        "row_seconds": statistics.median(singles), "size": size_of(done.path),
        "reported": done.reported, "reported_se": done.reported_se, "version": done.version,
        "detail": done.detail}
    (Path(order.folder) / "facts.json").write_text(json.dumps(facts, default=str))


def _timed(done: Done, row: pd.DataFrame) -> float:
    start = time.perf_counter()
    done.answer(row)
    return time.perf_counter() - start


def _aligned(order: Order, done: Done, answer: Any) -> np.ndarray:
    """Probabilities in the order's classes; a class the tool does not know gets nothing."""
    found = np.asarray(answer, dtype=float)
    if not order.classification:
        return found.reshape(-1)
    if found.ndim == 1:
        found = np.column_stack([1 - found, found])
    whole = np.zeros((len(found), len(order.classes)))
    at = {name: code for code, name in enumerate(order.classes)}
    for column, name in enumerate(done.classes):
        whole[:, at[name]] = found[:, column]
    return whole


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(Path(folder, name).stat().st_size
               for folder, _, names in os.walk(path) for name in names)


def named(values: Any) -> list[str]:
    """Classes as the words in the CSV file."""
    return [str(int(v)) if isinstance(v, (bool, np.bool_)) else str(v) for v in values]


def split_target(order: Order) -> tuple[pd.DataFrame, pd.Series]:
    """Columns and target of the rows to fit on."""
    frame = pd.read_csv(order.train)
    return frame.drop(columns=order.target), frame[order.target]
