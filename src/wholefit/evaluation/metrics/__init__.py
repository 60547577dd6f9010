"""The metrics: one file a task in this folder; the folder is the registry.

A file named after a task holds METRICS, and SHEET, which checks that task's truth and answer.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from wholefit.base import tasks
from wholefit.base.errors import unknown
from wholefit.evaluation.metrics._costs import expected_cost
from wholefit.evaluation.metrics._custom import Custom, custom
from wholefit.evaluation.metrics._metric import Metric, Moments
from wholefit.evaluation.metrics._named import named
from wholefit.evaluation.metrics._sheet import Sheet
from wholefit.evaluation.metrics.multilabel import OverLabels

__all__ = ["Custom", "Metric", "Moments", "OverLabels", "Sheet", "chosen", "custom",
           "expected_cost", "get", "main", "named", "names", "sheet"]


@cache
def _modules() -> dict[str, Any]:
    return {module.name: importlib.import_module(f"{__name__}.{module.name}")
            for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")}


def _module(task: str) -> Any:
    if task not in _modules():
        raise unknown("task with metrics", task, sorted(_modules()))
    return _modules()[task]


def names(task: str) -> list[str]:
    """Names of the task's metrics, its own first choices first."""
    return [metric.name for metric in _module(task).METRICS]


def get(task: str, name: str | Metric | Callable[..., float]) -> Metric:
    """The metric of that name or alias; also "package.module:function", or a function.

    Of classes, some have a number in their name: "f2", "recall@precision=0.5",
    "precision@recall=0.8", "precision@top=100", "recall@top=5%". A misspelt name
    gets the nearest right one.
    """
    if isinstance(name, Metric):
        return name
    if callable(name) or ":" in name:
        return custom(name, task)
    wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
    known = {metric.name: metric for metric in _module(task).METRICS}
    other = {alias: metric for metric in known.values() for alias in metric.aliases}
    numbered = named(wanted, known["f1"]) if "f1" in known and wanted not in known else None
    if numbered is not None:
        return numbered
    if wanted not in known and wanted not in other:
        raise unknown(f"{task} metric", name, [*known, *other])
    return known.get(wanted) or other[wanted]


def chosen(task: str, wanted: Any = None) -> list[Metric]:
    """Metrics from a name, a function, or several of them; the task's own where None."""
    if wanted is None:
        wanted = tasks.get(task).metrics
    if isinstance(wanted, (str, Metric)) or not isinstance(wanted, Iterable):
        wanted = (wanted,)
    return list({metric.name: metric for metric in (get(task, one) for one in wanted)}.values())


def main(task: str, wanted: Any = None, classes: Sequence[Any] | None = None) -> Metric:
    """The metric that models are compared by: `wanted`, or the task's first.

    A user's function of classes is shown labels: `classes`, in the order of their codes.
    """
    found = get(task, tasks.get(task).metrics[0] if wanted is None else wanted)
    if isinstance(found, Custom) and found.classes is None and classes is not None:
        return replace(found, classes=tuple(classes))
    return found


def sheet(task: str, truth: Any, answer: Any, **options: Any) -> Sheet:
    """Truth and answer, checked; options: positive, weights, units."""
    return _module(task).SHEET(truth, answer, **options)
