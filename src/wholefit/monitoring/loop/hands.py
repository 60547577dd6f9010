"""What the loop needs done with models, as a higher room does it: fitting, scoring, loading.

The loop itself knows files, versions and rows; `wholefit.api.loop` gives it hands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from wholefit.evaluation.score import Score
from wholefit.monitoring.loop.gate import Side
from wholefit.monitoring.loop.plan import Retrain


@dataclass(frozen=True)
class Known:
    """What a model file says of itself: its target, its groups, its metric, and its score there."""

    target: str
    group: str | None
    metric: Any
    score: Score | None


class Hands(Protocol):
    """Work on model files."""

    def known(self, path: Path) -> Known:
        """What the model says of itself."""
        ...

    def side(self, path: Path, name: str, rows: pl.DataFrame) -> Side:
        """The model before the gate, with labelled rows as it knows them."""
        ...

    def fit(self, path: Path, rows: pl.DataFrame, how: Retrain, seed: int, out: Path) -> None:
        """Fit anew on `rows` with the words of the model at `path`, and save it at `out`."""

    def update(self, path: Path, batches: Sequence[pl.DataFrame], out: Path) -> None:
        """Teach the model these batches, one after the other, and save it at `out`."""

    def drifted(self, path: Path, rows: pl.DataFrame, level: float) -> str | None:
        """What drifted since the model was fitted, in a sentence; None if nothing did."""
        ...
