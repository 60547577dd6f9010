"""The ensemble of what a race gave, and the fitted model that answers with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.base.state import State
from wholefit.base.tasks import Codec, Task
from wholefit.data.schema import Schema
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import Encoding
from wholefit.models import Model
from wholefit.models._kernels.blend import blend_state
from wholefit.models._model import Context
from wholefit.training._folds import Problem, Validated
from wholefit.training._noted import entry_of
from wholefit.training.bags import Bags
from wholefit.training.ensembling import Blended, Pool, blend, dear, stacked
from wholefit.training.fitted import Fitted
from wholefit.training.imbalance import held_of
from wholefit.training.record import Entry

LABEL = "ensemble"
# More members than this add little, and each costs time whenever the model answers.
MOST = {"balanced": 4, "best": 24}
# What of its loss an ensemble may give for answering in half the time: far below what can be
# measured on the rows of most tables.
_WORTH = 0.001


@dataclass(frozen=True)
class Blend(Model):
    """What a race's ensemble is called on a leaderboard; it is made by a race alone."""

    name: ClassVar[str] = LABEL
    family: ClassVar[str] = "ensembles"
    summary: ClassVar[str] = "The members of a search, weighted by how well they do together."
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")
    burden: ClassVar[int] = 95

    def encoding(self, task: Task) -> Encoding:
        """None of its own: every member has its encoder."""
        return Encoding()

    def build(self, task: Task, context: Context) -> Any:
        """ParameterError: it is made of what a search has fitted."""
        raise ParameterError("an ensemble of a search is made by fit(preset='balanced' or 'best'); "
                             "to name members yourself take voting or stacking.")


def limits(
    found: Mapping[str, Validated], bags: Bags, grown: float | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds for 1,000 rows and bytes of each member's bag, where it was kept.

    With `grown`, of one model of so many times the rows, with which some models grow. The seconds
    are those of the fold that took least: the others are answered as fast, but while other models
    were learning on the same cores.
    """
    cost, size = {}, {}
    for label, each in found.items():
        if not each.kept or not all(each.kept):
            continue
        rows = max(int(each.seen.sum()), 1)
        models = len(each.kept) if grown is None else grown
        cost[label] = min(each.predict_seconds) * each.folds / rows * 1000 * models
        size[label] = float(np.mean([bags.size(name) for name in each.kept])) * models
    return cost, size


def comparable(
    found: Mapping[str, Validated], models: Mapping[str, Model], baseline: str
) -> dict[str, Validated]:
    """What was tried on as many folds as any: rows that some did not answer compare nothing."""
    most = max((each.folds for label, each in found.items() if models[label].name != baseline),
               default=0)
    return {label: each for label, each in found.items()
            if each.folds >= most or models[label].name == baseline}


def pool_of(problem: Problem, found: Mapping[str, Validated], metric: Any = None) -> Pool | None:
    """The models whose folds were all kept; None if there are none."""
    able = {label: each.known() for label, each in found.items() if each.kept and all(each.kept)}
    return Pool(able, problem.y, held_of(problem).fold.astype(np.int16), problem.weights,
                problem.task.name, metric, order_of(problem)) if able else None


def order_of(problem: Problem) -> np.ndarray | None:
    """Each row's rank in time (n,), where nothing may be taken from a later fold; else None."""
    return problem.dataset.time_order() if problem.forward else None


def dear_of(
    pool: Pool, problem: Problem, cost: Mapping[str, float], *, preset: str, **limits: Any
) -> tuple[tuple[str, ...], str]:
    """Members that are not worth their time, with a sentence on them (see `ensembling.dear`)."""
    return dear(pool, _WORTH, cost, seed=problem.seed, most=_most(preset), **limits)


def blended(
    problem: Problem, pool: Pool, *, preset: str, predict_time: float | None = None,
    model_size: float | None = None, cost: Mapping[str, float] | None = None,
    size: Mapping[str, float] | None = None, second: Sequence[str] | None = (),
    deadline: float = math.inf,
) -> Blended:
    """The ensemble of the pool's members.

    `second` names the models of a second layer to try by `deadline` (time.perf_counter), the
    usual ones where None.
    """
    options: dict[str, Any] = {
        "most": _most(preset), "seed": problem.seed, "cost": cost, "size": size,
        "predict_time": predict_time, "model_size": model_size}
    if second is not None and not second:
        return blend(pool, **options)
    return stacked(pool, names=second, deadline=deadline, jobs=problem.jobs, **options)


def _most(preset: str) -> int:
    return MOST.get(preset, MOST["best"])


def validated(mixed: Blended, found: Mapping[str, Validated]) -> Validated:
    """The ensemble's cross-fitted answers, as those of a trial."""
    seen = np.isfinite(mixed.answer if mixed.answer.ndim == 1 else mixed.answer[:, 0])
    answer = np.where(seen if mixed.answer.ndim == 1 else seen[:, None], mixed.answer, 0.0)
    taken = [found[label] for label in asked(mixed)]
    folds = max(each.folds for each in taken)
    fits = [sum(each.fit_seconds[at] for each in taken if at < len(each.fit_seconds))
            for at in range(folds)]
    asks = [sum(each.predict_seconds[at] for each in taken if at < len(each.predict_seconds))
            for at in range(folds)]
    return Validated(answer, seen.astype(np.int32), fits, asks, folds)


def asked(mixed: Blended) -> tuple[str, ...]:
    """The models that must answer: the members, and what a second layer among them reads."""
    second = {each.label: each.inputs for each in mixed.layer}
    return tuple(dict.fromkeys(each for label in mixed.shares
                               for each in second.get(label, (label,))))


def is_several(mixed: Blended) -> bool:
    """True if it is more than one model of the race; a second layer may have all the weight."""
    return len(mixed.shares) > 1 or bool(mixed.layer)


def entry(mixed: Blended, made: Validated, folds: int) -> Entry:
    """The ensemble's row of the leaderboard; its parameters are its members' shares."""
    row = entry_of(LABEL, Blend(), made, folds)
    params = {label: round(share, 6) for label, share in mixed.shares.items()}
    return Entry(**{**row.__dict__, "params": params})


def joined(
    problem: Problem, found: Mapping[str, Validated], bags: Bags, mixed: Blended,
    schema: Schema, codec: Codec, once: bool = False,
) -> Fitted:
    """The fitted model that answers with these members: as learnt from all rows, or by folds.

    With `once`, a member that was not learnt from all rows answers by the first fold's model; where
    folds follow each other in time, by the last one's: the others are out of date.
    """
    states: list[State] = []
    encoders: dict[str, Encoder] = {}
    members: list[dict[str, Any]] = []
    for label in asked(mixed):
        share = mixed.shares.get(label, 0.0)
        whole = found[label].whole
        folds = dict(enumerate(found[label].kept))
        names = whole or (dict(list(folds.items())[-1:]) if problem.forward else
                          dict(list(folds.items())[:1]) if once else folds)
        for number, name in names.items():
            kept = bags.get(name)
            if kept.encoder not in encoders:
                encoders[kept.encoder] = bags.encoder(kept.encoder)
            states.append(kept.state)
            members.append({"encoder": kept.encoder, "model": label,
                            "whole" if whole else "fold": number, "share": share / len(names)})
    state = blend_state(states, encoders, members, temperature=mixed.temperature,
                        n_classes=problem.n_classes, line=mixed.line, bounds=mixed.bounds,
                        seconds=[(each.state, mixed.shares[each.label]) for each in mixed.layer])
    made = Fitted(problem.task, schema, codec, next(iter(encoders.values())))
    made.put(state)
    return made


def alone(label: str, found: Mapping[str, Validated]) -> Blended:
    """One model: an ensemble of its own."""
    return Blended({label: 1.0}, found[label].known())
