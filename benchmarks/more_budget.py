"""`python -m benchmarks.more_budget`: after a doubling that helped, does the next one help?

The advice "more time" looks at what the later half of a search's models added to the ensemble of
the earlier half. Here the answers that `benchmarks.portfolio answer` keeps (PORTFOLIO_CACHE) are
taken in the order in which they would be tried: of each table the ensembles of the first n/2, n
and 2n configurations are held against each other row by row (`training.progress`, as in a fit).
Counted is how often the second doubling gained beyond chance, after a first one that did and
after one that did not. Points of one table are alike: intervals are by drawing tables again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks import _tools
from benchmarks.portfolio import _learn
from benchmarks.portfolio._tables import CHECKED_ON, LEARNT_FROM
from wholefit.training import portfolios
from wholefit.training.progress import Progress, progress

COUNTS = (4, 6, 8, 10, 12, 14)
MOST = 6  # members, as in preset "balanced"


@dataclass(frozen=True)
class Pair:
    """Two doublings of one table: up to n models, and up to 2n."""

    table: str
    models: int
    first: Progress
    second: Progress
    lift: float


def main() -> None:
    pairs = [pair for table in (*LEARNT_FROM, *CHECKED_ON)
             for board in [_learn.board(table)] if board is not None
             for pair in of_board(board, table.task)]
    if not pairs:
        raise SystemExit("no answers: run `python -m benchmarks.portfolio answer` first")
    tables = len({pair.table for pair in pairs})
    rows = [_row("the first doubling gained beyond chance", [p for p in pairs if p.first.grows]),
            _row("it made no difference beyond chance", [p for p in pairs if not p.first.grows])]
    _tools.save("more_budget", "\n".join([
        "# After a doubling of models that helped, does the next one?", "",
        f"{tables} tables of at most 2,500 rows, {len(pairs)} pairs of doublings (from n/2 to n",
        f"models and from n to 2n, n in {', '.join(map(str, COUNTS))}), ensembles of at most",
        f"{MOST} members, cross-fitted. Gains are shares of what all that was tried until then",
        "gained over the baseline; brackets are 95 % intervals by drawing tables again.", "",
        _tools.markdown(["of those where", "pairs", "tables", "the next one gained beyond chance",
                         "its mean gain", "the first one's mean gain"], rows), "",
        _tools.machine("wholefit", "lightgbm", "catboost", "xgboost-cpu", "scikit-learn"), "",
        "Made by `python -m benchmarks.more_budget`."]))


def of_board(board: _learn.Board, task: str) -> list[Pair]:
    """Every pair of doublings that the table's answers allow."""
    names = [name for name in portfolios.order(task, board.rows) if name in board.names]
    answers = {name: _shaped(board.answers[board.names.index(name)], task) for name in names}
    truth = np.ones(len(board.truth), dtype=int) if task == "classification" else board.truth
    found = []
    for models in COUNTS:
        if 2 * models > len(names):
            break
        told = [progress(answers, names[:count], truth, board.fold, task, most=MOST)
                for count in (models, 2 * models)]
        if told[0] is not None and told[1] is not None:
            found.append(Pair(board.name, models, told[0], told[1],
                              _lift(board, answers, names[:models], task)))
    return found


def _shaped(answer: np.ndarray, task: str) -> np.ndarray:
    """Kept of classes is the probability of the right one: (n, 2), the truth is always 1."""
    return np.column_stack([1 - answer, answer]) if task == "classification" else answer


def _lift(board: _learn.Board, answers: dict[str, np.ndarray], names: list[str], task: str
          ) -> float:
    """What the best of these models gains over the baseline, in the metric of `progress`."""
    def loss(answer: np.ndarray) -> float:
        if task == "classification":
            return float(-np.log(np.clip(answer, 1e-15, 1)).mean())
        return float(np.sqrt(np.mean((answer - board.truth) ** 2)))

    plain = [answers[name][:, 1] if task == "classification" else answers[name] for name in names]
    return max(loss(board.dummy) - min(map(loss, plain)), 1e-12)


def _row(words: str, pairs: list[Pair]) -> list[str]:
    if not pairs:
        return [words, "0", "0", "", "", ""]
    helped = np.array([pair.second.grows for pair in pairs], dtype=float)
    gain = np.array([pair.second.gain / pair.lift for pair in pairs])
    before = np.array([pair.first.gain / pair.lift for pair in pairs])
    return [words, str(len(pairs)), str(len({pair.table for pair in pairs})),
            *(_told(values, pairs) for values in (helped, gain, before))]


def _told(values: np.ndarray, pairs: list[Pair]) -> str:
    names = sorted({pair.table for pair in pairs})
    by_table = [values[[pair.table == name for pair in pairs]] for name in names]
    rng = np.random.default_rng(0)
    drawn = [np.concatenate([by_table[at] for at in rng.integers(0, len(names), len(names))]
                            ).mean() for _ in range(2000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{values.mean():.1%} [{low:.1%}, {high:.1%}]"


if __name__ == "__main__":
    main()
