"""A claim, the experiment that decides it, and what the experiments share."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import wholefit as wf
from wholefit import models
from wholefit.base import tasks
from wholefit.models import Context
from wholefit.training import Entry

EXAMPLES = Path(__file__).parents[2] / "examples"
TRUE, FALSE, PARTLY = "true", "false as stated", "true with conditions"

# What an experiment gives: the numbers in words, and the verdict that follows from them.
Finding = tuple[str, str]


@dataclass(frozen=True)
class Claim:
    """One row of the table; `data` names what must lie in the folder of data sets."""

    id: str
    said: str
    experiment: str
    run: Callable[[], Finding]
    data: str | None = None


CLAIMS: list[Claim] = []


def claim(
    id: str, said: str, experiment: str, data: str | None = None
) -> Callable[[Callable[[], Finding]], Callable[[], Finding]]:
    """Put the function's claim in the table."""

    def put(run: Callable[[], Finding]) -> Callable[[], Finding]:
        CLAIMS.append(Claim(id, said, experiment, run, data))
        return run

    return put


def example(name: str) -> dict[str, float]:
    """The numbers of a program in examples/."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.main()


def compared(source: Any, target: str, asked: Sequence[Any], **words: Any) -> list[Entry]:
    """The leaderboard rows of the models asked for, in that order, from one cross-validation."""
    made = [models.make(model) for model in asked]
    names: list[str] = []
    for model in made:
        times = sum(name.partition("#")[0] == model.name for name in names)
        names.append(model.name if not times else f"{model.name}#{times + 1}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = wf.fit(source, target=target, models=made, jobs=1, **words)
    board = {entry.model: entry for entry in result.leaderboard}
    return [board[name.replace("#", "_")] for name in names]


def table(X: np.ndarray, y: np.ndarray, classes: bool = True) -> dict[str, Any]:
    """Columns "x0", "x1", ... and "y", which is made of words where it holds classes."""
    columns: dict[str, Any] = {f"x{at}": column for at, column in enumerate(X.T)}
    columns["y"] = np.array([f"class {int(code)}" for code in y]) if classes else y
    return columns


def fitted(text: str, X: np.ndarray, y: np.ndarray, seed: int = 0) -> Callable[..., np.ndarray]:
    """A catalog model on bare arrays: a function from rows to probabilities or numbers."""
    classes = len(np.unique(y)) if y.dtype.kind in "iu" else 0
    task = tasks.get("classification" if classes else "regression")
    context = Context(*X.shape, n_classes=classes, seed=seed)
    model = models.make(text)
    estimator = model.build(task, context).fit(X, y)
    return lambda rows: model.answer(estimator, rows, task, context)


def rmse(truth: np.ndarray, answer: np.ndarray) -> float:
    return float(np.sqrt(np.mean((truth - answer) ** 2)))


def accuracy(truth: np.ndarray, answer: np.ndarray) -> float:
    return float((answer.argmax(axis=1) == truth).mean())


def shown(entry: Entry, metric: str) -> str:
    """Model and score with its interval."""
    return f"{entry.model} {entry.scores[metric]}"
