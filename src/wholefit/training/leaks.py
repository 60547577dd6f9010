"""What is wrong with the data before it is learnt from: findings, and leaks of the answer.

`check` is what `fit` does by default: the cheap part, on a sample where rows are many. `examine`
is thorough. Nothing is dropped: what is found is said, with the flag that treats it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from wholefit.base.tasks import Codec
from wholefit.data.dataset import Dataset
from wholefit.data.findings import FAMILIES, Finding, Look, ordered
from wholefit.data.splits import Plan
from wholefit.training import _leaks_columns, _leaks_groups, _leaks_shape
from wholefit.training._leaks_skew import Skew, skew

__all__ = ["Finding", "Skew", "affordable", "check", "examine", "skew"]

# What `check` takes a cell where rows are many (some 3 s for 3,000,000 rows of ten columns), and
# the share of a fit's time that it may take.
_CELL, _SHARE = 1e-7, 0.2


def affordable(dataset: Dataset, seconds: float) -> bool:
    """True if `check` leaves most of so many seconds to the models."""
    return len(dataset) * len(dataset.schema.columns) * _CELL <= _SHARE * seconds


def check(dataset: Dataset, codec: Codec, y: np.ndarray, plan: Plan) -> tuple[Finding, ...]:
    """Findings and leaks for a fit of the encoded target `y` under `plan`."""
    known = np.isfinite(y) if y.dtype.kind == "f" else y >= 0
    if not known.all():
        return ()
    return _all(Look(dataset, quick=True, y=y, classes=getattr(codec, "classes", ())), plan)


def examine(dataset: Dataset, plan: Plan | None = None) -> tuple[Finding, ...]:
    """All findings and leaks of a dataset, the gravest first."""
    return _all(Look(dataset), plan)


def _all(look: Look, plan: Plan | None) -> tuple[Finding, ...]:
    if look.n == 0 or not look.looked_at:
        return ()
    found = [one for family in FAMILIES for one in family(look)]
    told = list(_leaks_columns.find(look))
    if any(one.kind == "telling_identifier" for one in told):
        # The rows stand in the order of that identifier: said once, with the better remedy.
        found = [one for one in found if one.kind != "ordered_rows"]
    found += told
    parted = list(_leaks_groups.find(look, plan))
    found += parted
    found += _leaks_shape.find(look)
    if any(one.kind == "near_twins_across_split" for one in parted):
        # They are named once already, with what they do.
        found = [replace(one, severity="info") if one.kind.startswith("near_duplicate") else one
                 for one in found]
    return ordered(found)
