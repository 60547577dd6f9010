"""The search: candidates one after the other within the clock, what each gave, and the refit."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from wholefit.base.budget import Clock
from wholefit.base.errors import BudgetError, CheckpointError, DataError
from wholefit.base.events import emit
from wholefit.models import Model
from wholefit.training import _cost
from wholefit.training._folds import REFIT_FACTOR, Problem, Validated
from wholefit.training._noted import entry_of, jsonable, nothing_found, scheduled
from wholefit.training._pace import Pace
from wholefit.training._stopping import rounds_for_all
from wholefit.training.apart import Apart, Stopped, Unsendable
from wholefit.training.fitted import Fitted
from wholefit.training.record import Entry, labels
from wholefit.training.replaying.script import Script
from wholefit.training.trials import Here, Trials


def candidates_by_label(candidates: Sequence[Model]) -> dict[str, Model]:
    """Leaderboard name to model."""
    return dict(zip(labels(candidates), candidates, strict=True))


def estimate(problem: Problem, candidates: Sequence[Model], folds: int) -> float:
    """About how many seconds it takes to cross-validate them all and refit one."""
    cells = len(problem.y) * len(problem.dataset.schema.features) / 1e6
    return sum(model.pace for model in candidates) * cells * (folds + 1) + 0.5


def is_stranger(model: Model) -> bool:
    """True for what did not come with wholefit: a guest, a plugin's or a user's own model."""
    return model.family == "guest" or not type(model).__module__.startswith("wholefit.")


class Search:
    """Runs candidates one after the other within the clock, and keeps what each gave.

    `trials` is where they are fitted: here, or in a process that can be stopped. While that one
    starts, what is light is fitted here: a short budget would be over before the first trial.
    Where there is a `script`, it says how far each one goes, and no clock does.
    """

    def __init__(
        self, problem: Problem, clock: Clock, folds: int, trials: Trials,
        script: Script | None = None,
    ) -> None:
        self.problem, self.clock, self.folds, self.trials = problem, clock, folds, trials
        self.script = script
        self.found: dict[str, Validated] = {}
        self.entries: dict[str, Entry] = {}
        self.schedule: list[dict[str, Any]] = []
        self._errors: dict[str, Exception] = {}
        self._models: dict[str, Model] = {}
        self._here: set[str] = set()
        self._pace = Pace(problem.learnt_rows, len(problem.dataset.schema.features),
                          problem.n_classes)
        self._interrupted = False

    def announce(self, candidates: Sequence[Model]) -> None:
        """Say what will be tried, and about how long it may take."""
        emit("plan", models=labels(candidates), folds=self.folds, split=self.problem.plan.how,
             rows=len(self.problem.y), budget=str(self.clock.budget),
             estimate_seconds=estimate(self.problem, candidates, self.folds))

    def run(self, candidates: Sequence[Model]) -> None:
        """Try each; an interrupt ends the search and keeps what is done."""
        by_label = candidates_by_label(candidates)
        self._models = by_label
        self._last = list(by_label)[-1]
        self._clocked = sum(model.clocked for model in candidates)
        self._clocked_done = 0
        try:
            self._each(by_label)
        finally:
            self._in_order(list(by_label))
        if not self.found:
            raise nothing_found(self._errors, self.clock)

    def _each(self, by_label: dict[str, Model]) -> None:
        for label, model in self._turns(by_label):
            try:
                self._try(label, model)
                self._clocked_done += model.clocked
            except KeyboardInterrupt:
                self._close(label, model, "stopped", "interrupted")
                if not self.found:
                    raise
                self._interrupted = True
                emit("interrupted", model=label, kept=list(self.found))
                return

    def _turns(self, by_label: dict[str, Model]) -> Iterator[tuple[str, Model]]:
        """The candidates in order; what has to wait for another process, after what has not.

        Whether a model is light is asked when its turn has come: those before it have told how
        quick this machine is.
        """
        waiting = []
        for label, model in by_label.items():
            if not isinstance(self.trials, Apart) or self._light(model):
                self._here.add(label)
                yield label, model
            else:
                waiting.append((label, model))
        if waiting:
            self._last = waiting[-1][0]
        yield from waiting

    def _light(self, model: Model) -> bool:
        """True for a model that may be fitted here, where nothing can stop it.

        It is wholefit's own, and its trial takes little of the time that is left; or one fold does
        and the model ends by itself when its time is over, or is linear, which seldom takes longer
        than the catalog says. What callbacks hear of is fitted where they are.
        """
        if model.name == self.problem.task.baseline or (
                model.heard and self.problem.heard is not None and self.problem.heard.callbacks):
            return True
        if is_stranger(model) or model.clocked or self.clock.budget.bytes is not None:
            return False
        train = self.problem.plan.folds[0][0]
        if model.growth != "linear" and _cost.worth_a_pilot(
                len(train), len(self.problem.dataset.schema.features), model.growth):
            return False
        room, fold = self._room(), self._pace.expect(model, 1)
        if model.watches or model.family == "linear":
            return fold < (_TOLD if model.watches else _ONE_FOLD) * room
        return fold * (self.folds + REFIT_FACTOR) < _LITTLE * room

    def _in_order(self, names: list[str]) -> None:
        """What came of the candidates, in their order, whoever was first: a replay goes by it."""
        place = {label: at for at, label in enumerate(names)}
        self.schedule.sort(key=lambda trial: place[trial["model"]])
        self.found = {label: self.found[label] for label in names if label in self.found}
        self.entries = {label: self.entries[label] for label in names if label in self.entries}
        self._errors = {label: self._errors[label] for label in names if label in self._errors}

    def _try(self, label: str, model: Model) -> None:
        emit("model_start", model=label, left=self.clock.left())
        try:
            folds, reason = self._affordable(model, label)
            if folds == 0:
                status = "skipped" if self.script is None else self.script.status(label)
                self._close(label, model, status, reason)
                return
            found = self._where(label).validate(model, self._deadline(model, label), folds)
        except Stopped as stop:
            self._stopped(label, model, stop)
            return
        except Unsendable as error:
            self._bring_home(label, model, error)
            return
        except CheckpointError:  # the user's to settle: nothing else shall answer instead
            raise
        except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
                ImportError) as error:
            self._errors[label] = error
            reason = f"{type(error).__name__}: {error}"
            self._close(label, model, "failed", reason,
                        getattr(error, "trace", None) or traceback.format_exc())
            return
        self._keep(label, model, found)

    def _room(self) -> float:
        """Seconds left for trials: the dearest model so far can then still be refitted.

        Comparing the models and the record take a moment, too.
        """
        spared = max((float(np.mean(found.fit_seconds)) for found in self.found.values()),
                     default=0.0) * REFIT_FACTOR
        seconds = self.clock.budget.seconds
        after = 0.0 if seconds is None else min(_AFTER, _AFTER_SHARE * seconds)
        return self.clock.left() - spared - after

    def _deadline(self, model: Model, label: str) -> float:
        """When a trial must end, so that there is time for what follows.

        A stranger, of whose pace nothing is known, leaves half of the time to those after it; a
        clocked model, which uses what it is given, an equal share to each such model.
        """
        room = self._room()
        # What is stopped at its deadline leaves no process behind: some refits need a new one.
        if label not in self._here and not all(map(self._may_be_here, self.found)):
            room -= getattr(self.trials, "startup", 0.0)
        share = 0.5 if is_stranger(model) and label != self._last else 1.0
        share /= max(1, self._clocked - self._clocked_done) if model.clocked else 1
        return time.perf_counter() + room * share

    def _where(self, label: str) -> Trials:
        """Here what is light, and the baseline, which costs nothing and must never be missing."""
        light = label in self._here or self._models[label].name == self.problem.task.baseline
        return Here(self.problem) if light and isinstance(self.trials, Apart) else self.trials

    def _stopped(self, label: str, model: Model, stop: Stopped) -> None:
        """Keep the folds it had finished, unless it would break the limit again."""
        if stop.found is not None and stop.limit == "time":
            self._keep(label, model, stop.found)
            return
        self._errors[label] = BudgetError(f"{label} was stopped: {stop.reason}.")
        self._close(label, model, "stopped" if stop.limit else "failed", stop.reason, stop.trace,
                    stop.peak)

    def _bring_home(self, label: str, model: Model, error: Unsendable) -> None:
        """What cannot be sent to another process is fitted here, unless memory is watched."""
        if self.clock.budget.bytes is not None:
            reason = (f"memory= fits models in a process of their own, and {label} cannot be sent "
                      f"there ({error}): define it in a module that can be imported")
            self._errors[label] = DataError(reason + ".")
            self._close(label, model, "failed", reason)
            return
        self.trials.close()
        self.trials = Here(self.problem)
        self._try(label, model)

    def _affordable(self, model: Model, label: str) -> tuple[int, str]:
        """How many folds fit in what is left, beside a refit; 0 with the reason if none."""
        if self.script is not None:
            return self.script.folds(label)
        left = self.clock.left()
        if math.isinf(left) or model.name == self.problem.task.baseline:
            return self.folds, ""
        if left <= 0 or self._deadline(model, label) <= time.perf_counter():
            return 0, "the budget was spent before its turn"
        if model.clocked:  # it makes do with its share
            return self.folds, ""
        if label in self._here and isinstance(self.trials, Apart):
            return self.folds, ""
        train = self.problem.plan.folds[0][0]
        columns = len(self.problem.dataset.schema.features)
        if not _cost.worth_a_pilot(len(train), columns, model.growth):
            return self.folds, ""
        guess = model.pace * len(train) * columns / 1e6
        if guess * (self.folds + REFIT_FACTOR) * 10 < left and model.growth == "linear":
            return self.folds, ""
        return self._by_pilot(model, label)

    def _by_pilot(self, model: Model, label: str) -> tuple[int, str]:
        pace = self._where(label).pilot(model, self._deadline(model, label))
        left = self.clock.left()
        folds = min(self.folds, int(left / pace - REFIT_FACTOR))
        if folds >= 1:
            return folds, ""
        return 0, f"one fold would take about {pace:.0f} s of the {max(left, 0):.0f} s left"

    def _keep(self, label: str, model: Model, found: Validated) -> None:
        self.found[label] = found
        if model.name != self.problem.task.baseline:  # what it takes tells nothing of others
            self._pace.learn(model, 1, min(found.fit_seconds) + min(found.predict_seconds))
        self.entries[label] = entry_of(label, model, found, self.folds,
                                       int(getattr(self._where(label), "peak", 0)))
        self.schedule.append(scheduled(label, model, found))
        emit("model_done", model=label, folds=found.folds,
             seconds=float(np.sum(found.fit_seconds) + np.sum(found.predict_seconds)))

    def _close(
        self, label: str, model: Model, status: str, reason: str, trace: str = "", peak: int = 0
    ) -> None:
        self.entries[label] = Entry(
            model=label, params=jsonable(model.to_dict()), status=status, reason=reason,
            traceback=trace, peak=peak,
        )
        self.schedule.append({"model": label, "folds": 0, "status": status})
        emit("model_" + status, model=label, reason=reason)

    # The end of it

    def wanted(self, chosen: str) -> str:
        """What is fitted on all rows: the choice; in a replay, what it was in the run."""
        return chosen if self.script is None or self.script.chosen not in self.found \
            else self.script.chosen

    def refit(
        self, chosen: str, order: Sequence[str], by_label: dict[str, Model], schema: Any,
        codec: Any,
    ) -> tuple[str, Fitted, tuple[str, ...]]:
        """The chosen model on all rows; or, if that is stopped, the next that can be had.

        A second interrupt, wherever the first was, leaves with nothing.
        `order` is the leaderboard's. Gives the label, the fitted model, and what must be said.
        """
        said: list[str] = []
        self._models = by_label
        rest = [label for label in order if label in self.found and label != chosen]
        baseline = min((chosen, *rest),
                       key=lambda label: by_label[label].name != self.problem.task.baseline)
        for label in (chosen, *rest, baseline):
            if said and label != baseline and not self._quick(label):
                continue
            try:
                emit("refit_start", model=label)
                start = time.perf_counter()
                fitted = self._refitted(label, rest, schema, codec)
                emit("refit_done", model=label, seconds=time.perf_counter() - start)
                self._note(label, fitted)
                return label, fitted, tuple(said)
            except (KeyboardInterrupt, Stopped) as stop:
                if isinstance(stop, KeyboardInterrupt):
                    if self._interrupted or label == baseline:
                        raise
                    self._interrupted = True
                why = stop.reason if isinstance(stop, Stopped) else "interrupted"
                said.append(f"{label} was to be fitted on all rows and was stopped: {why}; "
                            "a model below it on the leaderboard answers instead.")
                emit("refit_stopped", model=label, reason=why)
        raise BudgetError(f"no model could be fitted on all rows within {self.clock.budget}.")

    def _refitted(
        self, label: str, rest: Sequence[str], schema: Any, codec: Any
    ) -> Fitted:
        """The model on all rows; Stopped where it would leave no time for a quick one of `rest`.

        A process that is not there any more is waited for where it can be in time, and by what
        needs it: whatever may hang, and what memory is watched of. Models of wholefit's own that
        fitted their folds are fitted here instead.
        """
        model = settled(
            self._models[label], self.found[label].rounds, self.problem.forward)
        quick = (self.takes(each) for each in rest if each != label and self._at_once(each))
        deadline = self._last_call() - next(quick, 0.0)
        where = self._where(label)
        if isinstance(where, Apart) and not where.running:
            deadline -= _NOTICED
            late = deadline - self.takes(label)
            if self._may_be_here(label) and (self._at_once(label) or not where.ready(late)):
                where = Here(self.problem)
        return where.refit(model, schema, codec, deadline)

    def _note(self, label: str, fitted: Fitted) -> None:
        """What a fit that a clock ended did on all rows stands behind what its folds did."""
        if fitted.counted is None:
            return
        for trial in self.schedule:
            if trial["model"] == label:
                before = trial.get("counted") or [None] * trial["folds"]
                trial["counted"] = [*before[:trial["folds"]], fitted.counted]

    def takes(self, label: str) -> float:
        """Seconds to refit it, by its quickest fold: its first may have had imports to do."""
        return min(self.found[label].fit_seconds) * REFIT_FACTOR

    def _may_be_here(self, label: str) -> bool:
        """True for the baseline, and a model of wholefit's own whose memory nobody watches."""
        model = self._models[label]
        return model.name == self.problem.task.baseline or (
            not is_stranger(model) and self.clock.budget.bytes is None)

    def _at_once(self, label: str) -> bool:
        """True for a quick model of wholefit's own, which needs no process that can be stopped."""
        if self._models[label].name == self.problem.task.baseline:
            return True
        return self._may_be_here(label) and self.takes(label) < _AT_ONCE

    def _quick(self, label: str) -> bool:
        """True if there is time to refit this one after the chosen one was stopped."""
        takes = self.takes(label)
        if not self._may_be_here(label) and not getattr(self.trials, "running", True):
            takes += self.trials.startup  # type: ignore[attr-defined]
        left = self._last_call() - time.perf_counter()
        return takes < (left if math.isfinite(left) else _SOON) and takes < _SOON

    def _last_call(self) -> float:
        """When the refit must have ended: the budget, and the little more that is allowed."""
        seconds = self.clock.budget.seconds
        grace = 0.0 if seconds is None else 0.7 * max(1.0, 0.02 * seconds)
        return time.perf_counter() + self.clock.left() + grace


# What was quicker than this needs no process that can be stopped.
_AT_ONCE = 0.5
# A trial that should take less than this share of the time is begun here; so is one of which a
# fold should take less than that share, if it is linear, or than the last, if it ends by itself.
_LITTLE, _ONE_FOLD, _TOLD = 0.1, 0.25, 0.5
# What follows the last trial beside the refit, at most; and at most this share of the budget.
_AFTER, _AFTER_SHARE = 0.5, 0.1
# Until a process that is stopped is gone.
_NOTICED = 0.3
# After an interrupt or a stop, what takes longer than this is not begun any more.
_SOON = 5.0


def asked_before(lineage: Mapping[str, Any]) -> bool:
    """True of a run whose folds, in order of time, asked no later one (see `settled`)."""
    return bool(lineage.get("decided", {}).get("forward"))


def settled(model: Model, rounds: Sequence[int], forward: bool = False) -> Model:
    """The model as it is fitted on all rows: as many rounds as its folds were found to want."""
    if not rounds:
        return model
    return model.replace(n_estimators=rounds_for_all(rounds, forward), early_stopping=0)
