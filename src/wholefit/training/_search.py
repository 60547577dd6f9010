"""The search: candidates one after the other within the clock, what each gave, and the refit."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.budget import Clock
from wholefit.base.errors import BudgetError, DataError, WholefitError
from wholefit.base.events import emit
from wholefit.models import Model
from wholefit.training import _cost
from wholefit.training._folds import REFIT_FACTOR, Problem, Validated
from wholefit.training.apart import Apart, Stopped, Unsendable
from wholefit.training.fitted import Fitted
from wholefit.training.record import Entry, labels
from wholefit.training.replaying.script import Script, written
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

    `trials` is where they are fitted: here, or in a process that can be stopped. Where there is a
    `script`, it says how far each one goes, and no clock does.
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
        for label, model in by_label.items():
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
        if not self.found:
            raise nothing_found(self._errors, self.clock)

    def _try(self, label: str, model: Model) -> None:
        emit("model_start", model=label, left=self.clock.left())
        try:
            folds, reason = self._affordable(model, label)
            if folds == 0:
                status = "skipped" if self.script is None else self.script.status(label)
                self._close(label, model, status, reason)
                return
            found = self._where(model).validate(model, self._deadline(model, label), folds)
        except Stopped as stop:
            self._stopped(label, model, stop)
            return
        except Unsendable as error:
            self._bring_home(label, model, error)
            return
        except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError,
                ImportError) as error:
            self._errors[label] = error
            reason = f"{type(error).__name__}: {error}"
            self._close(label, model, "failed", reason,
                        getattr(error, "trace", None) or traceback.format_exc())
            return
        self._keep(label, model, found)

    def _deadline(self, model: Model, label: str) -> float:
        """When a trial must end, so that the dearest model so far can still be refitted.

        A stranger, of whose pace nothing is known, leaves half of the time to those after it; a
        clocked model, which uses what it is given, an equal share to each such model.
        """
        spared = max((float(np.mean(found.fit_seconds)) for found in self.found.values()),
                     default=0.0) * REFIT_FACTOR
        # What is stopped at its deadline leaves no process behind: a refit may wait for a new one.
        if not all(self._at_once(label) for label in self.found):
            spared += getattr(self.trials, "startup", 0.0)
        share = 0.5 if is_stranger(model) and label != self._last else 1.0
        share /= max(1, self._clocked - self._clocked_done) if model.clocked else 1
        return time.perf_counter() + (self.clock.left() - spared) * share

    def _where(self, model: Model) -> Trials:
        """The baseline costs nothing and must never be missing: it is fitted here."""
        return Here(self.problem) if model.name == self.problem.task.baseline else self.trials

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
        if left <= 0:
            return 0, "the budget was spent before its turn"
        if model.clocked:  # it makes do with its share
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
        pace = self._where(model).pilot(model, self._deadline(model, label))
        left = self.clock.left()
        folds = min(self.folds, int(left / pace - REFIT_FACTOR))
        if folds >= 1:
            return folds, ""
        return 0, f"one fold would take about {pace:.0f} s of the {max(left, 0):.0f} s left"

    def _keep(self, label: str, model: Model, found: Validated) -> None:
        self.found[label] = found
        self.entries[label] = entry_of(label, model, found, self.folds,
                                       int(getattr(self._where(model), "peak", 0)))
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
        baseline = min((label for label in by_label if label in self.found),
                       key=lambda label: by_label[label].name != self.problem.task.baseline)
        rest = [label for label in order if label in self.found and label != chosen]
        for label in (chosen, *rest, baseline):
            if said and label != baseline and not self._quick(label):
                continue
            try:
                emit("refit_start", model=label)
                start = time.perf_counter()
                fitted = self._for_the_last(label, by_label[label]).refit(
                    settled(by_label[label], self.found[label].rounds), schema, codec,
                    self._last_call())
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

    def _note(self, label: str, fitted: Fitted) -> None:
        """What a fit that a clock ended did on all rows stands behind what its folds did."""
        if fitted.counted is None:
            return
        for trial in self.schedule:
            if trial["model"] == label:
                before = trial.get("counted") or [None] * trial["folds"]
                trial["counted"] = [*before, fitted.counted]

    def _at_once(self, label: str) -> bool:
        """True for a quick model of wholefit's own, which needs no process that can be stopped."""
        model = self._models[label]
        if model.name == self.problem.task.baseline:
            return True
        takes = float(np.mean(self.found[label].fit_seconds)) * REFIT_FACTOR
        return (takes < _AT_ONCE and not is_stranger(model)
                and self.clock.budget.bytes is None)

    def _for_the_last(self, label: str, model: Model) -> Trials:
        """Where to refit: what is quick does not wait for a new process."""
        if (isinstance(self.trials, Apart) and not self.trials.running
                and self._at_once(label)):
            return Here(self.problem)
        return self._where(model)

    def _quick(self, label: str) -> bool:
        """True if there is time to refit this one after the chosen one was stopped."""
        takes = float(np.mean(self.found[label].fit_seconds)) * REFIT_FACTOR
        left = self._last_call() - time.perf_counter()
        return takes < (left if math.isfinite(left) else _SOON) and takes < _SOON

    def _last_call(self) -> float:
        """When the refit must have ended: the budget, and the little more that is allowed."""
        seconds = self.clock.budget.seconds
        grace = 0.0 if seconds is None else 0.7 * max(1.0, 0.02 * seconds)
        return time.perf_counter() + self.clock.left() + grace


# What was quicker than this needs no process that can be stopped.
_AT_ONCE = 0.5
# After an interrupt or a stop, what takes longer than this is not begun any more.
_SOON = 5.0


def settled(model: Model, rounds: Sequence[int]) -> Model:
    """The model as it is fitted on all rows: as many rounds as its folds were found to want."""
    if not rounds:
        return model
    return model.replace(n_estimators=round(float(np.median(rounds))), early_stopping=0)


def entry_of(label: str, model: Model, found: Validated, folds: int, peak: int = 0) -> Entry:
    """A leaderboard row, without scores, of what `folds` folds at most gave."""
    rows = max(int(found.seen.sum()), 1)
    partial = found.folds < folds
    return Entry(
        model=label, params=jsonable(model.to_dict()), status="stopped" if partial else "ok",
        reason=f"{found.folds} of {folds} folds fitted the budget" if partial else "",
        fit_seconds=float(np.mean(found.fit_seconds)),
        predict_seconds=float(np.sum(found.predict_seconds) / rows * 1000),
        folds=found.folds, peak=peak,
    )


def scheduled(label: str, model: Model, found: Validated) -> dict[str, Any]:
    """A finished trial, as a replay needs it: what was fitted, on how many folds, how far."""
    return {"model": label, "name": model.name, "params": jsonable(model.to_dict()),
            "configuration": written(model), "kept": bool(found.kept) and all(found.kept),
            "folds": found.folds, "rounds": list(found.rounds) or None,
            "counted": list(found.counted) if any(found.counted) else None,
            "seconds": round(sum(found.fit_seconds) + sum(found.predict_seconds), 3)}


def nothing_found(errors: dict[str, Exception], clock: Clock) -> Exception:
    """The error of a search of which nothing came: the first model's own, or of the budget."""
    if not errors:
        return BudgetError(
            f"no model could be fitted within {clock.budget}; give a larger budget, "
            "fewer rows, or a cheaper model (models='dummy' costs next to nothing).")
    label, error = next(iter(errors.items()))
    if isinstance(error, WholefitError):
        return error
    failed = DataError(f"every model failed; {label}: {type(error).__name__}: {error}")
    failed.__cause__ = error
    return failed


def jsonable(values: dict[str, Any]) -> dict[str, Any]:
    """Parameters as plain data; what is none is given as text."""
    plain = (str, int, float, bool, type(None))
    return {name: value if isinstance(value, plain) else str(value)
            for name, value in values.items()}
