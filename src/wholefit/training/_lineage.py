"""Where a model comes from: enough to say what made it, and to make it again."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import platform
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit._version import __version__
from wholefit.base.budget import Clock
from wholefit.data.dataset import Dataset
from wholefit.features import custom, engineer
from wholefit.models import Model

if TYPE_CHECKING:
    from wholefit.training._folds import Problem

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "polars", "lightgbm", "xgboost-cpu", "catboost")
_MODULES = {"scikit-learn": "sklearn", "xgboost-cpu": "xgboost"}


def lineage(
    dataset: Dataset, options: Any, clock: Clock, problem: Problem, model: Model,
    schedule: list[dict[str, Any]],
) -> dict[str, Any]:
    """Source and hash of the rows, options, versions of what was used, and the schedule run."""
    return {
        "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "wholefit": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": versions(),
        "source": dataset.source,
        "rows": len(dataset),
        "data_hash": data_hash(dataset, problem.y),
        "seed": options.seed, "folds": options.folds, "repeats": options.repeats,
        **(dict(problem.imbalance.asked) if problem.imbalance else {}),
        **({"clean": problem.clean.recipe.to_dict()} if problem.clean else {}),
        **_steps(options.transformers), **({} if options.checks else {"checks": False}),
        "jobs": options.jobs, "choose": options.choose, "features": dict(options.features),
        "budget": str(clock.budget), "model": model.name,
        "encoding": problem.encoding(model).to_dict(),
        "schedule": schedule,
        "seconds": round(clock.spent(), 3),
        "parents": [],
    }


def _steps(transformers: Sequence[Any]) -> dict[str, Any]:
    """Engineered features as plain data; of a user's own steps the names."""
    if not transformers:
        return {}
    from wholefit.features.engineer._step import Step

    given = custom.steps(transformers)
    made = [step for step in given if isinstance(step.transformer, Step)]
    own = [step.name for step in given if not isinstance(step.transformer, Step)]
    return {**({"engineer": engineer.dump(made)} if made else {}),
            **({"transformers": own} if own else {})}


def data_hash(dataset: Dataset, y: np.ndarray) -> str:
    """SHA-256 over the rows' keys and target, in order: equal data, equal hash."""
    digest = hashlib.sha256(np.ascontiguousarray(dataset.row_keys()).tobytes())
    digest.update(np.ascontiguousarray(y).tobytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Versions of the libraries that this process has in fact woken."""
    found = {}
    for name in _LIBRARIES:
        if _MODULES.get(name, name) in sys.modules:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = "unknown"
    return found
