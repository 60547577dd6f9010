"""Promises on recommenders: strangers answered, the seen left out, reasons that add up."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from wholefit import artifact
from wholefit.base.seeds import generator
from wholefit.base.state import State, same
from wholefit.base.tasks import Task
from wholefit.models import Context, Model, scorer
from wholefit.models._recommend.base import Interactions, Recommender

_USERS, _ITEMS = 80, 60
# Two users and one item of the code space have nothing in the interactions.
_COLD_USER, _COLD_ITEM = _USERS - 1, _ITEMS - 1


def _interactions(explicit: bool) -> Interactions:
    """Two kinds of users and of items; users like their own kind, and rate it higher."""
    from scipy.sparse import csr_matrix

    rng = generator(0, "recommendation check")
    kind = np.arange(_USERS)[:, None] % 2 == np.arange(_ITEMS) % 2
    met = rng.random((_USERS, _ITEMS)) < np.where(kind, 0.45, 0.12)
    met[-2:] = False
    met[:, _COLD_ITEM] = False
    users, items = (each.astype(np.int32) for each in np.nonzero(met))
    noise = rng.standard_normal(len(users))
    stars = np.clip(np.round(3.0 + np.where(kind[met], 1.0, -1.0) + 0.7 * noise), 1, 5)
    about = np.eye(2)[np.arange(_ITEMS) % 2] + 0.1 * rng.random((_ITEMS, 2))
    return Interactions(users, items, stars if explicit else None, np.arange(len(users)) * 1.0,
                        _USERS, _ITEMS, csr_matrix(about), None, explicit)


def _kinds(model: Model) -> list[Interactions]:
    """Ratings, uses, or both, as the model learns from."""
    learns = model.learns if isinstance(model, Recommender) else "both"
    return [_interactions(explicit) for explicit, word in ((True, "ratings"), (False, "events"))
            if learns in (word, "both")]


def _state(model: Model, task: Task, data: Interactions, seed: int = 3) -> State:
    context = Context(rows=len(data), features=data.n_items, seed=seed)
    return model.state(model.build(task, context).fit(data), task, context)


def _answering(state: State) -> Any:
    return scorer(state)


@cache
def _fitted(model: Model, task: Task) -> list[Any]:
    return [_answering(_state(model, task, data)) for data in _kinds(model)]


def strangers_are_answered(model: Model, task: Task) -> None:
    """A user or an item that was not met in training still gets a number, and a list."""
    for answering in _fitted(model, task):
        users = np.array([-1, 0, -1, _COLD_USER, 0])
        items = np.array([0, -1, -1, 0, _COLD_ITEM])
        assert np.isfinite(answering.predict(users, items)).all(), "predict is not finite"
        assert np.isfinite(answering.scores(users)).all(), "scores are not finite"
        codes, _ = answering.top(np.array([-1, _COLD_USER]), 5)
        assert (codes >= 0).all(), "a stranger got no recommendations"


def ratings_stay_on_their_scale(model: Model, task: Task) -> None:
    """A rating outside the range that users can give is no rating."""
    for answering in _fitted(model, task):
        if answering.answers == "rating":
            users, items = np.divmod(np.arange(_USERS * _ITEMS), _ITEMS)
            found = answering.predict(users, items)
            assert found.min() >= 1 and found.max() <= 5, f"{found.min()}..{found.max()}"


def what_was_met_is_left_out(model: Model, task: Task) -> None:
    """Recommending what somebody has is the first thing that users complain of."""
    users = np.arange(_USERS)
    for answering in _fitted(model, task):
        codes, _ = answering.top(users, _ITEMS)
        for user in users:
            mine, seen = codes[user][codes[user] >= 0], answering.seen(user)
            assert not set(mine) & set(seen), f"user {user} was offered what they met"
            assert len(set(mine)) == len(mine) == _ITEMS - len(seen), "items lost or repeated"


def lists_follow_the_scores(model: Model, task: Task) -> None:
    """A list must be in order of the scores that the model gives, equal ones by code."""
    users = np.array([0, 3, -1, _COLD_USER])
    for answering in _fitted(model, task):
        scores = answering.scores(users)
        order = np.lexsort((np.tile(np.arange(_ITEMS), (len(users), 1)), -scores), axis=1)
        codes, values = answering.top(users, 6, seen=True)
        assert np.array_equal(codes, order[:, :6]), "not the best six in order"
        assert np.array_equal(values, np.take_along_axis(scores, order[:, :6], axis=1))


def it_beats_chance_or_is_the_baseline(model: Model, task: Task) -> None:
    """Users like their own kind: a recommender that learns must put it first.

    Of what users have not met, 4 in 10 items are of their own kind.
    """
    for answering in _fitted(model, task):
        if model.name in ("popularity", "bias"):
            continue
        users = np.arange(_USERS - 2)
        codes, _ = answering.top(users, 5)
        ours = codes % 2 == users[:, None] % 2
        assert ours.mean() > 0.6, f"only {ours.mean():.0%} of its lists are of the right kind"


def one_user_equals_the_batch(model: Model, task: Task) -> None:
    """What a user is told must not depend on who else asked."""
    for answering in _fitted(model, task):
        users = np.array([-1, *range(_USERS)])
        whole = answering.scores(users)
        single = np.concatenate([answering.scores(users[at:at + 1]) for at in range(len(users))])
        assert _near(single, whole), "scores depend on the batch"
        pairs = answering.predict(np.repeat(users, _ITEMS), np.tile(np.arange(_ITEMS), len(users)))
        told = np.clip(whole.ravel(), *((1, 5) if answering.answers == "rating" else (None, None)))
        assert _near(pairs, told), "predict and scores disagree"


def _near(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.abs(a - b).max() <= 1e-5 * max(1.0, float(np.abs(b).max())))


def the_order_of_rows_changes_nothing(model: Model, task: Task) -> None:
    """A table has no order: shuffled, it must give the same model, bit by bit."""
    for data in _kinds(model):
        shuffled = data.take(generator(1, "order").permutation(len(data)))
        assert same(_state(model, task, data), _state(model, task, shuffled)), "order counts"


def the_same_seed_gives_the_same_recommender(model: Model, task: Task) -> None:
    """A result that cannot be had again cannot be trusted."""
    for data in _kinds(model):
        assert same(_state(model, task, data), _state(model, task, data)), "two fits differ"


def a_round_trip_is_bit_equal(model: Model, task: Task) -> None:
    """A saved recommender must answer exactly as before."""
    users = np.array([-1, *range(_USERS)])
    for data in _kinds(model):
        state = _state(model, task, data)
        package = artifact.from_bytes(artifact.to_bytes({"task": task.name}, {"model": state}))
        loaded = package.states["model"]
        assert same(loaded, state), "the state came back altered"
        assert np.array_equal(_answering(loaded).scores(users),
                              _answering(state).scores(users))


def a_new_user_is_taken_in(model: Model, task: Task) -> None:
    """Someone who told what they like must get an answer without a new fit."""
    for data, answering in zip(_kinds(model), _fitted(model, task), strict=True):
        liked = np.array([0, 2, 4, 6, 8])
        values = np.full(5, 5.0) if data.explicit else None
        found = answering.scores_from(answering.fold_in(liked, values)[None])
        assert found.shape == (1, _ITEMS) and np.isfinite(found).all()
        if model.name not in ("popularity", "bias"):
            even, odd = np.arange(10, 58, 2), np.arange(11, 58, 2)
            assert found[0, even].mean() > found[0, odd].mean(), "a new user's taste is not met"
        nobody = answering.scores_from(answering.fold_in(np.array([], dtype=int))[None])
        assert np.isfinite(nobody).all(), "a user who told nothing got no answer"


def reasons_are_of_what_was_met(model: Model, task: Task) -> None:
    """"Because you liked ..." may only name what the user has met."""
    for answering in _fitted(model, task):
        for user, item in ((0, 2), (5, 7), (-1, 0), (0, -1), (_COLD_USER, 0)):
            found = answering.why(user, item, 3)
            assert len(found) <= 3
            assert {each for each, _ in found} <= set(answering.seen(user)) - {item}
            adds = [add for _, add in found]
            assert adds == sorted(adds, reverse=True) and np.isfinite(adds).all()


def it_learns_on(model: Model, task: Task) -> None:
    """New ratings, new users and new items are taken up, and nothing else is forgotten."""
    if not model.incremental:
        return
    for data in _kinds(model):
        context = Context(rows=len(data), features=data.n_items, seed=3)
        made = model.restore(_state(model, task, data), task, context)
        about = data.item_features[[0, *range(_ITEMS)]]
        new = replace(
            data, users=np.array([_USERS, _USERS, 0], dtype=np.int32),
            items=np.array([0, _ITEMS, _ITEMS], dtype=np.int32),
            values=np.array([5.0, 4.0, 5.0]) if data.explicit else None,
            times=np.array([1e4, 1e4, 1e4]), n_users=_USERS + 1, n_items=_ITEMS + 1,
            item_features=about)
        made.partial_fit(new)
        answering = _answering(model.state(made, task, context))
        assert (answering.n_users, answering.n_items) == (_USERS + 1, _ITEMS + 1)
        assert set(answering.seen(_USERS)) == {0, _ITEMS}
        assert len(answering.seen(1)) == (data.users == 1).sum(), "history was forgotten"
        assert np.isfinite(answering.scores(np.array([_USERS, 0, -1]))).all()
