"""The blend: greedy weights, their honest out-of-fold answer, and what was done on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.training.ensembling._calibrate import Calibrated, calibrated
from wholefit.training.ensembling._greedy import ROUNDS, Climb, bagged, climb
from wholefit.training.ensembling._layer import Second
from wholefit.training.ensembling._limits import Limits, limits, within
from wholefit.training.ensembling._objectives import Objective, objective
from wholefit.training.ensembling._pool import Pool, mixed

Array = np.ndarray


@dataclass(frozen=True)
class Blended:
    """The ensemble chosen from a pool.

    `shares` maps the members taken to weights that add up to 1, largest first; `answer` is the
    ensemble's answer to each row of the pool, with weights (and calibration) that were learnt on
    the other folds' rows only, in order of time on earlier ones, NaN where it was not judged;
    `temperature`, `line` and `bounds` are what `mixed` does to the members' answers; `path` says
    what was added in which order, with the loss after it; `said` what a person should know;
    `layer` holds the members that are models of a second layer, and `tried` names all that were
    tried for it (see `stacked`).
    """

    shares: dict[str, float]
    answer: Array
    temperature: float = 1.0
    path: tuple[tuple[str, float], ...] = ()
    said: tuple[str, ...] = ()
    line: tuple[float, float] = (0.0, 1.0)
    bounds: tuple[float, float] | None = None
    layer: tuple[Second, ...] = ()
    tried: tuple[str, ...] = ()


def greedy(
    pool: Pool, *, most: int | None = None, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, float]:
    """Weights of the members, learnt on all judged rows: label -> share, largest first."""
    labels, rows, _ = pool.judged
    aim = objective(pool, labels, rows, pool.parts(rows, seed), seed)
    return named(climb(aim, rounds=rounds, most=most).shares, labels)


def blend(
    pool: Pool, *, most: int | None = None, rounds: int = ROUNDS, seed: int = 0,
    cost: Mapping[str, float] | None = None, size: Mapping[str, float] | None = None,
    predict_time: float | None = None, model_size: float | None = None,
    needs: Mapping[str, Sequence[str]] | None = None, calibrate: bool = True, bags: int = 0,
) -> Blended:
    """Greedy weights over a pool, and their answer cross-fitted.

    The weights that answer a fold come from the rows of the other folds, so that the answer's
    score is from rows that no part of the ensemble saw. In order of time (`Pool.order`) they come
    from earlier folds only, and the first one's rows are not answered, for nothing came before
    them; nor is anything calibrated, for later rows would say whether to. `most` bounds how many
    members there are. `cost` (seconds for 1,000 rows) and `size` (bytes) of each member are held
    against `predict_time` and `model_size`; `needs` maps a member to others that are asked with
    it, and are then paid for once. Calibration is kept only where it lowers the loss on folds that
    it was not learnt on. With `bags`, weights are the mean of so many selections among random
    halves of the members, for which nothing may be limited. ParameterError where a limit is not
    above 0.
    """
    labels, rows, said = pool.judged
    parts = pool.parts(rows, seed)
    aim = objective(pool, labels, rows, parts, seed)
    given = limits(labels, cost=cost, size=size, predict_time=predict_time,
                   model_size=model_size, needs=needs)
    if bags and (most is not None or given.names):
        raise ParameterError("bags= spreads the weights over many members: it goes with none of "
                             "most=, predict_time= and model_size=.")

    def learnt(aim: Objective, without: int | None = None) -> Climb:
        if bags:
            return bagged(aim, bags, without=without, seed=seed)
        return within(aim, given, without=without, rounds=rounds, most=most)

    crossed = np.full((len(rows), *next(iter(pool.answers.values())).shape[1:]), np.nan)
    if pool.forward(rows):
        _forward(pool, labels, rows, parts, crossed, learnt, seed)
        calibrate, parts = False, []
    each = [named(learnt(aim, number).shares, labels) for number in range(len(parts))]
    for part, shares in zip(parts, each, strict=True):
        crossed[part] = mixed({label: np.asarray(pool.shown[label])[rows[part]]
                               for label in shares}, shares)
    found = learnt(aim)
    true = calibrated(pool, crossed, rows, parts, each, seed) if calibrate else Calibrated(crossed)
    answer = np.full(next(iter(pool.answers.values())).shape, np.nan)
    answer[rows] = true.answer
    return Blended(
        named(found.shares, labels), answer, true.temperature,
        tuple((labels[member], loss) for member, loss in found.path),
        (*said, *_limited(given, found.counts, labels), *true.said), true.line,
        pool.bounds)


def _forward(
    pool: Pool, labels: tuple[str, ...], rows: Array, parts: Sequence[Array], crossed: Array,
    learnt: Callable[[Objective], Climb], seed: int,
) -> None:
    """Fill the answers to each part but the first, with what the rows before it taught."""
    for number, part in enumerate(parts[1:], 1):
        past, places = pool.before(rows[part])
        known = np.searchsorted(places, rows[np.sort(np.concatenate(parts[:number]))])
        aim = objective(past, labels, known, past.parts(known, seed), seed)
        shares = named(learnt(aim).shares, labels)
        crossed[part] = mixed({label: np.asarray(pool.answers[label])[rows[part]]
                               for label in shares}, shares, bounds=past.bounds)


def named(shares: Array, labels: Sequence[str]) -> dict[str, float]:
    """Label to share for the members taken, largest first."""
    order = np.argsort(-shares, kind="stable")
    return {labels[each]: float(shares[each]) for each in order if shares[each] > 0}


def _limited(given: Limits, counts: Array, labels: Sequence[str]) -> tuple[str, ...]:
    """What is to be said of limits that not even one member keeps."""
    share = given.share(counts > 0)
    if share <= 1:
        return ()
    label = labels[int(np.argmax(counts))]
    took = f"it takes {share:.3g} times as much" if np.isfinite(share) else "it was not measured"
    return (f"no model keeps {' and '.join(given.names)}: {label} comes nearest and is taken "
            f"alone; {took}.",)
