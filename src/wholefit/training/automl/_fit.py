"""The recipe: scale, race, blend, judge; the record is the same as that of any other fit."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.base import seeds
from wholefit.base.budget import Clock
from wholefit.base.errors import ParameterError
from wholefit.base.events import emit
from wholefit.evaluation import Score
from wholefit.models import Model
from wholefit.training import progress
from wholefit.training._bounds import Bounds, passed_over
from wholefit.training._bounds import able as within_bounds
from wholefit.training._folds import Problem, Validated
from wholefit.training._ground import Ground, finished
from wholefit.training._judge import Judged, judge
from wholefit.training.apart import Apart, Limit, sendable
from wholefit.training.automl import _blend, _expect, _whole
from wholefit.training.automl._crew import Crew
from wholefit.training.automl._outlook import Outlook
from wholefit.training.automl._race import Race
from wholefit.training.automl._scale import scaled
from wholefit.training.ensembling import Blended, without
from wholefit.training.record import Entry, Run, labels

PRESETS = ("balanced", "best")
# Below so many seconds, starting workers would take most of them.
_LEAST = 8.0
# What follows the race beside the scores: the blend, the files, the record.
_AFTER, _AFTER_SHARE = 0.7, 0.03
# What may be spared at most for fitting members once more: on all rows, and beside a fold's.
_ONCE_MORE = 0.25
# Of what is spared for that, as much is not spent on fitting members once more.
_KEPT_BACK = 0.75
# With less time left than this it is not said whether more would help.
_TELLING = 0.3
# What a second layer may take of the time that is left when the race ends.
_LAYER = 0.4
# Families of which more configurations are drawn when all of the portfolio are tried.
_VARIED, _MOST_VARIED = ("boosting", "trees", "networks"), 500


def begun(options: Any, clock: Clock, apart: Apart | None) -> Crew | None:
    """The workers, begun while the data are looked at; None where the fit is no race."""
    if options.script is not None and not options.script.decided.get("race"):
        return None
    if options.preset not in PRESETS or options.clean is not None or clock.left() < _LEAST:
        return None
    if not math.isfinite(clock.left()) and clock.budget.trials is None and options.script is None:
        return None
    try:
        return Crew(options.jobs, apart.limit if apart is not None else Limit(clock.budget.bytes),
                    apart)
    except OSError:  # no place for its files, no process to be had
        return None


def fits(ground: Ground, candidates: Sequence[Model], clock: Clock) -> bool:
    """True if the candidates can be raced: all of them can be sent to another process.

    A model with callbacks of the user's own stays here, where these can be seen.
    """
    return (len(candidates) > 1 and clock.left() > _LEAST / 2
            and all(sendable(getattr(model, "estimator", model)) and not getattr(
                model, "callbacks", ()) for model in candidates))


def fit(
    ground: Ground, candidates: Sequence[Model], left_out: Sequence[Entry], clock: Clock,
    crew: Crew,
) -> Run:
    """Race the candidates within the clock, blend what they gave, and record it all.

    Raises `apart.Unsendable` where the problem cannot be laid out for the workers.
    """
    options = ground.options
    reserve, scoring = _reserve(ground, clock)
    scale = scaled(ground.problem, _strong(candidates), clock.left() - reserve,
                   len(ground.problem.plan.folds), len(crew.workers), options.script,
                   crew.threads)
    if scale.workers < len(crew.workers):
        crew.few(scale.workers)
    crew.load(scale.problem)
    ground = replace(ground, problem=scale.problem)
    emit("plan", models=labels(candidates), folds=scale.folds, split=scale.problem.plan.how,
         rows=len(scale.problem.y), budget=str(clock.budget), estimate_seconds=clock.left())
    # Where a share of the rows is all that the time carries, all of them are out of reach; where
    # folds are repeated, means of several models were judged.
    whole = scale.share is None and _once(scale.problem, options)
    outlook = Outlook(
        scale.problem, scale.folds, len(crew.workers), _ONCE_MORE * clock.left(),
        _blend.MOST.get(options.preset), whole, _bounded(options)
    ) if scale.share is None and math.isfinite(clock.left()) else None
    race = Race(scale.problem, clock, crew, scale.folds,
                time.perf_counter() + clock.left() - reserve, clock.budget.trials,
                variations(candidates, options.seed)
                if options.preset == "best" and options.script is None else None,
                options.script, scoring, outlook)
    race.run(candidates)
    run = _ended(ground, left_out, clock, crew, race, (*scale.said, *_not_begun(race)), whole,
                 time.perf_counter() + clock.left() - _KEPT_BACK * reserve)
    run.lineage["decided"] = {
        **scale.decided(), **crew.told(), **race.limits, **ground.decided()}
    if clock.left() > _TELLING:
        told = progress.of_run(run, skip=(ground.problem.task.baseline, _blend.LABEL),
                               most=_blend.MOST.get(options.preset))
        run.lineage.update({} if told is None else {"progress": told.to_json()})
    return run


def _ended(
    ground: Ground, left_out: Sequence[Entry], clock: Clock, crew: Crew, race: Race,
    said: tuple[str, ...], whole: bool, until: float,
) -> Run:
    """What a race gave, blended and judged.

    Till `until`, members are learnt from all rows if `whole` says so, and what to expect is
    measured.
    """
    problem, options = ground.problem, ground.options
    # A trial that the end of the time cut short stays on the leaderboard, without scores.
    by_label, found = dict(race.models), _blend.comparable(
        race.found, race.models, problem.task.baseline)
    mixed = _mixed(problem, found, crew, race, options, clock)
    if mixed is not None and _blend.is_several(mixed):
        made = _blend.validated(mixed, found)
        found = {_blend.LABEL: made, **found}
        by_label = {_blend.LABEL: _blend.Blend(), **by_label}
        race.entries[_blend.LABEL] = _blend.entry(mixed, made, race.folds)
    judged = judge(found, by_label, problem, options, ground.codec, race.entries)
    label, passed = _choice(judged, found, mixed, race.limits, options)
    judged, said = judged.instead(label), (*said, *passed)
    shares = mixed if label == _blend.LABEL else _blend.alone(label, found)
    assert shares is not None
    if mixed is not None and set(mixed.shares) == {label}:  # why there is but one
        shares = replace(shares, said=mixed.said)
    learnt = _learnt(problem, race, shares, found, options, until, whole)
    once = whole and _bounded(options) and _knows_whole(options)
    fitted = _blend.joined(problem, found, crew.bags, shares, problem.dataset.schema,
                           ground.codec, once)
    told = _expected(ground, race, shares, judged, found, learnt, once)
    made_of = {"shares": dict(shares.shares), "temperature": shares.temperature,
               "line": list(shares.line), "folds": race.folds, "whole": learnt.whole,
               **race.crew.told(),
               **({} if told is None else {"expected": told.to_json()})}
    return finished(ground, clock, judged.chosen, fitted, by_label, found, judged, left_out,
                    race.schedule, (*said, *shares.said), preset=options.preset,
                    ensemble=made_of)


def _once(problem: Problem, options: Any) -> bool:
    """False where folds are repeated, which they never are in order of time."""
    return options.repeats == 1 or problem.forward


def _bounded(options: Any) -> bool:
    """True if what the answer may cost is: then one model of each member must do."""
    return Bounds.of(options) is not None


def _knows_whole(options: Any) -> bool:
    """False in the replay of a run that was made before there were models of all rows."""
    return options.script is None or "whole" in options.script.decided


def _learnt(
    problem: Problem, race: Race, shares: Blended, found: dict[str, Validated], options: Any,
    until: float, whole: bool,
) -> _whole.Learnt:
    """What is fitted once more, models of all rows put among what was `found`."""
    if options.script is None:
        folds = min(found[label].folds for label in _blend.asked(shares))
        wanted = _whole.turns(
            shares, race.models, whole=whole, once=_bounded(options),
            beside=not shares.layer and _whole.measurable(problem, folds, whole=whole))
    else:
        wanted, until = _whole.noted(options.script.decided, shares), math.inf
    learnt = _whole.Learnt()
    if not race.interrupted:
        learnt = _whole.learn(race.crew.workers, problem, race.models, found, wanted, until)
        race.interrupted = learnt.interrupted
        if race.interrupted:
            emit("interrupted", model="", kept=list(found))
    beside = [] if race.interrupted else list(learnt.beside)
    race.limits = {**race.limits, "beside": beside, **(
        {"whole": learnt.whole} if _knows_whole(options) else {})}
    return learnt


def _expected(
    ground: Ground, race: Race, shares: Blended, judged: Judged, found: dict[str, Validated],
    learnt: _whole.Learnt, once: bool,
) -> Score | None:
    """The score to expect of what answers, which no fold saw; None where that is not known."""
    whole = any(found[label].whole for label in _blend.asked(shares))
    if not learnt.beside or race.interrupted or (once and not whole):
        return None
    how = _expect.growth if whole else _expect.gain
    gained = how(ground.problem, shares, found, learnt.beside)
    return None if gained is None else gained.expected(
        next(row for row in judged.entries if row.recommended).scores[judged.metric])


def _second(options: Any, clock: Clock) -> dict[str, Any]:
    """What to try for a second layer, and until when; in a replay, what was tried then."""
    if options.script is not None:
        return {"second": tuple(options.script.decided.get("second", ()))}
    if options.preset != "best":
        return {}
    left = clock.left()
    return {"second": None,
            "deadline": time.perf_counter() + _LAYER * (left if math.isfinite(left) else 1e9)}


def _mixed(
    problem: Problem, found: dict[str, Validated], crew: Crew, race: Race, options: Any,
    clock: Clock,
) -> Blended | None:
    """The ensemble; what was measured or timed for it is noted in the race's `limits`."""
    pool = _blend.pool_of(problem, found, options.metric)
    if pool is None:
        return None
    script = None if options.script is None else options.script.decided
    bounded = _bounded(options)
    cost, size = _blend.limits(found, crew.bags, _whole.grown(problem)
                               if bounded and _once(problem, options) else None)
    limits: dict[str, Any] = {}
    if bounded:
        limits = {"cost": cost, "size": size} if script is None else {
            name: dict(script[name]) for name in ("cost", "size")}
    asked = {"preset": options.preset, "predict_time": options.predict_time,
             "model_size": options.model_size, "size": limits.get("size")}
    out, said = tuple((script or {}).get("dear", ())), ""
    if script is None and math.isfinite(clock.left()):  # where no clock counts, none is read here
        out, said = _blend.dear_of(pool, problem, cost, **asked)
    mixed = _blend.blended(problem, without(pool, out), cost=limits.get("cost"), **asked,
                           **({} if problem.forward else _second(options, clock)))
    race.limits = {**limits, "dear": list(out), "second": list(mixed.tried)}
    return replace(mixed, said=(said, *mixed.said)) if said else mixed


def _choice(
    judged: Judged, found: dict[str, Validated], mixed: Blended | None,
    limits: dict[str, Any], options: Any,
) -> tuple[str, tuple[str, ...]]:
    """What answers: the best whose models were kept, or the cheapest tied with it if asked for.

    Where limits are set, of those that keep them; what must be said of that comes second.
    """
    able = [entry.model for entry in judged.entries
            if entry.model in found and entry.status == "ok" and (
                entry.model == _blend.LABEL or (
                    found[entry.model].kept and all(found[entry.model].kept)))]
    free, bounds = _free_choice(judged, able, options), Bounds.of(options)
    if bounds is None or mixed is None:
        return free, ()
    kept = within_bounds(bounds, limits["cost"], limits["size"], tuple(mixed.shares))
    able = [label for label in able if label in kept or label == _blend.LABEL]
    label = _free_choice(judged, able, options)
    return label, () if label == free else (passed_over(bounds, free, label),)


def _free_choice(judged: Judged, able: Sequence[str], options: Any) -> str:
    """The choice among the `able`, best first; where there are none, what was judged best."""
    if judged.chosen in able and options.choose == "recommended":
        return judged.chosen
    if _blend.LABEL in able and any(
            entry.model == _blend.LABEL and entry.tied for entry in judged.entries):
        # One model's lead within a tie is mostly luck (benchmarks/results/ensembling.md).
        return _blend.LABEL
    best = next((entry.model for entry in judged.entries if entry.best), "")
    return best if best in able else next(iter(able), judged.chosen)


def variations(candidates: Sequence[Model], seed: int) -> Iterator[Model]:
    """More configurations of the kinds that gain by it, drawn from the catalog's ranges."""
    from wholefit.training.tuning.space import Space

    kinds = {model.name: model for model in candidates if model.family in _VARIED}
    spaces = [Space.of([model]) for model in kinds.values()]
    for number in range(_MOST_VARIED if spaces else 0):
        space = spaces[number % len(spaces)]
        with contextlib.suppress(ParameterError):  # values that do not go together
            yield space.build(space.draw(seeds.generator(seed, "variations", number)))[0]


def _not_begun(race: Race) -> tuple[str, ...]:
    """A sentence on the configurations for which there was no time."""
    if not race.unbegun:
        return ()
    count = len(race.unbegun)
    return (f"{count} configuration{'s' if count > 1 else ''} of the portfolio had no turn: the "
            "budget did not reach so far; a larger one tries them too.",)


def _strong(candidates: Sequence[Model]) -> Model:
    """The first boosted candidate, by whose cost the scale is settled; else the last."""
    return next((model for model in candidates if model.family == "boosting"), candidates[-1])


def _reserve(ground: Ground, clock: Clock) -> tuple[float, float]:
    """Seconds that blend and record take after the race, and seconds to score one model."""
    if not math.isfinite(clock.left()):
        return 0.0, 0.0
    _score_once(ground.problem)  # what is imported or learnt at a first call
    start = time.perf_counter()
    _score_once(ground.problem)
    return max(_AFTER, _AFTER_SHARE * clock.left()), time.perf_counter() - start


def _score_once(problem: Problem) -> None:
    answer = np.full(len(problem.y), float(np.mean(problem.y)))
    if problem.n_classes:
        answer = np.full((len(problem.y), problem.n_classes), 1 / problem.n_classes)
    evaluation.score(problem.task.name, problem.y, answer, positive=1, units=problem.plan.units)
