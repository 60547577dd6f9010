"""Evaluation: (truth, answer) -> numbers with intervals, and paired tests; never fits anything."""

from __future__ import annotations

from wholefit.evaluation import metrics
from wholefit.evaluation.compare import (
    Difference,
    Verdict,
    compare,
    corrected_t,
    mcnemar,
    ties,
)
from wholefit.evaluation.score import Score, score
from wholefit.evaluation.tables import (
    ClassRow,
    calibration_points,
    confusion,
    pr_points,
    report,
    roc_points,
)

__all__ = ["ClassRow", "Difference", "Score", "Verdict", "calibration_points", "compare",
           "confusion", "corrected_t", "mcnemar", "metrics", "pr_points", "report", "roc_points",
           "score", "ties"]
