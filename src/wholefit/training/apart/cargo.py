"""A problem on its way to another process: arrays and the table as files that both can map."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.data.dataset import Dataset
from wholefit.data.images import keeping
from wholefit.data.splits import Plan
from wholefit.training._folds import Problem

_TABLE, _UNLABELLED = "table.arrow", "unlabelled.arrow"
# Made anew over there, or sent as files.
_APART = ("dataset", "y", "weights", "plan", "encoders", "cleaned_folds")


def sendable(thing: Any) -> bool:
    """False if another process could not import the class or function: one of a script, say."""
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    module = getattr(named, "__module__", None) or ""
    if module == "__main__" or "<" in named.__qualname__:
        return False
    with contextlib.suppress(ImportError, ValueError, AttributeError):
        return importlib.util.find_spec(module) is not None
    return False


def pack(problem: Problem, folder: str) -> dict[str, Any]:
    """Write the large parts into `folder`; gives the small ones, to be sent."""
    place = Path(folder)
    problem.dataset.frame.write_ipc(place / _TABLE, compression="uncompressed")
    if problem.dataset.without_target is not None:
        problem.dataset.without_target.write_ipc(place / _UNLABELLED, compression="uncompressed")
    arrays = {"y": problem.y, "weights": problem.weights, "units": problem.plan.units}
    for number, (train, test) in enumerate(problem.plan.folds):
        arrays |= {f"train {number}": train, f"test {number}": test}
    for name, array in arrays.items():
        if array is not None:
            np.save(place / f"{name}.npy", array, allow_pickle=False)
    small = {f.name: getattr(problem, f.name) for f in dataclasses.fields(problem)
             if f.name not in _APART}
    small["heard"] = problem.heard and problem.heard.sent()
    return {"problem": small, "schema": problem.dataset.schema, "how": problem.plan.how,
            "unit": problem.plan.unit, "folds": len(problem.plan.folds),
            "pixels": keeping.told(problem.dataset.frame)}


def unpack(folder: str, facts: dict[str, Any]) -> Problem:
    """The problem that `pack` wrote; its arrays are mapped, not copied."""
    place = Path(folder)

    def array(name: str) -> Any:
        file = place / f"{name}.npy"
        return np.load(file, mmap_mode="r", allow_pickle=False) if file.exists() else None

    keeping.opened(facts["pixels"])
    frame = pl.read_ipc(place / _TABLE)
    folds = tuple((array(f"train {i}"), array(f"test {i}")) for i in range(facts["folds"]))
    plan = Plan(folds=folds, how=facts["how"], unit=facts["unit"], units=array("units"))
    dataset = Dataset(frame, facts["schema"])
    if (place / _UNLABELLED).exists():
        dataset.without_target = pl.read_ipc(place / _UNLABELLED)
    return Problem(dataset=dataset, y=array("y"), plan=plan,
                   weights=array("weights"), **facts["problem"])
