"""Clustering: are there clusters, how many, which family sees them best, who is in them.

The order of the work: columns become distances (`_space`); one heap is tested against
(`_null`); each family chooses its number of clusters and is fitted and judged on the
same rows (`_choice`, `_board`); the winner labels all rows and is described.
Where one heap is not refused, the answer is one cluster, unless a number of clusters was asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base import seeds
from wholefit.base.errors import ParameterError, WholefitError, unknown
from wholefit.base.events import emit
from wholefit.base.params import Params, param
from wholefit.base.tasks import Task
from wholefit.data.dataset import Dataset
from wholefit.evaluation.clustering import Distances
from wholefit.models import Context, make
from wholefit.models._clusters.base import answered
from wholefit.models._kernels.clusters import labels_of
from wholefit.training.clustering import _board as board
from wholefit.training.clustering import _choice as choosing
from wholefit.training.clustering import _null as null
from wholefit.training.clustering import _space as spaces
from wholefit.training.clustering import _tell as tell
from wholefit.training.clustering._board import Candidate
from wholefit.training.clustering._choice import WAYS, Work
from wholefit.training.clustering._describe import describe
from wholefit.training.clustering._null import Verdict
from wholefit.training.clustering._space import Space
from wholefit.training.found import Common, Found, lineage
from wholefit.training.record import Entry

_HEAPS = "one_cluster"
# Rows above which more than one thread is worth it.
_THREADED = 20_000


@dataclass(frozen=True)
class Options(Params):
    """The words of clustering."""

    clusters: int | None = param(
        None, "How many clusters to make; None: as many as `by` says, if there are any.",
        low=1, none=True)
    most: int = param(10, "Most clusters that are looked for.", low=2, high=100)
    by: str = param("separation", "What the number of clusters is chosen by.", choices=WAYS)
    level: float = param(
        0.05, "The share of tables without clusters that may be taken to have some.",
        above=0, below=1)
    simulations: int = param(
        99, "Tables without clusters that the rows are compared with.", low=19, high=9999)
    always: bool = param(False, "Give clusters even where nothing tells the rows from one heap.")


def fit(dataset: Dataset, task: Task, options: Options, common: Common) -> Found:
    """Find clusters, or that there are none.

    Raises DataError where no column can be measured, ParameterError for a model or a metric
    that is not clustering's, and, where every family that was asked for failed, the first one's
    error.
    """
    import sklearn.cluster  # noqa: F401  its threads can be limited once they are there
    from threadpoolctl import threadpool_limits

    # Threads that wait for each other cost more than they bring where rows are few.
    with threadpool_limits(common.jobs if len(dataset) > _THREADED else 1):
        return _fit(dataset, task, options, common)


def _fit(dataset: Dataset, task: Task, options: Options, common: Common) -> Found:
    metric = _metric(common.metric)
    if options.clusters is not None and options.clusters > len(dataset):
        raise ParameterError(f"clusters must be <= the number of rows, {len(dataset):,}; got "
                             f"{options.clusters}.")
    board.candidates(common.models, options.clusters, 1, 1)  # refused before anything is read
    space = spaces.learn(dataset, task, make(_HEAPS), dict(common.features), common.seed)
    verdict = _tested(space, dataset, options, common)
    work = _work(space.Z, task, common)
    found, left_out = _run(space.Z, work, options, common)
    order = board.ranked(found, metric)
    tied = board.ties(order, metric) if order else []
    chosen = board.recommended(order, tied)
    forced = options.always or options.clusters is not None or any(c.asked for c in order)
    if not forced and not verdict.clustered:
        chosen = None
    _refuse_if_all_failed(common, order)
    return _made(dataset, task, options, common, space, verdict, work, order, tied, left_out,
                 chosen, metric)


def _metric(name: str | None) -> str:
    if name is None:
        return board.METRICS[0]
    if name not in board.METRICS:
        raise unknown("metric of clustering", str(name), board.METRICS)
    return name


def _tested(space: Space, dataset: Dataset, options: Options, common: Common) -> Verdict:
    """The test against one heap; a table of fewer than 8 rows, or all alike, is one heap.

    Of rows that come in groups one of each is looked at: a group's rows are alike, and would be
    taken for a cluster each.
    """
    emit("clusters_test", simulations=options.simulations)
    groups = dataset.groups()
    Z = space.Z if groups is None else space.Z[_one_of_each(groups, common.seed)]
    if len(Z) < 8 or not np.ptp(Z, axis=0).any():
        return Verdict(math.nan, 1.0, options.level, 0, len(Z), "", ())
    rng = seeds.generator(common.seed, "clusters", "null")
    return null.verdict(Z, space.groups, rng, level=options.level,
                        simulations=options.simulations, left=Part(common, 0.4).left)


def _one_of_each(groups: np.ndarray, seed: int) -> np.ndarray:
    """A row of each group (n,), drawn by chance; a row of no group (-1) is one by itself."""
    codes = np.where(groups < 0, len(groups) + np.arange(len(groups)), groups)
    order = seeds.generator(seed, "clusters", "groups").permutation(len(groups))
    return np.sort(order[np.unique(codes[order], return_index=True)[1]])


class Part:
    """A clock that runs out once a share of the budget of time is spent."""

    def __init__(self, common: Common, share: float) -> None:
        self._clock = common.clock
        self._kept = (1 - share) * (common.clock.budget.seconds or 0.0)

    def left(self) -> float:
        """Seconds left of the share; infinity where the budget has no time limit."""
        return self._clock.left() - self._kept


def _work(Z: np.ndarray, task: Task, common: Common) -> Work:
    rng = seeds.generator(common.seed, "clusters", "work")
    some = np.arange(len(Z)) if len(Z) <= choosing.ROWS else np.sort(
        rng.choice(len(Z), choosing.ROWS, replace=False))
    return Work(Z[some], Distances.of(Z[some]), task, common.jobs,
                seeds.derive(common.seed, "clusters"))


def _run(
    Z: np.ndarray, work: Work, options: Options, common: Common
) -> tuple[list[Candidate], dict[str, str]]:
    """Every family, while there is time; the first one always."""
    wanted, left_out = board.candidates(common.models, options.clusters, *Z.shape)
    clock, found = Part(common, 0.6), []
    for at, model in enumerate(wanted):
        candidate = Candidate(model)
        if at and clock.left() <= 0:
            candidate.status, candidate.reason = "skipped", "the budget of time was spent"
        elif len(Z) < 4:
            candidate.status, candidate.reason = "skipped", "fewer than four rows"
        else:
            board.run(candidate, Z, work, options.clusters, options.most, options.by, clock)
        found.append(candidate)
    return found, left_out


def _refuse_if_all_failed(common: Common, order: Sequence[Candidate]) -> None:
    if common.models is None or not order or not all(c.status == "failed" for c in order):
        return
    raise WholefitError(f"no model could be fitted; {order[0].model.name}: {order[0].reason}")


def _made(
    dataset: Dataset, task: Task, options: Options, common: Common, space: Space,
    verdict: Verdict, work: Work, order: Sequence[Candidate], tied: Sequence[bool],
    left_out: dict[str, str], chosen: Candidate | None, metric: str,
) -> Found:
    """The record of what was found."""
    model, state, heap = (chosen.model, chosen.state, None) if chosen else _heap(space, work)
    assert state is not None
    labels = labels_of(answered(state, space.Z))
    if chosen is not None and chosen.choice is not None:
        choosing.argue(chosen.choice, chosen.model, work, Part(common, 0.75))
    told = tell.told(space, work, labels, chosen, verdict, options)
    told["described"] = describe(dataset, labels, space.Z, common.seed)
    told["known"] = tell.known(dataset, labels)
    entries = [board.entry(c, tied=tie and bool(c.scores), best=at == 0 and bool(c.scores),
                           recommended=c is chosen,
                           difference=board.difference(order[0], c, metric) if at else None)
               for at, (c, tie) in enumerate(zip(order, tied, strict=True))]
    entries.append(Entry(_HEAPS, {}, recommended=heap is not None))
    entries += [Entry(name, {}, status="skipped", reason=why) for name, why in left_out.items()]
    return Found(
        task=task, schema=dataset.schema, metric=metric, leaderboard=tuple(entries),
        model={"name": model.name, "params": model.to_dict()},
        states={"encoder": space.encoder.state(), "model": space.state(state)}, told=told,
        said=f"clustering: groups of alike rows are sought in {len(dataset):,} rows and "
             f"{len(dataset.schema.features)} columns; no column is learnt as an answer",
        split=tell.split(work), warnings=tell.warnings(dataset, verdict, chosen, labels, options),
        notes=tuple(dataset.notes),
        lineage=lineage(dataset, model, options.to_dict(), common))


def _heap(space: Space, work: Work) -> tuple[Any, Any, bool]:
    model = make(_HEAPS)
    context = Context(len(space.Z), space.Z.shape[1], seed=work.seed)
    made = model.build(work.task, context).fit(space.Z)
    return model, model.state(made, work.task, context), True
