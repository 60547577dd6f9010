"""Does the learnt order help? Tables left out of the learning, equal time, other orders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _tools
from benchmarks.portfolio import _learn
from benchmarks.portfolio._answers import FOLDS
from benchmarks.portfolio._tables import CHECKED_ON, LEARNT_FROM, Table
from wholefit.training import portfolios

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
_RANDOM = 10
# Regrets that differ by less are even.
_EVEN = 0.002
KEPT = Path(portfolios.__file__).with_name("learnt.json")
NOTES = """\
Regret: 0 where the greedy ensemble of what was finished is as good, on rows that chose none of
its weights, as that of all configurations; 1 where it is as bad as the baseline. Time is a share
of the processor seconds that all configurations take on that table; what does not fit into what
is left is passed over. 'left out': each table is judged by the order learnt from the others.
'other collection': tables of WHOLEFIT_DATA, from which nothing is learnt. 'merged': by the mean of
the places in the learnt order and in the one by hand. Differences: mean over tables with its 95 %
interval (Student's t over tables), and tables better and worse by over 0.002; below zero the order
by hand is worse. Two orders are tried against the one by hand in each task, so that one of four
seems better by chance more often than one interval says. Random: the mean over ten orders. Tables
were cut to at most 2,500 rows, so nothing is said of larger ones, whose order stays by hand."""


def make(keep: bool) -> None:
    """Print the comparison, keep it under results/; with `keep` the order goes into the package."""
    lines = ["# The learnt order of configurations against one by hand and random ones", ""]
    learnt: dict[str, dict[str, list[str]]] = {}
    used: dict[str, dict[str, Any]] = {}
    for task in ("classification", "regression"):
        known = [found for found in map(_learn.board, _of(LEARNT_FROM, task)) if found]
        checks = [found for found in map(_learn.board, _of(CHECKED_ON, task)) if found]
        if len(known) < 3:
            lines += [f"## {task}: {len(known)} tables answered; nothing is learnt below 3", ""]
            continue
        order = _learn.learn(known)
        said, word = _section(task, known, checks, order)
        lines += said
        used[task] = {"tables": [found.name for found in known], "kept": word, "order": order,
                      "processor_seconds": round(sum(float(b.seconds.sum()) for b in known))}
        if word != "by hand":
            # Tables were cut to fewer rows than a table of middle size has.
            learnt[task] = {"small": _final(task, order, word, portfolios.SIZES["small"])}
    lines += [NOTES, "", _tools.machine("wholefit", "lightgbm", "catboost", "xgboost-cpu",
                                        "scikit-learn", "torch"),
              "", "Made by `python -m benchmarks.portfolio learn`."]
    _tools.save("portfolio", "\n".join(lines))
    if keep:
        KEPT.write_text(json.dumps(_said(learnt, used), indent=1) + "\n")


def _final(task: str, order: list[str], word: str, rows: int) -> list[str]:
    """The order for the package; what the study did not try keeps its place in the one by hand."""
    hand = _learn.by_hand(task, rows)
    return _learn.merged(order, hand) if word == "merged" else [
        *order, *(name for name in hand if name not in order)]


def _of(tables: tuple[Table, ...], task: str) -> list[Table]:
    return [table for table in tables if table.task == task]


def _section(
    task: str, known: list[_learn.Board], checks: list[_learn.Board], order: list[str]
) -> tuple[list[str], str]:
    """The section's lines, and which of the orders was best on tables left out."""
    left_out = [(found, _learn.learn([other for other in known if other is not found]))
                for found in known]
    regrets = _regrets(task, left_out)
    word = _kept(regrets.mean(axis=0))
    lines = [f"## {task}", "", f"Learnt from {len(known)}: "
             + ", ".join(found.name for found in known) + ".", "",
             "The order: " + ", ".join(order[:20]) + ".", "",
             f"The order for the package: {word}.", "",
             f"### left out: {len(known)} tables", "", _table(regrets), ""]
    if checks:
        names = ", ".join(found.name for found in checks)
        lines += [f"### other collection: {names}", "",
                  _table(_regrets(task, [(found, order) for found in checks])), ""]
    return lines, word


def _kept(mean: np.ndarray) -> str:
    """The order by hand, unless another is better on tables left out by more than chance.

    `mean` (tables, 4): the regrets, as of `_regrets`, over all times.
    """
    for word, place in (("learnt", 0), ("merged", 1)):
        gap = mean[:, place] - mean[:, 2]
        if len(gap) > 1 and gap.mean() + _reach(gap) < 0:
            return word
    return "by hand"


def _regrets(task: str, pairs: list[tuple[_learn.Board, list[str]]]) -> np.ndarray:
    """(times, tables, 4): of the order learnt, of it merged with the one by hand, of that, random.

    `pairs` are tables, each with the order that is judged on it.
    """
    return np.array([[_four(task, found, order, share) for found, order in pairs]
                     for share in SHARES])


def _four(task: str, found: _learn.Board, order: list[str], share: float) -> list[float]:
    hand = _learn.by_hand(task, found.rows)
    told = [found.regret(_learn.within(found, each, share))
            for each in (order, _learn.merged(order, hand), hand)]
    rng = np.random.default_rng(0)
    chance = [found.regret(_learn.within(found, list(rng.permutation(found.names)), share))
              for _ in range(_RANDOM)]
    return [*told, float(np.mean(chance))]


def _table(regrets: np.ndarray) -> str:
    rows = []
    for said, told in (*zip((f"{share:.0%}" for share in SHARES), regrets, strict=True),
                       ("mean", regrets.mean(axis=0))):
        hand = told[:, 2]
        rows.append([said, *(f"{mean:.4f}" for mean in told.mean(axis=0)),
                     *(_interval(told[:, place] - hand) for place in (0, 1))])
    return _tools.markdown(
        ["time", "learnt", "merged", "by hand", "random", "learnt - by hand", "merged - by hand"],
        rows)


def _interval(gap: np.ndarray) -> str:
    if len(gap) < 2:
        return f"{gap.mean():+.4f}"
    reach = _reach(gap)
    better, worse = int((gap < -_EVEN).sum()), int((gap > _EVEN).sum())
    return (f"{gap.mean():+.4f} ({gap.mean() - reach:+.4f} to {gap.mean() + reach:+.4f}); "
            f"{better} better, {worse} worse")


def _reach(gap: np.ndarray) -> float:
    """Half the 95 % interval of the mean, by Student's t."""
    from scipy import stats

    return float(stats.t.ppf(0.975, len(gap) - 1) * gap.std(ddof=1) / np.sqrt(len(gap)))


def _said(learnt: dict[str, Any], used: dict[str, Any]) -> dict[str, Any]:
    return {
        "how": "greedy: at each step the configuration whose joining lowers the ensembles' mean "
               "regret most for its share of a table's processor seconds; weights judged on rows "
               "that did not choose them; that order, or it merged with the one by hand, is taken "
               "only where tables left out of the learning show it better by more than chance",
        "made_by": "python -m benchmarks.portfolio learn --keep",
        "folds": FOLDS, "most_rows": 2500,
        "versions": {name: _tools._version(name) for name in (
            "lightgbm", "catboost", "xgboost-cpu", "scikit-learn", "torch")},
        "learnt_from": used, "orders": learnt}
