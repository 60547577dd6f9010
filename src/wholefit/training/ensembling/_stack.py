"""Both layers together, and the guard: a second layer stays only where it is worth it.

Models of the second layer enter the pool as more members. The whole layer is dropped unless the
ensemble with it is better than the one without, on the same rows, by more than luck: one that
learns the first layer's mistakes by heart gains nothing there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from wholefit.models import Model
from wholefit.training.ensembling._blend import Blended, blend
from wholefit.training.ensembling._layer import layer
from wholefit.training.ensembling._pool import Pool

Array = np.ndarray
# On fewer rows the gain is lost in its own error (benchmarks/results/ensembling.md).
LEAST_ROWS = 1000
# The layer must gain more than so many standard errors of the paired difference.
_SURE = 2.0
# And at least this share of the loss: for less, nobody should wait for two layers.
_WORTH = 0.001


def stacked(
    pool: Pool, *, columns: Any = None, names: Iterable[Any] | None = None, jobs: int = 1,
    seed: int = 0, deadline: float = np.inf, cost: Mapping[str, float] | None = None,
    size: Mapping[str, float] | None = None, **options: Any,
) -> Blended:
    """The blend of a pool, with a second layer where that is better beyond doubt.

    The models of the second layer that it takes are in its `layer`, and in its shares by their
    labels; where there are none, `said` tells why.

    `columns` (n, p), encoded without the target, are shown to the second layer too where given.
    `names` are catalog models for it, the usual ones where None; what would not be done by
    `deadline` (time.perf_counter) is given up, and those of `tried`, named without a deadline,
    repeat the outcome. Other options are those of `blend`.
    """
    plain = blend(pool, seed=seed, cost=cost, size=size, **options)
    _, rows, _ = pool.judged
    if len(rows) < LEAST_ROWS:
        return _saying(plain, f"no second layer: {len(rows)} rows are too few for it to learn "
                              f"from (fewer than {LEAST_ROWS}).")
    made = layer(pool, columns=columns, names=names, jobs=jobs, seed=seed, deadline=deadline)
    tried = tuple(_written(each.model) for each in made)
    if not made:
        return _saying(plain, "no second layer: no time was left for it.")
    whole = replace(pool, answers={**pool.answers, **{each.label: each.answer for each in made}})
    if cost is not None:
        cost = {**cost, **{each.label: each.cost for each in made}}
    if size is not None:
        size = {**size, **{each.label: float(each.state.nbytes) for each in made}}
    needs = {each.label: each.inputs for each in made}
    deep = blend(whole, seed=seed, needs=needs, cost=cost, size=size, **options)
    used = tuple(each for each in made if each.label in deep.shares)
    gain, error = paired(pool, plain.answer, deep.answer, rows)
    least = max(_SURE * error, _WORTH * abs(float(pool.rowwise(plain.answer, rows).mean())))
    if not used or gain <= least:
        return _saying(
            replace(plain, tried=tried),
            "a second layer was tried and dropped: on rows that it did not see it changes the loss "
            f"by {-gain:+.2g}, give or take {2 * error:.2g}.")
    return _saying(replace(deep, layer=used, tried=tried),
                   f"a second layer lowers the loss by {gain:.2g}, give or take {2 * error:.2g}, "
                   "on rows that it did not see.")


def _saying(found: Blended, words: str) -> Blended:
    return replace(found, said=(*found.said, words))


def paired(pool: Pool, before: Array, after: Array, rows: Array) -> tuple[float, float]:
    """By how much the mean row loss falls from one answer to the other, and its standard error."""
    gains = pool.rowwise(before, rows) - pool.rowwise(after, rows)
    weights = np.ones(len(rows)) if pool.weights is None else np.asarray(pool.weights)[rows]
    mean = float(np.average(gains, weights=weights))
    return mean, float(np.sqrt((weights**2 * (gains - mean) ** 2).sum()) / weights.sum())


def _written(model: Model) -> str:
    """The model as `models.make` reads it: its name, and what differs from the defaults."""
    usual = type(model)().to_dict()
    said = [f"{name}={value!r}" for name, value in model.to_dict().items() if value != usual[name]]
    return f"{model.name}({', '.join(said)})" if said else model.name
