"""Generators of tables that need no network: a baseline, and three honest ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._generators.base import GeneratorModel
from wholefit.models._model import Context


@dataclass(frozen=True)
class IndependentColumns(GeneratorModel):
    """Every column drawn by itself, as it is distributed."""

    name = "independent_columns"
    family = "marginals"
    burden = 1
    pace = 0.1
    makes = ("table", "image")
    summary = ("The baseline: each column is right by itself, and nothing that goes together in "
               "the data goes together in what is made.")

    def build(self, task: Task, context: Context) -> Any:
        """The marginals."""
        from wholefit.models._generators.plain import IndependentColumns as Estimator

        return Estimator(self, context)


@dataclass(frozen=True)
class GaussianCopula(GeneratorModel):
    """Each column's own distribution, tied by a normal copula (Sklar 1959; Nelsen 2006)."""

    name = "gaussian_copula"
    family = "copula"
    burden = 5
    pace = 0.5
    makes = ("table", "image")
    summary = ("Quick, small, and keeps how columns rise and fall together; misses what bends, "
               "and what holds in one group only.")

    shrinkage: float = param(0.0, "Share by which correlations are drawn to zero; a little is "
                             "always taken where rows are few.", low=0, high=1, search=(0.0, 0.3))
    rows: int = param(50_000, "Rows learnt from, where there are more: drawn at random.", low=10)

    def build(self, task: Task, context: Context) -> Any:
        """Marginals and correlations."""
        from wholefit.models._generators.plain import CopulaEstimator

        return CopulaEstimator(self, context)


@dataclass(frozen=True)
class SequentialTrees(GeneratorModel):
    """A tree for each column, from the columns before it (Reiter 2005; synthpop: Nowok 2016)."""

    name = "sequential_trees"
    family = "trees"
    burden = 20
    pace = 4.0
    keeps_rows = True
    summary = ("Mixed columns with steps, groups and interactions: usually the hardest to tell "
               "from real rows. Its leaves hold cells of the rows that it learnt from.")

    leaf: int = param(5, "Fewest rows of a leaf: more is smoother and tells less of single rows.",
                      low=1, search=(2, 50), log=True)
    depth: int | None = param(None, "Most questions on the way to a leaf; None does not limit.",
                              low=1, high=100, none=True)
    rows: int = param(50_000, "Rows learnt from, where there are more: drawn at random.", low=10)

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's trees, one after the other."""
        from wholefit.models._generators.plain import SequenceEstimator

        return SequenceEstimator(self, context)


@dataclass(frozen=True)
class SmoothedBootstrap(GeneratorModel):
    """Rows drawn again with a little noise (Silverman and Young 1987)."""

    name = "smoothed_bootstrap"
    family = "bootstrap"
    burden = 10
    pace = 0.2
    keeps_rows = True
    summary = ("As like the data as it gets, because it is the data: rows with noise on them. For "
               "tests and exercises; never where rows are private.")

    noise: float = param(0.5, "Noise on numbers, as a share of a kernel density's bandwidth.",
                         low=0, search=(0.1, 1.0))
    swap: float = param(0.05, "Share of categories drawn anew.", low=0, high=1, search=(0.0, 0.3))
    rows: int = param(20_000, "Rows kept, where there are more: drawn at random.", low=10)

    def build(self, task: Task, context: Context) -> Any:
        """The rows and their noise."""
        from wholefit.models._generators.plain import BootstrapEstimator

        return BootstrapEstimator(self, context)
