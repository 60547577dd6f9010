"""Recommendation: from rows of who rated or used what to ratings expected and lists to offer."""

from __future__ import annotations

from wholefit.training.recommendation._fit import Options, fit

__all__ = ["Options", "fit"]
