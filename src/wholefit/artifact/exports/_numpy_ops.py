"""What each operation of a program does, in numpy: many rows at once.

Every function takes the rows' cells, the stretch `out` (rows, width) that it fills, and the
arguments of the operation: registers as (rows, width) arrays, tables as flat arrays, word lists
as lists, columns as their places. This is the one place that says what an operation means; those
in `templates/` are held to it by tests.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from statistics import NormalDist
from typing import Any

import numpy as np

_WORD = re.compile(r"\w\w+")
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_SELU = (1.0507009873554805, 1.6732632423543772)
_erf = np.frompyfunc(math.erf, 1, 1)
_normal = np.frompyfunc(lambda p: NormalDist().inv_cdf(p) if p == p else math.nan, 1, 1)


# -- cells of the row -------------------------------------------------------------------------

def numbers(rows: Any, out: Any, columns: Any) -> None:
    """Numbers of several columns, NaN where missing."""
    for at, column in enumerate(columns.tolist()):
        out[:, at] = rows.floats(column)


def calendar(rows: Any, out: Any, column: int, parts: Any, first: float) -> None:
    """Parts of a time: 0 year, 1 month, 2 day, 3 weekday (Monday 0), 4 hour, 5 days since."""
    micros = rows.floats(column)
    gaps = np.isnan(micros)
    whole = np.where(gaps, 0, micros).astype(np.int64)
    times = whole.astype("datetime64[us]")
    months = times.astype("datetime64[M]")
    for at, part in enumerate(parts.tolist()):
        found = (
            lambda: times.astype("datetime64[Y]").astype(np.int64) + 1970,
            lambda: months.astype(np.int64) % 12 + 1,
            lambda: (times.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(
                np.int64) + 1,
            lambda: (whole // _DAY + 3) % 7,
            lambda: whole // _HOUR % 24,
            lambda: (whole - int(first)) / _DAY,
        )[part]()
        out[:, at] = np.where(gaps, np.nan, found)


def onehot(
    rows: Any, out: Any, column: int, words: Any, other: int, missing: int
) -> None:
    """1 at the place of the row's word, at `other` for an unknown, at `missing` for none."""
    out[:] = 0
    places = rows.places(column, words, other, missing)
    for at, place in enumerate(places):
        if place >= 0:
            out[at, place] = 1


def ordinal(rows: Any, out: Any, column: int, words: Any, other: float, hole: float) -> None:
    """The place of the row's word, `other` for an unknown one, `hole` for none."""
    out[:, 0] = rows.places(column, words, other, hole)


def tfidf(rows: Any, out: Any, column: int, words: Any, idf: Any) -> None:
    """Counts of known words times their weight, the row brought to length 1."""
    out[:] = 0
    places = {word: at for at, word in enumerate(words)}
    for at, text in enumerate(rows.words(column)):
        for word, count in Counter(_WORD.findall(text.lower()) if text else ()).items():
            if word in places:
                out[at, places[word]] = count * idf[places[word]]
    length = np.zeros(len(out))
    for place in np.flatnonzero(out.any(axis=0)):  # in order, as a single row is summed
        length += out[:, place] * out[:, place]
    out /= np.where(length > 0, np.sqrt(length), 1.0)[:, None]


def directed(rows: Any, out: Any, x: Any, axes: Any) -> None:
    """Weighted sums as `dense`, of the few entries that are not zero, added up as numpy does.

    The order of the sum shows in the last bit, and where ranks follow, that decides between ties.
    """
    out[:] = 0
    owner, place = np.nonzero(x)
    if len(owner):
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        across = np.ascontiguousarray(axes.reshape(out.shape[1], -1).T)
        terms = across[place] * x[owner, place][:, None]
        out[owner[starts]] = np.add.reduceat(terms, starts, axis=0)


# -- features ---------------------------------------------------------------------------------

def missing(rows: Any, out: Any, x: Any, places: Any) -> None:
    """1 where a number is missing."""
    out[:] = np.isnan(x[:, places])


def mended(
    rows: Any, out: Any, x: Any, void: Any, fill: Any, low: Any, high: Any, centre: Any,
    scale: Any, limit: float
) -> None:
    """Infinities to the largest seen, gaps filled, then (x - centre) / scale within +-limit."""
    found = np.where(void != 0, np.nan, x)
    found = np.where(found == np.inf, high, np.where(found == -np.inf, low, found))
    found = np.where(np.isnan(found), fill, found)
    with np.errstate(over="ignore", invalid="ignore"):
        out[:] = np.clip((found - centre) / scale, -limit, limit)


def products(rows: Any, out: Any, x: Any, parents: Any, factors: Any, limit: float) -> None:
    """Each a product of two numbers of `x`, which may be earlier products."""
    with np.errstate(over="ignore", invalid="ignore"):
        for at, (parent, factor) in enumerate(zip(parents.tolist(), factors.tolist(),
                                                  strict=True)):
            out[:, at] = np.clip(x[:, parent] * x[:, factor], -limit, limit)


def round32(rows: Any, out: Any, x: Any) -> None:
    """Rounded to 32-bit floats."""
    with np.errstate(over="ignore"):
        out[:] = x.astype(np.float32)


def pick(rows: Any, out: Any, x: Any, places: Any) -> None:
    """Some of the numbers."""
    out[:] = x[:, places]


def copy(rows: Any, out: Any, x: Any) -> None:
    """The numbers as they are."""
    out[:] = x


def affine(rows: Any, out: Any, x: Any, centre: Any, factor: Any, add: Any) -> None:
    """(x - centre) * factor + add."""
    with np.errstate(over="ignore"):
        out[:] = (x - centre) * factor + add


def clip(rows: Any, out: Any, x: Any, low: float, high: float) -> None:
    """Held between two bounds."""
    out[:] = np.clip(x, low, high)


def bent(rows: Any, out: Any, x: Any) -> None:
    """Far values bent towards 3."""
    out[:] = x / np.sqrt(1.0 + (x / 3.0) ** 2)


def ranked(rows: Any, out: Any, x: Any, quantiles: Any, count: int, least: float) -> None:
    """The normal quantile of a number's rank; `quantiles` one run of `count` a feature."""
    at = np.linspace(0, 1, count)
    for feature, known in enumerate(quantiles.reshape(-1, count)):
        low = np.interp(x[:, feature], known, at)
        high = 1 - np.interp(-x[:, feature], -known[::-1], at)
        out[:, feature] = _normal(np.clip((low + high) / 2, least, 1 - least)).astype(float)


def lit(rows: Any, out: Any, x: Any, places: Any, levels: Any) -> None:
    """Category codes as 0/1 numbers, so many for each; a code out of range lights none."""
    out[:] = 0
    start = 0
    for place, size in zip(places.tolist(), levels.tolist(), strict=True):
        code = np.trunc(np.where(np.isfinite(x[:, place]), x[:, place], -1))
        known = np.flatnonzero((code >= 0) & (code < size))
        out[known, start + code[known].astype(np.intp)] = 1
        start += size


def coded(rows: Any, out: Any, x: Any, features: Any, sizes: Any, levels: Any) -> None:
    """Levels of category features to their places among the known ones, NaN for others."""
    out[:] = x
    start = 0
    for feature, size in zip(features.tolist(), sizes.tolist(), strict=True):
        known = levels[start:start + size]
        start += size
        at = np.minimum(np.searchsorted(known, x[:, feature]), max(size - 1, 0))
        right = known[at] == x[:, feature] if size else np.zeros(len(x), bool)
        out[:, feature] = np.where(right, at, np.nan)


# -- sums and links ---------------------------------------------------------------------------

def constant(rows: Any, out: Any, value: Any) -> None:
    """The same numbers for every row."""
    out[:] = value


def zero(rows: Any, out: Any) -> None:
    """Zeros."""
    out[:] = 0


def add(rows: Any, out: Any, x: Any, share: float) -> None:
    """Adds x * share to what is there."""
    out += x * share


def divided(rows: Any, out: Any, x: Any, by: float) -> None:
    """x / by."""
    out[:] = x / by


def dense(rows: Any, out: Any, x: Any, weight: Any, bias: Any) -> None:
    """Weighted sums, one row of `weight` each, plus `bias`."""
    out[:] = x @ weight.reshape(len(bias), -1).T + bias


def sigmoid(rows: Any, out: Any, x: Any) -> None:
    """1 / (1 + exp(-x))."""
    small = np.exp(-np.abs(x))
    out[:] = np.where(x >= 0, 1.0, small) / (1.0 + small)


def softmax(rows: Any, out: Any, x: Any) -> None:
    """exp(x) over its sum."""
    shares = np.exp(x - x.max(axis=1, keepdims=True))
    out[:] = shares / shares.sum(axis=1, keepdims=True)


def exp(rows: Any, out: Any, x: Any) -> None:
    """exp(x)."""
    out[:] = np.exp(x)


def huber(rows: Any, out: Any, x: Any) -> None:
    """(x within +-1, plus 1) / 2."""
    out[:] = (np.clip(x, -1.0, 1.0) + 1.0) / 2.0


def pair(rows: Any, out: Any, x: Any) -> None:
    """1 - x and x."""
    out[:] = np.stack([1.0 - x[:, 0], x[:, 0]], axis=1)


def normal(rows: Any, out: Any, x: Any) -> None:
    """x over its sum; all alike where that is 0."""
    total = x.sum(axis=1, keepdims=True)
    out[:] = np.where(total == 0, 1.0 / x.shape[1], x / np.where(total == 0, 1.0, total))


def spread(rows: Any, out: Any, x: Any, places: Any) -> None:
    """Zeros but for x at `places`."""
    out[:] = 0
    out[:, places] = x


def shifted(rows: Any, out: Any, x: Any, factor: Any, power: float, least: float) -> None:
    """x to a power times `factor`, over the sum."""
    heavy = (x if power == 1 else np.maximum(x, least) ** power) * factor
    out[:] = heavy / heavy.sum(axis=1, keepdims=True)


def tempered(rows: Any, out: Any, x: Any, temperature: float, least: float) -> None:
    """x to the power of 1 / temperature, over the sum."""
    softmax(rows, out, np.log(np.maximum(x, least)) / temperature)


def log_odds(rows: Any, out: Any, x: Any, least: float) -> None:
    """The log odds of the second of two shares."""
    logs = np.log(np.maximum(x, least))
    out[:, 0] = logs[:, 1] - logs[:, 0]


def log_shares(rows: Any, out: Any, x: Any, least: float) -> None:
    """Logs of shares, less their mean."""
    logs = np.log(np.maximum(x, least))
    out[:] = logs - logs.mean(axis=1, keepdims=True)


# -- layers -----------------------------------------------------------------------------------

def relu(rows: Any, out: Any, x: Any) -> None:
    """At least 0."""
    out[:] = np.maximum(x, 0.0)


def leaky_relu(rows: Any, out: Any, x: Any) -> None:
    """A hundredth below 0."""
    out[:] = np.where(x > 0, x, 0.01 * x)


def elu(rows: Any, out: Any, x: Any) -> None:
    """exp(x) - 1 below 0."""
    out[:] = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def selu(rows: Any, out: Any, x: Any) -> None:
    """As elu, scaled so that layers keep their spread."""
    out[:] = _SELU[0] * np.where(x > 0, x, _SELU[1] * np.expm1(np.minimum(x, 0)))


def gelu(rows: Any, out: Any, x: Any) -> None:
    """x times the normal distribution's share below it."""
    out[:] = x * 0.5 * (1 + _erf(x / np.sqrt(2)).astype(float))


def silu(rows: Any, out: Any, x: Any) -> None:
    """x times its sigmoid."""
    sigmoid(rows, out, x)
    out *= x


def mish(rows: Any, out: Any, x: Any) -> None:
    """x times tanh of its softplus."""
    out[:] = x * np.tanh(np.logaddexp(0, x))


def tanh(rows: Any, out: Any, x: Any) -> None:
    """Hyperbolic tangent."""
    out[:] = np.tanh(x)


def softplus(rows: Any, out: Any, x: Any) -> None:
    """log(1 + exp(x))."""
    out[:] = np.logaddexp(0, x)


def layer_norm(rows: Any, out: Any, x: Any, weight: Any, bias: Any, epsilon: float) -> None:
    """The row's numbers brought to mean 0 and spread 1, then weighted."""
    centred = x - x.mean(axis=1, keepdims=True)
    out[:] = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon) * weight + bias


def above(rows: Any, out: Any, x: Any, threshold: float) -> None:
    """1 above the threshold."""
    out[:] = x > threshold

