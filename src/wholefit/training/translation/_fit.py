"""Which model writes others' targets best; the one that answers then learns on all pairs.

Two baselines are on every board: the target most often wanted, and that of the source most alike.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import DataError, ParameterError, WholefitError, unknown
from wholefit.base.events import emit
from wholefit.base.optional import available
from wholefit.base.seeds import derive
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.data import Dataset
from wholefit.evaluation import translation as measures
from wholefit.models import Context, Model, make, scorer
from wholefit.training.found import Common, Found, lineage
from wholefit.training.record import Entry, labels
from wholefit.training.translation._pairs import FEWEST, Options, Pairs, pairs_of, settled

_BASELINES = ("frequent_target", "nearest_pair")
_NETWORK = "seq2seq"
# The share of the time that models learn in, each its part; of what is left then, how much may go
# into judging one; pairs that are asked first, to know how long one takes.
_SHARE, _JUDGING, _FIRST = 0.4, 0.25, 10
# Seconds below which no model is begun, and no network.
_LEAST, _LEAST_NETWORK = 0.5, 8.0
_SHOWN, _LETTERS = 8, 300
_FEW_KNOWN = 0.1


@dataclass(frozen=True, eq=False)
class _Trial:
    """A model learnt and what it wrote for the first of the pairs set apart."""

    model: Model
    entry: Entry
    asked: bool
    state: State | None = None
    estimator: Any = None
    written: tuple[str, ...] = ()
    counts: measures.Counts | None = None


def fit(dataset: Dataset, task: Task, options: Options, common: Common) -> Found:
    """Judge the models, let the best learn on all pairs.

    Raises DataError where there are no pairs, ParameterError for words that do not fit and where
    it is not plain which column is the source, UnknownNameError for one that is not there.
    """
    metric = _checked(common)
    dataset = settled(dataset, options)
    pairs = pairs_of(dataset, options, common.seed)
    models, asked = _models(common, pairs)
    names = labels(models)
    trials: list[_Trial] = []
    for at, (model, name) in enumerate(zip(models, names, strict=True)):
        emit("model_started", model=name)
        trials.append(_trial(model, name, at < asked, task, pairs, common, trials,
                             sum(each.requires is not None for each in models[at:])))
    trials = _ranked(trials, metric, pairs, common)
    chosen = next(trial for trial in trials if trial.entry.recommended)
    final, count = _final(chosen, task, pairs, common)
    assert final.state is not None
    told = _told(pairs, chosen, final, count)
    return Found(
        task=task, schema=dataset.schema, model={"name": final.model.name,
                                                 "params": final.model.to_dict()},
        metric=metric, leaderboard=tuple(trial.entry for trial in trials),
        states={"model": final.state}, told=told, split=pairs.split,
        said=f"translation: from {pairs.source!r} to {pairs.target!r}, by {final.model.name} after "
             f"{count:,} pairs",
        warnings=_warnings(pairs, chosen, final, count, common),
        lineage=lineage(dataset, final.model, options.to_dict(), common))


def _checked(common: Common) -> str:
    """The metric that models are compared by."""
    if common.features:
        raise ParameterError("translation reads texts as they are and makes no features; got "
                             f"features={common.features!r}: leave it out.")
    metric = "chrf" if common.metric is None else common.metric
    if not isinstance(metric, str) or metric not in measures.METRICS:
        raise unknown("metric of translation", str(metric), measures.METRICS)
    return metric


def _models(common: Common, pairs: Pairs) -> tuple[list[Model], int]:
    """Those to try, and how many of them, the first, may answer: baselines that nobody asked for
    are there to be compared with. Of pairs too few to judge by no network learns.
    """
    if common.models is None:
        network = [_NETWORK] if available("torch") and len(pairs.held) else []
        found = [make(name) for name in (*_BASELINES, *network)]
        return found, len(found)
    there = {model.name for model in common.models}
    return [*common.models, *(make(name) for name in _BASELINES if name not in there)], \
        len(common.models)


def _trial(
    model: Model, name: str, asked: bool, task: Task, pairs: Pairs, common: Common,
    before: Sequence[_Trial], more: int,
) -> _Trial:
    """Learn and judge one model, with as many networks to come as `more` says, itself included.

    A failure or a spent budget is a row of the board, unless it is the only one asked for.
    """
    entry = Entry(name, model.to_dict())
    needed = _LEAST if model.requires is None else _LEAST_NETWORK
    if any(trial.state is not None for trial in before) and common.clock.left() < needed:
        return _Trial(model, replace(entry, status="skipped",
                                     reason="the budget leaves it no time"), asked)
    start = time.perf_counter()
    try:
        estimator, state = _learnt(model, pairs.of(pairs.learn), task, common,
                                   _SHARE / max(more, 1))
        spent = time.perf_counter() - start
        entry = replace(entry, fit_seconds=spent)
        if not len(pairs.held):
            return _Trial(model, entry, asked, state, estimator)
        start = time.perf_counter()
        written = _asked(state, pairs.of(pairs.held)[0], common.clock)
        pace = 1000 * (time.perf_counter() - start) / len(written)
    except WholefitError as error:
        if asked and len(common.models or ()) == 1:
            raise
        return _Trial(model, replace(entry, status="failed", reason=str(error)), asked)
    counts = measures.counts(pairs.of(pairs.held)[1][:len(written)], written)
    scores = measures.scores(counts, units=_units(pairs, len(written)), seed=common.seed)
    return _Trial(model, replace(entry, scores=scores, predict_seconds=pace, folds=1), asked,
                  state, estimator, tuple(written), counts)


def _learnt(
    model: Model, given: tuple[list[str], list[str]], task: Task, common: Common, share: float
) -> tuple[Any, State]:
    """The model fitted on pairs, in that share of the time that is left, and its state."""
    context = Context(rows=len(given[0]), features=1, jobs=common.jobs,
                      seed=derive(common.seed, "translation", model.name))
    estimator = model.build(task, context)
    left = common.clock.left()
    if left != float("inf"):
        estimator.clock = Clock(Budget(seconds=max(1.0, share * left)))
    estimator.fit(*given)
    return estimator, model.state(estimator, task, context)


def _asked(state: State, sources: list[str], clock: Clock) -> list[str]:
    """What is written for the sources, or for as many of the first as there is time for."""
    writer: Any = scorer(state)
    start = time.perf_counter()
    written: list[str] = writer.translate(sources[:_FIRST])
    pace = (time.perf_counter() - start) / len(written)
    left = _JUDGING * clock.left() / max(pace, 1e-9)
    return written + list(writer.translate(sources[_FIRST:max(_FIRST, int(min(len(sources),
                                                                              left)))]))


def _units(pairs: Pairs, count: int) -> np.ndarray | None:
    """What is drawn again for an interval; None where each pair is one by itself."""
    units = None if pairs.units is None else pairs.units[:count]
    return None if units is None or len(np.unique(units)) == len(units) else units


def _ranked(
    trials: Sequence[_Trial], metric: str, pairs: Pairs, common: Common
) -> list[_Trial]:
    """Best first; tied is what a paired test does not part from the best of those that may
    answer, and of these the cheapest is recommended.
    """
    able = [trial for trial in trials if trial.asked and trial.state is not None]
    if not able:
        raise DataError("no model could be fitted: " + "; ".join(
            f"{trial.model.name}: {trial.entry.reason}" for trial in trials if trial.asked))
    if not all(trial.counts for trial in able):
        # Nothing was judged: the first that was asked for, or what at least copies.
        pick = able[0] if common.models is not None else next(
            (trial for trial in able if trial.model.name == "nearest_pair"), able[0])
        return [replace(each, entry=replace(each.entry, recommended=each is pick))
                for each in sorted(trials, key=lambda trial: trial is not pick)]

    def worth(trial: _Trial) -> float:
        return trial.entry.scores[metric].value if trial.counts is not None else -1.0

    order = sorted(trials, key=worth, reverse=True)
    best = max(able, key=worth)
    tied = [each for each in able if each is best or _is_tied(best, each, metric, pairs, common)]
    pick = min(tied, key=lambda trial: trial.model.burden)
    return [replace(each, entry=replace(
        each.entry, best=each is best, recommended=each is pick,
        tied=len(tied) > 1 and each in tied)) for each in order]


def _is_tied(best: _Trial, other: _Trial, metric: str, pairs: Pairs, common: Common) -> bool:
    """Whether the two could be equally good, by the pairs that both were asked about."""
    assert best.counts is not None and other.counts is not None
    count = min(len(best.counts), len(other.counts))
    found = measures.gap(metric, best.counts.head(count), other.counts.head(count),
                         units=_units(pairs, count), seed=common.seed)
    return found.low <= 0


def _final(chosen: _Trial, task: Task, pairs: Pairs, common: Common) -> tuple[_Trial, int]:
    """The model learnt on all pairs, and how many these are; where the budget leaves no time for
    that, what was judged, and what that has learnt from.
    """
    if not len(pairs.held) or common.clock.left() < 1.5 * chosen.entry.fit_seconds:
        return chosen, len(pairs.learn)
    everything = pairs.of(range(len(pairs.sources)))
    estimator, state = _learnt(chosen.model, everything, task, common, share=0.9)
    return replace(chosen, estimator=estimator, state=state), len(everything[0])


def _told(pairs: Pairs, chosen: _Trial, final: _Trial, count: int) -> dict[str, Any]:
    """Everything that text and pages tell."""
    sources, targets = pairs.of(pairs.held[:len(chosen.written)])
    shown = [[text[:_LETTERS] for text in each] for each in list(
        zip(sources, targets, chosen.written, strict=True))[:_SHOWN]]
    return {
        "source": pairs.source, "target": pairs.target, "pairs": count, "shown": shown,
        "known": pairs.known if len(pairs.held) else None,
        "history": [{name: float(value) for name, value in row.items()
                     if isinstance(value, (int, float)) and np.isfinite(value)}
                    for row in final.estimator.history_][:200],
        "keeps_texts": bool(getattr(final.model, "keeps_rows", False)),
    }


def _warnings(
    pairs: Pairs, chosen: _Trial, final: _Trial, count: int, common: Common
) -> tuple[str, ...]:
    """What should be known before it is used."""
    found = []
    if pairs.empty:
        found.append(f"{pairs.empty:,} rows without a text in {pairs.source!r} were left out")
    if not len(pairs.held):
        found.append(f"{pairs.split}: there are {len(pairs.sources):,}, and {FEWEST} with sources "
                     "of their own are needed")
    if common.models is None and not available("torch"):
        found.append("torch is not installed, so that only the baselines were tried: "
                     "pip install 'wholefit[deep]' for seq2seq")
    if len(pairs.held) and final is chosen:
        found.append(f"the budget left no time to learn from all pairs: what answers has learnt "
                     f"from {count:,} of {len(pairs.sources):,}")
    if pairs.known >= _FEW_KNOWN:
        found.append(f"{pairs.known:.0%} of the targets set apart stand among those learnt from, "
                     "word for word: new texts may be harder")
    found += [each for each in final.estimator.warnings_ if each not in found]
    return tuple(found)
