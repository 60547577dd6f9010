"""`python -m benchmarks.bagging`: members of all rows beside the folds' models, and what is told.

Cross-validation scores one fold's model at a time; what answers are members learnt once more from
all rows. On drawn rows of every table `wf.fit(..., budget="6 trials")` makes its ensemble and says
what to expect of it (`result.expected`). Up to 4,000 other rows, which nothing saw, show what it
gains over the model of one fold, what the mean of all folds' models would have gained, and whether
the score and the expected score are true.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any
from unittest import mock

import numpy as np

from benchmarks import _tools
from benchmarks.default_tables import TABLES, table

SIZES = (500, 2000)
OUTER = 4000
_HALF = 1.959964


def judge(name: str, rows: int, draw: int, budget: str) -> dict[str, Any] | None:
    """One drawn table: gains told and true, as shares of the loss; gaps of both scores."""
    import wholefit as wf
    from wholefit.base.errors import WholefitWarning

    frame, target = table(name)
    frame = frame.sample(fraction=1.0, shuffle=True, seed=200 + draw).head(rows + OUTER)
    rows = min(rows, len(frame) * 2 // 3)
    here, outer = frame.head(rows), frame.tail(len(frame) - rows)
    if frame[target].n_unique() <= 50:
        counts = here[target].value_counts()
        known = counts.filter(counts["count"] >= 10)[target].implode()
        here, outer = (each.filter(each[target].is_in(known)) for each in (here, outer))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WholefitWarning)
        found = wf.fit(here, target=target, budget=budget, seed=draw, jobs=2)
        with mock.patch("wholefit.training.automl._whole.turns", lambda *_, **__: []):
            folded = wf.fit(here, target=target, budget=budget, seed=draw, jobs=2)
    if found.score.metric not in ("log_loss", "rmse") or "ensemble" not in found.lineage:
        return None
    whole, _ = _losses(found, outer, target)
    mean, alone = _losses(folded, outer, target)
    single = alone.mean(axis=0)
    power = 2 if found.score.metric == "rmse" else 1
    score, expected = (each.value**power for each in (found.score, found.expected))
    return {"rows": len(here), "models": len(alone), "loss": float(single.mean()),
            "true": float((single - whole).mean() / single.mean()),
            "mean": float((single - mean).mean() / single.mean()),
            "told": float(1 - expected / score),
            "gap": {"score": _gap(found.score, whole, power),
                    "expected": _gap(found.expected, whole, power)}}


def _losses(found: Any, outer: Any, target: str) -> tuple[np.ndarray, np.ndarray]:
    """Row losses of the whole ensemble (n,), and of each fold's models (folds, n)."""
    from wholefit.base.state import State
    from wholefit.data import conforming
    from wholefit.data.conform import Policies
    from wholefit.models import scorer

    fitted = found._fitted
    dataset = conforming(outer, fitted.schema, Policies.from_dict({}), True)
    truth = dataset.target(fitted.codec)
    state = fitted.state()

    def losses(members: list[int]) -> np.ndarray:
        config = {**state.config, "members": [state.config["members"][at] for at in members]}
        parts = {key: part for key, part in state.parts.items() if not key.startswith("model ")}
        parts |= {f"model {new}": state.parts[f"model {at}"] for new, at in enumerate(members)}
        answer = scorer(State("blend", config, parts=parts)).answer(dataset)
        if answer.ndim == 1:
            return (answer - truth) ** 2
        given = answer[np.arange(len(truth)), truth.astype(np.intp)]
        return -np.log(np.clip(given, np.finfo(float).eps, 1))

    every = list(range(len(state.config["members"])))
    folds = sorted({member.get("fold", 0) for member in state.config["members"]})
    return losses(every), np.stack([
        losses([at for at in every if state.config["members"][at].get("fold", 0) == fold])
        for fold in folds])


def _gap(told: Any, losses: np.ndarray, power: int) -> float:
    """(told - outer) / root of the sum of both squared standard errors."""
    outer = losses.mean() ** (1 / power)
    error = losses.std(ddof=1) / np.sqrt(len(losses)) / (power * outer ** (power - 1))
    return float((told.value - outer) / np.hypot((told.high - told.low) / (2 * _HALF), error))


def told(found: dict[str, dict[str, Any]]) -> str:
    """The study as Markdown."""
    lines = [[label, f"{each['rows']:,}", str(each["models"]), f"{each['true']:.2%}",
              f"{each['mean']:.2%}", f"{each['told']:.2%}", f"{each['gap']['score']:+.2f}",
              f"{each['gap']['expected']:+.2f}"] for label, each in found.items()]
    summary = []
    for which in ("score", "expected"):
        gaps = np.array([each["gap"][which] for each in found.values()])
        summary.append([which, str(len(gaps)), f"{gaps.mean():+.2f}",
                        f"{gaps.std(ddof=1) / np.sqrt(len(gaps)):.2f}", f"{gaps.std(ddof=1):.2f}",
                        f"{(abs(gaps) <= _HALF).mean():.0%}"])
    true, said, mean = (np.array([each[which] for each in found.values()])
                        for which in ("true", "told", "mean"))
    return "\n".join([
        "# Members of all rows beside the folds' models", "",
        __doc__.split("\n\n", 1)[1],
        f"In the mean over {len(found)} draws the gain was {true.mean():.2%} of the loss (log "
        f"loss, mean squared error), that of the mean of the folds' models {mean.mean():.2%} (the "
        f"better of the two in {(mean > true).mean():.0%} of the draws); told were "
        f"{said.mean():.2%}; more than was true was told in {(said > true).mean():.0%} "
        f"of the draws, by {np.maximum(said - true, 0).max():.2%} of the loss at most.", "",
        "(told - outer) / root of the sum of both squared errors; below 0 it flatters:", "",
        _tools.markdown(["told", "draws", "mean", "its error", "spread", "within 1.96"], summary),
        "", _tools.markdown(["table", "rows", "folds", "true gain", "of the folds' mean", "told",
                             "gap of the score", "gap of the expected"], lines), "",
        _tools.machine("wholefit", "lightgbm", "xgboost-cpu", "catboost")])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--tables", nargs="*", default=list(TABLES))
    asked.add_argument("--sizes", nargs="*", type=int, default=list(SIZES))
    asked.add_argument("--draws", type=int, default=2)
    asked.add_argument("--budget", default="6 trials")
    given = asked.parse_args()
    found = {}
    for draw in range(given.draws):
        for rows in given.sizes:
            for name in given.tables:
                one = judge(name, rows, draw, given.budget)
                if one is not None:
                    found[f"{name}, {rows:,} drawn, {draw}"] = one
                    print(name, rows, draw, one, flush=True)
    _tools.save("bagging", told(found))


if __name__ == "__main__":
    main()
