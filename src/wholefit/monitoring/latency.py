"""Does it answer as fast: by a limit that was stated, or beside the first window?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from wholefit.base.wording import percent
from wholefit.data.validate._chance import chance
from wholefit.monitoring.case import Case, Side
from wholefit.monitoring.record import Check

_SLOW_SHARE, _SLOWER = 0.05, 1.5


def checks(case: Case, new: Side, first: Side | None) -> Iterator[Check]:
    """Quantiles of the time that answers took; the 95th percentile is judged."""
    if new.seconds is None:
        return
    taken = new.seconds[np.isfinite(new.seconds) & (new.seconds > 0)]
    if len(taken) < case.options.least:
        return
    for share in (0.5, 0.95, 0.99):
        value = float(np.quantile(taken, share))
        said = f"{1000 * value:.3g} ms"
        if share != 0.95:
            yield Check("latency", f"{share:g}", said, value=value)
        elif case.options.latency is not None:
            yield _limited(taken, value, case.options.latency)
        else:
            yield _beside(case, taken, value, first)


def _limited(taken: np.ndarray, value: float, limit: float) -> Check:
    """Exact binomial test of more than 5 % beyond the limit."""
    from scipy.special import bdtrc

    slow = int((taken > limit).sum())
    p = float(bdtrc(slow - 1, len(taken), _SLOW_SHARE)) if slow else 1.0
    share = slow / len(taken)
    return Check("latency", "0.95",
                 f"{1000 * value:.3g} ms; {percent(share)} took longer than the limit of "
                 f"{1000 * limit:.3g} ms, 5% may",
                 value=value, before=limit, distance=max(share - _SLOW_SHARE, 0.0), p=p)


def _beside(case: Case, taken: np.ndarray, value: float, first: Side | None) -> Check:
    """More answers than chance explains took half as long again as the first window's slowest."""
    before = np.empty(0) if first is None or first.seconds is None else \
        first.seconds[np.isfinite(first.seconds) & (first.seconds > 0)]
    if len(before) < case.options.least:
        return Check("latency", "0.95", f"{1000 * value:.3g} ms", value=value)
    old = float(np.quantile(before, 0.95))
    edge = _SLOWER * old
    slow, was = int((taken > edge).sum()), int((before > edge).sum())
    p = chance(slow, len(taken), was, len(before)) if slow else 1.0
    return Check("latency", "0.95",
                 f"{1000 * old:.3g} -> {1000 * value:.3g} ms; {percent(slow / len(taken))} took "
                 f"longer than {1000 * edge:.3g} ms ({percent(was / len(before))} before)",
                 value=value, before=old, distance=slow / len(taken) - was / len(before), p=p,
                 matters=math.isfinite(p) and slow / len(taken) >= _SLOW_SHARE)
