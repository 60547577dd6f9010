"""Meta-features: what a table is like, in a few numbers that tell no cell of it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from wholefit.data import Dataset

# How far apart two tables are: what a difference of one means in each number. Rows, columns and
# classes count by their size: ten times as many rows is as far as half the columns of another kind.
_WEIGHTS = {"rows": 1.0, "columns": 1.0, "numeric": 2.0, "categorical": 2.0, "text": 3.0,
            "missing": 1.0, "classes": 1.0, "even": 1.0}
_LOGS = ("rows", "columns", "classes")


@dataclass(frozen=True)
class Meta:
    """A table's shape: counts, and shares in [0, 1].

    `classes` is 0 for a number; `even` says how evenly rows are spread over the classes (the
    entropy of their shares over its most), or, of a number, over ten equal slices of its range.
    """

    rows: int
    columns: int
    numeric: float
    categorical: float
    text: float
    missing: float
    classes: int
    even: float

    def apart(self, other: Meta) -> float:
        """Distance from another table; 0 for one of the same shape."""
        total = 0.0
        for name, weight in _WEIGHTS.items():
            a, b = float(getattr(self, name)), float(getattr(other, name))
            gap = math.log10(1 + a) - math.log10(1 + b) if name in _LOGS else a - b
            total += (weight * gap) ** 2
        return math.sqrt(total)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Any) -> Meta:
        """Back from `to_json`; ValueError or TypeError for anything else."""
        values = {each.name: float(stored[each.name]) for each in fields(cls)}
        if not all(math.isfinite(v) and 0 <= v < 1e15 for v in values.values()):
            raise ValueError("meta-features must be finite and >= 0")
        rows, columns, classes = (int(values.pop(name)) for name in _LOGS)
        return cls(rows=rows, columns=columns, classes=classes, **values)


def of(dataset: Dataset, y: np.ndarray, classes: int) -> Meta:
    """The shape of a table with its encoded target `y` (n,)."""
    schema = dataset.schema
    roles = [schema.role(name) for name in schema.features]
    count = max(len(roles), 1)
    kinds = {"numeric": ("numeric", "boolean", "datetime"), "categorical": ("categorical",),
             "text": ("text", "image")}
    cells = max(len(dataset) * count, 1)
    empty = sum(int(dataset.frame.get_column(name).null_count()) for name in schema.features)
    return Meta(
        rows=len(dataset), columns=len(roles), missing=empty / cells, classes=classes,
        even=_even(y, classes),
        **{kind: sum(role in names for role in roles) / count for kind, names in kinds.items()})


def _even(y: np.ndarray, classes: int) -> float:
    known = y[y >= 0] if classes else y[np.isfinite(y)]
    counts: np.ndarray = np.zeros(1)
    if classes:
        counts = np.bincount(known, minlength=classes)
    elif len(known):
        counts = np.histogram(known, bins=10)[0]
    shares = counts[counts > 0] / max(counts.sum(), 1)
    most = math.log(len(counts)) if len(counts) > 1 else 1.0
    return float(min(1.0, max(0.0, -(shares * np.log(shares)).sum() / most)))
