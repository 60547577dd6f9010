"""Numbers as they are written in sentences and tables."""

from __future__ import annotations

import math


def brief(value: float) -> str:
    """Three or four digits that matter: "0.0123", "12.3", "1,234"."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}" if size < 1e7 else f"{value:.3g}"
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}"


def cut(value: float) -> str:
    """A bound, with as many digits as tell it from its neighbours."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.1f}"
    return f"{value:.5g}"


def within(value: float, low: float, high: float) -> tuple[str, str, str]:
    """A value and its interval, with the digits that the interval deserves."""
    width = high - low
    if not (math.isfinite(width) and width > 0):
        return brief(value), brief(low), brief(high)
    digits = min(6, max(0, 1 - math.floor(math.log10(width))))
    return (f"{value:,.{digits}f}", f"{low:,.{digits}f}", f"{high:,.{digits}f}")
