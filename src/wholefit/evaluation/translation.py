"""How near written texts come to the texts that were wanted: one reference a text.

    chrf         F-score of runs of 1 to 6 characters, spaces left out, that both hold: precision
                 and recall of each length are averaged, and recall counts beta = 2 times as much
                 (Popović 2015, chrF2)
    bleu         geometric mean of the shares of written runs of 1 to 4 words that the wanted text
                 holds, times exp(1 - wanted / written) where too few words are written (Papineni
                 et al. 2002). A word is a run of letters, digits and "_", any other sign stands
                 alone, and case counts: Chinese or Japanese have no spaces, so look at chrf there.
                 Lengths that no wanted text reaches are left out; nothing is smoothed
    exact_match  share of texts that are the wanted ones, spaces at the ends apart

All are from 0 to 1, and more is better; sacreBLEU prints 100 times as much. chrf and bleu count
runs over all texts together and not text by text, so a value is told of a set of texts, and its
interval comes from drawing the pairs (or their units) again (Koehn 2004).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import DataError, unknown
from wholefit.evaluation.score import Score, check_level

METRICS = ("chrf", "bleu", "exact_match")
_CHARACTERS, _WORDS, _BETA = 6, 4, 2.0
_WORD = re.compile(r"\w+|[^\w\s]")
_DRAWS = 1000
# Draws are weighed at a time: so many numbers are held.
_HELD = 4_000_000


@dataclass(frozen=True, eq=False)
class Counts:
    """What each pair adds to the metrics, (pairs, numbers): see `counts`."""

    chrf: np.ndarray
    bleu: np.ndarray
    exact_match: np.ndarray

    def __len__(self) -> int:
        return len(self.chrf)

    def head(self, count: int) -> Counts:
        """Those of the first pairs."""
        return Counts(self.chrf[:count], self.bleu[:count], self.exact_match[:count])


@dataclass(frozen=True)
class Gap:
    """A metric of `a` less that of `b` on the same pairs, with its interval."""

    value: float
    low: float
    high: float


def counts(wanted: Sequence[str], written: Sequence[str]) -> Counts:
    """Count the runs of each pair; DataError unless there are as many of one as of the other.

    `chrf` holds for each length 1..6 runs written, wanted and in both; `bleu` the same for 1..4
    words; `exact_match` 1 where the two are the same, and 1.
    """
    if len(wanted) != len(written) or not len(wanted):
        raise DataError("texts are judged against one wanted text each, and one at least; got "
                        f"{len(written):,} texts for {len(wanted):,}.")
    pairs = list(zip(written, wanted, strict=True))
    return Counts(
        np.array([_runs("".join(a.split()), "".join(b.split()), _CHARACTERS) for a, b in pairs]),
        np.array([_runs(_WORD.findall(a), _WORD.findall(b), _WORDS) for a, b in pairs]),
        np.array([[float(a.strip() == b.strip()), 1.0] for a, b in pairs]))


def _runs(written: Sequence[str], wanted: Sequence[str], most: int) -> list[float]:
    """For each length: runs written, wanted, and in both (each as often as it is in both)."""
    found: list[float] = []
    for size in range(1, most + 1):
        a, b = (Counter(zip(*(text[at:] for at in range(size)), strict=False))
                for text in (written, wanted))
        found += [a.total(), b.total(), (a & b).total()]
    return found


def value(metric: str, sums: np.ndarray) -> np.ndarray:
    """The metric (...,) of the sums (..., numbers) of some pairs. UnknownNameError."""
    if metric not in METRICS:
        raise unknown("metric of translation", metric, METRICS)
    if metric == "exact_match":
        return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1))
    written, wanted, both = (sums[..., at::3] for at in range(3))
    return (_chrf if metric == "chrf" else _bleu)(written, wanted, both)


def _chrf(written: np.ndarray, wanted: np.ndarray, both: np.ndarray) -> np.ndarray:
    # As sacreBLEU does, lengths of which either side has no run are left out of the average.
    there = (written > 0) & (wanted > 0)
    lengths = np.maximum(there.sum(axis=-1), 1)
    precision = (both / np.maximum(written, 1) * there).sum(axis=-1) / lengths
    recall = (both / np.maximum(wanted, 1) * there).sum(axis=-1) / lengths
    whole = _BETA**2 * precision + recall
    return np.asarray((1 + _BETA**2) * precision * recall / np.where(whole > 0, whole, 1))


def _bleu(written: np.ndarray, wanted: np.ndarray, both: np.ndarray) -> np.ndarray:
    asked = wanted > 0
    share = np.where(asked, both / np.maximum(written, 1), 1.0)
    some = asked.any(axis=-1) & (share > 0).all(axis=-1)
    logs = np.log(np.where(share > 0, share, 1)).sum(axis=-1) / np.maximum(asked.sum(axis=-1), 1)
    short = np.minimum(0.0, 1 - wanted[..., 0] / np.maximum(written[..., 0], 1))
    return np.where(some, np.exp(logs + short), 0.0)


def scores(
    found: Counts, *, units: np.ndarray | None = None, level: float = 0.95, seed: int = 0
) -> dict[str, Score]:
    """Every metric with its interval: 1,000 draws of the pairs, or of the `units` (n,) that pairs
    of one group share; percentiles at `level`.
    """
    check_level(level)
    of_units = {name: _summed(getattr(found, name), units) for name in METRICS}
    number = len(of_units["chrf"])
    what = "pairs" if units is None else f"{number:,} groups"
    how = f"bootstrap of the {what}, {_DRAWS:,} draws"
    made = {}
    for name, rows in of_units.items():
        whole = float(value(name, rows.sum(axis=0)))
        if number < 2:
            made[name] = Score(name, whole, np.nan, np.nan, level,
                               "no interval: one alone says nothing of others", len(found))
            continue
        low, high = _limits(np.asarray(value(name, _drawn(rows, seed))), level)
        # All right or all wrong: drawing again would tell no spread.
        if name == "exact_match" and whole in (0.0, 1.0):
            reach = 1 - ((1 - level) / 2) ** (1 / number)
            low, high = (0.0, reach) if whole == 0 else (1 - reach, 1.0)
            made[name] = Score(name, whole, low, high, level,
                               f"exact binomial (Clopper-Pearson) interval, {number:,} "
                               f"{'pairs' if units is None else 'groups'}", len(found))
            continue
        made[name] = Score(name, whole, min(low, whole), max(high, whole), level, how, len(found))
    return made


def gap(
    metric: str, a: Counts, b: Counts, *, units: np.ndarray | None = None, level: float = 0.95,
    seed: int = 0,
) -> Gap:
    """How much better `a` is than `b` on the same pairs, drawn again together (Koehn 2004)."""
    if len(a) != len(b):
        raise DataError(f"two are compared on the same pairs; got {len(a):,} and {len(b):,}.")
    first, second = (_summed(getattr(each, metric), units) for each in (a, b))
    moved = value(metric, _drawn(first, seed)) - value(metric, _drawn(second, seed))
    low, high = _limits(np.asarray(moved), level)
    return Gap(float(value(metric, first.sum(axis=0)) - value(metric, second.sum(axis=0))), low,
               high)


def _summed(rows: np.ndarray, units: np.ndarray | None) -> np.ndarray:
    """One row a unit."""
    if units is None:
        return rows
    if len(units) != len(rows):
        raise DataError(f"units must be one a pair; got {len(units):,} for {len(rows):,}.")
    _, of = np.unique(units, return_inverse=True)
    found = np.zeros((int(of.max()) + 1, rows.shape[1]))
    np.add.at(found, of, rows)
    return found


def _drawn(rows: np.ndarray, seed: int) -> np.ndarray:
    """The sums (draws, numbers) of as many rows, drawn with return; the same draws for a seed."""
    rng, n = np.random.default_rng(seed), len(rows)
    step = max(1, _HELD // n)
    parts = [rng.multinomial(n, np.full(n, 1 / n), size=min(step, _DRAWS - at)) @ rows
             for at in range(0, _DRAWS, step)]
    return np.concatenate(parts)


def _limits(drawn: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
