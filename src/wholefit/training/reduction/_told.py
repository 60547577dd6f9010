"""What a reduction tells: its axes in words, how many stand above noise, the map's points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.data import Dataset
from wholefit.features.encoder import Encoder
from wholefit.models import Model, scorer
from wholefit.models._maps.axes import MAPS, ORDERED, spoken
from wholefit.training.found import Common
from wholefit.training.record import Entry
from wholefit.training.reduction import _axes, _noise

_POINTS, _ROWS = 1500, 5000
_HAS_INVERSE = ("projection", "parts", "autoencoder_map", "conv_autoencoder")


@dataclass(frozen=True, eq=False)
class Learnt:
    """What answers, and the rows of the dataset that it learnt from."""

    dataset: Dataset
    name: str
    encoder: Encoder
    state: State
    estimator: Any
    rows: np.ndarray


def told(learnt: Learnt, near: int, common: Common) -> tuple[dict[str, Any], np.ndarray]:
    """Everything that text and pages tell, as JSON, and the loadings (features, axes)."""
    rows = _some(learnt, common.seed)
    X = learnt.encoder.transform(learnt.dataset, rows)
    Z = scorer(learnt.state).answer(X)
    loads = _axes.loadings(X, Z)
    shares = getattr(learnt.estimator, "explained_variance_ratio_", None)
    if learnt.name not in ORDERED:
        shares = None
    noise = _above_noise(learnt, X, common)
    names = learnt.encoder.names
    is_map = learnt.name in MAPS
    few = min(len(rows), 1000)
    found = {
        "method": learnt.name, "is_map": is_map, "invertible": learnt.state.kind in _HAS_INVERSE,
        "takes_new_rows": learnt.state.config.get("rule") != "none",
        "dimensions": int(Z.shape[1]), "features": len(names),
        "axes": _axes.described(learnt.name, loads, names,
                                None if shares is None else list(map(float, shares))),
        "noise": noise.to_json(),
        "laid_out_by": _axes.laid_out_by(X[:few], Z[:few], names, near)
        if is_map else [],
        "points": _points(learnt, rows[:_POINTS], Z[:_POINTS]),
    }
    return found, loads


def _some(learnt: Learnt, seed: int) -> np.ndarray:
    """Rows that are told of, drawn by chance among those that have a place; in random order."""
    drawn = getattr(learnt.estimator, "drawn_", None)
    rows = learnt.rows if drawn is None else learnt.rows[drawn]
    most = _POINTS if learnt.name in MAPS else _ROWS
    return rows[generator(seed, "told rows").permutation(len(rows))[:most]]


def _above_noise(learnt: Learnt, X: Any, common: Common) -> _noise.Noise:
    sources = [source.split("*")[0] for source in learnt.encoder.sources]
    return _noise.parallel(X, sources, common.seed, common.clock.left())


def _points(learnt: Learnt, rows: np.ndarray, Z: np.ndarray) -> dict[str, Any]:
    """Places of at most 1,500 rows, with their numbers (the first is 1) and known answers."""
    found: dict[str, Any] = {
        "rows": (rows + 1).tolist(),
        "places": [[float(f"{x:.5g}") for x in place] for place in Z[:, :3].tolist()],
        "label": None, "values": None}
    names = learnt.dataset.schema.having("label")
    if names:
        column = learnt.dataset.schema.column(names[0])
        found["label"] = names[0]
        if column.distinct > 50 and column.low is not None:
            values = learnt.dataset.numeric(names[0])[rows]
            found["values"] = [float(f"{v:.6g}") if np.isfinite(v) else None for v in values]
        else:
            codes, levels = learnt.dataset.codes(names[0])
            found["values"] = [levels[c] if c >= 0 else None for c in codes[rows]]
    return found


def board(
    trials: Sequence[tuple[Entry, bool]], metric: str, near: int, chance: float | None
) -> list[str]:
    """The comparison of methods in sentences; `chance` is that of two rows' labels to agree."""
    scored = [(entry, own) for entry, own in trials if metric in entry.scores]
    pick = next((entry for entry, _ in trials if entry.recommended), None)
    if pick is None or metric not in pick.scores:
        return []
    lines = [_kept(pick, near, chance)]
    others = [f"{entry.model} {entry.scores[metric]}" + (" (on its own rows)" if own else "")
              for entry, own in scored if entry is not pick]
    if others:
        tie = "of those that tie with the best it costs least" if pick.tied and not pick.best \
            else "it is the best here"
        lines.append(f"By {metric.replace('_', ' ')} {tie}: {pick.model} {pick.scores[metric]}; "
                     f"{', '.join(others)}.")
    lines += _far(pick, [entry for entry, _ in scored if entry is not pick])
    return lines


def _kept(pick: Entry, near: int, chance: float | None) -> str:
    scores = pick.scores
    said = [f"neighbours on the axes are neighbours in truth to {scores['trustworthiness']} "
            f"(trustworthiness, {near} nearest; 1 is perfect, 0.5 is chance)"]
    said.append(f"distances go together to {scores['distance_correlation']} "
                "(rank correlation)")
    if "variance_kept" in scores:
        said.append(f"{scores['variance_kept'].value:.0%} of the variance comes back")
    if "label_agreement" in scores:
        by_chance = "" if chance is None else f", by chance {chance:.2f}"
        said.append("the known label of a row's nearest agrees to "
                    f"{scores['label_agreement']}{by_chance}")
    return f"{pick.model}: {'; '.join(said)}."


def _far(pick: Entry, others: Sequence[Entry]) -> list[str]:
    """Who keeps the large picture better, where it is not the one that answers."""
    mine = pick.scores["distance_correlation"]
    better = [entry for entry in others if entry.model != "random_projection"
              and entry.scores["distance_correlation"].low > mine.high]
    if not better:
        return []
    best = max(better, key=lambda entry: entry.scores["distance_correlation"].value)
    return [f"For the large picture, which groups lie far apart, {best.model} is better: its "
            f"distances go with the true ones to {best.scores['distance_correlation']}, those of "
            f"{pick.model} to {mine} (models='{best.model}')."]


def said(dataset: Dataset, model: Model, told: dict[str, Any]) -> str:
    """How the task was understood, in a sentence."""
    count, axis = told["dimensions"], spoken(model.name)
    several = axis.replace("axis", "axes") if axis.endswith("axis") else axis + "s"
    return (f"reduction: {told['features']:,} features of {len(dataset):,} rows told by {count} "
            f"{axis if count == 1 else several}.")


def warnings(told: dict[str, Any], learnt: int, rows: int) -> tuple[str, ...]:
    """What must be known before the axes are believed."""
    found = []
    above = told["noise"]["above"]
    if above == 0:
        found.append(
            "no axis stands out: the first holds no more of the variance than shuffled columns "
            f"do (p = {told['noise']['p']:.2g}), so these columns vary each by itself, and a "
            "map of them shows chance.")
    if learnt < rows:
        found.append(f"the budget left no time to learn on all {rows:,} rows: the model learnt "
                     f"on {learnt:,}; give a larger budget=.")
    return tuple(found)
