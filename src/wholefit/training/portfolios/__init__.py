"""Portfolios as data: configurations by name, and the order in which they are worth trying.

`configurations.json` holds what each name means and the tables it is meant for;
`by_hand.json` an order made by hand, the presets, and the networks that read pictures or texts;
`learnt.json`, where it holds an order for a task and size, takes the place of the one by hand and
says how it was learnt. The study that learns it is benchmarks/portfolio.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from wholefit import models
from wholefit.base.optional import available
from wholefit.models import Model

# Up to so many rows a table is small, up to so many of middle size.
SIZES = {"small": 3_000, "middle": 20_000}


@dataclass(frozen=True)
class Configuration:
    """A catalog model with parameters, and the tables that it is meant for.

    Bounds are of cost: of rows, columns, cells (rows x columns) and classes. `unless` names a
    library that makes this configuration needless; `slow_to_answer` marks what keeps its rows.
    """

    model: str
    params: Mapping[str, Any]
    least_rows: int = 0
    most_rows: int | None = None
    most_columns: int | None = None
    most_cells: int | None = None
    most_classes: int | None = None
    task: str | None = None
    unless: str | None = None
    slow_to_answer: bool = False

    def make(self) -> Model:
        """The model itself; raises ParameterError where a parameter is none of its own."""
        return models.get(self.model).from_dict(dict(self.params))

    def refused(self, task: str, rows: int, columns: int, classes: int) -> str | None:
        """Why it is not tried on such a table; "" where that needs no saying, None if it is."""
        kind = models.get(self.model)
        if task not in kind.tasks or self.task not in (None, task) or rows < self.least_rows:
            return ""
        if self.unless is not None and available(self.unless):
            return ""
        if kind.requires is not None and not available(kind.requires):
            return f"{kind.requires} is not installed: pip install 'wholefit[{kind.extra}]'"
        for most, got, what in (
            (self.most_rows, rows, "rows"), (self.most_columns, columns, "columns"),
            (self.most_cells, rows * columns, "cells"), (self.most_classes, classes, "classes"),
        ):
            if most is not None and got > most:
                return (f"its time or memory grows out of proportion on {got:,} {what} (at most "
                        f"{most:,} by itself); name it in models= to have it all the same")
        return None


@cache
def configurations() -> dict[str, Configuration]:
    """Every configuration by its name."""
    return {name: Configuration(**values) for name, values in _read("configurations").items()}


@cache
def by_hand() -> dict[str, Any]:
    """The hand-made orders, presets and networks."""
    return _read("by_hand")


@cache
def learnt() -> dict[str, Any]:
    """The learnt orders with how they were learnt; no orders where nothing was learnt yet."""
    return _read("learnt") if _path("learnt").exists() else {"orders": {}}


def size_of(rows: int) -> str:
    """The word for a table of so many rows: "small", "middle" or "large"."""
    return next((word for word, most in SIZES.items() if rows <= most), "large")


def order(task: str, rows: int) -> list[str]:
    """Names of configurations in the order to try them: learnt where there is one, else by hand."""
    found = learnt()["orders"].get(task, {}).get(size_of(rows))
    return list(found or by_hand()["orders"][task][size_of(rows)])


def _path(name: str) -> Path:
    return Path(__file__).with_name(f"{name}.json")


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_path(name).read_text(encoding="utf-8"))
    return found
