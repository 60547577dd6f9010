"""The loop of a search: ask, try, tell, until the budget is spent or there is nothing to ask."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from wholefit.base.budget import Clock
from wholefit.base.events import emit
from wholefit.models import Model
from wholefit.training._folds import REFIT_FACTOR, Validated
from wholefit.training.apart import Stopped, Unsendable
from wholefit.training.trials import Here, Trials
from wholefit.training.tuning import strategies
from wholefit.training.tuning._ground import Ground, configured
from wholefit.training.tuning._store import Store, Trial
from wholefit.training.tuning._strategy import Setting, Strategy
from wholefit.training.tuning.space import Space

_FAULTS = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
           ImportError)
# How often it is looked whether another process has told what a strategy waits for.
_GLANCE = 0.1
# Seconds that judging the finished search takes beside the refit.
_JUDGING = 0.3
# Configurations take so many times what defaults do, as a rule.
_LARGER = 2.0
# In this last part of the time a configuration that was tried on little is tried on all.
_LAST = 0.3
# Encodings of which the folds' encoders are kept for other trials.
_ENCODERS = 4


@dataclass
class Searching:
    """One part of a study being searched in this process, by the strategy that `words` name.

    `end` (time.perf_counter) is when all must be over, the refit included; `most` bounds the
    trials, those of other processes included; `known` holds what was judged before, by
    configuration: a strategy that suggests the defaults need not wait for them again.
    """

    base: Ground
    setting: Setting
    words: str
    store: Store
    where: Trials
    end: float = math.inf
    most: int | None = None
    part: int = 0
    interrupted: bool = False
    known: dict[str, Validated] = field(default_factory=dict)
    _over: bool = False
    _pace: list[float] = field(default_factory=list)
    _best: list[tuple[float, float]] = field(default_factory=list)

    @property
    def space(self) -> Space:
        """What is searched."""
        return self.setting.space

    @cached_property
    def strategy(self) -> Strategy:
        """The strategy that `words` name, which is told how much there is time for."""
        room = None
        if math.isfinite(self.until) and self._best:
            whole = float(np.median([refit for _, refit in self._best])) / REFIT_FACTOR
            room = (self.until - time.perf_counter()) / max(
                _LARGER * self.base.folds * whole, 1e-3)
        return strategies.make(self.words, replace(self.setting, room=room))

    @property
    def until(self) -> float:
        """When the last trial must have ended, so that the dearest of the best can be refitted."""
        dearest = max((refit for _, refit in self._best), default=0.0)
        return self.end - _JUDGING - dearest

    def run(self) -> None:
        """Try what the strategy suggests; an interrupt ends the search and keeps what is done."""
        span = self.until - time.perf_counter()
        last = _LAST * span if math.isfinite(span) else 0.0
        try:
            while self._in_time() and not self._over:
                trial = self._final(last) or self.store.take(
                    self.part, self.strategy, self.space, self.most)
                if trial is not None:
                    self._try(trial)
                elif self.store.running(self.part):
                    time.sleep(_GLANCE)
                elif (trial := self._final(math.inf)) is not None:
                    self._try(trial)
                else:
                    return
        except KeyboardInterrupt:
            self.interrupted = True
            emit("interrupted", model="the search", kept=["the trials that are done"])

    def _final(self, last: float) -> Trial | None:
        """The best on part of the rows or folds, on all of them, where nothing else was.

        Only once no more than `last` seconds are left, or little more than it needs; of those that
        there is time for.
        """
        left = self.until - time.perf_counter()
        trials = self.trials()
        part = [trial for trial in trials if trial.status == "done" and not trial.whole]
        if not part or any(trial.whole or trial.number < 0 for trial in trials):
            return None
        ordered = sorted(part, key=lambda one: (-self._given(one), one.loss))
        need = {one.number: one.seconds / self._given(one) for one in ordered}
        best = next((one for one in ordered if need[one.number] < left), None)
        if best is None or left > max(last, 1.5 * need[best.number]):
            return None
        return self.store.extra(self.part, best.values, self.space)

    def _given(self, trial: Trial) -> float:
        """What part of a whole trial's cost a trial had."""
        return trial.share * (trial.folds or self.base.folds) / self.base.folds

    def trials(self) -> list[Trial]:
        """All trials of the part so far, those of other processes included."""
        return self.store.trials(self.part, self.space)

    def validate(self, model: Model, folds: int | None = None) -> Validated:
        """Cross-validate a model so that its refit would still end in time.

        It is fitted in this process if it cannot be sent to another.
        """
        folds, deadline = folds or self.base.folds, self.end - _JUDGING
        try:
            return self.where.validate(model, deadline, folds)
        except Unsendable:
            self.where.close()
            self.where = Here(self.base.problem)
            return self.where.validate(model, deadline, folds)

    def learn(self, loss: float, fit: list[float], share: float = 1.0) -> None:
        """Know what the refit of something as good as this would take."""
        self._best.append((loss, float(np.mean(fit)) / share * REFIT_FACTOR))
        self._best = sorted(self._best)[:3]

    def _in_time(self) -> bool:
        """True if another trial of the usual length would end by the deadline."""
        if not math.isfinite(self.until):
            return True
        if not self._pace:
            return time.perf_counter() < self.until
        return time.perf_counter() + 0.7 * float(np.median(self._pace[-9:])) < self.until

    def _try(self, trial: Trial) -> None:
        start = time.perf_counter()
        try:
            done, answers = self._tried(trial)
        except Stopped as stop:
            if stop.limit == "time":
                self._leave(trial)
                return
            done, answers = replace(trial, status="failed", reason=stop.reason), None
        except _FAULTS as error:
            reason = f"{type(error).__name__}: {error}"
            done, answers = replace(trial, status="failed", reason=reason), None
        except BaseException:
            self.store.release(self.part, trial.number)
            raise
        if done is None:
            self._leave(trial)
            return
        spent = float(sum(done.facts.get("fit", [])) + sum(done.facts.get("predict", [])))
        done = replace(done, seconds=max(time.perf_counter() - start, spent))
        self._pace.append(done.seconds)
        if done.status == "done":
            self.learn(done.loss, done.facts["fit"], done.share)
        if self.store.tell(self.part, self.strategy, done, answers):
            emit("trial_done", part=self.part, number=done.number, values=done.values,
                 loss=done.loss, value=-done.loss if self.base.metric.better == "higher"
                 else done.loss, share=done.share, folds=done.folds, status=done.status,
                 reason=done.reason, seconds=done.seconds)

    def _leave(self, trial: Trial) -> None:
        """Leave a trial that the time was too short for to a later run of the study."""
        self.store.release(self.part, trial.number)
        self._over = True

    def _tried(self, trial: Trial) -> tuple[Trial | None, Any]:
        """What a trial gave; None where its time was up before its folds were done."""
        model = configured(self.space, trial.values, trial.share)
        folds = trial.folds or self.base.folds
        if len(self.base.problem.encoders) > _ENCODERS * folds:
            self.base.problem.encoders.clear()
        key = self.space.key(trial.values)
        whole = trial.share >= 1 and trial.folds is None
        found = self.known[key] if whole and key in self.known else self.validate(model, folds)
        if found.folds < folds:
            return None, None
        loss, losses = self.base.losses(found, model)
        reason = "" if math.isfinite(loss) else "the metric has no value on its answers"
        facts = {"fit": list(found.fit_seconds), "predict": list(found.predict_seconds),
                 "rounds": list(found.rounds), "peak": int(getattr(self.where, "peak", 0))}
        status = "done" if math.isfinite(loss) else "failed"
        done = replace(trial, status=status, loss=loss, losses=losses, reason=reason, facts=facts)
        return done, (found.answer, found.seen)


def validated(base: Ground, trial: Trial, answers: Any) -> Validated:
    """A trial's folds as they were found, from what the store kept of them."""
    answer, seen = answers
    return Validated(answer, seen, [float(each) for each in trial.facts.get("fit", [0.0])],
                     [float(each) for each in trial.facts.get("predict", [0.0])], base.folds,
                     [int(each) for each in trial.facts.get("rounds", [])])


def end_of(clock: Clock, share: float = 1.0) -> float:
    """When a share of what is left of the budget is spent (time.perf_counter)."""
    return time.perf_counter() + share * clock.left()
