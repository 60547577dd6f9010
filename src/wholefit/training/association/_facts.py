"""What hangs on a rule: the money of its baskets, and where and when it is stronger or weaker."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wholefit.evaluation import association as measured
from wholefit.training.association._rules import Rules
from wholefit.training.association._strata import Shelf

# Bits unpacked at once: 64 MB of numbers.
_CELLS = 1 << 23
# A segment is compared where it has so many baskets; at most so many of them.
_FEWEST, _MOST = 50, 24


@dataclass(frozen=True, eq=False)
class Money:
    """Mean value of a basket, with its interval: baskets with the whole rule, and with X but not Y.

    All (rules,); `total` is what the baskets of the rule come to.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    without: np.ndarray
    total: np.ndarray


def money(rules: Rules, shelf: Shelf, value: np.ndarray, level: float = 0.95) -> Money:
    """Money of the rules' baskets; `value` (n,) of each basket."""
    placed = np.zeros(shelf.bits.shape[1] * 64)
    held = shelf.place >= 0
    placed[shelf.place[held]] = value[held]
    columns = np.column_stack([placed, placed * placed])
    both = _sums(shelf, rules.whole[:, ::-1], columns)
    x = _sums(shelf, rules.antecedent, columns[:, :1])
    n = rules.both.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = both[:, 0] / n
        error = np.sqrt(np.maximum(both[:, 1] / n - mean**2, 0) / np.maximum(n - 1, 1))
        without = (x[:, 0] - both[:, 0]) / (rules.x - n)
    reach = measured.normal(level) * error
    return Money(mean, mean - reach, mean + reach, without, both[:, 0])


def _sums(shelf: Shelf, sets: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sums of the columns (bits, c) over the baskets that hold each set, (sets, c)."""
    out = np.zeros((len(sets), columns.shape[1]))
    step = max(1, _CELLS // max(len(columns), 1))
    for at in range(0, len(sets), step):
        held = shelf.holders(sets[at:at + step])
        ones = np.unpackbits(held.view(np.uint8), axis=1, bitorder="little")
        out[at:at + step] = ones.astype(np.float64) @ columns
    return out


# ---- segments and seasons ---------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Apart:
    """Where rules differ: one row a rule and a segment, significant ones alone.

    `rule` and `segment` are indices; `confidence` and `lift` within the segment, `elsewhere` the
    confidence outside; `x` and `both` counts within; `p` the corrected p-value.
    """

    rule: np.ndarray
    segment: np.ndarray
    x: np.ndarray
    both: np.ndarray
    confidence: np.ndarray
    elsewhere: np.ndarray
    lift: np.ndarray
    p: np.ndarray
    tests: int


def compared(codes: np.ndarray, levels: list[str]) -> list[int]:
    """Segments large enough to be compared, the largest first."""
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    order = np.lexsort((np.arange(len(levels)), -counts))
    return [int(at) for at in order[:_MOST] if counts[at] >= _FEWEST and
            counts[at] < counts.sum()]


def differing(rules: Rules, shelf: Shelf, codes: np.ndarray, segments: list[int],
              alpha: float) -> Apart:
    """Rules whose confidence in a segment differs from elsewhere, among baskets of like size.

    Among the baskets with X the segment's are a random draw if the rule does not depend on it;
    each rule and segment is tested on both sides, and all p-values are corrected by Holm.
    """
    bits = segment_bits(shelf, codes, segments)
    shape = (len(rules), len(segments))
    p, nxs, nbs, nys = np.ones(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape)
    whole, step = rules.whole[:, ::-1], max(1, (1 << 18) // max(shelf.bits.shape[1], 1))
    for at in range(0, len(rules), step):
        run = slice(at, at + step)
        x, both = shelf.holders(rules.antecedent[run]), shelf.holders(whole[run])
        y = shelf.holders(rules.consequent[run])
        for j in range(len(segments)):
            p[run, j], nxs[run, j], nbs[run, j] = _apart(x, both, bits[j], shelf)
            nys[run, j] = _ones(y & bits[j])
    sizes = _ones(bits)
    return _told(rules, segments, sizes, p, nxs, nbs, nys, alpha)


def segment_bits(shelf: Shelf, codes: np.ndarray, segments: list[int]) -> np.ndarray:
    """Which baskets are of each segment, (segments, words)."""
    out = np.zeros((len(segments), shelf.bits.shape[1] * 8), dtype=np.uint8)
    held = shelf.place >= 0
    for row, segment in enumerate(segments):
        ones = np.zeros(shelf.bits.shape[1] * 64, dtype=np.uint8)
        ones[shelf.place[held]] = codes[held] == segment
        out[row] = np.packbits(ones, bitorder="little")
    return out.view(np.uint64)


def _apart(x: np.ndarray, both: np.ndarray, within: np.ndarray,
           shelf: Shelf) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p-values on both sides, and counts in the segment of X and of X with Y."""
    nz, ny = _by_stratum(x, shelf), _by_stratum(both, shelf)
    nx, held = _by_stratum(x & within, shelf), _ones(both & within)
    inside = nx.sum(axis=1)
    none = measured.stratified(shelf.strata, nz, nx, nz - ny, inside - held, takes_place=False)
    more = measured.stratified(shelf.strata, nz, nx, ny, held, takes_place=False)
    return np.minimum(1.0, 2 * np.minimum(none[2], more[2])), inside, held


def _by_stratum(bits: np.ndarray, shelf: Shelf) -> np.ndarray:
    return np.add.reduceat(np.bitwise_count(bits), shelf.starts, axis=1, dtype=np.int32)


def _ones(bits: np.ndarray) -> np.ndarray:
    return np.bitwise_count(bits).sum(axis=1, dtype=np.int64)


def _told(rules: Rules, segments: list[int], sizes: np.ndarray, p: np.ndarray, nx: np.ndarray,
          nb: np.ndarray, ny: np.ndarray, alpha: float) -> Apart:
    tests = max(int(p.size), 1)
    adjusted = measured.holm(p.ravel(), tests).reshape(p.shape)
    rule, column = np.nonzero(adjusted <= alpha)
    order = np.lexsort((column, rule, adjusted[rule, column]))
    rule, column = rule[order], column[order]
    x, both = nx[rule, column], nb[rule, column]
    with np.errstate(divide="ignore", invalid="ignore"):
        confidence = both / x
        elsewhere = (rules.both[rule] - both) / (rules.x[rule] - x)
        lift = confidence / (ny[rule, column] / sizes[column])
    return Apart(rule, np.asarray(segments, dtype=np.int64)[column], x, both, confidence, elsewhere,
                 lift, adjusted[rule, column], tests)


# ---- periods ----------------------------------------------------------------------------

_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December"]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def seasons(time: np.ndarray, period: str) -> tuple[str, np.ndarray, list[str]] | None:
    """The name of the period, the season of each basket (n,), -1 without a time, and the names.

    "auto" takes months where the baskets span most of a year, else days of the week.
    """
    known = ~np.isnat(time)
    if period == "none" or not known.any():
        return None
    days = (time[known].max() - time[known].min()) / np.timedelta64(1, "D")
    if period == "auto":
        period = "month" if days >= 270 else "weekday" if days >= 20 else "none"
    if period == "none":
        return None
    month = time.astype("datetime64[M]").astype(np.int64) % 12
    if period == "weekday":
        codes, names = (time.astype("datetime64[D]").astype(np.int64) + 3) % 7, _DAYS
    elif period == "quarter":
        codes, names = month // 3, ["first quarter", "second quarter", "third quarter",
                                    "fourth quarter"]
    else:
        codes, names = month, _MONTHS
    return period, np.where(known, codes, -1), names


def calendar(time: np.ndarray) -> tuple[np.ndarray, list[str]] | None:
    """Each basket's stretch of the calendar (n,), -1 without a time, and their names, in order.

    Months up to two years of them and with 100 baskets each, then quarters, then years.
    """
    known = ~np.isnat(time)
    if not known.any():
        return None
    months = time.astype("datetime64[M]").astype(np.int64)
    span = int(months[known].max() - months[known].min()) + 1
    each = int(known.sum()) / span
    unit = 1 if span <= 26 and each >= 100 else 3 if span <= 80 and each >= 33 else 12
    unit = min(unit, 1 if span < 6 else 3 if span < 24 else 12)
    stretch = months // unit
    first, last = int(stretch[known].min()), int(stretch[known].max())
    if last - first < 2:
        return None
    names = [_stretch(at * unit, unit) for at in range(first, last + 1)]
    return np.where(known, stretch - first, -1), names


def _stretch(month: int, unit: int) -> str:
    year, within = 1970 + month // 12, month % 12
    return f"{year}" if unit == 12 else f"{year} Q{within // 3 + 1}" if unit == 3 else (
        f"{year}-{within + 1:02d}")


def course(rules: Rules, shelf: Shelf, codes: np.ndarray, stretches: int,
           fewest: int = 20) -> list[list[float | None]]:
    """Confidence of each rule in each stretch, None where fewer than `fewest` baskets hold X."""
    bits = segment_bits(shelf, codes, list(range(stretches)))
    x, both = shelf.holders(rules.antecedent), shelf.holders(rules.whole[:, ::-1])
    out: list[list[float | None]] = []
    for row in range(len(rules)):
        nx, nb = _ones(bits & x[row]), _ones(bits & both[row])
        out.append([float(b / a) if a >= fewest else None for a, b in zip(nx, nb, strict=True)])
    return out


def finite(number: float) -> float | None:
    """A number that JSON has, or None."""
    return float(number) if math.isfinite(number) else None
