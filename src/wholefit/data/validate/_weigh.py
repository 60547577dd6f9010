"""Whether a fault is an error, a warning, or what chance would bring anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.data.validate._chance import chance
from wholefit.data.validate.expectations import ColumnRule, Expectations, Rule
from wholefit.data.validate.validation import Violation

_EXAMPLES, _LONGEST = 5, 40


@dataclass(frozen=True)
class Weigher:
    """Knows how many rows were learnt from, and how small a chance must be to be an error.

    The chances of all checks that leave room for chance add up to 1 - confidence (Bonferroni).
    """

    rows: int
    alpha: float
    checks: int

    @classmethod
    def of(cls, expected: Expectations) -> Weigher:
        """For these expectations."""
        chancy = sum(_chancy(rule) for rule in expected.columns.values())
        chancy += sum(rule.rows > 0 for rule in expected.rules)
        checks = sum(_checks(rule) for rule in expected.columns.values()) + len(expected.rules) + 1
        return cls(expected.rows, (1 - expected.confidence) / max(chancy, 1), checks)

    def share(self, found: int, of: int, allowed: float, exact: bool = False) -> str | None:
        """Severity where `found` of `of` rows fail and a share may: None within the share.

        What was learnt leaves room for chance; what a person wrote (no rows, or exact) does not.
        """
        if not found or found <= allowed * of:
            return None
        if not self.rows or exact:
            return "error"
        likely = chance(found, of, round(allowed * self.rows), self.rows)
        return "error" if likely < self.alpha else "warning"

    def unlikely(self, found: int, of: int) -> bool:
        """True if chance does not explain `found` rows that had no like before."""
        return self.rows > 0 and found > 0 and chance(found, of, 0, self.rows) < self.alpha

    def rule(self, found: int, of: int, rule: Rule) -> str | None:
        """Severity where `found` rows break a rule; one that was learnt leaves room for chance."""
        if not found:
            return None
        if not rule.rows:
            return rule.severity
        if found <= rule.broken / rule.rows * of:
            return None
        return rule.severity if chance(found, of, rule.broken, rule.rows) < self.alpha \
            else "warning"


def violation(
    check: str, severity: str, columns: Sequence[str], count: int, of: int, said: str,
    remedy: str, rows: tuple[int, ...] = (), values: tuple[str, ...] = (),
) -> Violation:
    """A violation whose sentence begins with how many rows it concerns."""
    share = f" ({_percent(count / of)})" if of else ""
    singular = said.replace("rows do not ", "row does not ", 1).replace(
        "cells are ", "cell is ", 1).replace("rows ", "row ", 1).replace("cells ", "cell ", 1)
    return Violation(check, severity, tuple(columns),
                     f"{count:,} of {of:,}{share} {said if of != 1 else singular}",
                     remedy, count, of, rows, values)


def rows_of(mask: pl.Series) -> tuple[int, ...]:
    """The first few rows where it is true, 1-based."""
    return tuple(int(row) + 1 for row in np.flatnonzero(mask.to_numpy())[:_EXAMPLES])


def values_at(cells: pl.Series, rows: tuple[int, ...]) -> tuple[str, ...]:
    """What stands in these rows, short enough to show."""
    return tuple(shown(cells[row - 1]) for row in rows)


def shown(value: Any) -> str:
    """One value in a sentence: text in quotes, long ones cut."""
    if value is None:
        return "missing"
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST else value[:_LONGEST - 3] + "...")
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)[:_LONGEST]


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "< 0.1%"


def _chancy(rule: ColumnRule) -> int:
    return 0 if rule.exact else (rule.missing < 1) + (rule.seen is not None) + (
        rule.allowed is not None) + (rule.pattern is not None)


def _checks(rule: ColumnRule) -> int:
    asked = (rule.min, rule.max, rule.allowed, rule.min_length, rule.max_length, rule.pattern,
             rule.order, rule.seen)
    return (rule.required + (rule.type != "any") + (rule.missing < 1) + rule.unique
            + sum(each is not None for each in asked))
