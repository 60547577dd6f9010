"""Detectors fitted on what a lens shows, and their scores of rows that they did not learn from."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.errors import WholefitError
from wholefit.base.events import emit
from wholefit.base.seeds import derive, generator
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.data import Dataset
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import changed
from wholefit.models import Context, Model, scorer
from wholefit.training.anomaly._ensemble import fit_detector, together
from wholefit.training.anomaly._lens import Cutting, Lens
from wholefit.training.anomaly._windows import Cut
from wholefit.training.found import Common

TOGETHER = "together"
# Parts that rows are dealt into: more where fitting is cheap, as each then is closer to the whole.
_FOLDS, _FEW_FOLDS, _MANY = 10, 5, 2_000
# Held-out rows scored at most: a threshold of one in a thousand then rests on fifty.
_MOST_HELD = 50_000
# Rows by which two fits of one detector are compared.
_ANCHORS = 3_000
# Stretches of time that rows count by, where neighbours in time are alike.
_BLOCKS = 50


@dataclass(frozen=True, eq=False)
class Detected:
    """Detectors fitted on some units: a lens, an encoder, and a state for each detector.

    `inside` are each one's scores of rows it learnt from, in order: two fits of one detector
    differ in what their scores mean, and those are what they are compared by. `failed` says why
    for those that could not be fitted; `seconds` what the others took.
    """

    lens: Lens
    encoder: Encoder
    states: dict[str, State]
    inside: dict[str, np.ndarray]
    failed: dict[str, str]
    seconds: dict[str, float]

    @property
    def chosen(self) -> str:
        """What answers: the detectors together, or the only one."""
        return TOGETHER if TOGETHER in self.states else next(iter(self.states))

    def score(self, view: Dataset, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Scores of these rows of what the lens shows, by each detector."""
        return self.scored(self.encoder.transform(view, rows))

    def scored(self, X: Any) -> dict[str, np.ndarray]:
        """Scores of encoded rows by each detector; where there are several, as rarities."""
        if TOGETHER not in self.states:
            return {name: scorer(state).answer(X) for name, state in self.states.items()}
        made: Any = scorer(self.states[TOGETHER])
        each = made.each(X)
        return {**{name: each[:, at] for at, name in enumerate(made.names)},
                TOGETHER: each.mean(axis=1)}


def detect(
    cutting: Cutting, usable: np.ndarray, models: dict[str, Model], task: Task, common: Common,
) -> tuple[Detected, Dataset]:
    """Lens, encoder and every detector learnt from the usable units; and all units as seen."""
    lens, view = cutting.learn(usable)
    rows = np.flatnonzero(usable)
    wanted = next(iter(models.values())).encoding(task)
    encoder = Encoder(changed(wanted, common.features), seed=common.seed)
    X = encoder.fit_transform(view, rows)
    # The same rows in every fit, as far as it learnt from them: what is by chance odd about them
    # is so in each, and does not part one fit's scale from another's.
    anchors = np.flatnonzero(_subset(cutting.units, common.seed, _ANCHORS)[rows])
    context = Context(rows=X.shape[0], features=X.shape[1], categorical=encoder.categorical,
                      jobs=common.jobs, seed=derive(common.seed, "detector"))
    found = Detected(lens, encoder, {}, {}, {}, {})
    for name, model in models.items():
        start = time.perf_counter()
        try:
            found.states[name] = fit_detector(model, task, X, context)
        except WholefitError as error:
            found.failed[name] = str(error)
        found.seconds[name] = time.perf_counter() - start
    if len(found.states) > 1:
        start = time.perf_counter()
        found.states[TOGETHER] = together(found.states, X[anchors], common.seed)
        found.seconds[TOGETHER] = sum(found.seconds.values()) + time.perf_counter() - start
    for name, scores in found.scored(X[anchors]).items() if found.states else ():
        found.inside[name] = np.sort(scores)
    return found, view


def matched(scores: np.ndarray, inside: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Scores (n,) of one fit as another fit would give them.

    `inside` and `other` are the two fits' scores, in order, of rows that both learnt from: what
    ranks among the first as it does goes to what ranks so among the second. What lies beyond all
    keeps its distance from the last.
    """
    values, first, counts = np.unique(inside, return_index=True, return_counts=True)
    place = (first + counts / 2) / len(inside)
    found: np.ndarray = np.interp(np.interp(scores, values, place),
                                  (np.arange(len(other)) + 0.5) / len(other), other)
    over, under = scores > inside[-1], scores < inside[0]
    found[over] = other[-1] + (scores[over] - inside[-1])
    found[under] = other[0] + (scores[under] - inside[0])
    return found


@dataclass(eq=False)
class Held:
    """Scores of units by detectors that had not seen them: name to (units,), NaN where none was.

    `how` says in a clause how units were held out; `parts` which units each fit scored, and its
    scores of rows it learnt from.
    """

    how: str
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    parts: list[tuple[np.ndarray, dict[str, np.ndarray]]] = field(default_factory=list)

    def put(self, units: int, rows: np.ndarray, detected: Detected, view: Dataset) -> None:
        """Scores of some units by detectors that had not learnt from them."""
        for name, scores in detected.score(view, rows).items():
            self.scores.setdefault(name, np.full(units, np.nan))[rows] = scores
            self.seconds.setdefault(name, []).append(detected.seconds[name])
        self.parts.append((rows, detected.inside))

    def settle(self, detected: Detected) -> None:
        """Bring the scores of every part to the scale of the fit on all units."""
        for rows, inside in self.parts:
            for name in inside:
                if name in detected.inside:
                    self.scores[name][rows] = matched(
                        self.scores[name][rows], inside[name], detected.inside[name])


def held_out(cutting: Cutting, models: dict[str, Model], task: Task, common: Common) -> Held:
    """Every unit scored by detectors fitted on the other parts, as far as the budget goes."""
    units = cutting.units
    folds, how = _parts(cutting, common.seed)
    found = Held(how)
    keep = _subset(units, common.seed, _MOST_HELD)
    done = 0
    for at, (train, test) in enumerate(folds):
        start = time.perf_counter()
        test = test[keep[test]]
        if not len(test) or train.sum() < 3:
            continue
        detected, view = detect(cutting, train, models, task, common)
        found.put(units, test, detected, view)
        done += 1
        took = time.perf_counter() - start
        emit("held_out", part=at + 1, of=len(folds), seconds=took)
        if common.clock.left() < 3 * took and at + 1 < len(folds):
            found.how += f"; the budget of time ended this after {done} of {len(folds)} parts"
            break
    return found


def _parts(cutting: Cutting, seed: int) -> tuple[list[tuple[np.ndarray, np.ndarray]], str]:
    """(mask of units learnt from, units held out) of each part, and how they were made."""
    units = cutting.units
    count = min(_FOLDS if units <= _MANY else _FEW_FOLDS, units)
    if cutting.cut is not None:
        return list(_stretches(cutting, _FEW_FOLDS)), (
            f"windows scored by detectors that learnt from other stretches, {_FEW_FOLDS} in all")
    groups = cutting.dataset.groups()
    random = generator(seed, "held out")
    if groups is not None and len(np.unique(groups)) >= 3:
        names, codes = np.unique(groups, return_inverse=True)
        count = min(count, len(names))
        part = (random.permutation(len(names)) % count)[codes]
        how = f"rows scored by detectors that learnt from other groups, in {count} parts"
    else:
        # Copies of a row may fall on both sides on purpose: new rows will have copies among those
        # learnt from as often as these have, and the threshold is set for new rows.
        part = random.permutation(units) % count
        how = f"rows scored by detectors that learnt from the others, in {count} parts"
    return [(part != at, np.flatnonzero(part == at)) for at in range(count)], how


def _stretches(cutting: Cutting, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Windows in stretches of time; what overlaps the stretch held out is not learnt from."""
    assert cutting.cut is not None
    starts, length = cutting.cut.starts, cutting.cut.length
    for test in np.array_split(np.arange(len(starts)), min(count, len(starts))):
        low, high = starts[test[0]], starts[test[-1]]
        yield (starts + length <= low) | (starts >= high + length), test


def _subset(units: int, seed: int, most: int) -> np.ndarray:
    """Mask of all units, or of so many by chance where there are more."""
    if units <= most:
        return np.ones(units, dtype=bool)
    kept = np.zeros(units, dtype=bool)
    kept[generator(seed, "held rows", most).choice(units, most, replace=False)] = True
    return kept


def blocks(cutting: Cutting) -> np.ndarray | None:
    """What alarms come in lumps of: groups, or stretches of time; None where rows are alike."""
    if cutting.cut is not None:
        return np.arange(cutting.units) * _BLOCKS // max(cutting.units, 1)
    return lumps(cutting.dataset)


def lumps(dataset: Dataset, cut: Cut | None = None) -> np.ndarray | None:
    """The group of each row (n,), else its stretch of time; None where neither is known.

    Where windows are judged, neighbours share theirs: rows count by stretches of their series.
    """
    if cut is not None:
        found = np.empty(len(cut.order), dtype=np.int64)
        found[cut.order] = np.arange(len(cut.order)) * _BLOCKS // max(len(cut.order), 1)
        return found
    there = {role for role in ("group", "time")
             if set(dataset.schema.having(role)) & set(dataset.frame.columns)}
    groups = dataset.groups() if "group" in there else None
    if groups is not None:
        return groups
    ranks = dataset.time_order() if "time" in there else None
    if ranks is None:
        return None
    place = np.argsort(np.argsort(ranks, kind="stable"), kind="stable")
    return place * _BLOCKS // max(len(place), 1)


def forward(
    cutting: Cutting, models: dict[str, Model], task: Task, common: Common, name: str,
    inside: np.ndarray,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Scores of the last fifth by a detector of the rest: (units, scores); None without time.

    They are on the scale of the fit whose scores of rows it learnt from are `inside`.
    """
    if cutting.cut is None and cutting.dataset.time_order() is None:
        return None
    if common.clock.left() < common.clock.spent():
        return None
    place = _places(cutting)
    last = place >= 0.8 * cutting.units
    if last.sum() < 20 or (~last).sum() < 20:
        return None
    train = ~last
    if cutting.cut is not None:
        starts, length = cutting.cut.starts, cutting.cut.length
        train = train & (starts + length <= starts[last].min())
    detected, view = detect(cutting, train, models, task, common)
    if name not in detected.states:
        return None
    units = np.flatnonzero(last)
    found = detected.score(view, units)[name]
    return units, matched(found, detected.inside[name], inside)


def _places(cutting: Cutting) -> np.ndarray:
    """Place of each unit in time."""
    if cutting.cut is not None:
        return np.arange(cutting.units)
    ranks = cutting.dataset.time_order()
    assert ranks is not None
    return np.argsort(np.argsort(ranks, kind="stable"), kind="stable")


def names_of(models: Sequence[Model]) -> dict[str, Model]:
    """A name for each model: its own, with its place where two are called alike."""
    found: dict[str, Model] = {}
    for model in models:
        name, at = model.name, 2
        while name in found:
            name, at = f"{model.name} #{at}", at + 1
        found[name] = model
    return found
