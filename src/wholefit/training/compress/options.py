"""How to compress; every word means the same on all faces."""

from __future__ import annotations

from dataclasses import dataclass

from wholefit.base.errors import ParameterError
from wholefit.base.params import Params, param


@dataclass(frozen=True)
class Options(Params):
    """Which ways, how far, and how they are judged."""

    to: str = param("all", "Ways of compressing, between commas; all that the model can take.")
    sparsity: float = param(0.8, "Share of a network's weights that pruning takes away.", above=0,
                            below=1)
    units: float = param(0.5, "Share of each hidden layer that structured pruning takes away.",
                         above=0, below=1)
    epochs: int = param(30, "Times that all rows are seen after or while a network is pruned; 0 "
                        "leaves the weights that stay as they are.", low=0, high=10_000)
    levels: int = param(16, "Values that the weights of a tensor share.", low=2, high=256)
    trees: float = param(0.5, "Share of the trees (rounds) that stay.", above=0, below=1)
    depth: int = param(6, "Most levels of splits of a tree that is made shallower.", low=1,
                       high=64)
    coverage: float = param(0.9999, "Share of the calibration rows' numbers that the ranges of "
                            "static arithmetic must hold; beyond, they are cut.", low=0.9, high=1)
    held: float = param(0.3, "Share of the rows set aside to judge by, where no others are given.",
                        above=0, below=1)
    jobs: int = param(1, "Threads.", low=1)
    seed: int = param(0, "Every random choice follows from it.")

    @property
    def words(self) -> tuple[str, ...]:
        """The ways asked for, in order; empty for all."""
        words = tuple(dict.fromkeys(word.strip() for word in self.to.split(",") if word.strip()))
        if not words:
            raise ParameterError(f"to must name a way of compressing, or all; got {self.to!r}.")
        return () if words == ("all",) else words
