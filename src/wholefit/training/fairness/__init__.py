"""Fairness that needs fitting: proxies of protected columns, and mitigation with its price."""

from __future__ import annotations

from wholefit.training.fairness.mitigate import METHODS, Asked, Mitigated, mitigate
from wholefit.training.fairness.proxies import proxies

__all__ = ["METHODS", "Asked", "Mitigated", "mitigate", "proxies"]
