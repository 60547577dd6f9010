"""Frequent itemsets: what is often in one basket together, by three engines of one answer."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features import Encoding
from wholefit.models._itemsets.base import Itemsets, baskets_of
from wholefit.models._model import Context, Model


@dataclass(frozen=True)
class _Miner(Model):
    """What the three engines share: the same words, and the same sets found."""

    engine: ClassVar[str]

    min_count: int = param(2, "Fewest baskets that must hold a set for it to be frequent.", low=1)
    max_items: int | None = param(None, "Most items in a set; None sets no bound.", low=1,
                                  none=True)
    limit: int | None = param(None, "Most sets that may be frequent; with more, mining stops "
                                    "with an error. None sets no bound.", low=1, none=True)

    def encoding(self, task: Task) -> Encoding:
        """Baskets are not encoded: they are sets of items."""
        return Encoding()

    def build(self, task: Task, context: Context) -> Any:
        """A `Mining` with `fit(X)`: baskets as a sparse or dense matrix (n, items)."""
        return Mining(self)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "itemsets": the sets of each size and how many baskets hold them."""
        return stored(estimator.found)


@dataclass(frozen=True)
class Eclat(_Miner):
    """Eclat on bitsets (Zaki 2000)."""

    name = "eclat"
    engine = "eclat"
    burden = 10
    pace = 0.01
    family = "itemsets"
    tasks = ("association",)
    weighted = False
    summary = ("Baskets as bits, AND-ed many sets at a time: the fastest of the three here on "
               "shop data, and the default.")


@dataclass(frozen=True)
class FPGrowth(_Miner):
    """FP-growth (Han, Pei and Yin 2000)."""

    name = "fp_growth"
    engine = "growth"
    burden = 20
    pace = 0.1
    family = "itemsets"
    tasks = ("association",)
    weighted = False
    summary = ("A tree of shared prefixes: the same sets as Eclat by another road; compact where "
               "baskets repeat each other, slower where many sets are frequent.")


@dataclass(frozen=True)
class Apriori(_Miner):
    """Apriori (Agrawal and Srikant 1994)."""

    name = "apriori"
    engine = "levels"
    burden = 30
    pace = 0.1
    family = "itemsets"
    tasks = ("association",)
    weighted = False
    summary = ("A level at a time, parts before wholes: the same sets by the method the "
               "textbooks teach; many rare candidates make it slow.")


class Mining:
    """A miner at work; after `fit`, `found` holds the frequent itemsets."""

    def __init__(self, model: _Miner) -> None:
        self.model = model
        self.found = Itemsets((), 0)

    def fit(self, X: Any, y: Any = None) -> Mining:
        """Mine baskets (n, items); what is not zero is in the basket."""
        module = importlib.import_module(f"wholefit.models._itemsets.{self.model.engine}")
        self.found = module.mine(baskets_of(X), self.model.min_count, self.model.max_items,
                                 self.model.limit)
        return self


def stored(found: Itemsets) -> State:
    """Itemsets as a State of kind "itemsets"."""
    arrays: dict[str, np.ndarray] = {}
    for size, level in enumerate(found.levels, start=1):
        arrays[f"items_{size}"] = level.items
        arrays[f"counts_{size}"] = level.counts
    return State("itemsets", {"baskets": found.baskets, "levels": len(found.levels)}, arrays)
