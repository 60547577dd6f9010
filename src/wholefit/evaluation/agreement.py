"""Agreement of annotators beyond chance, with intervals over items.

Each coefficient is 1 - seen disagreement / disagreement expected by chance: 1 where all agree, 0
where they agree as often as chance would make them, below 0 where less often.

    cohen_kappa          two annotators (Cohen 1960; weighted, Cohen 1968)
    fleiss_kappa         any number, who need not be the same for each item (Fleiss 1971, in the
                         form of Gwet 2014 where items have different numbers of answers)
    krippendorff_alpha   any number, answers may be missing; classes without order, with order, or
                         numbers (Krippendorff 2004)

Ratings are codes (items, annotators), -1 where an annotator gave no answer. The items are what
is drawn from the world, so the interval leaves out one item at a time (jackknife) and is made on
the log scale of the ratio above, which cannot pass 1. Where nobody ever disagreed it says how
much disagreement could have been missed (rule of three).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.evaluation.intervals import Spread, student
from wholefit.evaluation.score import Score, check_level

Array = np.ndarray
SCALES = ("nominal", "ordinal", "interval")
_WEIGHTS = (None, "linear", "quadratic")
# A row per item and a column per value: beyond this the table would not fit in memory.
_MOST_CELLS = 50_000_000


@dataclass(frozen=True)
class Agreement:
    """How far annotators agree: `alpha`, `fleiss`, Cohen's kappa of each pair of annotators.

    `same` is the share of pairs of answers to one item that are equal, which chance flatters;
    `items` counts all items with an answer, `shared` those with two or more.
    """

    annotators: tuple[str, ...]
    alpha: Score
    fleiss: Score
    same: Score
    pairs: dict[tuple[str, str], Score]
    items: int
    shared: int

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; a pair is named "a, b"."""
        return {
            "annotators": list(self.annotators), "items": self.items, "shared": self.shared,
            "alpha": self.alpha.to_json(), "fleiss_kappa": self.fleiss.to_json(),
            "same": self.same.to_json(),
            "cohen_kappa": {", ".join(pair): kappa.to_json()
                            for pair, kappa in self.pairs.items()},
        }


def agreement(
    ratings: Array, annotators: Sequence[str], *, classes: int | None = None,
    scale: str = "nominal", level: float = 0.95,
) -> Agreement:
    """Every coefficient for codes (items, annotators), -1 missing; `scale` as for the alpha.

    Pairs of annotators are compared on the items that both answered, with quadratic weights
    where the classes have an order.
    """
    codes = _codes(ratings)
    if codes.shape[1] != len(annotators):
        raise DataError(f"ratings have {codes.shape[1]} columns for {len(annotators)} annotators; "
                        "give one column an annotator.")
    k = classes if classes is not None else int(codes.max(initial=0)) + 1
    weights = None if scale == "nominal" else "quadratic"
    pairs = {(annotators[a], annotators[b]): cohen_kappa(
        codes[:, a], codes[:, b], weights=weights, classes=k, level=level)
        for a, b in combinations(range(len(annotators)), 2)}
    answers = (codes >= 0).sum(axis=1)
    return Agreement(
        tuple(annotators), krippendorff_alpha(codes, scale=scale, level=level),
        fleiss_kappa(codes, classes=k, level=level), _same(codes, k, level), pairs,
        int((answers > 0).sum()), int((answers > 1).sum()))


def cohen_kappa(
    a: Array, b: Array, *, weights: str | None = None, classes: int | None = None,
    level: float = 0.95,
) -> Score:
    """Cohen's kappa of two annotators' codes (n,), on the items that both answered.

    `weights` None counts every disagreement alike; "linear" and "quadratic" by the distance of
    the codes, or its square (their order must mean something).
    """
    if weights not in _WEIGHTS:
        raise ParameterError(f"weights must be one of {', '.join(map(repr, _WEIGHTS))}; got "
                             f"{weights!r}.")
    check_level(level)
    a, b = _codes(a), _codes(b)
    if a.shape != b.shape or a.ndim != 1:
        raise DataError(f"two annotators' codes must have one shape (n,); got {a.shape} and "
                        f"{b.shape}.")
    both = (a >= 0) & (b >= 0)
    a, b = a[both], b[both]
    n, k = len(a), classes or int(max(a.max(initial=0), b.max(initial=0))) + 1
    name = "cohen_kappa" + (f"_{weights}" if weights else "")
    if not n:
        return _undefined(name, "no item was answered by both", n, level)
    table = np.zeros((k, k))
    np.add.at(table, (a, b), 1.0)
    apart = _apart(k, weights)
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    seen, chance = float((apart * table).sum()), float(rows @ apart @ columns)
    less = chance - (apart @ columns)[:, None] - (rows @ apart)[None, :] + apart
    without = _ratio(seen - apart, less, max(n - 1, 1))
    return _scored(name, _ratio(seen, chance, n), without[a, b], chance / n**2, level)


def fleiss_kappa(ratings: Array, *, classes: int | None = None, level: float = 0.95) -> Score:
    """Fleiss' kappa of codes (items, annotators), -1 missing; items with one answer do not count.

    Where items have different numbers of answers, each item counts once for the agreement and
    once for the shares of the classes.
    """
    check_level(level)
    counts = _counts(_codes(ratings), classes)
    answers = counts.sum(axis=1)
    if not len(counts):
        return _undefined("fleiss_kappa", "no item has two answers", 0, level)
    apart = 1 - (counts * (counts - 1)).sum(axis=1) / (answers * (answers - 1))
    share = counts / answers[:, None]
    n, total = len(counts), share.sum(axis=0)
    chance = n**2 - float(total @ total)
    left = total - share
    less = (n - 1)**2 - (left * left).sum(axis=1)
    value = _ratio(float(apart.sum()), chance, n)
    without = _ratio(apart.sum() - apart, less, max(n - 1, 1))
    return _scored("fleiss_kappa", value, without, chance / n**2, level)


def krippendorff_alpha(ratings: Array, *, scale: str = "nominal", level: float = 0.95) -> Score:
    """Krippendorff's alpha of (items, annotators); any answer may be missing.

    `scale` "nominal" and "ordinal" take codes with -1 missing; "interval" takes numbers with NaN
    missing, and counts squared distances. Items with fewer than two answers do not count.
    """
    check_level(level)
    if scale not in SCALES:
        raise ParameterError(f"scale must be one of {', '.join(map(repr, SCALES))}; got {scale!r}.")
    if scale == "interval":
        seen, total, chance, less = _of_numbers(np.asarray(ratings, dtype=float))
    else:
        counts = _counts(_codes(ratings), None)
        seen, total, chance, less = (_of_classes if scale == "nominal" else _of_ranks)(counts)
    name = f"krippendorff_alpha_{scale}"
    if not len(total):
        return _undefined(name, "no item has two answers", 0, level)
    answers = total.sum()
    value = _alpha(float(seen[0]), float(answers), float(chance))
    without = _alpha(seen[1:], answers - total, less)
    return _scored(name, value, without, chance / max(answers * (answers - 1), 1), level)


# ---- the parts of alpha -----------------------------------------------------------------
# Each gives: disagreement seen, of all items and then without each (1 + n,); answers of each
# item (n,); disagreement of all pairs of answers; and without each item (n,).

_Parts = tuple[Array, Array, float, Array]


def _of_classes(counts: Array) -> _Parts:
    answers = counts.sum(axis=1)
    own = (answers**2 - (counts * counts).sum(axis=1)) / (answers - 1)
    totals = counts.sum(axis=0)
    chance = answers.sum()**2 - float(totals @ totals)
    left = totals - counts
    less = (answers.sum() - answers)**2 - (left * left).sum(axis=1)
    return np.append(own.sum(), own.sum() - own), answers, chance, less


def _of_numbers(values: Array) -> _Parts:
    if values.ndim != 2:
        raise DataError(f"ratings must be (items, annotators); got shape {values.shape}.")
    there = np.isfinite(values)
    values, there = values[there.sum(axis=1) > 1], there[there.sum(axis=1) > 1]
    # Centred and scaled first: the sums of squares of 1e9, 1e9 + 1 would lose the difference.
    middle = values[there].mean() if there.any() else 0.0
    spread = np.abs(values[there] - middle).max(initial=0.0) or 1.0
    values = np.where(there, (values - middle) / spread, 0.0)
    answers = there.sum(axis=1).astype(float)
    sums, squares = values.sum(axis=1), (values * values).sum(axis=1)
    own = 2 * np.maximum(answers * squares - sums * sums, 0) / np.maximum(answers - 1, 1)
    n, s, q = answers.sum(), sums.sum(), squares.sum()
    chance = 2 * (n * q - s * s)
    less = 2 * ((n - answers) * (q - squares) - (s - sums)**2)
    return np.append(own.sum(), own.sum() - own), answers, chance, less


def _of_ranks(counts: Array) -> _Parts:
    """The distance of two classes is that of the middles of their ranks, which totals set."""
    answers = counts.sum(axis=1)
    totals = counts.sum(axis=0)
    part = counts / (answers - 1)[:, None]
    form = 2 * (np.diag((part * answers[:, None]).sum(axis=0)) - part.T @ counts)
    ranks = _middles(totals)
    without = _middles(totals - counts)
    of_item = 2 * ((part * answers[:, None] * without**2).sum(axis=1)
                   - (counts * without).sum(axis=1)**2 / (answers - 1))
    left = ((without @ form) * without).sum(axis=1) - of_item
    seen = np.append(ranks @ form @ ranks, left)
    return seen, answers, _squares(totals, ranks), _squares(totals - counts, without)


def _middles(totals: Array) -> Array:
    return np.cumsum(totals, axis=-1) - totals / 2


def _squares(totals: Array, ranks: Array) -> Any:
    """Sum of squared distances over all ordered pairs of answers."""
    n = totals.sum(axis=-1)
    middle = (totals * ranks).sum(axis=-1)
    return 2 * (n * (totals * ranks**2).sum(axis=-1) - middle**2)


def _alpha(seen: Any, answers: Any, chance: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - np.asarray(seen) * (answers - 1) / np.asarray(chance, dtype=float)


# ---- shared machinery -------------------------------------------------------------------


def _ratio(seen: Any, chance: Any, n: int) -> Any:
    """1 - seen / chance, where `chance` is a sum over n * n pairs."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - np.asarray(seen) * n / np.asarray(chance, dtype=float)


def _apart(k: int, weights: str | None) -> Array:
    if weights is None:
        return 1.0 - np.eye(k)
    gap = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) / max(k - 1, 1)
    return gap if weights == "linear" else gap * gap


def _codes(ratings: Array) -> Array:
    codes = np.asarray(ratings)
    if codes.dtype.kind == "f" and np.isnan(codes).any():
        codes = np.where(np.isnan(codes), -1, codes)
    if codes.dtype.kind not in "iufb" or (codes.dtype.kind == "f" and (codes % 1 != 0).any()):
        raise DataError("ratings must be whole codes of classes, -1 where missing.")
    return codes.astype(np.int64)


def _counts(codes: Array, classes: int | None) -> Array:
    """How often each class was given to each item (n, k), of items with two answers or more."""
    if codes.ndim != 2:
        raise DataError(f"ratings must be (items, annotators); got shape {codes.shape}.")
    codes = codes[(codes >= 0).sum(axis=1) > 1]
    k = classes or int(codes.max(initial=0)) + 1
    if len(codes) * k > _MOST_CELLS:
        raise DataError(f"{k:,} classes over {len(codes):,} items are too many to compare; are "
                        "they numbers (scale='interval')?")
    counts = np.zeros((len(codes), k))
    item, annotator = np.nonzero(codes >= 0)
    np.add.at(counts, (item, codes[item, annotator]), 1.0)
    return counts


def _scored(name: str, value: Any, without: Array, chance: float, level: float) -> Score:
    """The coefficient with its interval; `chance` is the disagreement expected of two answers."""
    value, n = float(value), len(without)
    if not math.isfinite(value):
        return _undefined(name, "only one class was ever given", n, level)
    if value > 1 - 1e-12:
        missed = 1 - ((1 - level) / 2) ** (1 / n)
        low = max(-1.0, 1 - missed / chance)
        return Score(name, 1.0, low, 1.0, level,
                     f"no disagreement seen: rule of three, {n} items", n)
    kept = without[np.isfinite(without)]
    if n < 2 or len(kept) < n:
        # Without some item only one class is left: the spread cannot be known.
        return Score(name, value, -1.0, 1.0, level, "too few items to know the spread", n)
    spread = Spread.of((kept.mean() - kept) * math.sqrt((n - 1) / n))
    reach = min(student(level, spread.degrees) * spread.error / (1 - value), 700.0)
    low, high = 1 - (1 - value) * math.exp(reach), 1 - (1 - value) * math.exp(-reach)
    return Score(name, value, max(low, -1.0), high, level,
                 f"jackknife over items, log scale, {n} items", n)


def _undefined(name: str, why: str, n: int, level: float) -> Score:
    return Score(name, math.nan, math.nan, math.nan, level, f"undefined: {why}", n)


def _same(codes: Array, classes: int, level: float) -> Score:
    """Share of equal pairs of answers to one item; each item counts once (a mean of shares)."""
    counts = _counts(codes, classes)
    if not len(counts):
        return _undefined("same", "no item has two answers", 0, level)
    answers = counts.sum(axis=1)
    share = (counts * (counts - 1)).sum(axis=1) / (answers * (answers - 1))
    low, high = _share_ends(share, level)
    return Score("same", float(share.mean()), low, high, level,
                 f"Wilson interval, {len(share)} items", len(share))


def _share_ends(share: Array, level: float) -> tuple[float, float]:
    from wholefit.evaluation.intervals import wilson

    n, value = len(share), float(share.mean())
    spread = float(share.var(ddof=1)) / n if n > 1 else 0.0
    rows = max(value * (1 - value), 1e-12) / spread if spread > 0 else n
    return wilson(value, rows, student(level, n - 1 if n > 1 else math.inf))
