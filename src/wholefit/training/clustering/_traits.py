"""What sets a cluster apart: every column of every cluster against the rows outside it.

One scale for all kinds of columns, on which 0.2 is small, 0.5 middling and 0.8 large (Cohen,
1988): of numbers and dates the shift between two bell curves that overlap as much as members
and others do, from the chance that a member is the higher (McGraw & Wong, 1992), which a few
huge values do not move; of shares Cohen's h, the difference of their arcsines. Ranks are taken
once a column, for all clusters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.data.dataset import Dataset

# Levels of a category that are compared, the most frequent first.
_LEVELS = 40
# Fewer members than this say nothing of a column.
_FEWEST = 2
_ROOT = math.sqrt(2.0)
_SKIPPED = ("identifier", "constant", "weight", "user", "item", "basket", "text")
_NUMBERS = ("numeric", "amount", "rating")


@dataclass(frozen=True)
class Trait:
    """How one column, or one value of it, differs between a cluster and the other rows.

    `kind` is "number", "date", "share", "word" or "missing"; `level` the value, or the word of a
    text, whose share is compared.
    `effect` has its interval `low` to `high`, wide enough for all comparisons together.
    `inside` and `outside` are medians (dates: seconds since 1970) or shares; `quartiles` those
    of the members. `superiority` is the chance that a member's value is above that of a row
    outside; `smd` the difference of the means in standard deviations, with its own interval.
    `p` is of a test that nothing differs, adjusted for all comparisons: only of columns that
    the clustering did not use.
    """

    column: str
    kind: str
    used: bool
    effect: float
    low: float
    high: float
    inside: float
    outside: float
    members: int
    level: str | None = None
    quartiles: tuple[float, float] | None = None
    superiority: float | None = None
    smd: tuple[float, float, float] | None = None
    lift: float | None = None
    association: float | None = None
    p: float | None = None
    raw_p: float = 1.0

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out "no difference" and the effect is not negligible."""
        return (self.low > 0 or self.high < 0) and abs(self.effect) >= 0.2

    @property
    def strength(self) -> tuple[float, float]:
        """What traits are put in order by."""
        return abs(self.effect), abs(self.smd[0]) if self.smd else 0.0

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        found = asdict(self)
        found.pop("raw_p")
        return {**found, "clear": self.clear,
                "quartiles": list(self.quartiles) if self.quartiles else None,
                "smd": list(self.smd) if self.smd else None}


@dataclass(frozen=True)
class Told:
    """A column as it is compared: numbers (n,) with NaN, or truth values by level."""

    name: str
    kind: str
    used: bool
    numbers: np.ndarray | None = None
    levels: tuple[tuple[str, np.ndarray], ...] = ()
    missing: np.ndarray | None = None


def compared(dataset: Dataset) -> list[Told]:
    """The columns of a dataset that clusters are told by, those learnt from first."""
    learnt = dataset.schema.features
    others = [c.name for c in dataset.schema.columns
              if c.name not in learnt and c.role not in _SKIPPED]
    found = (_told(dataset, name, used) for names, used in ((learnt, True), (others, False))
             for name in names)
    return [told for told in found if told is not None]


def comparisons(columns: list[Told]) -> int:
    """Number of comparisons a cluster that these columns give."""
    return sum((told.numbers is not None) + len(told.levels) + (told.missing is not None)
               for told in columns)


def traits(columns: list[Told], codes: np.ndarray, k: int, quantile: float) -> list[list[Trait]]:
    """The traits of each cluster 0..k-1, by code of each row (n,) (others: any other code).

    `quantile` is that of the normal curve that the intervals reach to.
    """
    found: list[list[Trait]] = [[] for _ in range(k)]
    for told in columns:
        for at, trait in _of(told, codes, k, quantile):
            found[at].append(trait)
    return found


def _told(dataset: Dataset, name: str, used: bool) -> Told | None:
    kind = _kind(dataset, name)
    if kind == "number":
        return _numbers(name, used, dataset.numeric(name))
    if kind == "date":
        times = dataset.times(name)
        seconds = times.astype("datetime64[us]").astype(np.int64) / 1e6
        return _present(name, "date", used, np.where(np.isnat(times), np.nan, seconds))
    if kind == "level":
        return _leveled(name, used, *dataset.codes(name))
    if kind == "words":
        return _words(name, used, pl.Series(dataset.texts(name), dtype=pl.String))
    return None


def _kind(dataset: Dataset, name: str) -> str | None:
    """How a column is compared, by its role; without one that tells, by its cells."""
    role = dataset.schema.role(name)
    if role in _NUMBERS or role == "boolean":
        return "number"
    if role == "datetime":
        return "date"
    if role == "categorical":
        return "level"
    if role == "text":
        return "words"
    cells = dataset.frame.get_column(name)
    if cells.dtype.is_temporal():
        return "date" if cells.dtype in (pl.Date, pl.Datetime) else None
    if cells.dtype.is_float() or (cells.dtype.is_numeric() and cells.n_unique() > _LEVELS):
        return "number"
    return "level" if cells.dtype.is_nested() is False and cells.n_unique() <= len(cells) / 2 \
        else None


def _numbers(name: str, used: bool, values: np.ndarray) -> Told | None:
    """Numbers as such; those that are only 0 and 1 as yes and no."""
    present = values[~np.isnan(values)]
    if len(present) and np.isin(present, (0.0, 1.0)).all():
        gap = _some(np.isnan(values))
        return Told(name, "share", used, levels=(("yes", values == 1.0),), missing=gap) \
            if 0 < present.mean() < 1 or gap is not None else None
    return _present(name, "number", used, values)


def _present(name: str, kind: str, used: bool, values: np.ndarray) -> Told:
    return Told(name, kind, used, values, missing=_some(np.isnan(values)))


def _leveled(name: str, used: bool, codes: np.ndarray, levels: list[str]) -> Told | None:
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    most = np.argsort(-counts, kind="stable")[:_LEVELS]
    most = most[1:] if len(levels) == 2 else most  # of two values the rarer tells both
    kept = tuple((levels[code], codes == code) for code in most if 0 < counts[code] < len(codes))
    return Told(name, "share", used, levels=kept, missing=_some(codes < 0)) if kept else None


def _words(name: str, used: bool, texts: pl.Series) -> Told | None:
    """Text by its most frequent words, those that most rows have left out."""
    found = texts.str.to_lowercase().str.extract_all(r"\p{L}{3,}").list.unique()
    spread = pl.DataFrame({"word": found, "row": pl.int_range(len(texts), eager=True)}).explode(
        "word").drop_nulls("word")
    counts = spread["word"].value_counts(name="n").filter(pl.col("n") <= len(texts) / 2).sort(
        ["n", "word"], descending=[True, False]).head(_LEVELS)
    rows = {word: part["row"].to_numpy() for (word,), part in spread.filter(
        pl.col("word").is_in(counts["word"].implode())).group_by("word")}
    masks = tuple((word, _mask(rows[word], len(texts))) for word in counts["word"])
    missing = _some(texts.is_null().to_numpy())
    return Told(name, "word", used, levels=masks, missing=missing) if masks or \
        missing is not None else None


def _mask(rows: np.ndarray, n: int) -> np.ndarray:
    found = np.zeros(n, dtype=bool)
    found[rows] = True
    return found


def _some(missing: np.ndarray) -> np.ndarray | None:
    """Which rows are missing; None where none or all are."""
    return missing if 0 < missing.sum() < len(missing) else None


# ---- the comparisons --------------------------------------------------------------------


def _of(told: Told, codes: np.ndarray, k: int, quantile: float) -> Iterator[tuple[int, Trait]]:
    if told.numbers is not None:
        yield from _of_numbers(told, codes, k, quantile)
    known = None if told.missing is None else ~told.missing
    for level, mask in told.levels:
        yield from _of_share(told, level, mask, codes, k, quantile, known)
    if told.missing is not None:
        yield from _of_share(told, None, told.missing, codes, k, quantile, None)


def _of_numbers(
    told: Told, codes: np.ndarray, k: int, quantile: float
) -> Iterator[tuple[int, Trait]]:
    assert told.numbers is not None
    from scipy.special import ndtri

    known = ~np.isnan(told.numbers)
    values, groups = told.numbers[known], codes[known]
    order = np.argsort(values, kind="stable")
    values, groups = values[order], groups[order]
    ranks, ties = _ranks(values)
    sums = np.bincount(np.where(groups < 0, k, groups), ranks, minlength=k + 1)
    for at in range(k):
        inside = groups == at
        n, rest = int(inside.sum()), len(values) - int(inside.sum())
        if n < _FEWEST or rest < _FEWEST:
            continue
        chance = (sums[at] - n * (n + 1) / 2) / (n * rest)
        spread = _spread_of(chance, n, rest)
        ends = (_held(chance + side * quantile * spread, n, rest) for side in (-1, 0, 1))
        low, effect, high = (_ROOT * float(ndtri(end)) for end in ends)
        members, others = values[inside], values[~inside]
        yield at, Trait(
            told.name, told.kind, told.used, effect, low, high, _middle(members), _middle(others),
            n, quartiles=(_middle(members, 0.25), _middle(members, 0.75)),
            superiority=float(chance), smd=_smd(members, others, quantile),
            raw_p=_same_ranks(chance, n, rest, ties))


def _ranks(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Ranks of sorted values, equal ones sharing the mean, and the share lost to ties."""
    n = len(values)
    if not n:
        return np.zeros(0), 0.0
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    lengths = np.diff(np.r_[starts, n])
    ranks = np.repeat(starts + (lengths + 1) / 2, lengths)
    lengths = lengths.astype(np.float64)
    return ranks, float(((lengths**3 - lengths).sum()) / max(float(n) ** 3 - n, 1.0))


def _spread_of(chance: float, n: int, rest: int) -> float:
    """Standard error of the chance that a member is higher (Hanley & McNeil, 1982)."""
    a = _held(chance, n, rest)
    one, two = a / (2 - a), 2 * a * a / (1 + a)
    variance = (a * (1 - a) + (n - 1) * (one - a * a) + (rest - 1) * (two - a * a)) / n / rest
    return math.sqrt(max(variance, 0.0))


def _held(chance: float, n: int, rest: int) -> float:
    """A chance kept off 0 and 1, where the scale of the effect has no end."""
    edge = max(0.5 / (min(n, rest) + 1), 5e-4)
    return min(max(chance, edge), 1 - edge)


def _same_ranks(chance: float, n: int, rest: int, ties: float) -> float:
    """Two-sided p of Mann and Whitney's test, by the normal curve, with ties."""
    variance = (n + rest + 1) / (12.0 * n * rest) * (1 - ties)
    return _tail((chance - 0.5) / math.sqrt(variance)) if variance > 0 else 1.0


def _smd(members: np.ndarray, others: np.ndarray, quantile: float) -> tuple[float, float, float]:
    """Difference of means by the pooled deviation, corrected for few rows (Hedges, 1981)."""
    n, rest = len(members), len(others)
    with np.errstate(over="ignore", invalid="ignore"):
        pooled = ((n - 1) * members.var(ddof=1) + (rest - 1) * others.var(ddof=1)) / (n + rest - 2)
        gap = members.mean() - others.mean()
    if not (np.isfinite(pooled) and np.isfinite(gap)) or pooled <= 0:
        return 0.0, 0.0, 0.0
    g = float(gap / math.sqrt(pooled)) * (1 - 3 / (4 * (n + rest) - 9))
    reach = quantile * math.sqrt((n + rest) / (n * rest) + g * g / (2 * (n + rest)))
    return g, g - reach, g + reach


def _of_share(
    told: Told, level: str | None, mask: np.ndarray, codes: np.ndarray, k: int, quantile: float,
    known: np.ndarray | None,
) -> Iterator[tuple[int, Trait]]:
    """Shares of a level among the members and among the others, of the rows that are known."""
    groups = np.where(codes < 0, k, codes)
    totals = np.bincount(groups if known is None else groups[known], minlength=k + 1)
    hits = np.bincount(groups[mask], minlength=k + 1)
    for at in range(k):
        n, rest = int(totals[at]), int(totals.sum() - totals[at])
        if n < _FEWEST or rest < _FEWEST:
            continue
        a, b = hits[at] / n, (hits.sum() - hits[at]) / rest
        effect = 2 * (math.asin(math.sqrt(a)) - math.asin(math.sqrt(b)))
        reach = quantile * math.sqrt(1 / n + 1 / rest)
        kind = "missing" if level is None else told.kind
        yield at, Trait(
            told.name, kind, told.used, effect, effect - reach, effect + reach, float(a), float(b),
            n, level=level, lift=float(a / b) if b > 0 else None,
            association=_phi(a, b, n, rest), raw_p=_same_share(a, b, n, rest))


def _phi(a: float, b: float, n: int, rest: int) -> float:
    """Cramer's V of membership and level (2 x 2), signed."""
    share = (a * n + b * rest) / (n + rest)
    below = share * (1 - share)
    return float((a - b) * math.sqrt(n * rest / below) / (n + rest)) if below > 0 else 0.0


def _same_share(a: float, b: float, n: int, rest: int) -> float:
    """Two-sided p that two shares are one, by the pooled normal test."""
    share = (a * n + b * rest) / (n + rest)
    variance = share * (1 - share) * (1 / n + 1 / rest)
    return _tail((a - b) / math.sqrt(variance)) if variance > 0 else 1.0


def _tail(z: float) -> float:
    return math.erfc(abs(z) / _ROOT)


def _middle(values: np.ndarray, share: float = 0.5) -> float:
    """A quantile of sorted values, halfway between two where it falls there."""
    place = (len(values) - 1) * share
    low, high = values[math.floor(place)], values[math.ceil(place)]
    return float(low + (high - low) * (place % 1)) if high > low else float(low)
