"""How good made rows are: each measure compares them with real rows that no model learnt from.

    told_apart        area under the ROC curve of a classifier that tells made rows from held-out
                      ones, cross-validated: 0.5 if it cannot, 1 if it always can (Lopez-Paz and
                      Oquab 2017)
    precision         share of made rows that lie among real ones: within reach of one's k-th
                      nearest (Kynkäänniemi et al. 2019)
    recall            share of real rows that lie among made ones, the same way round
    coverage          share of real rows with a made one within their own reach, over what fresh
                      real rows would reach (Naeem et al. 2020)
    marginal_distance mean distance of the columns by themselves: Kolmogorov's for numbers, total
                      variation for categories; 0 if alike
    nearer_training   share of made rows whose nearest real row was learnt from, among as many
                      held out: 0.5 by chance, more if rows were learnt by heart
    frechet           Fréchet distance of normal clouds in a stated space (Heusel et al. 2017)
    usefulness        accuracy (of a number, R2) on held-out rows of a model that learnt made rows,
                      minus that of one that learnt real ones: 0 if made rows teach as much
    perplexity        of held-out texts, per token
    bits_per_character of held-out texts: what a character of them tells that could not be foretold;
                      8 is no knowledge of bytes, about 1 what people reach in English (Shannon
                      1951); it compares models of different tokens
    copied            share of made texts in which a long run of characters stands as it does in a
                      text that was learnt from
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.evaluation.score import Score, score

METRICS = ("told_apart", "coverage", "precision", "recall", "marginal_distance",
           "nearer_training", "usefulness", "frechet", "perplexity", "bits_per_character", "copied")
LOW = ("told_apart", "marginal_distance", "nearer_training", "frechet", "perplexity",
       "bits_per_character", "copied")
"""Measures of which less is better."""
_QUANTILE = 1.959963984540054
_DRAWS = 200
_CHUNK = 1000
_BASE = np.uint64(0x9E3779B97F4A7C15)


def told_apart(scores: np.ndarray, made: np.ndarray, how: str) -> Score:
    """From what a classifier said of rows it had not seen (n,), and 1 for made ones (n,)."""
    chance = np.column_stack([1 - scores, scores])
    found = score("classification", made.astype(np.int64), chance, metrics=["roc_auc"])["roc_auc"]
    # A classifier that does worse than chance on unseen rows has found nothing.
    return Score("told_apart", max(found.value, 0.5), max(found.low, 0.5), max(found.high, 0.5),
                 found.level, f"{how}; {found.how}", found.n)


def shares(
    real: np.ndarray, made: np.ndarray, train: np.ndarray, *, near: int = 5,
    where: str = "held-out rows",
) -> dict[str, Score]:
    """precision, recall, coverage and nearer_training of made rows (m, q), in a common space.

    `real` (n, q) are rows held out, `train` (k, q) rows learnt from. Raises DataError for fewer
    than 10 rows of a kind.
    """
    for name, rows in (("held out", real), ("made", made)):
        if len(rows) < 10:
            raise DataError(f"made rows are judged on at least 10 rows; got {len(rows)} {name}.")
    k = max(1, min(near, len(real) - 2, len(made) - 2))
    reach_real, reach_made = kth(real, real, k + 1), kth(made, made, k + 1)
    inside = within(made, real, reach_real)
    among = within(real, made, reach_made)
    own = kth(real, made, 1) <= reach_real
    full = 1 - 0.5 ** k
    how = f"Wilson interval, {len(made):,} made rows against {len(real):,} {where}, k = {k}"
    found = {"precision": _share("precision", inside, how),
             "recall": _share("recall", among, how),
             "coverage": _share("coverage", own, how, full)}
    if len(train) >= len(real):
        as_many = train[np.linspace(0, len(train) - 1, len(real)).astype(np.int64)]
        to_train, to_real = kth(made, as_many, 1), kth(made, real, 1)
        near_train = np.where(to_train == to_real, 0.5, to_train < to_real)
        found["nearer_training"] = _share(
            "nearer_training", near_train,
            f"Wilson interval; {len(real):,} rows learnt from against {len(real):,} {where}")
    return found


def copied(made: np.ndarray, train: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """How near made rows come to rows learnt from, beside how near held-out rows come to them.

    "exact" is the share of made rows equal to a row learnt from, "exact_real" that of held-out
    ones; "distance" and "distance_real" are medians to the nearest.
    """
    near, near_real = kth(made, train, 1), kth(real, train, 1)
    tiny = 1e-6 * max(1.0, float(np.abs(train).max(initial=0.0)))
    return {"exact": float((near <= tiny).mean()), "exact_real": float((near_real <= tiny).mean()),
            "distance": float(np.median(near)), "distance_real": float(np.median(near_real))}


def marginal_distances(real: np.ndarray, made: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Distance of each column (p,): of rows (n, p) and (m, p), `levels` (p,) 0 for numbers."""
    return np.array([_total(real[:, at], made[:, at], int(count)) if count else
                     _kolmogorov(real[:, at], made[:, at])
                     for at, count in enumerate(levels)])


def marginal_distance(
    real: np.ndarray, made: np.ndarray, levels: np.ndarray, *, seed: int = 0, draws: int = 100,
) -> Score:
    """The mean over columns, with a bootstrap interval over the rows of both."""
    value = float(marginal_distances(real, made, levels).mean())
    rng = np.random.default_rng(seed)
    some = rng.permutation(real.shape[1])[:50]
    found = [float(marginal_distances(real[rng.integers(0, len(real), len(real))][:, some],
                                      made[rng.integers(0, len(made), len(made))][:, some],
                                      levels[some]).mean()) for _ in range(draws)]
    # Drawing again adds noise of its own, which only raises a distance: the spread is what counts.
    reach = _QUANTILE * float(np.std(found))
    return Score("marginal_distance", value, max(0.0, value - reach), min(1.0, value + reach),
                 0.95, f"bootstrap of the rows of both, {draws} draws", len(real))


def frechet(real: np.ndarray, made: np.ndarray, space: str, *, seed: int = 0,
            draws: int = 50) -> Score:
    """Fréchet distance of normal clouds around rows (n, q) and (m, q); `space` says which."""
    value = cloud_distance(real, made)
    rng = np.random.default_rng(seed)
    found = [cloud_distance(real[rng.integers(0, len(real), len(real))],
                            made[rng.integers(0, len(made), len(made))]) for _ in range(draws)]
    reach = _QUANTILE * float(np.std(found))
    return Score("frechet", value, max(0.0, value - reach), value + reach, 0.95,
                 f"bootstrap of the rows of both, {draws} draws; in {space}", len(real))


def cloud_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|mean a - mean b|^2 + trace(A + B - 2 (A B)^(1/2)) of two sets of rows."""
    mean = float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum())
    A, B = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    values, axes = np.linalg.eigh(A)
    root = (axes * np.sqrt(np.maximum(values, 0))) @ axes.T
    inner = np.linalg.eigvalsh(root @ B @ root)
    return max(0.0, mean + float(np.trace(A) + np.trace(B)
                                 - 2 * np.sqrt(np.maximum(inner, 0)).sum()))


def usefulness(
    of_made: np.ndarray, of_real: np.ndarray, kind: str, *, seed: int = 0
) -> Score:
    """The gap of two models on the same held-out rows: `of_made` minus `of_real`, row by row.

    The rows' parts of the measure (n,): 1 or 0 of an answer right or wrong; of a number the squared
    error over the variance, negative. Drawn in pairs.
    """
    gap = of_made - of_real
    rng = np.random.default_rng(seed)
    found = [float(gap[rng.integers(0, len(gap), len(gap))].mean()) for _ in range(_DRAWS)]
    low, high = np.quantile(found, [0.025, 0.975])
    return Score("usefulness", float(gap.mean()), float(low), float(high), 0.95,
                 f"{kind} on {len(gap):,} held-out rows, learnt from made minus from real rows; "
                 f"paired bootstrap, {_DRAWS} draws", len(gap))


def perplexity(nats: np.ndarray, tokens: np.ndarray, *, seed: int = 0) -> Score:
    """Of held-out texts: their nats (n,) and tokens (n,); a bootstrap of texts."""
    value, low, high = (math.exp(min(each, 700)) for each in _per(nats, tokens, seed))
    return Score("perplexity", value, low, high, 0.95,
                 f"bootstrap of {len(nats):,} held-out texts, {_DRAWS} draws", len(nats))


def bits_per_character(nats: np.ndarray, characters: np.ndarray, *, seed: int = 0) -> Score:
    """Of held-out texts: their nats (n,) and characters (n,); a bootstrap of texts."""
    value, low, high = (each / math.log(2) for each in _per(nats, characters, seed))
    return Score("bits_per_character", value, low, high, 0.95,
                 f"bootstrap of {len(nats):,} held-out texts, {_DRAWS} draws", len(nats))


def _per(nats: np.ndarray, units: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Nats a unit of all texts, and the interval of that."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(_DRAWS):
        at = rng.integers(0, len(nats), len(nats))
        found.append(float(nats[at].sum() / max(units[at].sum(), 1)))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(nats.sum() / max(units.sum(), 1)), float(low), float(high)


class KnownRuns:
    """Runs of `run` characters that stand in texts, in the first `most` of their characters."""

    def __init__(self, texts: Sequence[str], run: int = 40, *, most: int = 20_000_000) -> None:
        self.run, self._n, self._short = run, len(texts), set(texts)
        long = "\0".join(text for text in texts if len(text) >= run)
        self._known = np.sort(_hashes(long[:most], run))

    def copied(self, made: Sequence[str], where: str = "texts") -> Score:
        """The share of made texts that hold such a run; of a shorter text, that are one of the
        texts.
        """
        run, known = self.run, self._known
        found = _hashes("\0".join(made), run)
        places = np.searchsorted(known, found)
        stands = np.zeros(len(found), dtype=np.int64)
        inside = places < len(known)
        stands[inside] = known[places[inside]] == found[inside]
        reached = np.concatenate([[0], np.cumsum(stands)])
        hits, at = np.zeros(len(made), dtype=bool), 0
        for number, text in enumerate(made):
            count = len(text) - run + 1
            hits[number] = text in self._short if count < 1 else reached[at + count] > reached[at]
            at += len(text) + 1
        return _share("copied", hits, f"Wilson interval; runs of {run} characters, {len(made):,} "
                                      f"{where} against {self._n:,} learnt from")


def _hashes(text: str, run: int) -> np.ndarray:
    """A number (uint64) of each run of so many characters; those over "\\0" equal no text's."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    count = max(0, len(points) - run + 1)
    found = np.zeros(count, dtype=np.uint64)
    for at in range(run):
        found = found * _BASE + points[at:at + count]
    return found


def best_first(scores: Mapping[str, Score], metric: str) -> float:
    """A number that is larger for the better; the lowest where nothing was measured."""
    found = scores.get(metric)
    if found is None or math.isnan(found.value):
        return -math.inf
    return -found.value if metric in LOW else found.value


def kth(rows: np.ndarray, among: np.ndarray, k: int) -> np.ndarray:
    """Distance (n,) of each row (n, q) to its k-th nearest of `among` (m, q)."""
    found = np.empty(len(rows))
    at = min(k, len(among)) - 1
    for start, between in _between(rows, among):
        found[start:start + len(between)] = np.partition(between, at, axis=1)[:, at]
    return found


def within(rows: np.ndarray, among: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Whether each row (n, q) lies within the reach (m,) of any of `among` (m, q)."""
    found = np.empty(len(rows), dtype=bool)
    for start, between in _between(rows, among):
        found[start:start + len(between)] = (between <= reach).any(axis=1)
    return found


def _between(rows: np.ndarray, among: np.ndarray) -> Any:
    """Distances, a stretch of rows at a time; dust of rounding is taken off."""
    middle = among.mean(axis=0)
    rows, among = rows - middle, among - middle
    own = (among * among).sum(axis=1)
    top = max(float(own.max(initial=0.0)), 1e-300)
    for start in range(0, len(rows), _CHUNK):
        some = rows[start:start + _CHUNK]
        square = (some * some).sum(axis=1)[:, None] + own - 2 * some @ among.T
        yield start, np.sqrt(np.maximum(np.round(square / top, 12), 0) * top)


def _share(name: str, hits: np.ndarray, how: str, full: float = 1.0) -> Score:
    from wholefit.evaluation.intervals import wilson

    value, n = float(np.mean(hits)), len(hits)
    low, high = wilson(value, n, _QUANTILE)
    return Score(name, min(value / full, 1.0), min(low / full, 1.0), min(high / full, 1.0), 0.95,
                 how, n)


def _total(a: np.ndarray, b: np.ndarray, levels: int) -> float:
    first = np.bincount(a.astype(np.int64), minlength=levels) / max(len(a), 1)
    second = np.bincount(b.astype(np.int64), minlength=levels) / max(len(b), 1)
    return float(np.abs(first - second).sum() / 2)


def _kolmogorov(a: np.ndarray, b: np.ndarray) -> float:
    """The largest gap of two distributions; missing cells count as lowest."""
    a, b = (np.sort(np.where(np.isnan(x), -np.inf, x)) for x in (a, b))
    both = np.concatenate([a, b])
    return float(np.abs(np.searchsorted(a, both, side="right") / len(a)
                        - np.searchsorted(b, both, side="right") / len(b)).max())
