"""A log of answers -> alarms: drift, quality, anomalies, scores with and without truths, latency.

`watch` judges a log window by window; `wholefit.api.monitoring` makes its `Subject` of a model.
"""

from __future__ import annotations

from wholefit.monitoring.case import Case, Side, Subject
from wholefit.monitoring.options import Options
from wholefit.monitoring.record import KINDS, Check, Judged, Monitored
from wholefit.monitoring.watch import watch
from wholefit.monitoring.windows import Window

__all__ = ["KINDS", "Case", "Check", "Judged", "Monitored", "Options", "Side", "Subject", "Window",
           "watch"]
