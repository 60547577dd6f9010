"""Bayesian search: a model of which configurations do well says what to try next."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

from wholefit.base import seeds
from wholefit.base.optional import need
from wholefit.base.params import Params, param
from wholefit.training.tuning._strategy import Setting, Suggestion
from wholefit.training.tuning.dimensions import Choice, Real, Whole
from wholefit.training.tuning.space import MODEL

_WORST = 1e300


class Bayes:
    """Tree-structured Parzen estimator (Bergstra et al. 2011; Watanabe 2023), by Optuna.

    Densities of good and of other configurations are learnt over all settings together; what is
    being tried elsewhere counts as bad, so that processes of one study spread. Each suggestion has
    a sampler with a seed of its own, so that it is the same after a resume.
    """

    name: ClassVar[str] = "bayes"
    summary: ClassVar[str] = (
        "Learns from every trial where to look next: for some dozens of trials and more, when "
        "each takes seconds or longer.")

    @dataclass(frozen=True)
    class Options(Params):
        """How it learns."""

        startup: int = param(
            10, "Draws at random before the first suggestion that is learnt.", low=1)
        candidates: int = param(24, "Draws among which each suggestion is the best.", low=1)

    def __init__(self, setting: Setting, options: Options) -> None:
        self.setting, self.options = setting, options
        need("optuna", extra="tune", user="strategy bayes")
        self._trials: dict[int, dict[str, Any]] = {}
        self._losses: dict[int, float] = {}
        self._made: dict[int, Any] = {}

    def ask(self) -> Suggestion:
        """Each model's defaults, then what the model of losses holds for best."""
        number = len(self._trials)
        labels = list(self.setting.space.models)
        if number < len(labels):
            values = self.setting.space.usual(labels[number])
        else:
            values = self.setting.space.admitted(self._sampled(number))
        self._trials[number] = values
        return Suggestion(number, values)

    def tell(self, suggestion: Suggestion, loss: float, seconds: float) -> None:
        """One more loss to learn from."""
        self._losses[suggestion.number] = loss
        self._made.pop(suggestion.number, None)

    def state(self) -> dict[str, Any]:
        """All that was asked and told."""
        pack = self.setting.space.packed
        return {"trials": {str(number): pack(values) for number, values in self._trials.items()},
                "losses": {str(number): loss for number, loss in self._losses.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Learn again from all that `state` holds."""
        unpack = self.setting.space.unpack
        self._trials = {int(number): unpack(values) for number, values in state["trials"].items()}
        self._losses = {int(number): float(loss) for number, loss in state["losses"].items()}
        self._made = {}

    def _sampled(self, number: int) -> dict[str, Any]:
        """The configuration that a fresh sampler suggests after all trials so far."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                seed=seeds.derive(self.setting.seed, "bayes", number), multivariate=True,
                group=True, n_startup_trials=self.options.startup,
                n_ei_candidates=self.options.candidates)
        study = optuna.create_study(sampler=sampler)
        study.add_trials([self._frozen(known, optuna) for known in self._trials])
        trial = study.ask()
        space = self.setting.space
        labels = list(space.models)
        label = trial.suggest_categorical(MODEL, labels) if MODEL in space.dims else labels[0]
        found: dict[str, Any] = {}
        for name in space.active(label):
            if name == MODEL:
                found[name] = label
            else:
                found[name] = self._value(name, _suggested(trial, name, self._law(name, optuna)))
        return found

    def _frozen(self, number: int, optuna: Any) -> Any:
        """An earlier trial as Optuna keeps it."""
        if number in self._made:
            return self._made[number]
        values = self._trials[number]
        params = {name: self._asked(name, value) for name, value in values.items()}
        laws = {name: self._law(name, optuna) for name in values}
        loss = self._losses.get(number)
        done = optuna.trial.TrialState.COMPLETE
        made = optuna.trial.create_trial(params=params, distributions=laws, state=done, value=(
            _WORST if loss is None or not math.isfinite(loss) else loss))
        if loss is not None:
            self._made[number] = made
        return made

    def _law(self, name: str, optuna: Any) -> Any:
        dim = self.setting.space.dims[name]
        kinds = optuna.distributions
        if isinstance(dim, Choice):
            options = dim.options if name == MODEL else range(len(dim.options))
            return kinds.CategoricalDistribution(tuple(options))
        if isinstance(dim, Real):
            return kinds.FloatDistribution(dim.low, dim.high, log=dim.log)
        if isinstance(dim, Whole):
            return kinds.IntDistribution(dim.low, dim.high, log=dim.log)
        return kinds.FloatDistribution(0.0, 1.0)

    def _asked(self, name: str, value: Any) -> Any:
        """A value as Optuna knows it: an option's index, a number, a quantile."""
        dim = self.setting.space.dims[name]
        if name == MODEL or isinstance(dim, (Real, Whole)):
            return value
        if isinstance(dim, Choice):
            return int(dim.place(value) * len(dim.options))
        return dim.place(value)

    def _value(self, name: str, asked: Any) -> Any:
        dim = self.setting.space.dims[name]
        if isinstance(dim, Choice):
            return dim.options[asked]
        return asked if isinstance(dim, (Real, Whole)) else dim.at(asked)


def _suggested(trial: Any, name: str, law: Any) -> Any:
    """The value of one setting that a trial asks Optuna for."""
    if hasattr(law, "choices"):
        return trial.suggest_categorical(name, law.choices)
    suggest = trial.suggest_float if isinstance(law.low, float) else trial.suggest_int
    return suggest(name, law.low, law.high, log=law.log)
