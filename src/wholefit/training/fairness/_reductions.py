"""Constrained training by reductions (Agarwal, Beygelzimer, Dudik, Langford, Wallach 2018).

Fairness as a game: one side learns a classifier from weighted rows, the other puts a price on
each group's departure from the common rate, by exponentiated gradient. Any learner that takes
weights can play. What is kept is the mixture of the classifiers met that errs least within the
bound (a linear programme over them); few of them have weight in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_STEP = 2.0


@dataclass(frozen=True)
class Constraint:
    """Rows of one event (all, or a true class) in one group, against all rows of the event."""

    inside: np.ndarray
    event: np.ndarray


def constraints(group: np.ndarray, yes: np.ndarray, goal: str) -> list[Constraint]:
    """What the goal asks, a group and event each; events without a row of a group are left out."""
    events = {"selection": [np.ones(len(yes), dtype=bool)], "opportunity": [yes],
              "odds": [yes, ~yes]}[goal]
    return [Constraint(event & (group == code), event) for event in events
            for code in range(int(group.max()) + 1) if (event & (group == code)).any()]


@dataclass(frozen=True)
class Mixture:
    """Indices of the classifiers that have weight, their weights, and how the game ended."""

    members: tuple[int, ...]
    weights: tuple[float, ...]
    rounds: int
    gap: float


def exponentiated_gradient(
    learn: Callable[[np.ndarray, np.ndarray], np.ndarray], group: np.ndarray, yes: np.ndarray,
    goal: str, bound: float, rounds: int, weights: np.ndarray | None = None,
) -> Mixture:
    """The mixture of classifiers that errs least with every group within `bound` of all.

    `learn(labels, weights)` fits a classifier to labels (n,) of 0 and 1 and gives its decisions
    on the same rows (n,); the k-th call is member k. `rounds` calls at most; it ends sooner once
    the mixture keeps the bound and no classifier could do better by a thousandth.
    """
    heavy = np.ones(len(yes)) if weights is None else weights
    heavy = heavy / heavy.sum()
    asked = constraints(group, yes, goal)
    pulls = np.stack([_pull(each, heavy) for each in asked])  # (c, n): departure = pulls @ said
    limit = 1 / bound
    theta = np.zeros(2 * len(asked))
    blame = heavy * np.where(yes, -1.0, 1.0)  # cost of saying 1 rather than 0
    said: list[np.ndarray] = []
    mixture = Mixture((), (), 0, np.inf)
    for number in range(rounds):
        top = max(0.0, theta.max())
        price = limit * np.exp(theta - top) / (np.exp(-top) + np.exp(theta - top).sum())
        cost = blame + (price[:len(asked)] - price[len(asked):]) @ pulls
        said.append(learn((cost < 0).astype(np.int32), np.abs(cost) * len(yes)).astype(float))
        departure = pulls @ said[-1]
        theta += _STEP / limit * (np.concatenate([departure, -departure]) - bound)
        if number % 5 == 4 or number == rounds - 1:
            mixture = _best(said, blame, pulls, bound, limit)
            if mixture.gap <= 1e-3 and number >= 9:
                break
    return mixture


def _pull(one: Constraint, heavy: np.ndarray) -> np.ndarray:
    """How each row's decision moves the group's rate from that of all rows of the event."""
    return np.asarray(one.inside * heavy / heavy[one.inside].sum()
                      - one.event * heavy / heavy[one.event].sum())


def _best(
    said: list[np.ndarray], blame: np.ndarray, pulls: np.ndarray, bound: float, limit: float
) -> Mixture:
    """The mixture of least error within the bound; what breaks it is paid `limit` times over.

    `gap` is how much the last classifier, the best answer to the present prices, would gain.
    """
    from scipy.optimize import linprog

    table = np.stack(said)
    errors, departures = table @ blame, pulls @ table.T
    count = len(said)
    upper = np.block([[departures, -np.ones((len(pulls), 1))],
                      [-departures, -np.ones((len(pulls), 1))]])
    solved = linprog(
        np.append(errors, limit), A_ub=upper, b_ub=np.full(2 * len(pulls), bound),
        A_eq=np.append(np.ones(count), 0.0)[None, :], b_eq=[1.0], bounds=[(0, None)] * (count + 1))
    share = np.clip(solved.x[:count], 0, None)
    prices = -solved.ineqlin.marginals[:len(pulls)] + solved.ineqlin.marginals[len(pulls):]
    last = errors[-1] + prices @ departures[:, -1]
    own = float(errors @ share + prices @ (departures @ share))
    members = np.flatnonzero(share > 1e-6)
    kept = share[members] / share[members].sum()
    broken = float(np.abs(departures @ share).max()) > bound + 1e-3
    gap = np.inf if broken else max(own - float(last), 0.0)
    return Mixture(tuple(map(int, members)), tuple(map(float, kept)), count, gap)


def settled(
    game: Mixture, chances: Sequence[np.ndarray], yes: np.ndarray,
    gap: Callable[[np.ndarray], float], bound: float,
) -> dict[int, float]:
    """The mixture without the lottery: members and weights whose mean, cut at a half, decides.

    What the game found holds for a lottery among its members; their mean need not keep the
    bound. So means on the way from the first, free classifier to the mixture, and each member
    alone, are tried on the rows at hand; of those whose gap is within twice the bound (or within
    half a point of the least there is) the one with most rows right is taken. `chances` (n,) are
    each classifier's probabilities, `gap` gives the gap of decisions.
    """
    mixture = dict(zip(game.members, game.weights, strict=True))
    tried: list[dict[int, float]] = [{member: 1.0} for member in (0, *game.members)]
    for share in np.linspace(0.1, 1, 10):
        blend = {member: share * weight for member, weight in mixture.items()}
        if share < 1:
            blend[0] = blend.get(0, 0.0) + 1 - share
        tried.append({member: float(weight) for member, weight in blend.items()})
    said = [np.asarray(sum(weight * chances[member] for member, weight in each.items())) >= 0.5
            for each in tried]
    gaps = np.nan_to_num(np.array([gap(each) for each in said]))
    near = gaps <= max(2 * bound, float(gaps.min()) + 0.005)
    right = np.array([float((each == yes).mean()) for each in said])
    return tried[int(np.where(near, right, -1.0).argmax())]
