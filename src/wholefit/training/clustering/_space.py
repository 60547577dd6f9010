"""How columns become distances: the space in which clusters are sought.

Every column counts the same. What the encoder made of a column (one number; one 0/1 feature a
category; parts of a date; directions of a text) is divided so that its variances sum to 1: then
two rows drawn at random are as far apart in one column as in any other, on average, which is what
Gower's coefficient (1971) asks of mixed tables, and distances stay Euclidean. A category that
nearly all rows share would be blown up by that: it counts as if a tenth of the rows differed.

Numbers are measured from their median in units of their middle half, and beyond 2.25 of these
units (three standard deviations of a normal) they are drawn in by a logarithm, so that a few far
values neither set the unit of all others nor make clusters of their own. Asking for
features={"scale": "standard"} (or another scale) measures them in that way and draws nothing in.

Above 60 features distances are measured on the 50 principal axes of most variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.data.dataset import Dataset
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import changed
from wholefit.models import Model
from wholefit.models._kernels.clusters import Weighed, bent
from wholefit.training.found import Rows

BEND = 2.25
WIDE, AXES = 60, 50
# The least variance that a category, and a truth value, is divided by: those of 90 to 10.
_CATEGORY, _TRUTH = 0.18, 0.09
# Rows that principal axes are learnt from.
_LEARNT = 5000


@dataclass(frozen=True, eq=False)
class Space:
    """The encoder, the weights after it, and the rows: as encoded, and as measured (n, q).

    `groups` lists the columns of the measured rows that hold one category each.
    """

    encoder: Encoder
    weighed: State
    encoded: Any
    Z: np.ndarray
    groups: list[np.ndarray]
    said: dict[str, Any]

    def state(self, model: State) -> State:
        """The weights and the model behind them, as one State of encoded rows."""
        return State(self.weighed.kind, self.weighed.config, self.weighed.arrays,
                     parts={"model": model})


def measured(rows: Rows, dataset: Dataset, at: np.ndarray | None = None) -> np.ndarray:
    """Rows of a conforming dataset (n, q) as a found clustering measures distances."""
    X = rows.encoder.transform(dataset, at)
    if isinstance(rows.scorer, Weighed):
        return rows.scorer.space(X)
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)


def learn(
    dataset: Dataset, task: Task, model: Model, features: dict[str, Any], seed: int
) -> Space:
    """The space of a dataset; DataError where no column is left to measure."""
    encoding = changed(model.encoding(task), features)
    encoder = Encoder(encoding, seed=seeds.derive(seed, "clusters", "encoder"))
    X = encoder.fit_transform(dataset)
    dense = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
    roles = {column.name: column.role for column in dataset.schema.columns}
    bend = np.full(dense.shape[1], np.inf)
    if encoding.scale == "robust":
        plain = [at for at, (name, source) in enumerate(
            zip(encoder.names, encoder.sources, strict=True))
            if name == source and roles.get(source) == "numeric"]
        bend[plain] = BEND
    drawn_in = bent(dense, bend)
    arrays, by_column = _weights(drawn_in, encoder.sources, roles)
    arrays["bend"] = bend
    weighed = State("clusters.weighed", {}, arrays)
    Z = (drawn_in - arrays["centre"]) * arrays["weights"]  # as `Weighed` has it, drawn in once
    share = None
    if Z.shape[1] > WIDE:
        arrays["axes"], share = _axes(Z, seed)
        weighed = State("clusters.weighed", {}, arrays)
        Z = Z @ arrays["axes"]
    groups = [np.array(at) for source, at in by_column.items()
              if share is None and roles.get(source) == "categorical" and len(at) > 1]
    return Space(encoder, weighed, X, np.ascontiguousarray(Z), groups,
                 _said(encoding.scale, by_column, roles, Z.shape[1], share))


def _weights(
    drawn_in: np.ndarray, sources: list[str], roles: dict[str, str]
) -> tuple[dict[str, np.ndarray], dict[str, list[int]]]:
    """Centre and weight of each feature, and the features of each column."""
    centre = drawn_in.mean(axis=0)
    variance = drawn_in.var(axis=0)
    by_column: dict[str, list[int]] = {}
    for at, source in enumerate(sources):
        by_column.setdefault(source, []).append(at)
    weights = np.zeros(drawn_in.shape[1])
    least = {"categorical": _CATEGORY, "boolean": _TRUTH}
    for source, these in by_column.items():
        total = max(float(variance[these].sum()), least.get(roles.get(source, ""), 0.0))
        weights[these] = 1 / np.sqrt(total) if total > 1e-300 else 0.0
    return {"weights": weights, "centre": centre}, by_column


def _axes(Z: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Principal axes (p, q), largest variance first, and the share of variance they hold."""
    rng = seeds.generator(seed, "clusters", "axes")
    rows = np.arange(len(Z)) if len(Z) <= _LEARNT else np.sort(
        rng.choice(len(Z), _LEARNT, replace=False))
    some = Z[rows] - Z[rows].mean(axis=0)
    # A quarter of the rows at most: beyond that axes tell the rows apart one by one.
    q = max(2, min(AXES, len(some) // 4))
    _, lengths, axes = np.linalg.svd(some, full_matrices=False)
    axes = axes[:q].T
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    total = float((lengths ** 2).sum())
    return np.ascontiguousarray(axes), float((lengths[:q] ** 2).sum()) / total if total else 1.0


def _said(
    scale: str, by_column: dict[str, list[int]], roles: dict[str, str], width: int,
    share: float | None,
) -> dict[str, Any]:
    """What is told of the space, as JSON."""
    told = ("each of the columns counts the same: what is made of it is divided so that its "
            "variances sum to 1; ")
    told += {"robust": "numbers are measured from their median in units of their middle half, and "
                       "far ones are drawn in by a logarithm; ",
             "none": "numbers are taken as they are; "}.get(
        scale, f"numbers are brought to a common scale ({scale}); ")
    told += "categories are one feature of 0 and 1 each; distances are straight lines"
    if share is not None:
        told += f", on {width} principal axes that hold {100 * share:.0f}% of the variance"
    return {"said": told + ".", "scale": scale, "features": width, "share": share,
            "columns": {name: {"role": roles.get(name, ""), "features": len(at)}
                        for name, at in list(by_column.items())[:200]}}
