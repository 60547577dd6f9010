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
from wholefit.training._anomaly_ensemble import joined
from wholefit.training._anomaly_lens import Cutting, Lens
from wholefit.training.found import Common

TOGETHER = "together"
# Parts that rows are dealt into: more where fitting is cheap, as each then is closer to the whole.
_FOLDS, _FEW_FOLDS, _MANY = 10, 5, 20_000
# Held-out rows scored at most: a threshold of one in a thousand then rests on fifty.
_MOST_HELD = 50_000
# Rows whose contributions say what is usual of each detector.
_SHOWN = 300
# Stretches of time that rows count by, where neighbours in time are alike.
_BLOCKS = 50


@dataclass(frozen=True, eq=False)
class Detected:
    """Detectors fitted on some units: a lens, an encoder, and a state for each detector.

    `failed` says why for those that could not be fitted; `seconds` what the others took.
    """

    lens: Lens
    encoder: Encoder
    states: dict[str, State]
    failed: dict[str, str]
    seconds: dict[str, float]

    def score(self, view: Dataset, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Scores of these rows of what the lens shows, for each detector."""
        X = self.encoder.transform(view, rows)
        return {name: scorer(state).answer(X) for name, state in self.states.items()}


def join(detected: Detected, held: Held, view: Dataset, seed: int) -> Any:
    """All detectors as one, added to `detected` and to `held` as `TOGETHER`; None if there is one.

    Each is read by how rare its score is among the scores of unlearnt units, whichever fit gave
    them: so the scale is that of new rows, and the same for both.
    """
    names = [name for name in detected.states if name in held.scores]
    if len(names) < 2:
        return None
    known = np.all([held.known(name) for name in names], axis=0)
    rows = np.flatnonzero(known)
    if len(rows) > _SHOWN:
        rows = np.sort(generator(seed, "shown").choice(rows, _SHOWN, replace=False))
    state = joined({name: detected.states[name] for name in names},
                   {name: held.scores[name][known] for name in names},
                   detected.encoder.transform(view, rows))
    detected.states[TOGETHER] = state
    if TOGETHER not in held.scores:
        whole = np.full(len(known), np.nan)
        reader: Any = scorer(state)
        whole[known] = reader.read(np.column_stack([held.scores[n][known] for n in names]))
        held.scores[TOGETHER] = whole
        took = [held.seconds[name] for name in names]
        held.seconds[TOGETHER] = [sum(each) for each in zip(*took, strict=False)]
    return state


def detect(
    cutting: Cutting, usable: np.ndarray, models: dict[str, Model], task: Task, common: Common,
) -> tuple[Detected, Dataset]:
    """Lens, encoder and every detector learnt from the usable units; and all units as seen."""
    lens, view = cutting.learn(usable)
    rows = np.flatnonzero(usable)
    wanted = next(iter(models.values())).encoding(task)
    encoder = Encoder(changed(wanted, common.features), seed=common.seed)
    X = encoder.fit_transform(view, rows)
    context = Context(rows=X.shape[0], features=X.shape[1], categorical=encoder.categorical,
                      jobs=common.jobs, seed=derive(common.seed, "detector"))
    states: dict[str, State] = {}
    failed: dict[str, str] = {}
    seconds: dict[str, float] = {}
    for name, model in models.items():
        start = time.perf_counter()
        try:
            estimator = model.build(task, context)
            estimator.fit(X)
            states[name] = model.state(estimator, task, context)
        except WholefitError as error:
            failed[name] = str(error)
        seconds[name] = time.perf_counter() - start
    return Detected(lens, encoder, states, failed, seconds), view


@dataclass(eq=False)
class Held:
    """Scores of units by detectors that had not seen them: name to (units,), NaN where none was.

    `how` says in a clause how units were held out.
    """

    scores: dict[str, np.ndarray]
    how: str
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def known(self, name: str) -> np.ndarray:
        """Mask of the units that have a score of that detector."""
        return np.isfinite(self.scores[name])


def held_out(cutting: Cutting, models: dict[str, Model], task: Task, common: Common) -> Held:
    """Every unit scored by detectors fitted on the other parts, as far as the budget goes."""
    units = cutting.units
    folds, how = _parts(cutting, common.seed)
    found = Held({}, how)
    keep = _subset(units, common.seed)
    done = 0
    for at, (train, test) in enumerate(folds):
        start = time.perf_counter()
        test = test[keep[test]]
        if not len(test) or train.sum() < 3:
            continue
        detected, view = detect(cutting, train, models, task, common)
        for name, scores in detected.score(view, test).items():
            whole = found.scores.setdefault(name, np.full(units, np.nan))
            whole[test] = scores
            found.seconds.setdefault(name, []).append(detected.seconds[name])
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


def _subset(units: int, seed: int) -> np.ndarray:
    """Mask of the units that are scored: all, or some by chance where there are very many."""
    if units <= _MOST_HELD:
        return np.ones(units, dtype=bool)
    kept = np.zeros(units, dtype=bool)
    kept[generator(seed, "held rows").choice(units, _MOST_HELD, replace=False)] = True
    return kept


def blocks(cutting: Cutting) -> np.ndarray | None:
    """What alarms come in lumps of: groups, or stretches of time; None where rows are alike."""
    if cutting.cut is not None:
        return np.arange(cutting.units) * _BLOCKS // max(cutting.units, 1)
    groups = cutting.dataset.groups()
    if groups is not None:
        return groups
    ranks = cutting.dataset.time_order()
    if ranks is None:
        return None
    place = np.argsort(np.argsort(ranks, kind="stable"), kind="stable")
    return place * _BLOCKS // max(len(place), 1)


def forward(
    cutting: Cutting, models: dict[str, Model], task: Task, common: Common, name: str, held: Held,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Scores of the last fifth by a detector of the rest: (units, scores); None without time."""
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
    join(detected, held, view, common.seed)
    if name not in detected.states:
        return None
    units = np.flatnonzero(last)
    return units, detected.score(view, units)[name]


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
