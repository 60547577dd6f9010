"""Anomalies: detectors fitted, their scores of unlearnt rows ranked, and a threshold by budget."""

from __future__ import annotations

from wholefit.training.anomaly._fit import Options, fit

__all__ = ["Options", "fit"]
