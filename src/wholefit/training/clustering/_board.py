"""Families side by side: each fitted, its clusters judged on the same rows by the same measure."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.base.events import emit
from wholefit.base.state import State
from wholefit.evaluation import clustering as measures
from wholefit.evaluation.score import Score
from wholefit.models import Context, Model, make, names
from wholefit.models._clusters.base import predict
from wholefit.training.clustering._choice import Choice, Work, choose, halves
from wholefit.training.record import Entry

METRICS = ("separation", "silhouette", "stability")
# Below this stability a clustering is recommended only where none is steadier.
STEADY = 0.5
# A smaller lead in separation tells nothing: intervals hold the clusters fixed, and they vary.
EVEN = 0.02
_SMALL, _LARGE = 5_000, 200_000
_LEVEL = 0.95
# A cluster of more than this share of the rows leaves only a few far ones to the others.
_ALL = 0.98


@dataclass
class Candidate:
    """One family: its model with everything settled, its fit, and its figures."""

    model: Model
    asked: bool = False
    choice: Choice | None = None
    state: State | None = None
    estimator: Any = None
    clusters: int = 0
    many: bool = False
    lopsided: bool = False
    seconds: float = math.nan
    answering: float = math.nan
    separation: measures.Figure | None = None
    scores: dict[str, Score] = field(default_factory=dict)
    status: str = "ok"
    reason: str = ""
    traceback: str = ""

    @property
    def value(self) -> float:
        """Separation; below all others where there is none."""
        found = self.scores.get("separation")
        return -math.inf if found is None or math.isnan(found.value) else found.value

    @property
    def odd(self) -> bool:
        """Whether it makes too many clusters, or one of nearly all rows, without being asked."""
        return self.many or self.lopsided

    @property
    def steady(self) -> bool:
        """Whether clusters of other halves of the rows were much the same."""
        found = self.scores.get("stability")
        return found is None or math.isnan(found.value) or found.value >= STEADY


def candidates(
    wanted: Sequence[Model] | None, clusters: int | None, rows: int, features: int
) -> tuple[list[Model], dict[str, str]]:
    """The families to try, and why others of the default set are left out."""
    if wanted is not None:
        for model in wanted:
            if "clustering" not in model.tasks:
                raise ParameterError(
                    f"{model.name} does {' and '.join(model.tasks)}, not clustering; models for "
                    f"it: {', '.join(names('clustering'))}.")
        return [model for model in wanted if model.name != "one_cluster"], {}
    left_out: dict[str, str] = {}
    kind = "full" if features <= 15 and rows >= 20 * features else "diag"
    texts = ["kmeans" if rows <= _LARGE else "minibatch_kmeans",
             f"gaussian_mixture(covariance='{kind}')", "agglomerative"]
    if rows <= _SMALL:
        texts.append("spectral")
    else:
        left_out["spectral"] = f"it cuts a graph of all rows; {rows:,} are many for it"
    if clusters is None:
        texts += ["dbscan(rows=10000)", "hdbscan(rows=10000)"]
    else:
        left_out |= dict.fromkeys(("dbscan", "hdbscan"), "it cannot be told how many to make")
    return [make(text) for text in texts], left_out


def run(
    candidate: Candidate, Z: np.ndarray, work: Work, clusters: int | None, most: int, way: str,
    clock: Any,
) -> None:
    """Choose k, fit on all rows, judge on the rows of `work`; what fails is kept as failed."""
    emit("candidate", model=candidate.model.name)
    try:
        _settle(candidate, work, clusters, most, way, clock)
        _fit(candidate, Z, work)
        _judge(candidate, work)
        candidate.many = candidate.clusters > most and not candidate.asked
        if candidate.many:
            candidate.reason = (f"it finds {candidate.clusters} clusters, and most={most} are "
                                "looked for")
        elif candidate.lopsided:
            candidate.reason = "nearly all rows are in one of its clusters"
    except Exception as error:  # one family's failure must not end the others
        candidate.status, candidate.reason = "failed", f"{type(error).__name__}: {error}"
        candidate.traceback = traceback.format_exc()
    emit("candidate_done", model=candidate.model.name, status=candidate.status)


def _settle(
    candidate: Candidate, work: Work, clusters: int | None, most: int, way: str, clock: Any
) -> None:
    values = candidate.model.to_dict()
    if "clusters" not in values:
        return
    if values["clusters"] is not None or clusters is not None:
        candidate.asked = True
        k = values["clusters"] if values["clusters"] is not None else clusters
    else:
        k, candidate.choice = choose(candidate.model, work, most, way, clock)
    candidate.model = candidate.model.replace(clusters=k)


def _fit(candidate: Candidate, Z: np.ndarray, work: Work) -> None:
    context = Context(len(Z), Z.shape[1], jobs=work.jobs, seed=work.seed)
    start = time.perf_counter()
    candidate.estimator = candidate.model.build(work.task, context).fit(Z)
    candidate.seconds = time.perf_counter() - start
    candidate.state = candidate.model.state(candidate.estimator, work.task, context)


def _judge(candidate: Candidate, work: Work) -> None:
    assert candidate.state is not None
    start = time.perf_counter()
    labels = predict(candidate.state, work.Z)
    candidate.answering = (time.perf_counter() - start) * 1000 / len(work.Z)
    candidate.clusters = len(np.unique(labels[labels >= 0]))
    if candidate.clusters < 2:
        candidate.status = "skipped"
        candidate.reason = ("it finds one cluster only" if candidate.clusters
                            else "it finds no cluster: every row is noise to it")
        return
    sizes = np.bincount(labels[labels >= 0])
    candidate.lopsided = not candidate.asked and bool(sizes.max() > _ALL * sizes.sum())
    candidate.separation = measures.separation(work.distances, labels)
    candidate.scores = {
        "separation": candidate.separation.score("separation", _LEVEL),
        "silhouette": measures.silhouette(work.distances, labels).score("silhouette", _LEVEL),
        "stability": measures.stability(halves(candidate.model, work), _LEVEL)}


def ranked(found: Sequence[Candidate], metric: str) -> list[Candidate]:
    """Best first: by the metric, then by what an answer costs; what has no figure last."""
    def key(candidate: Candidate) -> tuple[float, int]:
        score = candidate.scores.get(metric)
        bad = score is None or math.isnan(score.value)
        return (math.inf if bad or score is None else -score.value, candidate.model.burden)

    return sorted(found, key=key)


def ties(order: Sequence[Candidate], metric: str) -> list[bool]:
    """Which candidates the best one does not clearly beat on the same rows."""
    return [at == 0 or (difference(order[0], candidate, metric) or {"low": 1.0})["low"] <= EVEN
            for at, candidate in enumerate(order)]


def difference(best: Candidate, other: Candidate, metric: str) -> dict[str, Any] | None:
    """How far the best is ahead: on the same rows for separation, else from both intervals."""
    if not {*best.scores} or not {*other.scores}:
        return None
    if metric == "separation" and best.separation and other.separation:
        found = best.separation.minus(other.separation).score("difference", _LEVEL)
        return {"value": found.value, "low": found.low, "high": found.high, "p": None}
    a, b = best.scores[metric], other.scores[metric]
    reach = math.hypot(a.value - a.low, b.high - b.value)
    value = a.value - b.value
    return {"value": value, "low": value - reach, "high": value + reach, "p": None}


def recommended(order: Sequence[Candidate], tied: Sequence[bool]) -> Candidate | None:
    """The cheapest of those tied with the best; steady ones, of few clusters, before others."""
    scored = [c for c in order if c.scores]
    if not scored:
        return None
    steady = [c for c in scored if c.steady and not c.odd]
    if not steady:
        return next((c for c in scored if not c.odd), scored[0])
    if steady[0] is order[0]:
        among = [c for c, tie in zip(order, tied, strict=True) if tie and c in steady]
        return min(among, key=lambda c: c.model.burden)
    return steady[0]


def entry(candidate: Candidate, **marks: Any) -> Entry:
    """The candidate's row of the leaderboard."""
    made = Entry(
        model=candidate.model.name, params=candidate.model.to_dict(), status=candidate.status,
        reason=candidate.reason, scores=dict(candidate.scores), fit_seconds=candidate.seconds,
        predict_seconds=candidate.answering, traceback=candidate.traceback)
    return replace(made, **marks)

