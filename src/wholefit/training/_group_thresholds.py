"""Thresholds that differ by group: who is in which group, and what holds for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import SchemaError
from wholefit.evaluation.fairness._groups import labelled


@dataclass(frozen=True)
class GroupThresholds:
    """For each group of the columns `by` the probability from which on a class is said.

    `edges` cut columns of numbers into bands, as when the thresholds were chosen. Rows of a group
    that was not known then get `otherwise`.
    """

    by: tuple[str, ...]
    edges: Mapping[str, tuple[float, ...]]
    thresholds: Mapping[str, float]
    otherwise: float

    def of(self, rows: pl.DataFrame | None) -> np.ndarray:
        """The threshold of each row (n,); SchemaError without the columns."""
        names = self.names(rows)
        known = {name: self.thresholds.get(name, self.otherwise) for name in set(names)}
        return np.array([known[name] for name in names], dtype=np.float64)

    def names(self, rows: pl.DataFrame | None) -> list[str]:
        """The group of each row: "Female", or "Female, Black" of two columns."""
        absent = [name for name in self.by if rows is None or name not in rows.columns]
        if rows is None or absent:
            raise SchemaError(
                "this model decides by a threshold for each group, so rows must have the column "
                f"{(absent or list(self.by))[0]!r}; it is not there. Add it, or decide by one "
                "threshold for all: result.with_threshold(0.5).")
        return joined(labelled({name: rows.get_column(name) for name in self.by}, self.edges))

    def said(self, label: str) -> str:
        """In a sentence without its full stop."""
        listed = ", ".join(f"{value:.3g} for {name}" for name, value in
                           list(self.thresholds.items())[:6])
        more = f" and {len(self.thresholds) - 6} more" if len(self.thresholds) > 6 else ""
        return (f"{label!r} is predicted from a probability of {listed}{more} on, by "
                f"{' and '.join(map(repr, self.by))}, which every row must have")

    def to_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"by": list(self.by), "thresholds": dict(self.thresholds),
                "edges": {name: list(cuts) for name, cuts in self.edges.items()},
                "otherwise": self.otherwise}

    @classmethod
    def from_json(cls, stored: Any) -> GroupThresholds | None:
        """Read back what `to_json` wrote; ValueError, TypeError or KeyError if it is not that."""
        if stored is None:
            return None
        by = tuple(map(str, stored["by"]))
        edges = {str(name): tuple(map(float, cuts)) for name, cuts in stored["edges"].items()}
        made = cls(by, edges, {str(name): float(value) for name, value
                               in stored["thresholds"].items()}, float(stored["otherwise"]))
        rising = all(list(cuts) == sorted(set(cuts)) and cuts for cuts in edges.values())
        finite = np.isfinite([made.otherwise, *made.thresholds.values(),
                              *(cut for cuts in edges.values() for cut in cuts)]).all()
        if not by or not rising or not finite or not set(edges) <= set(by):
            raise ValueError("its thresholds by group do not fit together")
        return made


def joined(labels: Mapping[str, np.ndarray]) -> list[str]:
    """One name a row of its groups by all columns."""
    columns = [values.tolist() for values in labels.values()]
    return [", ".join(map(str, each)) for each in zip(*columns, strict=True)]
