"""Findings: what is wrong with a table, where, why it matters, and what treats it.

One file, one family; each has a `find(look)` that gives findings of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wholefit.data.dataset import Dataset
from wholefit.data.findings import (
    answers,
    categories,
    columns,
    damage,
    dates,
    duplicates,
    missing,
    order,
    redundant,
    sentinels,
    tails,
)
from wholefit.data.findings._finding import SEVERITIES, Finding, ordered
from wholefit.data.findings._look import Look

__all__ = ["FAMILIES", "SEVERITIES", "Finding", "Look", "examine", "find", "ordered"]

FAMILIES: tuple[Callable[[Look], Iterable[Finding]], ...] = (
    duplicates.find, damage.find, categories.find, sentinels.find, dates.find, columns.find,
    tails.find, missing.find, redundant.find, answers.find, order.find,
)


def find(dataset: Dataset) -> tuple[Finding, ...]:
    """All that is found in a dataset, the gravest first."""
    return examine(Look(dataset))


def examine(look: Look) -> tuple[Finding, ...]:
    """What every family finds under this look."""
    if look.n == 0 or not look.looked_at:
        return ()
    return ordered([found for family in FAMILIES for found in family(look)])
