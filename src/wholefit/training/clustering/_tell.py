"""What a clustering tells: everything that text and pages draw, as JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.data.dataset import Dataset
from wholefit.evaluation.partitions import adjusted_rand, normalized_mutual_information
from wholefit.models._clusters.base import means_of
from wholefit.training.clustering._board import Candidate
from wholefit.training.clustering._choice import PAIRS, Work
from wholefit.training.clustering._choice import told as argued
from wholefit.training.clustering._null import Verdict
from wholefit.training.clustering._space import Space

POINTS, LEAVES, CURVE = 2000, 2000, 400


def told(
    space: Space, work: Work, labels: np.ndarray, chosen: Candidate | None, verdict: Verdict,
    options: Any,
) -> dict[str, Any]:
    """All of it, but the description in words and the known labels."""
    points, centroids, axes = _map(space.Z, labels, work.seed)
    found: dict[str, Any] = {
        "clusters": _clusters(labels), "noise": int((labels < 0).sum()), "points": points,
        "centroids": centroids, "axes": axes, "null": _null(verdict, options),
        "scaling": space.said}
    if chosen is None:
        return found
    k = len(found["clusters"])
    if chosen.choice is not None:
        found["choice"] = chosen.choice.rows()
        found["votes"] = chosen.choice.votes()
        found["why"] = argued(chosen.choice, k, False, options.by)
    elif chosen.asked:
        found["why"] = f"{chosen.model.to_dict()['clusters']} clusters were asked for."
    else:
        found["why"] = (f"{chosen.model.name} was not told how many clusters to make: it finds "
                        f"{k} from where rows lie densely.")
    return {**found, **_family(chosen)}


def known(dataset: Dataset, labels: np.ndarray) -> dict[str, Any] | None:
    """Agreement with the label column, of rows whose label is known; None without such a column.

    The column is never learnt from.
    """
    named = dataset.schema.having("label")
    if not named:
        return None
    codes, levels = dataset.codes(named[0])
    there = codes >= 0
    if not there.any():
        return None
    scores = [measure(labels[there], codes[there])
              for measure in (adjusted_rand, normalized_mutual_information)]
    return {"column": named[0], "levels": len(levels), "rows": int(there.sum()),
            "scores": [score.to_json() for score in scores]}


def warnings(
    dataset: Dataset, verdict: Verdict, chosen: Candidate | None, labels: np.ndarray, options: Any
) -> tuple[str, ...]:
    """What should be known before the clusters are used."""
    found = []
    if chosen is not None and not verdict.clustered:
        found.append(
            f"nothing tells these rows from one heap without clusters (p = {verdict.p:.2g}): the "
            "clusters cut it where it is convenient, and other rows would be cut elsewhere.")
    if chosen is not None and not chosen.steady:
        found.append(
            "clusters learnt from other halves of the rows differ (stability "
            f"{chosen.scores['stability']}): do not build on who is in which.")
    noise = float((labels < 0).mean()) if len(labels) else 0.0
    if noise > 0.5:
        found.append(f"{100 * noise:.0f}% of the rows belong to no cluster.")
    if dataset.schema.having("group"):
        found.append(
            f"rows come in groups: whether there are clusters was looked for in {verdict.rows:,} "
            "rows, one of each group, but clusters are made of all rows, and the intervals of "
            "their scores take rows for independent: they are too narrow.")
    if dataset.schema.having("weight"):
        found.append("weights are not used: every row counts the same.")
    return tuple(found)


def split(work: Work) -> str:
    """How the scores were come by."""
    return (f"scores are of {len(work.Z):,} rows, the same for every model; stability of {PAIRS} "
            f"pairs of halves of them, each half clustered anew")


def _clusters(labels: np.ndarray) -> list[dict[str, Any]]:
    codes, sizes = np.unique(labels[labels >= 0], return_counts=True)
    return [{"code": int(code), "size": int(size), "share": float(size / len(labels))}
            for code, size in zip(codes, sizes, strict=True)]


def _map(
    Z: np.ndarray, labels: np.ndarray, seed: int
) -> tuple[list[list[float]], list[list[float]], list[float]]:
    """Sampled rows and the means of clusters on two principal axes, and the axes' shares."""
    rng = seeds.generator(seed, "map")
    rows = np.arange(len(Z)) if len(Z) <= POINTS else np.sort(
        rng.choice(len(Z), POINTS, replace=False))
    middle = Z.mean(axis=0)
    some = Z[rows] - middle
    _, lengths, axes = np.linalg.svd(some, full_matrices=False)
    axes = axes[:2] * np.sign(axes[:2][np.arange(len(axes[:2])), np.abs(axes[:2]).argmax(axis=1)]
                              )[:, None]
    total = float((lengths ** 2).sum())
    shares = [float(x ** 2) / total if total else 0.0 for x in lengths[:2]]
    where = _two(some @ axes.T)
    codes = np.unique(labels[labels >= 0])
    centres = means_of(Z, labels, int(labels.max(initial=-1)) + 1) if len(codes) else Z[:0]
    there = _two((centres - middle) @ axes.T)
    return ([[round(float(x), 5), round(float(y), 5), int(label)]
             for (x, y), label in zip(where, labels[rows], strict=True)],
            [[float(there[code][0]), float(there[code][1]), int(code)] for code in codes],
            [*shares, 0.0][:2])


def _two(places: np.ndarray) -> np.ndarray:
    """Two columns, the second 0 where there is one alone."""
    return np.pad(places, ((0, 0), (0, max(0, 2 - places.shape[1]))))[:, :2]


def _null(verdict: Verdict, options: Any) -> dict[str, Any]:
    p = f"p = {verdict.p:.2g}"
    if not verdict.simulations:
        said = ("There are too few different rows to look for clusters in (one row of each group "
                "counts, where groups are known).")
    elif verdict.clustered:
        as_much = sum(value >= verdict.statistic for value in verdict.values)
        said = (f"The rows are not one heap ({p}): {'none' if not as_much else f'only {as_much}'} "
                f"of {verdict.simulations} tables without clusters, like them in all else, stand "
                f"out as much; what stands out most is the {verdict.figure}.")
    else:
        said = (f"Nothing tells the rows from one heap without clusters ({p}; clusters would be "
                f"told at {verdict.level:g}): {verdict.simulations} tables without clusters, like "
                "them in all else, look much the same.")
    return {"statistic": None if math.isnan(verdict.statistic) else verdict.statistic,
            "p": verdict.p, "level": verdict.level, "simulations": verdict.simulations,
            "figure": verdict.figure, "values": list(verdict.values), "rows": verdict.rows,
            "null": "one heap: the columns' own values, each with one mode, tied to each other as "
                    "they are, the denser the nearer to the middle",
            "clustered": verdict.clustered, "verdict": said}


def _family(chosen: Candidate) -> dict[str, Any]:
    """What the chosen family alone can tell: its tree, or its radius."""
    from wholefit.models._clusters.tree import trimmed

    found: dict[str, Any] = {}
    linkage = getattr(chosen.estimator, "linkage_", None)
    if linkage is not None and len(linkage):
        found["tree"] = [[int(a), int(b), float(height), int(size)]
                         for a, b, height, size in trimmed(linkage, LEAVES)]
    if hasattr(chosen.estimator, "eps_"):
        curve = chosen.estimator.distances_
        found["k_distance"] = {
            "eps": float(chosen.estimator.eps_),
            "curve": [] if curve is None else [
                float(x) for x in np.quantile(curve, np.linspace(0, 1, CURVE))]}
    return found
