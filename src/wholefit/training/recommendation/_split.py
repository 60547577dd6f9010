"""Splits of ratings and uses: what is learnt from, and what is held out to judge by.

    time            the last share of all rows is held out; nothing is learnt from the future
    leave_one_out   one item of each user: the last where times are known, else one by chance
    random          ratings dealt into parts, each held out in turn; of uses one part of each
                    user's items
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.seeds import generator
from wholefit.base.wording import counted
from wholefit.models._recommend.base import Interactions
from wholefit.training.recommendation._data import Events


@dataclass(frozen=True, eq=False)
class Part:
    """Pairs to learn from and pairs held out; `train` has raw amounts (see `Events.learnt`)."""

    train: Interactions
    test: Interactions


@dataclass(frozen=True, eq=False)
class Split:
    """The parts, and in a clause how they were made."""

    parts: tuple[Part, ...]
    how: str
    kind: str


def split(
    events: Events, kind: str | None, share: float, parts: int, seed: int, again: bool = False
) -> Split:
    """Parts of the kind asked for; by time where there are times and nothing is asked.

    With `again`, later uses of what a user had before are held out too, where time parts them.

    Raises DataError where a kind cannot be had: no times, or no user with two items.
    """
    if kind is None:
        kind = "time" if events.time is not None and np.ptp(events.time) > 0 else "random"
    if kind == "time":
        return _by_time(events, share, again)
    pairs = events.pairs
    if kind == "leave_one_out":
        return _leave_one_out(pairs, seed)
    return _dealt(pairs, parts, seed) if events.explicit else _within_users(pairs, share, seed)


def _by_time(events: Events, share: float, again: bool) -> Split:
    if events.time is None:
        raise DataError("split='time' needs times: say time= the column that holds them.")
    if np.ptp(events.time) == 0:
        raise DataError("split='time' needs different times, and all rows have the same one; say "
                        "split='random'.")
    cut = float(np.quantile(events.time, 1 - share, method="lower"))
    late = events.time > cut
    if not late.any():
        late = events.time >= cut
    if late.all():
        late = events.time > events.time.min()
    before = events.take(np.flatnonzero(~late)).pairs
    after = events.take(np.flatnonzero(late)).pairs
    if not again:
        after = _not_in(after, before, events.explicit)
    how = (f"time: the last {late.mean():.0%} of rows held out, so that nothing was learnt from "
           "the future")
    return Split((Part(before, after),), how, "time")


def _not_in(after: Interactions, before: Interactions, explicit: bool) -> Interactions:
    """Later pairs that are new; a new rating of an item rated before may be judged all the same."""
    if explicit:
        return after
    return after.take(np.flatnonzero(~among(after, before)))


def among(some: Interactions, many: Interactions) -> np.ndarray:
    """Which pairs (n,) of `some` are in `many`, whose pairs come in order of user, then item."""
    keys, known = (each.users.astype(np.int64) * each.n_items + each.items
                   for each in (some, many))
    if not len(known):
        return np.zeros(len(keys), dtype=bool)
    return np.asarray(known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys)


def _leave_one_out(pairs: Interactions, seed: int) -> Split:
    counts = np.bincount(pairs.users, minlength=pairs.n_users)
    chance = generator(seed, "leave one out").random(len(pairs))
    when = chance if pairs.times is None else pairs.times
    order = np.lexsort((chance, when, pairs.users))
    last = np.flatnonzero(np.diff(pairs.users[order], append=-1))
    rows = order[last]
    held = np.sort(rows[counts[pairs.users[rows]] >= 2])
    if not len(held):
        raise DataError("split='leave_one_out' needs users with two items or more; there are none.")
    which = "an item, drawn by chance," if pairs.times is None else "the last item"
    how = f"leave one out: {which} of each of {counted(len(held), 'user')} held out"
    return Split((_part(pairs, held),), how, "leave_one_out")


def _within_users(pairs: Interactions, share: float, seed: int) -> Split:
    """A share of each user's items, at least one of those who have two."""
    counts = np.bincount(pairs.users, minlength=pairs.n_users)
    place = _places(pairs, generator(seed, "hold out"))
    out = np.where(counts >= 2, np.clip(np.floor(counts * share), 1, counts - 1), 0)
    held = np.flatnonzero(place < out[pairs.users])
    how = f"a random hold-out: {share:.0%} of each user's items (one at least)"
    return Split((_part(pairs, held),), how, "random") if len(held) else Split((), _alone(), "none")


def _dealt(pairs: Interactions, parts: int, seed: int) -> Split:
    """Ratings dealt at random into parts, whoever gave them."""
    parts = min(parts, len(pairs))
    if parts < 2:
        return Split((), _alone(), "none")
    order = generator(seed, "parts").permutation(len(pairs))
    made = tuple(_part(pairs, np.sort(order[at::parts])) for at in range(parts))
    return Split(made, f"cross-validation: ratings dealt by chance into {parts} parts, each held "
                 "out in turn",
                 "random")


def _alone() -> str:
    return "nothing: no user has two items, so that nothing could be held out"


def _places(pairs: Interactions, random: np.random.Generator) -> np.ndarray:
    """The place of each pair among its user's, in an order by chance; pairs come by user."""
    order = np.argsort(pairs.users + random.random(len(pairs)), kind="stable")
    starts = np.flatnonzero(np.diff(pairs.users[order], prepend=-1))
    place = np.empty(len(pairs), dtype=np.int64)
    place[order] = np.arange(len(pairs)) - np.repeat(starts, np.diff(starts, append=len(pairs)))
    return place


def _part(pairs: Interactions, held: np.ndarray) -> Part:
    mask = np.zeros(len(pairs), dtype=bool)
    mask[held] = True
    return Part(pairs.take(np.flatnonzero(~mask)), pairs.take(held))
