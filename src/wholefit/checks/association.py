"""Promises of those that mine itemsets: exact, whatever the order, and the same when loaded."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from wholefit import artifact
from wholefit.base.state import State, same
from wholefit.base.tasks import Task
from wholefit.models import Context, Model, names, scorer
from wholefit.models import get as known

_LEAST = 12


def the_sets_are_those_of_counting(model: Model, task: Task) -> None:
    """Every set that enough baskets hold, no other, with its exact count."""
    X = _baskets()
    found, wanted = _sets(_mined(model, task, X)), {}
    for size in range(1, X.shape[1] + 1):
        for items in combinations(range(X.shape[1]), size):
            count = int(X[:, items].all(axis=1).sum())
            if count >= _LEAST:
                wanted[items] = count
    assert found == wanted, f"{len(found)} sets, {len(wanted)} by counting"


def all_engines_give_the_same(model: Model, task: Task) -> None:
    """Engines differ in how they look, never in what they find."""
    X = _baskets()
    mine = _mined(model, task, X)
    for name in names(task.name):
        assert same(mine, _mined(known(name)(), task, X)), f"{name} finds something else"


def the_order_of_baskets_does_not_matter(model: Model, task: Task) -> None:
    """Baskets are a set: read in another order they hold the same."""
    X = _baskets()
    assert same(_mined(model, task, X), _mined(model, task, X[::-1])), "another order, other sets"


def the_order_of_items_does_not_matter(model: Model, task: Task) -> None:
    """Items have no rank: under other codes they are found together as often."""
    X = _baskets()
    turn = np.random.default_rng(1).permutation(X.shape[1])
    moved = _sets(_mined(model, task, X[:, turn]))
    back = {tuple(sorted(int(turn[i]) for i in items)): n for items, n in moved.items()}
    assert back == _sets(_mined(model, task, X)), "other codes, other sets"


def sparse_and_dense_are_one(model: Model, task: Task) -> None:
    """A basket is what it holds, however the matrix is kept."""
    from scipy.sparse import csr_matrix

    X = _baskets()
    assert same(_mined(model, task, X), _mined(model, task, csr_matrix(X)))


def nothing_is_no_trouble(model: Model, task: Task) -> None:
    """No baskets, empty baskets and one basket give what they hold, and no error."""
    for X in (np.zeros((0, 4), bool), np.zeros((5, 4), bool), np.ones((1, 3), bool)):
        found = _sets(_mined(model, task, X))
        assert not found, f"{found} in {X.shape} baskets, none held often enough"


def the_bound_on_items_is_kept(model: Model, task: Task) -> None:
    """With max_items the same sets are found, but for the larger ones."""
    X = _baskets()
    whole = _sets(_mined(model, task, X))
    for most in (1, 2, 3):
        part = _sets(_mined(model.replace(max_items=most), task, X))
        assert part == {items: n for items, n in whole.items() if len(items) <= most}


def a_round_trip_is_bit_equal(model: Model, task: Task) -> None:
    """Saved and loaded, the sets are the same."""
    state = _mined(model, task, _baskets())
    package = artifact.from_bytes(artifact.to_bytes({"task": task.name}, {"model": state}))
    assert same(package.states["model"], state), "the state came back altered"
    scored: Any = scorer(state)
    assert np.array_equal(scored.answer(_baskets()),
                          scorer(package.states["model"]).answer(_baskets()))


def _baskets() -> np.ndarray:
    """200 baskets of 9 items of unlike popularity, (200, 9) bool."""
    random = np.random.default_rng(0)
    return random.random((200, 9)) < np.linspace(0.1, 0.7, 9) * random.uniform(0.4, 1.2, (200, 1))


def _mined(model: Model, task: Task, X: Any) -> State:
    asked = model.replace(min_count=_LEAST)
    context = Context(X.shape[0], X.shape[1])
    return asked.state(asked.build(task, context).fit(X), task, context)


def _sets(state: State) -> dict[tuple[int, ...], int]:
    scored: Any = scorer(state)
    return {tuple(row): int(count) for items, counts in scored.levels
            for row, count in zip(items.tolist(), counts, strict=True)}
