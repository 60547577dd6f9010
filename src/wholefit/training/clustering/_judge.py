"""What clusters answer for rows, and how they do on rows that they were not learnt from."""

from __future__ import annotations

import math

import numpy as np

from wholefit.base.stored import reading
from wholefit.data.dataset import Dataset
from wholefit.evaluation import Score
from wholefit.evaluation.clustering import Distances, silhouette
from wholefit.evaluation.intervals import student, wilson
from wholefit.evaluation.partitions import adjusted_rand, normalized_mutual_information
from wholefit.training.clustering._places import distances
from wholefit.training.clustering._space import measured
from wholefit.training.found import Found, Rows

_LEVEL, _ROWS = 0.95, 2000
_CHUNK = 20_000
# Memberships held at once: 256 MB of them.
_CELLS = 1 << 25


def labels(found: Found, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n,), -1 where a row belongs to no cluster, and memberships (n,) in that cluster."""
    rows, n = Rows(found), len(dataset)
    # Memberships are a cell a row and cluster, and a model may have many clusters.
    wide = rows.answer(dataset.take(np.arange(min(n, 1)))).shape[1]
    step = max(1, _CELLS // max(wide, 1))
    if n <= step:
        return _firmest(rows.answer(dataset))
    parts = [_firmest(rows.answer(dataset.take(np.arange(at, min(at + step, n)))))
             for at in range(0, n, step)]
    return np.concatenate([part[0] for part in parts]), np.concatenate([p[1] for p in parts])


def _firmest(answer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of memberships (n, k) the greatest of each row: its cluster, -1 for none, and itself."""
    if not answer.shape[1]:
        return np.full(len(answer), -1), np.zeros(len(answer))
    firm = answer.max(axis=1)
    return np.where(firm > 0, answer.argmax(axis=1), -1), firm


def far(found: Found, dataset: Dataset) -> np.ndarray | None:
    """Which rows lie farther from every cluster than 99% of its members; None where unknown."""
    with reading("the model file cannot tell how far clusters reach"):
        stored = (found.told.get("described") or {}).get("reach")
        if not stored:
            return None
        centres = np.asarray(stored["centres"], dtype=np.float64)
        limits = np.asarray(stored["reach"], dtype=np.float64)
        rows = Rows(found)
        parts = [_far(measured(rows, dataset, np.arange(at, min(at + _CHUNK, len(dataset)))),
                      centres, limits) for at in range(0, max(len(dataset), 1), _CHUNK)]
    return np.concatenate(parts)


def evaluate(found: Found, dataset: Dataset) -> dict[str, Score]:
    """Scores of new rows by name; see `api.clustering.Clusters.evaluate`."""
    codes, _ = labels(found, dataset)
    scores = [_silhouette(found, dataset, codes), _share("noise", codes < 0),
              _moved(found, codes)]
    outside = far(found, dataset)
    if outside is not None:
        scores.append(_share("far", outside))
    scores += _against(dataset, codes)
    return {score.metric: score for score in scores}


def _silhouette(found: Found, dataset: Dataset, codes: np.ndarray) -> Score:
    """Of at most 2,000 rows, evenly taken; noise counts 0."""
    rows = np.arange(len(codes))
    if len(rows) > _ROWS:
        rows = np.linspace(0, len(codes) - 1, _ROWS).round().astype(int)
    if len(np.unique(codes[rows][codes[rows] >= 0])) < 2:
        return _undefined("silhouette", "the rows are in fewer than two clusters", len(codes))
    square = distances(measured(Rows(found), dataset, rows))
    return silhouette(Distances(square, square), codes[rows]).score("silhouette", _LEVEL)


def _share(name: str, which: np.ndarray) -> Score:
    n = len(which)
    if not n:
        return _undefined(name, "there are no rows", 0)
    value = float(which.mean())
    low, high = wilson(value, n, student(_LEVEL, 1e9))
    return Score(name, value, low, high, _LEVEL, "Wilson interval", n)


def _moved(found: Found, codes: np.ndarray) -> Score:
    """Half the sum of the changes of the clusters' shares: the share of rows that moved."""
    with reading("the model file cannot tell how large its clusters were"):
        learnt = {int(c["code"]): float(c["share"]) for c in found.told.get("clusters") or []}
    learnt[-1] = max(0.0, 1.0 - sum(learnt.values()))
    n = len(codes)
    if not n:
        return _undefined("shares", "there are no rows", 0)
    known = np.array(list(learnt))
    was = np.array(list(learnt.values()))
    now = np.array([(codes == code).mean() for code in known])
    value = float(np.abs(now - was).sum() / 2)
    draws = np.random.default_rng(0).multinomial(n, now / max(now.sum(), 1e-12), 999) / n
    ends = np.abs(draws - was).sum(axis=1) / 2
    low, high = (float(x) for x in np.quantile(ends, [0.025, 0.975]))
    return Score("shares", value, min(low, value), max(high, value), _LEVEL,
                 "percentiles of 999 draws of as many rows", n)


def _against(dataset: Dataset, codes: np.ndarray) -> list[Score]:
    """Agreement with the label column, of the rows whose label is known."""
    names = [name for name in dataset.schema.having("label")
             if name in dataset.frame.columns]
    if not names:
        return []
    known, _ = dataset.codes(names[0])
    there = known >= 0
    if not there.any():
        return []
    return [measure(codes[there], known[there], level=_LEVEL)
            for measure in (adjusted_rand, normalized_mutual_information)]


def _far(X: np.ndarray, centres: np.ndarray, limits: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import cdist

    if centres.ndim != 2 or X.shape[1] != centres.shape[1] or len(limits) != len(centres):
        raise ValueError("its centres do not fit its columns")
    return np.asarray((cdist(np.nan_to_num(X), centres) > limits).all(axis=1))


def _undefined(name: str, why: str, n: int) -> Score:
    return Score(name, math.nan, math.nan, math.nan, _LEVEL, f"undefined: {why}", n)
