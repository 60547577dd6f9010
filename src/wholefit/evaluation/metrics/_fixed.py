"""Points of the precision-recall curve: recall at a precision, and what the top of a list holds.

Where a threshold must be found before something is counted, a row pulls on the value twice: as
one that is counted, and by moving the threshold. How far it moves it depends on the share of
positive rows just there, which is read off a stretch of the list around the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from wholefit.evaluation.metrics._metric import Array, percent
from wholefit.evaluation.metrics._ranked import Ranked, _from_the_top
from wholefit.evaluation.metrics._sheet import Ranking

# The stretch around a threshold: this share of the rows above it, and at least so many rows.
_STRETCH, _FEWEST = 0.1, 20
Curve = tuple[Array, Array | None]


def recall_at_precision(precision: float) -> Ranked:
    """The largest recall that any threshold reaches while its precision is at least this."""
    return _ranked(f"recall@precision={precision:g}",
                   "largest share of the rows of the class that are found while at least "
                   f"{precision:.0%} of the rows taken are of it",
                   f"{{value}} of the rows of the class are found before fewer than "
                   f"{precision:.0%} of the rows taken are right.",
                   partial(_recall, wanted=precision))


def precision_at_recall(recall: float) -> Ranked:
    """The largest precision that any threshold has while its recall is at least this."""
    return _ranked(f"precision@recall={recall:g}",
                   f"largest precision while at least {recall:.0%} of the class are found",
                   f"to find {recall:.0%} of the rows of the class, {{value}} of the rows taken "
                   "are right.", partial(_precision, wanted=recall))


def precision_at_top(share: float | None = None, rows: int | None = None) -> Ranked:
    """Share of the class among the rows scored highest: a share of all rows, or so many."""
    said = _top(share, rows)
    return _ranked(f"precision@top={said}", f"share of the class among the top {said} rows",
                   f"of the {said} rows scored highest, {{value}} are of the class.",
                   partial(_at_top, share=share, rows=rows, of_class=False))


def recall_at_top(share: float | None = None, rows: int | None = None) -> Ranked:
    """Share of the class that is among the rows scored highest."""
    said = _top(share, rows)
    return _ranked(f"recall@top={said}", f"share of the class that is among the top {said} rows",
                   f"the {said} rows scored highest hold {{value}} of the rows of the class.",
                   partial(_at_top, share=share, rows=rows, of_class=True))


def _ranked(name: str, doc: str, words: str, curve: Callable[..., Curve]) -> Ranked:
    return Ranked(name, doc, "higher", 0.0, 1.0, "share, 0 to 1", words, curve=curve,
                  needs_negatives=False, scale="share", told=percent)


def _top(share: float | None, rows: int | None) -> str:
    return f"{rows}" if share is None else f"{100 * share:g}%"


# ---- curves: as those of `Ranked` -------------------------------------------------------


def _recall(ranking: Ranking, up: Array, down: Array, slopes: bool, *, wanted: float) -> Curve:
    found, taken, total = _climbed(up, down)
    good = (taken > 0) & (found >= wanted * taken * (1 - 1e-12))
    value = np.where(good, found, 0.0).max(axis=-1) / total
    if not slopes:
        return value, None
    if not good.any():
        return value, np.zeros(len(ranking.group))
    at = int(good.argmax())
    here = _share_around(up, down, taken, at)
    room = max(wanted - here, 0.2 * wanted)  # a threshold where precision does not fall is noise
    top, positive = ranking.group >= at, ranking.positive
    above = (top & positive).astype(np.float64)
    moved = here / room * (above - wanted * top)
    return value, (above + moved - value * positive) / total


def _precision(ranking: Ranking, up: Array, down: Array, slopes: bool, *, wanted: float) -> Curve:
    found, taken, total = _climbed(up, down)
    reached = found >= wanted * total[..., None] * (1 - 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(reached & (taken > 0), found / taken, 0.0)
    value = precision.max(axis=-1)
    if not slopes:
        return value, None
    at = int(precision.argmax())
    top, positive = ranking.group >= at, ranking.positive
    above = (top & positive).astype(np.float64)
    spare = float(found[at] / total) - wanted
    if spare > 2 * math.sqrt(wanted * (1 - wanted) / max(int(positive.sum()), 1)):
        return value, (above - value * top) / taken[at]  # far from the bound: nothing moves it
    here = max(_share_around(up, down, taken, at), 0.2 * float(value), 1e-6)
    moved = (wanted * positive - above) / here
    return value, (above + moved * here - value * (top + moved)) / taken[at]


def _at_top(
    ranking: Ranking, up: Array, down: Array, slopes: bool, *, share: float | None,
    rows: int | None, of_class: bool,
) -> Curve:
    found, taken, total = _climbed(up, down)
    whole = taken[..., 0]
    part = share if share is not None else min((rows or 1) / len(ranking.group), 1.0)
    size = part * whole
    # The group that the list ends in counts by the share of it that is within.
    at = (taken >= size[..., None] * (1 - 1e-12)).shape[-1] - 1 - np.argmax(
        (taken >= size[..., None] * (1 - 1e-12))[..., ::-1], axis=-1)
    pick = at[..., None]
    group = np.take_along_axis(up + down, pick, axis=-1)[..., 0]
    before = np.take_along_axis(taken, pick, axis=-1)[..., 0] - group
    inside = np.divide(size - before, group, out=np.ones_like(size), where=group > 0)
    hits = (np.take_along_axis(found, pick, axis=-1)
            - (1 - inside)[..., None] * np.take_along_axis(up, pick, axis=-1))[..., 0]
    below = total if of_class else size
    value = hits / below
    if not slopes:
        return value, None
    here = _share_around(up, down, taken, int(at))
    member = np.where(ranking.group > at, 1.0, np.where(ranking.group == at, inside, 0.0))
    pull = member * ranking.positive + here * (part - member)
    own = value * ranking.positive if of_class else value * part
    return value, (pull - own) / below


def _climbed(up: Array, down: Array) -> tuple[Array, Array, Array]:
    """Positive weight and all weight at or above each score, and the positive weight in all."""
    found = _from_the_top(up)
    return found, found + _from_the_top(down), found[..., 0]


def _share_around(up: Array, down: Array, taken: Array, at: int) -> float:
    """Share of positive weight in the stretch of the list around group `at`."""
    every = up + down
    one = float(taken[0]) / max(len(every), 1)
    reach = max(_STRETCH * float(taken[at]), _FEWEST * one)
    below = taken - every  # weight above each group
    near = (taken >= taken[at] - reach) & (below <= taken[at] + reach)
    total = float(every[near].sum())
    return float(up[near].sum()) / total if total > 0 and math.isfinite(total) else 0.0
