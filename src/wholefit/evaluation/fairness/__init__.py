"""Fairness: are groups of people treated alike, as far as these rows can tell?

Each measure of each group has its interval; each group is compared with one reference, and the
largest gap among all groups is judged, corrected for having been sought. Groups of a few rows
are never given as bare numbers, and cells of fewer than five people are not told at all.
"""

from __future__ import annotations

from wholefit.evaluation.fairness._measures import JUDGED, MEASURES
from wholefit.evaluation.fairness.audit import audit
from wholefit.evaluation.fairness.gaps import disparities
from wholefit.evaluation.fairness.records import (
    Audit,
    Criterion,
    Gap,
    Group,
    Impossible,
    Part,
    Proxy,
)

__all__ = ["JUDGED", "MEASURES", "Audit", "Criterion", "Gap", "Group", "Impossible", "Part",
           "Proxy", "audit", "disparities"]
