"""Validation curves: the score over the values of one hyper-parameter, on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.base.budget import Clock
from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.base.events import emit
from wholefit.base.params import Spec
from wholefit.base.wording import plain
from wholefit.evaluation import Difference, Score
from wholefit.models import Model
from wholefit.training.curves._bench import Bench
from wholefit.training.curves._measure import judged
from wholefit.training.curves._verdict import Tried, attempt

_STEPS = 9


@dataclass(frozen=True)
class Setting:
    """One value: scores on rows learnt from and on others, and the difference from the best.

    `tied` with the best value, or the best itself; `used` marks the model's own value.
    """

    value: Any
    train: Score
    valid: Score
    difference: Difference
    tied: bool
    best: bool
    used: bool
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        gap = self.difference
        return plain({"value": self.value, "train": self.train.to_json(),
                      "valid": self.valid.to_json(), "difference": gap.value, "low": gap.low,
                      "high": gap.high, "p": gap.p, "tied": self.tied, "best": self.best,
                      "used": self.used, "fit_seconds": self.seconds})


@dataclass(frozen=True)
class ValidationCurve:
    """Scores over the values of a hyper-parameter; `said` what follows from them."""

    param: str
    doc: str
    log: bool
    model: str
    metric: str
    better: str
    target: str
    source: str
    split: str
    level: float
    settings: tuple[Setting, ...]
    said: tuple[str, ...]
    failed: tuple[str, ...] = ()

    @property
    def best(self) -> Setting:
        """The value with the best validation score."""
        return next(each for each in self.settings if each.best)

    @property
    def tied(self) -> tuple[Setting, ...]:
        """The values that chance alone may set apart from the best, it included."""
        return tuple(each for each in self.settings if each.tied or each.best)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text."""
        rows = [[str(each.value), str(each.train), str(each.valid),
                 "best" if each.best else "tied" if each.tied else "worse",
                 "used" if each.used else "", f"{each.seconds:.2g}"] for each in self.settings]
        return [self.param, f"{self.metric}, own rows", f"{self.metric}, others", "", "",
                "seconds"], rows

    def to_text(self) -> str:
        """What follows, in sentences."""
        return "\n".join([*self.said, *(f"Left out: {why}." for why in self.failed)])

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        names = ("param", "doc", "log", "model", "metric", "better", "target", "source", "split",
                 "level")
        return {**{name: getattr(self, name) for name in names},
                "settings": [each.to_json() for each in self.settings],
                "said": list(self.said), "failed": list(self.failed)}


def validation_curve(
    bench: Bench, model: Model, param: str, values: Sequence[Any] | None, clock: Clock
) -> ValidationCurve:
    """Every value on the same folds, the model's own among them.

    UnknownNameError for a parameter that the model lacks; ParameterError for values it cannot
    take, or where it has no range to search and none are given.
    """
    specs = {spec.name: spec for spec in model.specs()}
    if param not in specs:
        raise unknown(f"parameter of {model.name}", param, list(specs))
    spec = specs[param]
    found: list[tuple[Any, Tried]] = []
    failed: list[str] = []
    for value in _grid(spec, getattr(model, param), values):
        if found and clock.left() < 1.5 * found[-1][1].seconds:
            failed.append(f"{value!r}: the budget was spent")
            continue
        try:
            found.append((value, attempt(bench, model.replace(**{param: value}),
                                         f"{param} {value}")))
        except ParameterError:
            raise
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            failed.append(f"{value!r}: {type(error).__name__}: {error}")
            emit("model_failed", model=model.name, reason=failed[-1])
    if not found:
        raise DataError(f"no value of {model.name}.{param} could be fitted: {failed[0]}")
    return _settled(bench, model, spec, found, failed)


def _grid(spec: Spec, own: Any, values: Sequence[Any] | None) -> list[Any]:
    """The values to try, in order: those given, else about nine over the range of the search."""
    if values is not None:
        made = list(values)
    elif spec.search is None:
        raise ParameterError(f"{spec.name} has no range to search; say which values to try.")
    elif spec.search.choices is not None:
        made = list(spec.search.choices)
    else:
        low, high = float(spec.search.low or 0), float(spec.search.high or 0)
        line = np.geomspace(low, high, _STEPS) if spec.search.log else np.linspace(
            low, high, _STEPS)
        kinds = spec.type if isinstance(spec.type, tuple) else (spec.type,)
        made = [round(x) if int in kinds and float not in kinds else float(f"{x:.3g}")
                for x in line.tolist()]
    made = list(dict.fromkeys([*made, own] if own is not None or None in made or spec.none
                              else made))
    numbers = [x for x in made if isinstance(x, (int, float)) and not isinstance(x, bool)]
    return sorted(numbers) + [x for x in made if x not in numbers or isinstance(x, bool)]


def _settled(
    bench: Bench, model: Model, spec: Spec, found: list[tuple[Any, Tried]], failed: list[str]
) -> ValidationCurve:
    problem, rows = bench.problem, judged(bench)
    gaps = evaluation.ties(
        problem.task.name, bench.metric, problem.y[rows],
        {str(at): tried.answer for at, (_, tried) in enumerate(found)},
        positive=int(getattr(bench.codec, "positive", 1)),
        weights=None if problem.weights is None else problem.weights[rows],
        units=None if problem.plan.units is None else problem.plan.units[rows],
        level=bench.options.level, seed=bench.options.seed)
    sign = bench.metric.sign
    top = max(range(len(found)), key=lambda at: sign * found[at][1].value
              if np.isfinite(found[at][1].value) else -np.inf)
    own = getattr(model, spec.name)
    settings = tuple(
        Setting(value, tried.own_score, tried.score, gaps[str(at)],
                gaps[str(at)].better == "tied", at == top, value == own, tried.seconds)
        for at, (value, tried) in enumerate(found))
    return ValidationCurve(
        spec.name, spec.doc, bool(spec.search and spec.search.log), _text(model),
        bench.metric.name, bench.metric.better, str(problem.dataset.schema.target),
        problem.dataset.source, problem.plan.how, bench.options.level, settings,
        _said(spec.name, settings, sign), tuple(failed))


def _text(model: Model) -> str:
    """The model as a person writes it, with what differs from the defaults."""
    other = {spec.name: getattr(model, spec.name) for spec in model.specs()
             if getattr(model, spec.name) != spec.default}
    inside = ", ".join(f"{name}={value!r}" for name, value in other.items())
    return f"{model.name}({inside})" if inside else model.name


def _said(name: str, settings: Sequence[Setting], sign: int) -> tuple[str, ...]:
    best = next(each for each in settings if each.best)
    tied = [str(each.value) for each in settings if each.tied and not each.best]
    said = [f"{name}={best.value} scores best on rows not learnt from: {best.valid}"
            + (f"; tied with it: {', '.join(tied)}." if tied else
               "; every other value is worse beyond chance.")]
    used = next((each for each in settings if each.used), None)
    if used is not None and not used.best:
        gap = used.difference
        low, high = sorted((abs(gap.low), abs(gap.high)))
        span = Score("", abs(gap.value), low, high, 0.95, "", 0)
        said.append(f"The value in use, {used.value}, is tied with it." if used.tied else
                    f"The value in use, {used.value}, is worse by {span}.")
    worst = min(settings, key=lambda each: sign * each.valid.value)
    if not worst.tied and not worst.best:
        own = sign * (worst.train.value - best.train.value)
        cause = ("though better on its own rows: overfitting" if own > 0 else
                 "and on its own rows too: underfitting")
        said.append(f"Farthest from it is {worst.value}, worse on others {cause}.")
    ends = (settings[0], settings[-1])
    number = isinstance(best.value, (int, float)) and not isinstance(best.value, bool)
    level = all(each.tied or each.best for each in settings)
    if number and best in ends and len(settings) > 2 and not level:
        said.append("The best value lies at the end of those tried: look beyond it.")
    return tuple(said)
