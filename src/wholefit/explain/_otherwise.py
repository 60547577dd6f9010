"""Counterfactuals found: what may change is laid out as a pool, searched, chosen and verified."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import ParameterError, unknown
from wholefit.base.params import Params, param
from wholefit.base.seeds import generator
from wholefit.data import Dataset
from wholefit.data.validate.sketch import Sketch
from wholefit.explain import _plausible, _search
from wholefit.explain._goal import Goal, codes, goal
from wholefit.explain._plausible import Ground
from wholefit.explain._search import Hunt, Moves
from wholefit.explain.counterfactuals import Change, Counterfactual, Counterfactuals
from wholefit.explain.pool import Pool
from wholefit.training import Fitted

_MOST_AMONG, _PROBED = 5_000, 200


@dataclass(frozen=True)
class Options(Params):
    """How counterfactuals are looked for.

    `change` names the columns that may change (all where empty), `keep` those that may not;
    `only_up` and `only_down` numbers that may only grow or shrink.
    """

    change: tuple[str, ...] = param((), "Columns that may change; all where none is named.")
    keep: tuple[str, ...] = param((), "Columns that stay as they are.")
    only_up: tuple[str, ...] = param((), "Numbers that may only grow.")
    only_down: tuple[str, ...] = param((), "Numbers that may only shrink.")
    alternatives: int = param(3, "How many to give.", low=1, high=50)
    most: int = param(4, "Columns changed at once, at most.", low=1, high=8)
    least: float = param(0.0, "Probability that the wanted class must have.", low=0, high=1)
    budget: int = param(20_000, "Rows up to which all combinations of changes are asked.",
                        low=0, high=10_000_000)
    seed: int = param(0, "Every random choice follows from it.", low=0)


def find(
    fitted: Fitted, row: Dataset, want: Any, options: Options, *, sketch: Sketch | None = None,
    among: Dataset | None = None, within: Mapping[str, Any] | None = None,
) -> Counterfactuals:
    """The counterfactuals of one conforming row (1 row); values from `among`, else `sketch`.

    `within` gives, for some columns, (low, high) or the levels that are allowed.
    """
    every = _plausible.grounds(fitted.schema, sketch, among)
    _check(options, within or {}, every)
    pool = _laid_out(fitted, row, every)
    now = pool.answer(pool.own([0]))
    wanted = goal(fitted, row, want, options.least, now)
    moves = _moves(every, row, _kept(fitted, options), within or {})
    told: dict[str, Any] = {
        "target": str(fitted.schema.target), "wanted": wanted.said(), "most": options.most,
        **_answer(wanted, now[0]),
        "changeable": tuple(pool.columns[at] for at in moves.columns),
        "kept": tuple(n for at, n in enumerate(pool.columns) if at not in moves.columns),
        "values_from": _source(sketch, among), "notes": _notes(every, options),
        "cut": None if np.isnan(wanted.cut) else wanted.cut}
    if wanted.judge(now)[0][0]:
        return Counterfactuals(**told, already=True, alternatives=(), complete=0, asked=1)
    if not moves.columns:
        return Counterfactuals(**told, already=False, alternatives=(), complete=0, asked=1)
    found = _search.hunt(pool, moves, wanted.judge, most=options.most,
                         wanted=2 * options.alternatives, budget=options.budget)
    real = None if among is None else _Real(every, among, row, options.seed)
    take, near = _chosen(pool, moves, found, real, options.alternatives)
    take, near = _verified(pool, wanted, take, near)
    answer = pool.answer(take) if len(take) else now[:0]
    made = [_told(wanted, pool, every, moves, take[at], answer[at], near[at])
            for at in range(len(take))]
    closest = None
    if not made and found.nearest is not None:
        best = found.nearest[0]
        closest = _told(wanted, pool, every, moves, best, pool.answer(best[None])[0], None)
    return Counterfactuals(
        **told, already=False, alternatives=tuple(made), complete=found.complete,
        asked=found.asked, nearest=closest, usual=real.usual if real else None)


def _laid_out(fitted: Fitted, row: Dataset, every: Sequence[Ground]) -> Pool:
    """A pool: the row itself first, then the values of each column one below the other."""
    frame = row.frame
    longest = max((len(ground.values) for ground in every), default=0)
    columns = []
    values = {ground.name: list(ground.values) for ground in every}
    for column in frame.get_columns():
        own = column[0]
        cells = [own, *values.get(column.name, ())]
        cells += [own] * (longest + 1 - len(cells))
        columns.append(pl.Series(column.name, cells, dtype=column.dtype, strict=False))
    return Pool(fitted, Dataset(pl.DataFrame(columns), row.schema, source=row.source))


def _kept(fitted: Fitted, options: Options) -> Options:
    """Who is in which group stays as it is where groups have thresholds of their own."""
    groups = fitted.decision.groups if fitted.decision else None
    mine = [name for name in (groups.by if groups else ()) if name in fitted.schema.features]
    return options.replace(keep=(*options.keep, *mine))


def _moves(
    every: Sequence[Ground], row: Dataset, options: Options, within: Mapping[str, Any]
) -> Moves:
    """Which columns may change, to which rows of the pool, and what each costs."""
    longest = max((len(ground.values) for ground in every), default=0)
    cost = np.zeros((longest + 1, len(every)))
    columns, coarse, fine = [], [], []
    for at, ground in enumerate(every):
        if ground.kind == "fixed":
            continue
        own = _plausible.cells(row, ground)[0]
        values = np.array(ground.values, dtype=object)
        cost[1:len(values) + 1, at] = ground.apart(np.array([own] * len(values), object), values)
        if ground.name in options.keep or (options.change and ground.name not in options.change):
            continue
        allowed = _allowed(ground, own, options, within.get(ground.name))
        picked = allowed[np.array(ground.coarse, dtype=np.intp)]
        rough = np.array(ground.coarse, dtype=np.intp)[picked] + 1
        exact = np.flatnonzero(allowed) + 1
        if len(exact):
            columns.append(at)
            # Where the limits leave nothing of the coarse values, the fine ones are tried.
            coarse.append(rough if len(rough) else exact[:: max(1, len(exact) // 19)])
            fine.append(exact if ground.kind == "number" else exact[:0])
    return Moves(columns, coarse, fine, cost)


def _allowed(ground: Ground, own: Any, options: Options, limit: Any) -> np.ndarray:
    """Which of a column's values it may take."""
    if ground.kind == "level":
        allowed = np.array([value != own for value in ground.values])
        if limit is not None:
            named = {str(level) for level in ([limit] if isinstance(limit, str) else limit)}
            allowed &= np.array([str(value) in named or ground.said(value) in named
                                 for value in ground.values])
        return allowed
    values = np.array(ground.values, dtype=np.float64)
    allowed = values != own
    if ground.name in options.only_up:
        allowed &= ~(values < own)
    if ground.name in options.only_down:
        allowed &= ~(values > own)
    if limit is not None:
        allowed &= (values >= limit[0]) & (values <= limit[1])
    return allowed


class _Real:
    """Real rows to lie near to."""

    def __init__(self, every: Sequence[Ground], among: Dataset, row: Dataset, seed: int) -> None:
        random = generator(seed, "counterfactuals")
        if len(among) > _MOST_AMONG:
            among = among.take(np.sort(random.choice(len(among), _MOST_AMONG, replace=False)))
        self.every = every
        self.rows = [_plausible.cells(among, ground) for ground in every]
        probed = random.choice(len(among), min(_PROBED, len(among)), replace=False)
        apart = _plausible.distances(every, [column[probed] for column in self.rows], self.rows)
        apart[np.arange(len(probed)), probed] = np.inf
        nearest = apart.min(axis=1)
        nearest = nearest[np.isfinite(nearest)]
        own = self.nearest([_plausible.cells(row, ground) for ground in every])[0]
        self.usual = max(float(np.quantile(nearest, 0.95)) if len(nearest) else 0.0, float(own))

    def nearest(self, cells: Sequence[np.ndarray]) -> np.ndarray:
        """How far each of these rows lies from the nearest real one."""
        return _plausible.distances(self.every, cells, self.rows).min(axis=1)


def _chosen(
    pool: Pool, moves: Moves, found: Hunt, real: _Real | None, alternatives: int
) -> tuple[np.ndarray, list[float | None]]:
    """The least changes, of different columns; with real rows, those that lie near to some."""
    take = found.take
    near: list[float | None] = [None] * len(take)
    if real is not None and len(take):
        composed = pool.composed(take)
        measured = real.nearest([_plausible.cells(composed, ground) for ground in real.every])
        inside = measured <= real.usual + 1e-12
        # Where no change looks like a real row, the nearest to one are told, and said to be so.
        kept = np.flatnonzero(inside) if inside.any() else np.argsort(measured)[:alternatives]
        take, near = take[kept], [float(measured[at]) for at in kept]
    changed = take != pool.own([0])[0]
    price = changed.sum(axis=1) + moves.cost[take, np.arange(take.shape[1])].sum(axis=1)
    picked: list[int] = []
    while len(picked) < min(alternatives, len(take)):
        overlap = np.zeros(len(take))
        for at in picked:
            shared = (changed & changed[at]).sum(axis=1) / np.maximum(changed.sum(axis=1), 1)
            overlap = np.maximum(overlap, shared)
        score = price + overlap
        # One of each set of columns.
        score[[at for at in range(len(take)) if any(
            (changed[at] == changed[other]).all() for other in picked)]] = np.inf
        best = int(score.argmin())
        if not math.isfinite(score[best]):
            break
        picked.append(best)
    picked.sort(key=lambda at: price[at])
    return take[picked], [near[at] for at in picked]


def _verified(
    pool: Pool, wanted: Goal, take: np.ndarray, near: list[float | None]
) -> tuple[np.ndarray, list[float | None]]:
    """Those that the model answers as wanted when it is asked for the whole rows anew."""
    if not len(take):
        return take, near
    good = np.flatnonzero(wanted.judge(pool.fitted.answer(pool.composed(take)))[0])
    return take[good], [near[at] for at in good]


def _told(
    wanted: Goal, pool: Pool, every: Sequence[Ground], moves: Moves, take: np.ndarray,
    answer: np.ndarray, near: float | None,
) -> Counterfactual:
    frame = pool.dataset.frame
    changes = []
    for at in np.flatnonzero(take != 0).tolist():
        ground, column = every[at], frame.get_column(every[at].name)
        before, after = column[0], column[int(take[at])]
        changes.append(Change(
            ground.name, before, after, ground.said(before), ground.said(after),
            float(moves.cost[take[at], at])))
    changes.sort(key=lambda change: -change.distance)
    return Counterfactual(tuple(changes), **_answer(wanted, answer),
                          distance=sum(change.distance for change in changes), nearest=near)


def _answer(wanted: Goal, answer: np.ndarray) -> dict[str, Any]:
    """Prediction and probability of one answer."""
    classes = getattr(wanted.fitted.codec, "classes", None)
    if classes is None:
        return {"prediction": float(answer), "probability": None}
    code = int(codes(wanted.decision, answer[None])[0])
    return {"prediction": classes[code], "probability": float(answer[code])}


def _source(sketch: Sketch | None, among: Dataset | None) -> str:
    if among is not None:
        return (f"those of the {len(among):,} rows given, numbers between their 5% and 95% "
                "quantiles, and a change must leave the row as near to a real one as real rows "
                "are to each other")
    if sketch is not None:
        return ("those of the training rows: frequent levels, numbers between the 5% and 95% "
                "quantiles; whether they occur together is not known without rows to compare with")
    return ("levels and ranges of the schema, for the model kept no sketch of its rows; whether "
            "they occur together is not known without rows to compare with")


def _notes(every: Sequence[Ground], options: Options) -> tuple[str, ...]:
    fixed = [ground.name for ground in every if ground.kind == "fixed"]
    asked = [name for name in options.change if name in fixed]
    if asked:
        return (f"Not changed, for text, times and columns of one value have no plausible other: "
                f"{', '.join(asked)}.",)
    return ()


def _check(options: Options, within: Mapping[str, Any], every: Sequence[Ground]) -> None:
    """Refuse unknown columns, and limits that are none."""
    known = {ground.name: ground for ground in every}
    for name in (*options.change, *options.keep, *options.only_up, *options.only_down, *within):
        if name not in known:
            raise unknown("column", str(name), known)
    for name in (*options.only_up, *options.only_down):
        if known[name].kind == "level":
            raise ParameterError(f"only_up and only_down are for numbers; {name!r} has levels: "
                                 "say within= which are allowed.")
    for name, limit in within.items():
        pair = isinstance(limit, (tuple, list)) and len(limit) == 2 and all(
            isinstance(end, (int, float)) for end in limit)
        if known[name].kind == "number" and not pair:
            raise ParameterError(f"within must give (low, high) for {name!r}; got {limit!r}.")
