"""Rates of small groups drawn towards the mean of all: empirical Bayes, beta and binomial."""

from __future__ import annotations

import math
from collections.abc import Mapping

from wholefit.evaluation.fairness._measures import Stat
from wholefit.evaluation.score import Score

# Shares that are drawn together; means are left as they are.
_RATES = ("base_rate", "selection_rate", "tpr", "fpr", "fnr", "precision", "accuracy")


def prior(values: list[float], rows: list[float]) -> tuple[float, float] | None:
    """The beta distribution that groups' shares seem drawn from, by moments.

    Kleinman (1973): the spread of the shares beyond what so many rows give by chance says how
    alike the groups are. None where there is nothing to tell by (fewer than three groups, or
    no share between 0 and 1); a weight of at most ten thousand rows where they are all alike.
    """
    total = sum(rows)
    if len(values) < 3 or not total:
        return None
    middle = sum(v * n for v, n in zip(values, rows, strict=True)) / total
    if not 0 < middle < 1:
        return None
    spread = sum(n * (v - middle) ** 2 for v, n in zip(values, rows, strict=True))
    chance = middle * (1 - middle)
    scale = total - sum(n * n for n in rows) / total
    between = (spread - chance * (len(values) - 1)) / max(scale - (len(values) - 1), 1e-9)
    share = min(max(between / chance, 1e-4), 0.5)
    weight = 1 / share - 1
    return middle * weight, (1 - middle) * weight


def shrunk(
    stats: Mapping[str, Mapping[str, Stat]], level: float
) -> dict[str, dict[str, Score]]:
    """For each group its rates, drawn towards all groups' mean, with credible intervals."""
    from scipy.special import betaincinv

    found: dict[str, dict[str, Score]] = {name: {} for name in stats}
    for measure in _RATES:
        known = {name: each[measure] for name, each in stats.items()
                 if each[measure].n and not math.isnan(each[measure].value)}
        drawn = prior([stat.value for stat in known.values()],
                      [stat.rows for stat in known.values()])
        if drawn is None:
            continue
        for name, stat in known.items():
            a = drawn[0] + stat.value * stat.rows
            b = drawn[1] + (1 - stat.value) * stat.rows
            low, high = (float(betaincinv(a, b, q)) for q in ((1 - level) / 2, (1 + level) / 2))
            found[name][measure] = Score(
                measure, a / (a + b), low, high, level,
                f"drawn towards all groups (a prior worth {sum(drawn):.0f} rows)", stat.n)
    return found
