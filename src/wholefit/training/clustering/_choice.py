"""How many clusters, and why: every k up to a most, looked at in six ways.

    separation   what families are compared by (`evaluation.clustering`): the highest
    silhouette   the mean over rows, for the family's own clusters; the highest
    gap          how much tighter than in a box without clusters (Tibshirani, Walther and Hastie
                 2001), of k-means; the first k that the next does not clearly beat
    bic          of Gaussian mixtures (Schwarz 1978); the least
    elbow        where the curve of the inertia of the family's clusters bends most
    stability    the mean adjusted Rand index of clusters learnt from halves of the rows; the
                 highest

A k is passed over where one of its clusters holds less than a hundredth of the rows (or two rows).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.base.tasks import Task
from wholefit.evaluation.clustering import Distances, separation, silhouette, stability
from wholefit.evaluation.partitions import adjusted_rand
from wholefit.evaluation.score import Score
from wholefit.models import Context, Model
from wholefit.models._clusters.base import predict

WAYS = ("separation", "silhouette", "gap", "bic", "elbow", "stability")
# Rows that choices are made on, boxes of the gap, pairs of halves: for a score, and for each k.
ROWS, BOXES, PAIRS, FEW_PAIRS = 1000, 10, 8, 5
# Starts of families that try several: choices are made often, and on few rows.
_STARTS, _SMALL = 3, 0.01


@dataclass(frozen=True)
class Work:
    """The rows (m, q) that choices are made on, their distances, and what fits need."""

    Z: np.ndarray
    distances: Distances
    task: Task
    jobs: int
    seed: int

    def labels(self, model: Model, rows: np.ndarray, asked: np.ndarray, name: str) -> np.ndarray:
        """Labels of the rows `asked` by the model learnt from `rows`."""
        starts = model.to_dict().get("starts", 0)
        if starts > _STARTS:
            model = model.replace(starts=_STARTS)
        context = Context(len(rows), rows.shape[1], jobs=self.jobs,
                          seed=seeds.derive(self.seed, name))
        made = model.build(self.task, context).fit(rows)
        return predict(model.state(made, self.task, context), asked)


@dataclass
class Choice:
    """What was seen of each k, and the k that each way would take."""

    ks: list[int]
    separation: dict[int, Score] = field(default_factory=dict)
    silhouette: dict[int, Score] = field(default_factory=dict)
    small: dict[int, bool] = field(default_factory=dict)
    gap: dict[int, tuple[float, float]] = field(default_factory=dict)
    bic: dict[int, float] = field(default_factory=dict)
    inertia: dict[int, float] = field(default_factory=dict)
    stability: dict[int, Score] = field(default_factory=dict)

    def votes(self) -> dict[str, int]:
        """The k that each way would take, of the ways that were looked at."""
        found: dict[str, int | None] = {
            "separation": self._best({k: s.value for k, s in self.separation.items()}),
            "silhouette": self._best({k: s.value for k, s in self.silhouette.items()}),
            "gap": gap_choice(self.gap), "elbow": elbow(self.inertia),
            "bic": min(self.bic, key=lambda k: self.bic[k]) if self.bic else None,
            "stability": self._best({k: s.value for k, s in self.stability.items()})}
        return {way: k for way, k in found.items() if k is not None}

    def rows(self) -> list[list[float | None]]:
        """(k, silhouette, low, high, gap, its error, bic, inertia, stability, low, high)."""
        found = []
        for k in sorted({*self.ks, *self.gap, *self.inertia}):
            gap, error = self.gap.get(k, (None, None))
            found.append([k, *_three(self.silhouette.get(k)), gap, error, self.bic.get(k),
                          self.inertia.get(k), *_three(self.stability.get(k))])
        return found

    def _best(self, values: dict[int, float]) -> int | None:
        known = {k: v for k, v in values.items() if not math.isnan(v)}
        fair = {k: v for k, v in known.items() if not self.small.get(k)} or known
        return max(fair, key=lambda k: (fair[k], -k)) if fair else None


def choose(model: Model, work: Work, most: int, way: str, clock: Any) -> tuple[int, Choice]:
    """How many clusters the family makes best, by one of `WAYS`."""
    ks = list(range(2, max(2, min(most, len(work.Z) - 1)) + 1))
    choice = Choice(ks)
    look(choice, model, work, clock)
    if way == "gap":
        choice.gap = gaps(work, max(ks))
    elif way == "bic":
        choice.bic = bics(work, ks)
    elif way == "stability":
        stable(choice, model, work, clock)
    k = choice.votes().get(way) or choice.votes().get("separation") or 2
    return k, choice


def look(choice: Choice, model: Model, work: Work, clock: Any) -> None:
    """Figures of the family's own clusters for each k, while there is time."""
    choice.inertia[1] = _inertia(work.Z, np.zeros(len(work.Z), dtype=np.intp))
    for k in choice.ks:
        if k > 2 and clock.left() <= 0:
            break
        labels = work.labels(model.replace(clusters=k), work.Z, work.Z, "choice")
        choice.separation[k] = separation(work.distances, labels).score("separation")
        choice.silhouette[k] = silhouette(work.distances, labels).score("silhouette")
        sizes = np.bincount(labels[labels >= 0], minlength=k)
        choice.small[k] = bool(sizes[sizes > 0].min(initial=len(labels)) < max(
            3, _SMALL * len(labels)))
        choice.inertia[k] = _inertia(work.Z, labels)


def argue(choice: Choice, model: Model, work: Work, clock: Any) -> None:
    """Fill in the ways that were not looked at, while there is time."""
    if not choice.gap and clock.left() > 0:
        choice.gap = gaps(work, max(choice.ks))
    if not choice.bic and clock.left() > 0:
        choice.bic = bics(work, choice.ks)
    if not choice.stability:
        stable(choice, model, work, clock)


def stable(choice: Choice, model: Model, work: Work, clock: Any) -> None:
    """Stability of each k, while there is time."""
    for k in choice.ks:
        if clock.left() <= 0:
            break
        choice.stability[k] = stability(halves(model.replace(clusters=k), work, FEW_PAIRS))


def halves(model: Model, work: Work, pairs: int = PAIRS) -> np.ndarray:
    """Adjusted Rand indices (pairs,) of clusters learnt from disjoint halves, on all rows."""
    rng = seeds.generator(work.seed, "halves", model.name)
    half = len(work.Z) // 2
    found = []
    for at in range(pairs):
        order = rng.permutation(len(work.Z))
        both = [work.labels(model, work.Z[np.sort(part)], work.Z, f"half {at}")
                for part in (order[:half], order[half:2 * half])]
        found.append(adjusted_rand(both[0], both[1]).value)
    return np.array(found)


def gaps(work: Work, most: int, boxes: int = BOXES) -> dict[int, tuple[float, float]]:
    """Gap and its standard error for k from 1 to `most`, of k-means.

    The boxes are uniform over the ranges of the principal axes, as the paper's second reference.
    """
    centred = work.Z - work.Z.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    turned = centred @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    rng = seeds.generator(work.seed, "gap")
    seen = _logs(centred, most, work.seed)
    drawn = np.array([_logs(rng.uniform(low, high, turned.shape) @ axes, most, work.seed)
                      for _ in range(boxes)])
    gap = drawn.mean(axis=0) - seen
    error = drawn.std(axis=0) * math.sqrt(1 + 1 / boxes)
    return {k + 1: (float(gap[k]), float(error[k])) for k in range(most)
            if np.isfinite(gap[k]) and np.isfinite(error[k])}


def gap_choice(gap: dict[int, tuple[float, float]]) -> int | None:
    """The first k whose gap the next one's does not beat by its standard error."""
    for k in sorted(gap):
        if k + 1 in gap and gap[k][0] >= gap[k + 1][0] - gap[k + 1][1]:
            return k
    return max(gap) if gap else None


def elbow(inertia: dict[int, float]) -> int | None:
    """The k whose point lies furthest below the chord of the curve (Satopaa et al. 2011)."""
    ks = sorted(inertia)
    if len(ks) < 3 or inertia[ks[0]] <= inertia[ks[-1]]:
        return None
    x = (np.array(ks) - ks[0]) / (ks[-1] - ks[0])
    y = np.array([inertia[k] for k in ks])
    y = (y - y[-1]) / (y[0] - y[-1])
    return ks[int((1 - x - y).argmax())]


def bics(work: Work, ks: list[int]) -> dict[int, float]:
    """BIC of mixtures of 1 and of each k Gaussians; full ones where rows are many enough."""
    from wholefit.models.mixture import GaussianMixture

    n, q = work.Z.shape
    kind = "full" if q <= 15 and n >= 20 * q * max(1, q // 2) else "diag"
    found = {}
    for k in [1, *ks]:
        model = GaussianMixture(clusters=k, covariance=kind, starts=1)
        made = model.build(work.task, Context(n, q, seed=work.seed)).fit(work.Z)
        found[k] = float(made.bic(work.Z))
    return found


def told(choice: Choice, k: int, asked: bool, way: str) -> str:
    """The argument for k in words."""
    votes = choice.votes()
    said = ", ".join(f"{_NAMES[name]} {n}" for name, n in votes.items())
    if asked:
        return f"{k} clusters were asked for; the ways of choosing would take: {said}."
    rest = [n for name, n in votes.items() if name != way]
    agree = sum(n == k for n in rest)
    return (f"{k} clusters by {_NAMES[way]}; of the {len(rest)} other ways {agree} "
            f"agree{'s' if agree == 1 else ''} ({said}).")


_NAMES = {"separation": "separation", "silhouette": "the silhouette", "bic": "the BIC",
          "gap": "the gap statistic", "elbow": "the elbow", "stability": "stability"}


def _logs(Z: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Log of half the mean inertia of k-means for k from 1 to `most`."""
    from sklearn.cluster import KMeans

    from wholefit.models._clusters.means import quiet

    found = [_inertia(Z, np.zeros(len(Z), dtype=np.intp))]
    with quiet():
        found += [float(KMeans(k, n_init=1, random_state=seed % 2**32).fit(Z).inertia_)
                  for k in range(2, most + 1)]
    with np.errstate(divide="ignore"):
        return np.log(np.array(found))


def _inertia(Z: np.ndarray, labels: np.ndarray) -> float:
    """Squared distances to the means of the clusters, summed; noise left out."""
    total = 0.0
    for code in np.unique(labels[labels >= 0]):
        part = Z[labels == code]
        total += float(((part - part.mean(axis=0)) ** 2).sum())
    return total


def _three(score: Score | None) -> list[float | None]:
    if score is None or math.isnan(score.value):
        return [None, None, None]
    return [None if math.isnan(x) else float(x) for x in (score.value, score.low, score.high)]
