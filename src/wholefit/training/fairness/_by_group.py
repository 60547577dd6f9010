"""A threshold for each group, so that groups are selected, or found, equally often.

The thresholds are plain: the same row always gets the same answer. (Hardt, Price and Srebro 2016
also draw lots, which equalises both error rates exactly, and lets two like people be answered
differently.)
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

GOALS = {
    "selection": "the outcome is predicted equally often in every group (demographic parity)",
    "opportunity": "of those who have the outcome, equally many are found in every group",
    "odds": "equally many are found, and equally many falsely, in every group (equalised odds)",
}
# Thresholds tried for each group, and common rates tried for all.
_STEPS = 100


def rates(said: np.ndarray, yes: np.ndarray, heavy: np.ndarray, goal: str) -> list[float]:
    """The rates that the goal wants equal, of one group."""
    def share(among: np.ndarray) -> float:
        total = float(heavy[among].sum())
        return float(heavy[among] @ said[among]) / total if total else np.nan

    if goal == "selection":
        return [share(np.ones(len(said), dtype=bool))]
    return [share(yes)] if goal == "opportunity" else [share(yes), share(~yes)]


def chosen(
    score: np.ndarray, yes: np.ndarray, group: np.ndarray, goal: str,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """The thresholds, one a group, that keep most rows right while the goal is met.

    `score` (n,) is the probability of the outcome, `yes` (n,) whether it is true, `group` (n,)
    codes from 0. Selection and opportunity are met as nearly as the scores allow: of all common
    rates the one with most rows right. Odds cannot be met by thresholds alone: what is kept
    highest is the share of right rows minus the larger gap.
    """
    heavy = np.ones(len(score)) if weights is None else weights
    parts = [np.flatnonzero(group == code) for code in range(int(group.max()) + 1)]
    if goal == "odds":
        return _odds(score, yes, heavy, parts)
    tables = [_common(score[rows], yes[rows], heavy[rows], goal) for rows in parts]
    right = np.sum([table[1] for table in tables], axis=0)
    best = int(right.argmax())
    return np.array([table[0][best] for table in tables])


def _common(
    score: np.ndarray, yes: np.ndarray, heavy: np.ndarray, goal: str
) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds that give each common rate in one group, and the weight of rows then right."""
    wanted = np.linspace(0, 1, 2 * _STEPS + 1)
    among = yes if goal == "opportunity" else np.ones(len(yes), dtype=bool)
    if not among.any():
        return np.full(len(wanted), 0.5), np.zeros(len(wanted))
    order = np.argsort(-score[among], kind="stable")
    ranked, share = score[among][order], np.cumsum(heavy[among][order])
    share = share / share[-1]
    # As many as the rate asks for are above the threshold; half way to the next score.
    place = np.searchsorted(share, wanted, side="left")
    upper = np.where(wanted <= 0, np.inf, ranked[np.minimum(place, len(ranked) - 1)])
    below = np.append(ranked[1:], ranked[-1] - 1e-9)[np.minimum(place, len(ranked) - 1)]
    cuts = np.where(np.isinf(upper), ranked[0] + 1e-9, (upper + below) / 2)
    return cuts, _right(score, yes, heavy, cuts)


def _right(
    score: np.ndarray, yes: np.ndarray, heavy: np.ndarray, cuts: np.ndarray
) -> np.ndarray:
    """The weight of rows that each threshold decides rightly."""
    order = np.argsort(score, kind="stable")
    worth = np.where(yes, 1.0, -1.0)[order] * heavy[order]
    lost = np.append(0.0, np.cumsum(worth))[np.searchsorted(score[order], cuts, side="left")]
    return np.asarray(float(heavy[yes].sum()) - lost)


def _odds(
    score: np.ndarray, yes: np.ndarray, heavy: np.ndarray, parts: list[np.ndarray]
) -> np.ndarray:
    """Coordinate ascent over each group's thresholds on share right minus the larger gap."""
    tables = [_table(score[rows], yes[rows], heavy[rows]) for rows in parts]
    total = float(heavy.sum())
    at = [int(np.abs(table[0] - 0.5).argmin()) for table in tables]

    def worth(group: int) -> np.ndarray:
        others = [(table[1][i], table[2][i]) for number, (table, i) in
                  enumerate(zip(tables, at, strict=True)) if number != group]
        own = tables[group]
        kept = sum(table[3][i] for number, (table, i) in
                   enumerate(zip(tables, at, strict=True)) if number != group)
        gap = np.zeros(len(own[0]))
        for column in (0, 1):
            known = [each[column] for each in others if np.isfinite(each[column])]
            if known and np.isfinite(own[1 + column]).all():
                gap = np.maximum(gap, np.maximum(own[1 + column], max(known))
                                 - np.minimum(own[1 + column], min(known)))
        return np.asarray((own[3] + kept) / total - gap)

    _climb(at, worth)
    return np.array([table[0][i] for table, i in zip(tables, at, strict=True)])


def _climb(at: list[int], worth: Callable[[int], np.ndarray]) -> None:
    """Move each coordinate to its best in turn, until none moves."""
    for _ in range(20):
        before = list(at)
        for group in range(len(at)):
            at[group] = int(worth(group).argmax())
        if at == before:
            return


def _table(
    score: np.ndarray, yes: np.ndarray, heavy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Thresholds of a group, with TPR, FPR and the weight of right rows at each."""
    cuts = np.unique(np.append(np.quantile(score, np.linspace(0, 1, _STEPS + 1)), [0.5, 1.1]))
    found = []
    for among in (yes, ~yes):
        order = np.argsort(score[among], kind="stable")
        below = np.append(0.0, np.cumsum(heavy[among][order]))
        place = np.searchsorted(score[among][order], cuts, side="left")
        found.append(1 - below[place] / below[-1] if below[-1] else np.full(len(cuts), np.nan))
    return cuts, found[0], found[1], _right(score, yes, heavy, cuts)
