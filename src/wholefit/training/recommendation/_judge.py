"""Recommenders fitted on the parts of a split and held against what was held out."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.base.errors import WholefitError
from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.base.tasks import Task
from wholefit.evaluation import Score
from wholefit.evaluation import recommendation as ranking
from wholefit.models import Model, scorer
from wholefit.models._model import Context
from wholefit.models._recommend.base import Interactions
from wholefit.training.found import Common
from wholefit.training.recommendation._data import Events
from wholefit.training.recommendation._split import Part, among
from wholefit.training.recommendation._tables import Described
from wholefit.training.recommendation._top import blocks, masked, popular_first, rows_of, top_k

RATINGS = ("rmse", "mae")


@dataclass(frozen=True, eq=False)
class Asked:
    """One part, ready to be answered: what is learnt, who is asked, what they turned to.

    `users` codes of those asked for a list, `held` their held-out items that they liked, `having`
    (items,) how many users have each item in training; ratings from `liked` on are liked.
    """

    learnt: Interactions
    test: Interactions
    users: np.ndarray
    held: ranking.Held
    having: np.ndarray
    liked: float | None


@dataclass
class Measured:
    """One model's answers: of every held-out rating, and one number a user for lists.

    `values` (users,) by metric, the mean over parts, NaN where a user was not asked; `tops` the
    lists of the first part.
    """

    model: Model
    predicted: list[np.ndarray] = field(default_factory=list)
    sums: dict[str, np.ndarray] = field(default_factory=dict)
    times: dict[str, np.ndarray] = field(default_factory=dict)
    tops: np.ndarray | None = None
    fit_seconds: list[float] = field(default_factory=list)
    answer_seconds: list[float] = field(default_factory=list)
    status: str = "ok"
    reason: str = ""
    traceback: str = ""

    @property
    def values(self) -> dict[str, np.ndarray]:
        """One number a user by metric."""
        with np.errstate(invalid="ignore"):
            return {name: self.sums[name] / np.where(self.times[name] > 0, self.times[name], np.nan)
                    for name in self.sums}

    @property
    def seconds(self) -> float:
        """Seconds of one part, fitting and answering."""
        return max((a + b for a, b in zip(self.fit_seconds, self.answer_seconds, strict=False)),
                   default=0.0)


@dataclass(frozen=True, eq=False)
class Trial:
    """What all models are tried on alike."""

    events: Events
    parts: tuple[Asked, ...]
    task: Task
    k: int
    again: bool
    common: Common
    described: Mapping[str, Described] = field(default_factory=dict)


def asked(
    events: Events, part: Part, described: Mapping[str, Described], common: Common,
    liked: float | None, again: bool, most: int, at: int,
) -> Asked:
    """Ready a part: features learnt on its training rows, users drawn who can be judged."""
    features = {role: table.learn(getattr(events, f"{role}s"),
                                  np.unique(getattr(part.train, f"{role}s")), common.features,
                                  common.seed).matrix for role, table in described.items()}
    learnt = events.learnt(part.train, features.get("item"), features.get("user"))
    level = liked
    if events.explicit and liked is None:
        level = float(np.mean(part.train.values)) if part.train.values is not None else None
    good = _relevant(part, level if events.explicit else None, again)
    users = np.flatnonzero((np.bincount(part.test.users[good], minlength=part.test.n_users) > 0)
                           & (np.bincount(part.train.users, minlength=part.train.n_users) > 0))
    if len(users) > most:
        users = np.sort(generator(common.seed, "asked", at).choice(users, most, replace=False))
    return Asked(learnt, events.learnt(part.test), users, _held(part.test.take(good), users),
                 np.bincount(part.train.items, minlength=part.train.n_items), level)


def _relevant(part: Part, liked: float | None, again: bool) -> np.ndarray:
    """Held-out pairs that a list should have found: new ones, of ratings those that were liked."""
    good = np.ones(len(part.test), dtype=bool)
    if liked is not None and part.test.values is not None:
        good &= part.test.values >= liked
    if not again:
        good &= ~among(part.test, part.train)
    return np.flatnonzero(good)


def _held(pairs: Interactions, users: np.ndarray) -> ranking.Held:
    order = np.argsort(pairs.users, kind="stable")
    indptr = np.searchsorted(pairs.users[order], np.arange(pairs.n_users + 1))
    return ranking.Held(*rows_of(indptr, pairs.items[order], users))


def measure(
    trial: Trial, model: Model, reserve: float, asking: float, first: bool
) -> Measured:
    """Fit and ask a model part by part, as long as the budget lets it; what fails is told."""
    found = Measured(model)
    emit("model_start", model=model.name)
    for at, part in enumerate(trial.parts):
        step = max(found.seconds, _guess(model, part) + asking)
        # If it is chosen, it is fitted once more, on all pairs.
        left = trial.common.clock.left() - max(reserve, step)
        if not first and left < step * 1.2:
            found.status = "stopped" if at else "skipped"
            found.reason = (f"the budget has {max(left, 0):.0f} s left for it, too few for "
                            f"part {at + 1} of {len(trial.parts)}")
            emit(f"model_{found.status}", model=model.name, reason=found.reason)
            return found
        try:
            _one(trial, part, found)
        except KeyboardInterrupt:
            found.status, found.reason = "stopped", "interrupted"
            return found
        except Exception as error:
            found.status = "failed"
            found.reason = str(error) if isinstance(error, WholefitError) else (
                f"{type(error).__name__}: {error}")
            found.traceback = traceback.format_exc()
            emit("model_failed", model=model.name, reason=found.reason)
            return found
        emit("fold_done", model=model.name, fold=at + 1, seconds=found.fit_seconds[-1])
    emit("model_done", model=model.name, folds=len(trial.parts), seconds=sum(found.fit_seconds))
    return found


def _guess(model: Model, part: Asked) -> float:
    """Seconds of a first fit, from the family's own pace (for a million entries)."""
    return float(model.pace) * len(part.learnt) / 1e6


def _one(trial: Trial, part: Asked, found: Measured) -> None:
    start = time.perf_counter()
    answering = fitted(found.model, part.learnt, trial.task, trial.common)[1]
    found.fit_seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    predicted = np.full(len(part.test), np.nan)
    if trial.events.explicit and answering.answers == "rating":
        predicted = np.asarray(answering.predict(part.test.users, part.test.items), dtype=float)
    found.predicted.append(predicted)
    if len(part.users):
        _lists(trial, part, answering, found)
    found.answer_seconds.append(time.perf_counter() - start)


def fitted(model: Model, learnt: Interactions, task: Task, common: Common) -> tuple[Any, Any]:
    """The State of the model fitted on these pairs, and what answers from it."""
    context = Context(rows=len(learnt), features=0, jobs=common.jobs, seed=common.seed)
    estimator = model.build(task, context)
    estimator.fit(learnt)
    state = model.state(estimator, task, context)
    return state, scorer(state)


def _lists(trial: Trial, part: Asked, answering: Any, found: Measured) -> None:
    items = part.learnt.n_items
    top = np.full((len(part.users), trial.k), -1, dtype=np.int32)
    seen = part.learnt.matrix()
    rank = popular_first(part.having)
    closed = np.flatnonzero(~open_items(found.model, part.learnt))
    for block in blocks(len(part.users), items):
        users = part.users[block]
        scores = np.array(answering.scores(users), dtype=np.float64)
        if not trial.again:
            scores = masked(scores, *rows_of(seen.indptr, seen.indices, users))
        scores[:, closed] = -np.inf
        top[block] = top_k(scores, trial.k, rank)
    values = ranking.ranked(top, part.held, part.having, part.learnt.n_users)
    for name, each in values.items():
        sums = found.sums.setdefault(name, np.zeros(part.learnt.n_users))
        times = found.times.setdefault(name, np.zeros(part.learnt.n_users))
        sums[part.users] += np.nan_to_num(each)
        times[part.users] += np.isfinite(each)
    if found.tops is None:
        found.tops = top


def open_items(model: Model, learnt: Interactions) -> np.ndarray:
    """Which items (items,) a model may recommend: those met, or described where it reads that."""
    met = np.bincount(learnt.items, minlength=learnt.n_items) > 0
    if learnt.item_features is not None and reads_items(model):
        met |= np.diff(learnt.item_features.indptr) > 0
    return met


def reads_items(model: Model) -> bool:
    """Whether the model learns from what items are like."""
    return getattr(model, "needs", None) == "item_features" or model.name == "hybrid"


def scores(trial: Trial, found: Measured) -> dict[str, Score]:
    """Every metric of a model with its interval; undefined where it gives no ratings."""
    made: dict[str, Score] = {}
    if trial.events.explicit and trial.parts:
        truth, users = truths(trial)
        predicted = np.concatenate(found.predicted)
        if np.isfinite(predicted).any():
            made = evaluation.score("regression", truth, predicted, metrics=list(RATINGS),
                                    units=users, seed=trial.common.seed)
        else:
            nan, how = float("nan"), "undefined: it puts items in order and gives no ratings"
            made = {name: Score(name, nan, nan, nan, 0.95, how, 0) for name in RATINGS}
    if found.sums and found.tops is not None:
        catalogue = int((trial.parts[0].having > 0).sum())
        open_now = int(open_items(found.model, trial.parts[0].learnt).sum())
        known = next(iter(found.times.values())) > 0
        values = {name: each[known] for name, each in found.values.items()}
        made |= ranking.scores(values, found.tops, max(catalogue, open_now))
    return made


def truths(trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    """Held-out ratings of all parts, and the user of each."""
    return (np.concatenate([part.test.values for part in trial.parts
                            if part.test.values is not None]),
            np.concatenate([part.test.users for part in trial.parts]))
