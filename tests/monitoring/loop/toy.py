"""A world of one number and models of one weight: the loop's machinery without a real fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from wholefit import artifact, data
from wholefit.artifact.registry import Registry
from wholefit.base import tasks
from wholefit.base.state import State
from wholefit.evaluation.score import Score
from wholefit.monitoring.loop import Engine, Known, Plan, Retrain, Side, Told

REGRESSION = tasks.get("regression")
PLAN = {"triggers": {"rows": 100, "metric": False, "drift": False},
        "retrain": {"how": "full", "window": 70},
        "hold": {"share": 0.4, "most": 50},
        "gate": {"least": 30, "latency": None, "parts": "none"},
        "watch": {"rows": 60}}


def batch(number: int, rows: int = 120, weight: float | None = None) -> pl.DataFrame:
    """Rows of y = weight * x; the weight changes every third batch, and back for one."""
    made = np.random.default_rng(number)
    x = made.normal(size=rows)
    weight = (1.0, 1.0, 3.0, 3.0, 1.0, 2.0, 2.0)[number % 7] if weight is None else weight
    return pl.DataFrame({"x": x, "y": weight * x + 0.1 * made.normal(size=rows),
                         "part": np.where(x > 0, "up", "down")})


def save(path: Path, weight: float) -> Path:
    """A model file of that weight."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return artifact.write(path, {"task": "regression"},
                          {"model": State("linear", arrays={"w": np.array([weight])})}, force=True)


class ToyHands:
    """Hands that fit by least squares; `broken` cycles make a model that is worth nothing."""

    def __init__(self, broken: Sequence[int] = (), drifted: str | None = None,
                 known: Score | None = None) -> None:
        self.broken, self.told, self.score = set(broken), drifted, known
        self.calls: list[str] = []

    def known(self, path: Path) -> Known:
        return Known("y", None, "rmse", self.score)

    def side(self, path: Path, name: str, rows: pl.DataFrame) -> Side:
        return side(_weight(path), name, rows, path.stat().st_size)

    def fit(self, path: Path, rows: pl.DataFrame, how: Retrain, seed: int, out: Path) -> None:
        self.calls.append(f"fit {rows.height}")
        x, y = rows["x"].to_numpy(), rows["y"].to_numpy()
        save(out, -5.0 if seed in self.broken else float(x @ y / (x @ x)))

    def update(self, path: Path, batches: Sequence[pl.DataFrame], out: Path) -> None:
        self.calls.append(f"update {[each.height for each in batches]}")
        weight = _weight(path)
        for rows in batches:
            for x, y in rows.select("x", "y").iter_rows():
                weight += 0.1 * (y - weight * x) * x
        save(out, weight)

    def drifted(self, path: Path, rows: pl.DataFrame, level: float) -> str | None:
        return self.told


def side(weight: float, name: str, rows: pl.DataFrame, size: int = 1, delay: float = 0) -> Side:
    """A side of the gate that answers weight * x."""
    dataset = data.dataset_of(rows, target="y", task="regression")
    codec = REGRESSION.codec("y", rows["y"].to_numpy())

    def answer(asked: Any) -> np.ndarray:
        if delay:
            import time

            time.sleep(delay)
        return weight * np.asarray(asked.numeric("x"))

    fitted: Any = SimpleNamespace(task=REGRESSION, schema=dataset.schema, codec=codec,
                                  answer=answer, codes=lambda answer, asked: None)
    return Side(name, fitted, dataset, size)


def _weight(path: Path) -> float:
    return float(artifact.read(path).states["model"].arrays["w"][0])


def begun(folder: Path) -> Registry:
    """A registry that serves a first model."""
    registry = Registry(folder / "reg")
    registry.add(save(folder / "first.wf", 1.0), "m", key="first")
    if registry.served("m") is None:
        registry.promote("m", 1, key="first promotion")
    return registry


def settled(engine: Engine) -> Told:
    """Turn until nothing more can be done, new cycles included."""
    while True:
        told = engine.run()
        if told.cycle is None or told.cycle.closed is None:
            return told


def work(folder: str, batches: int, started: Any = None) -> None:
    """Give batch after batch to a loop and let it settle; what the kill tests kill."""
    if started is not None:
        started.set()
    registry = begun(Path(folder))
    engine = Engine(registry, "m", ToyHands(broken=(3,)), Plan.of(PLAN))
    for number in range(batches):
        engine.give(batch(number))
        settled(engine)
    engine.close()
    registry.close()


def story(registry: Registry) -> list[tuple[str, int | None, str | None]]:
    """What happened, without times and reasons: action, version, and the file of what was added."""
    return [(event.action, event.number, event.details.get("sha256"))
            for event in registry.events("m")]
