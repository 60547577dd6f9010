"""Lessons: what is told of neural networks, computed anew each time it is asked.

    found = run("xor")
    print(found.to_text())             # the question, and what was found
    found.numbers                      # {"best_line": 0.75, "network": 1.0, ...}

Each lesson is a function that runs the experiment (seconds on one core), and gives a frozen record:
sentences, the numbers they rest on, a table, and what its pictures are made of. One file, one
subject; `wholefit.report.lessons` draws them.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

import torch

from wholefit.nn.lessons._lesson import (
    LESSONS,
    Chart,
    Entry,
    Lesson,
    Picture,
    Plane,
    Tiles,
    check,
    get,
)

__all__ = ["Chart", "Entry", "Lesson", "Picture", "Plane", "Tiles", "describe", "run"]


def describe() -> list[Entry]:
    """All lessons in alphabetical order, each with its question."""
    _walk()
    return [LESSONS[name] for name in sorted(LESSONS)]


def run(name: str, **options: Any) -> Lesson:
    """Run the lesson of that name; the same seed gives the same numbers.

    `options` are the function's own (`seed` in most). torch's random numbers are left as they were.
    Raises UnknownNameError for a misspelt name, ParameterError for an option it does not take.
    """
    _walk()
    check(name, options)
    with torch.random.fork_rng(devices=[]):
        return get(name).run(**options)


@cache
def _walk() -> None:
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{__name__}.{module.name}")
