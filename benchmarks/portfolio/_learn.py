"""An order learnt from cached answers: at each step what lowers the ensembles' loss most a second.

As portfolios are built greedily for algorithm selection (Feurer et al. 2022, auto-sklearn 2.0)
and for tables (Salinas and Erickson 2024, TabRepo), with seconds in the denominator. All that is
chosen by rows, a weight in a mixture say, is judged on other rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from benchmarks.portfolio import _cache
from benchmarks.portfolio._answers import Cell
from benchmarks.portfolio._tables import Table
from wholefit.training import portfolios

Array = np.ndarray
# What beginning one more configuration costs beside its own seconds.
OVERHEAD = 0.2
_SHARES = np.array([0.1, 0.2, 0.35, 0.5, 0.75])
_MOST_ROWS = 1_200
_ROUNDS = 25
# Least scale of regrets, as a share of the baseline's loss.
_LEAST_SCALE = 0.1
# On fewer tables than this a gain says nothing.
_LEAST_TABLES = 3


@dataclass
class Board:
    """A table's cells: answers (m, n) by name, seconds (m,), folds (n,).

    `dear` names those that took too long: they have no answers there and add nothing. What is
    named in neither was not tried, and its worth there is unknown.
    """

    name: str
    names: list[str]
    answers: Array
    seconds: Array
    truth: Array
    fold: Array
    dummy: Array
    classes: int
    rows: int
    dear: tuple[str, ...] = ()
    floor: float = 0.0
    top: float = field(default=0.0)

    def losses(self, answers: Array) -> Array:
        """Loss of each row, of answers (..., n): minus the log of the share, or the square."""
        if self.classes:
            return -np.log(np.clip(answers, 1e-6, 1.0))
        return (answers - self.truth) ** 2

    def settle(self) -> Board:
        """With the losses of the baseline and of all cells together, the scale of regrets."""
        self.top = self._mean(self.losses(self.dummy))
        self.floor = self.loss(list(range(len(self.names))))
        return self

    @property
    def scale(self) -> float:
        """What there is to gain; where that is next to nothing, differences are chance."""
        return max(self.top - self.floor, _LEAST_SCALE * self.top)

    def regret(self, chosen: list[int]) -> float:
        """0 where the ensemble is as good as that of all cells, 1 as bad as the baseline."""
        if not chosen:
            return 1.0
        return float(np.clip((self.loss(chosen) - self.floor) / self.scale, -0.5, 1.0))

    def loss(self, chosen: list[int]) -> float:
        """Of the greedy ensemble of these cells; a fold's weights come from the other folds."""
        found = np.zeros(len(self.truth))
        for number in np.unique(self.fold):
            own = self.fold == number
            shares = self._greedy(self.answers[chosen][:, ~own], self.truth[~own])
            found[own] = shares @ self.answers[chosen][:, own]
        return self._mean(self.losses(found))

    def _greedy(self, answers: Array, truth: Array) -> Array:
        """Caruana's selection with replacement: shares (m,) of answers (m, n)."""
        def each(mixed: Array) -> Array:
            rows = (-np.log(np.clip(mixed, 1e-6, 1.0)) if self.classes
                    else (mixed - truth) ** 2)
            return np.asarray(rows.mean(axis=1))

        counts, total = np.zeros(len(answers)), np.zeros(answers.shape[1])
        best, kept = np.inf, counts
        for number in range(_ROUNDS):
            losses = each((total + answers) / (number + 1))
            taken = int(np.argmin(losses))
            counts[taken] += 1
            total += answers[taken]
            if losses[taken] < best - 1e-9:
                best, kept = float(losses[taken]), counts.copy()
            elif number > np.argmax(kept) + 5 and losses[taken] > best * 1.02:
                break
        return kept / kept.sum()

    def _mean(self, losses: Array) -> float:
        mean = float(losses.mean())
        return mean if self.classes else float(np.sqrt(mean))


def board(table: Table) -> Board | None:
    """The table's cells; None until every configuration has one, those for later apart."""
    known = _cache.candidates(table.task)
    paths = {name: _cache.path(table, name, found) for name, found in known.items()}
    if not all(path.exists() for name, path in paths.items() if name not in _cache.LATER):
        return None
    truth = _cache.truth(table)
    kept = {name: Cell.load(path) for name, path in paths.items() if path.exists()}
    cells = {name: cell for name, cell in kept.items() if not cell.dear}
    rows = np.random.default_rng(0).permutation(len(truth["y"]))[:_MOST_ROWS]
    answers = np.stack([cell.answer[rows] for cell in cells.values()])
    classes = int(truth["classes"])
    bad = ~np.isfinite(answers)
    answers = np.where(bad, truth["dummy"][rows], answers)
    return Board(
        table.name, list(cells), answers,
        np.array([cell.seconds for cell in cells.values()]) + OVERHEAD,
        truth["y"][rows].astype(np.float64), truth["fold"][rows], truth["dummy"][rows], classes,
        len(truth["y"]), tuple(name for name, cell in kept.items() if cell.dear)).settle()


class _Mixture:
    """A board's ensemble grown one configuration at a time, with what each other would add."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.halves = (board.fold % 2 == 0, board.fold % 2 == 1)
        self.mixed: list[Array] | None = None
        self.now = board.top

    def gains(self) -> tuple[Array, list[list[Array]]]:
        """How far each cell would lower the regret, (m,), and the mixtures it would give."""
        answers = self.board.answers
        total = np.zeros(len(answers))
        mixtures: list[list[Array]] = [[] for _ in answers]
        for place, half in enumerate(self.halves):
            if self.mixed is None:
                tried = answers[None]
            else:
                shares = _SHARES[:, None, None]
                tried = np.concatenate(
                    [(1 - shares) * self.mixed[place] + shares * answers, answers[None]])
            rows = self.board.losses(tried)
            picked = rows[:, :, ~half].mean(axis=2).argmin(axis=0)
            for cell, share in enumerate(picked):
                total[cell] += rows[share, cell, half].sum()
                mixtures[cell].append(tried[share, cell])
        loss = total / len(self.board.truth)
        if not self.board.classes:
            loss = np.sqrt(loss)
        return (self.now - loss) / self.board.scale, mixtures

    def take(self, cell: int, gains: Array, mixtures: list[list[Array]]) -> None:
        """Grow by that cell, where it helps."""
        if gains[cell] > 0:
            self.now -= gains[cell] * self.board.scale
            self.mixed = mixtures[cell]


def learn(boards: list[Board], most: int = 40) -> list[str]:
    """Names in the order of mean gain per share of a table's seconds."""
    mixtures = [_Mixture(found) for found in boards]
    names = _known(boards)
    shares = {name: float(np.mean([
        found.seconds[found.names.index(name)] / found.seconds.sum()
        for found in boards if name in found.names])) for name in names}
    order: list[str] = []
    while len(order) < min(most, len(names)):
        told = [mixture.gains() for mixture in mixtures]
        mean = {name: _mean_gain(name, boards, [gains for gains, _ in told])
                for name in names if name not in order}
        best = max(mean, key=lambda name: (mean[name] / shares[name], -shares[name]))
        order.append(best)
        for mixture, (gains, made) in zip(mixtures, told, strict=True):
            if best in mixture.board.names:
                mixture.take(mixture.board.names.index(best), gains, made)
    return order + [name for name in names if name not in order]


def _mean_gain(name: str, boards: list[Board], gains: list[Array]) -> float:
    """Over the tables where it was tried; none where it was too dear."""
    return float(np.mean([
        max(gain[found.names.index(name)], 0.0) if name in found.names else 0.0
        for found, gain in zip(boards, gains, strict=True)
        if name in found.names or name in found.dear]))


def _known(boards: list[Board]) -> list[str]:
    """Names of what was tried on tables enough, and finished on one at least."""
    tried = Counter(name for found in boards for name in (*found.names, *found.dear))
    finished = {name for found in boards for name in found.names}
    return sorted(name for name in finished
                  if tried[name] >= min(_LEAST_TABLES, len(boards)))


def by_hand(task: str, rows: int) -> list[str]:
    """The hand-made order for a table of so many rows."""
    return list(portfolios.by_hand()["orders"][task][portfolios.size_of(rows)])


def merged(learnt: list[str], hand: list[str]) -> list[str]:
    """Both orders by the mean of their places.

    What the study has not tried keeps its place in the order by hand; what that left out, mostly
    weak models that cost next to nothing, counts as its last.
    """
    def place(name: str) -> float:
        by_hand = hand.index(name) if name in hand else len(hand)
        return (learnt.index(name) + by_hand) / 2 if name in learnt else float(by_hand)

    return sorted(dict.fromkeys([*learnt, *hand]), key=place)


def within(board: Board, order: list[str], share: float) -> list[int]:
    """Cells that `order` finishes in this share of the time that all take; dear ones are passed."""
    left = share * board.seconds.sum()
    chosen = []
    for name in order:
        if name in board.names:
            cell = board.names.index(name)
            if board.seconds[cell] <= left:
                left -= board.seconds[cell]
                chosen.append(cell)
    return chosen
