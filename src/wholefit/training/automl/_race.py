"""The race: trials in every worker, one after the other, until the time for them is over."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from wholefit.base.budget import Clock
from wholefit.base.events import emit
from wholefit.models import Model
from wholefit.training._folds import Problem, Validated
from wholefit.training._noted import entry_of, jsonable, nothing_found, scheduled
from wholefit.training._pace import Pace
from wholefit.training._search import candidates_by_label, is_stranger
from wholefit.training.apart import Apart, Stopped
from wholefit.training.automl._crew import Crew
from wholefit.training.automl._outlook import Outlook
from wholefit.training.record import Entry, labels
from wholefit.training.replaying.script import Script
from wholefit.training.trials import Here

_GLANCE = 0.02
# A trial may be begun if it should end before this share of what is left has passed.
_SURE = 0.95
# A linear model that should take less than this share of the time is fitted at once.
_QUICK = 0.03
# A trial that should take more than this share of the time waits for those that should not.
_DEAR = 0.25
# Seconds a fold in which a clocked model can learn something.
_CLOCKED = 1.5
# The share of the time it should take in which a model that watches is worth beginning: its last
# rounds gain least.
_MOST_ROUNDS = 0.5
# The least share of what is left that a clocked model is given.
_FAIR = 0.34
_FAULTS = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
           ImportError, OSError)


class Race:
    """Cross-validates candidates in the crew's workers, in order, while `end` lies ahead.

    Every model found must be scored after the race, which takes `scoring` seconds: the more there
    are, the earlier the race is over (`until`). Members are fitted once more after it: so is it by
    what that should take, as the `outlook` says.

    `found`, `entries` and `schedule` are as those of a search in one process. What came of a
    trial hangs on no clock but where the time was over; which trials were begun does, so the
    schedule says it. `most` bounds the trials; the baseline, tried here, is none. `more` gives
    further candidates when the first are all begun. What was never begun is in `unbegun`, by
    label, with the reason. A `script` says how far each trial goes, and no clock does. `limits` are
    what members were measured to cost, where that is limited.
    """

    def __init__(
        self, problem: Problem, clock: Clock, crew: Crew, folds: int, end: float,
        most: int | None = None, more: Iterator[Model] | None = None,
        script: Script | None = None, scoring: float = 0.0, outlook: Outlook | None = None,
    ) -> None:
        self.problem, self.clock, self.crew, self.folds = problem, clock, crew, folds
        self.most, self._more, self.script = most, more, script
        self._end, self._scoring, self._outlook, self._after = end, scoring, outlook, 0.0
        self.limits: dict[str, Any] = {}
        self.unbegun: dict[str, str] = {}
        self.models: dict[str, Model] = {}
        self.found: dict[str, Validated] = {}
        self.entries: dict[str, Entry] = {}
        self.schedule: list[dict[str, Any]] = []
        self.interrupted = False
        self._errors: dict[str, Exception] = {}
        self._pace = Pace(problem.learnt_rows, len(problem.dataset.schema.features),
                          problem.n_classes)
        self._lock = threading.Lock()
        self._said: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        self._ended = False

    @property
    def until(self) -> float:
        """When the last trial must end (time.perf_counter)."""
        scoring = self._scoring * (self._begun + len(self.crew.workers) + 2)
        return self._end - scoring - self._after

    def run(self, candidates: Sequence[Model]) -> None:
        """Try each while there is time; an interrupt ends the race and keeps what is done."""
        self.models = candidates_by_label(candidates) if self.script is None \
            else self.script.models()
        self._left = deque(self._ordered())
        self._pass_over()
        self._first()
        threads = [threading.Thread(target=self._work, args=(worker,), daemon=True)
                   for worker in self.crew.workers]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                self._tell(_GLANCE)
        except KeyboardInterrupt:
            self._ended = self.interrupted = True
            self.crew.abandon()
            emit("interrupted", model="", kept=list(self.found))
        for thread in threads:
            thread.join(timeout=5.0)
        self._tell(0)
        for label, _ in self._left:
            self.unbegun[label] = "the budget was spent before its turn"
        if not self.found:
            raise nothing_found(self._errors, self.clock)
        place = {label: at for at, label in enumerate(self.models)}
        self.schedule.sort(key=lambda trial: place[trial["model"]])
        self.found = dict(sorted(self.found.items(), key=lambda each: place[each[0]]))

    def _ordered(self) -> list[tuple[str, Model]]:
        """In the order given, but what would take much of the time alone after what would not."""
        given = list(self.models.items())
        room = _DEAR * (self.until - time.perf_counter())
        if self.script is not None or not math.isfinite(room):
            return given
        return sorted(given, key=lambda one: not one[1].clocked and self._pace.expect(
            one[1], self.folds) > room)

    def _first(self) -> None:
        """The baseline, and a linear model if it is first and quick, are fitted here.

        They cost next to nothing while the workers are still starting, and however slow that is,
        something is found.
        """
        here = Here(self.crew.bags.problem, self.crew.bags)
        while self._left:
            label, model = self._left[0]
            folds, keep = self._asked(label)
            quick = (model.family == "linear" and not is_stranger(model)
                     and self.crew.limit.bytes is None
                     and self._pace.expect(model, folds) < _QUICK * (self.until
                                                                     - time.perf_counter()))
            if model.name != self.problem.task.baseline and not quick:
                return
            self._left.popleft()
            self._begun += model.name != self.problem.task.baseline
            try:
                found = here.validate(model, math.inf, folds, keep=keep)
            except _FAULTS as error:
                self._failed(label, model, error)
            else:
                self._keep(label, model, found, 0)
            if self._begun:
                return

    def _pass_over(self) -> None:
        """What had no fold in the run that is replayed has none again."""
        if self.script is None:
            return
        for label, model in [each for each in self._left if not self.script.folds(each[0])[0]]:
            self._left.remove((label, model))
            self._close(label, model, self.script.status(label), self.script.folds(label)[1])

    def _asked(self, label: str) -> tuple[int, bool]:
        """How many folds are done, and whether their models are kept."""
        if self.script is None:
            return self.folds, True
        return self.script.folds(label)[0], self.script.kept(label)

    def _tell(self, wait: float) -> None:
        """Pass on what the workers' threads have to say: listeners hear one thread only."""
        try:
            event, facts = self._said.get(timeout=wait) if wait else self._said.get_nowait()
            while True:
                emit(event, **facts)
                event, facts = self._said.get_nowait()
        except queue.Empty:
            return

    # In a worker's thread

    def _work(self, worker: Apart) -> None:
        while True:
            with self._lock:
                taken = self._next()
            if taken is None:
                return
            self._try(worker, *taken)

    def _next(self) -> tuple[str, Model] | None:
        """The next candidate that should end in time; those that would not are closed."""
        while not self._ended and not self._is_spent() and (self._left or self._another()):
            left = self.until - time.perf_counter()
            if left <= 0:
                return None
            label, model = self._left.popleft()
            needs = self._pace.expect(model, self.folds)
            if self._least(model, needs) <= _SURE * left or not self._strong():
                self._begun += 1
                return label, model
            self.unbegun[label] = f"it would take about {needs:.0f} s of the {left:.0f} s left"
        return None

    def _is_spent(self) -> bool:
        """True once all trials of the budget are begun; no more are drawn then, to have no turn."""
        return self.most is not None and self._begun >= self.most

    def _least(self, model: Model, needs: float) -> float:
        """Seconds below which a model that should take so many is not worth beginning."""
        if model.clocked:  # it makes do with less, but not with next to nothing
            return min(needs, _CLOCKED * self.folds)
        return _MOST_ROUNDS * needs if model.watches else needs

    def _another(self) -> bool:
        """One more candidate, while there is time and there are any."""
        model = None if self._more is None or time.perf_counter() > self.until else next(
            self._more, None)
        if model is None:
            return False
        label = labels([*self.models.values(), model])[-1]
        self.models[label] = model
        self._left.append((label, model))
        return True

    _begun = 0

    def _strong(self) -> bool:
        """True once something dearer than a linear model is found, or is being fitted."""
        return self._begun > len(self.crew.workers) + 1 or any(
            self.models[label].family not in ("baseline", "linear") for label in self.found)

    def _try(self, worker: Apart, label: str, model: Model) -> None:
        self._said.put(("model_start", {"model": label, "left": self.clock.left()}))

        def each(number: int, answer: Any, fit: float, predict: float) -> None:
            self._said.put(("fold_done", {"model": label, "fold": number + 1,
                                          "folds": self.folds, "seconds": fit}))

        begun, (folds, keep) = time.perf_counter(), self._asked(label)
        try:
            found = worker.validate(model, self._deadline(model), folds, each, keep=keep)
        except Stopped as stop:
            with self._lock:
                self._stopped(label, model, stop)
            return
        except Exception as error:
            with self._lock:
                self._failed(label, model, error)
            return
        with self._lock:
            took = time.perf_counter() - begun
            if not model.watches or not any(found.counted):  # else the clock said how long
                self._pace.learn(model, found.folds, took)
            self._keep(label, model, found, worker.peak)

    def _deadline(self, model: Model) -> float:
        """When a trial must end.

        A clocked one, which uses what it is given, gets a fair share; a stranger, of whose pace
        nothing is known, leaves half of the time to those after it. What can end at any time ends
        so that it can be fitted once more.
        """
        now = time.perf_counter()
        with self._lock:
            waiting = sum(each.clocked for _, each in self._left)
            last = not self._left
        share = 1.0
        if model.clocked:
            share = max(1.0 / (1 + waiting / len(self.crew.workers)), _FAIR)
        elif is_stranger(model) and not last:
            share = 0.5
        left, own = max(self.until - now, 0.0), 0.0
        if self._outlook is not None and (model.clocked or model.watches):
            own = self._outlook.own(left, self._after)
        return now + min(left * share, left - own)

    def _stopped(self, label: str, model: Model, stop: Stopped) -> None:
        found = stop.found
        if found is not None and stop.limit == "time" and not model.watches:
            self._keep(label, model, found, stop.peak)
            return
        status = "stopped" if stop.limit or self._ended else "failed"
        self._close(label, model, status, stop.reason, stop.trace, stop.peak)

    def _failed(self, label: str, model: Model, error: Exception) -> None:
        if not isinstance(error, _FAULTS):
            self._ended = True
        self._errors[label] = error
        self._close(label, model, "failed", f"{type(error).__name__}: {error}",
                    getattr(error, "trace", None) or traceback.format_exc())

    def _keep(self, label: str, model: Model, found: Validated, peak: int) -> None:
        self.found[label] = found
        self.entries[label] = entry_of(label, model, found, self.folds, peak)
        self.schedule.append(scheduled(label, model, found))
        self._said.put(("model_done", {
            "model": label, "folds": found.folds,
            "seconds": sum(found.fit_seconds) + sum(found.predict_seconds)}))
        if self._outlook is not None:
            # It is a guess: whatever it meets, the one before will do.
            with contextlib.suppress(Exception):
                self._after = self._outlook.seconds(self.models, self.found)

    def _close(
        self, label: str, model: Model, status: str, reason: str, trace: str = "", peak: int = 0
    ) -> None:
        self.entries[label] = Entry(model=label, params=jsonable(model.to_dict()), status=status,
                                    reason=reason, traceback=trace, peak=peak)
        self.schedule.append({"model": label, "folds": 0, "status": status})
        self._said.put(("model_" + status, {"model": label, "reason": reason}))
