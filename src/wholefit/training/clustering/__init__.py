"""Clustering: are there clusters, how many, which family sees them best, who is in them."""

from __future__ import annotations

from wholefit.training.clustering._fit import Options, fit

__all__ = ["Options", "fit"]
