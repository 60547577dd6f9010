"""The least support chosen, the baskets mined, the rules weighed and the good ones kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.base.events import emit
from wholefit.base.tasks import Task
from wholefit.evaluation import association as measured
from wholefit.models import Context, Model
from wholefit.models._itemsets.base import Baskets, Itemsets, TooManyError
from wholefit.training.association import _rules as ruled
from wholefit.training.association._groups import repeated
from wholefit.training.association._rules import Rules, Searched
from wholefit.training.association._strata import Shelf, shelf

# A rule that chance would make half as often should be provable at the least support.
_PROVABLE = 2.0
_RAISE = 1.3
_LEAST, _TRIED = 5, 1000
# Among how many lengths of rules the permitted error is shared, where that is not known yet.
_LENGTHS = 3


@dataclass(frozen=True)
class Support:
    """The least number of baskets, and why so many."""

    count: int
    why: str


@dataclass(frozen=True, eq=False)
class Mined:
    """What was found among baskets: the sets, the rules kept, and what was weighed for them."""

    found: Itemsets
    support: Support
    rules: Rules
    searched: Searched
    shelf: Shelf
    significant: int
    plainly: int
    made: Rules


@dataclass(frozen=True)
class Wanted:
    """What a rule must have to be kept; item codes where sides are constrained."""

    alpha: float | None
    correction: str
    confidence: float
    lift: float
    consequents: int
    max_items: int | None
    most: int
    antecedent: tuple[int, ...] = ()
    consequent: tuple[int, ...] = ()


def mined(baskets: Baskets, wanted: Wanted, support: Support | None, limit: int, model: Model,
          task: Task, jobs: int, group: np.ndarray | None = None) -> Mined:
    """Mine and weigh; without `support` the least one is chosen that can be proved and afforded.

    `group` (baskets,) says whose each basket is.
    """
    found, support = (_chosen(baskets, wanted, limit, model, task, jobs) if support is None
                      else (_mine(baskets, support.count, wanted, None, model, task, jobs),
                            support))
    emit("mined", sets=len(found), support=support.count, baskets=len(baskets))
    items = found.levels[0].items[:, 0] if found.levels else np.zeros(0, dtype=np.int32)
    shelved = shelf(baskets, items)
    made = ruled.every(found, wanted.consequents)
    made, searched = ruled.tested(made, found, shelved, wanted.consequents, wanted.max_items,
                                  wanted.correction)
    proved = _proved(made, wanted, searched, shelved, group)
    kept = np.flatnonzero(proved & _asked(made, wanted, len(baskets)))
    kept = kept[_order(made.take(kept))][: wanted.most]
    plainly = _plainly(made, len(baskets), searched, wanted.alpha)
    return Mined(found, support, made.take(kept), searched, shelved, int(proved.sum()), plainly,
                 made)


def _proved(made: Rules, wanted: Wanted, searched: Searched, shelved: Shelf,
            group: np.ndarray | None) -> np.ndarray:
    """Which rules are significant, baskets of a group taken for alike where groups are known."""
    if wanted.alpha is None:
        return np.ones(len(made), dtype=bool)
    proved = (made.adjusted <= wanted.alpha) & (made.both > made.expected)
    if group is not None and proved.any():
        rows = np.flatnonzero(proved)
        made.adjusted[rows] = repeated(made.take(rows), searched, shelved, group)
        proved &= made.adjusted <= wanted.alpha
    return proved


def _mine(baskets: Baskets, count: int, wanted: Wanted, limit: int | None, model: Model,
          task: Task, jobs: int) -> Itemsets:
    longest = wanted.max_items
    engine = model.replace(min_count=count, max_items=longest, limit=limit)
    context = Context(len(baskets), baskets.items, jobs=jobs)
    found: Itemsets = engine.build(task, context).fit(baskets).found
    return found


def stated(support: float | None, min_count: int | None, baskets: int) -> Support | None:
    """The least support that the user asked for; None where none was."""
    if support is not None and min_count is not None:
        raise ParameterError("support= and min_count= say the same thing: give one of them; got "
                             f"support={support!r} and min_count={min_count!r}.")
    if min_count is not None:
        return Support(min_count, f"{min_count:,} baskets, as asked")
    if support is None:
        return None
    count = max(1, math.ceil(support * baskets - 1e-9))
    return Support(count, f"{support:.4g} of {baskets:,} baskets, as asked")


def _chosen(baskets: Baskets, wanted: Wanted, limit: int, model: Model, task: Task,
            jobs: int) -> tuple[Itemsets, Support]:
    """The least count at which a doubled rule could be proved, raised until it can be afforded."""
    floor = provable(baskets.counts(), wanted.alpha)
    count = floor
    while True:
        try:
            found = _mine(baskets, count, wanted, limit, model, task, jobs)
            break
        except TooManyError:
            count = math.ceil(count * _RAISE)
            emit("support_raised", support=count, limit=limit)
    why = (f"with fewer than {floor:,} baskets a rule that holds twice as often as chance makes "
           "it could not be told from chance, given how many rules are looked at")
    if count > floor:
        why += (f"; raised to {count:,} so that at most {limit:,} sets of items are weighed "
                "(sets= allows more)")
    return found, Support(count, why)


def provable(counts: np.ndarray, alpha: float | None) -> int:
    """The least count of baskets at which twice what chance makes is significant.

    The count of a pair that chance alone would put into half as many baskets is Poisson; the
    error allowed is shared among all pairs of items that are held so often.
    """
    error = 0.05 if alpha is None or alpha <= 0 else alpha
    ordered = np.sort(counts)
    tried = np.arange(_LEAST, _TRIED)
    items = len(ordered) - np.searchsorted(ordered, tried)
    tests = np.maximum(items * (items - 1) / 2, 1) * _LENGTHS
    half = tried / _PROVABLE
    p = measured.tail(tried, half, half, 1e12)
    return int(tried[np.flatnonzero(p * tests <= error)[0]])


def _asked(made: Rules, wanted: Wanted, baskets: int) -> np.ndarray:
    """Which rules have the confidence, lift and items that were asked for."""
    measures = measured.measures(baskets, made.x, made.y, made.both)
    fine = (measures.confidence >= wanted.confidence - 1e-12) & (measures.lift >=
                                                                 wanted.lift - 1e-12)
    for side, items in ((made.antecedent, wanted.antecedent), (made.consequent,
                                                               wanted.consequent)):
        if items:
            fine &= np.isin(side, items).any(axis=1)
    return fine


def _order(rules: Rules) -> np.ndarray:
    """Most baskets above chance first; then by items, so that the order is nobody's accident."""
    sides = np.concatenate([rules.antecedent, rules.consequent], axis=1)
    more = np.round(rules.both - np.nan_to_num(rules.expected), 6)
    return np.lexsort((*sides.T[::-1], -rules.both, -more))


def _plainly(made: Rules, baskets: int, searched: Searched, alpha: float | None) -> int:
    """How many rules a test that knows nothing of basket sizes would call significant."""
    if not len(made):
        return 0
    n, x, y = float(baskets), made.x.astype(float), made.y.astype(float)
    expected = x * y / n
    variance = expected * (1 - y / n) * (n - x) / max(n - 1, 1)
    p = measured.tail(made.both, expected, variance, np.minimum(x, y))
    return int((p * max(searched.total, 1) <= (0.05 if alpha is None else alpha)).sum())


def codes_of(words: Sequence[str], names: Sequence[str], option: str) -> tuple[int, ...]:
    """Codes of the items that an option names; a misspelt one gets the nearest right name."""
    place = {name: at for at, name in enumerate(names)}
    lower = {name.lower(): at for name, at in place.items()}
    codes = []
    for word in words:
        at = place.get(word, lower.get(word.lower()))
        if at is None:
            raise unknown(f"item (in {option}=)", word, names)
        codes.append(at)
    return tuple(codes)


def enough(baskets: Baskets) -> None:
    """Refuse baskets of which no rule can be made."""
    if len(baskets) < 2:
        raise DataError(f"there must be two baskets at least; got {len(baskets)}.")
    if int(baskets.sizes.max(initial=0)) < 2:
        raise DataError(
            f"each of the {len(baskets):,} baskets holds one item, so that nothing is together "
            "with anything: is basket= the column that says what belongs together?")
