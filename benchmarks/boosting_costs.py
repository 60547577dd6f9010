"""`python -m benchmarks.boosting_costs [tables]`: what a boosted model's settings cost and bring.

CatBoost's borders and joined categories, and columns of many categories as codes, as sets or as
statistics of the target. Each setting learns from at most 5,000 rows and is watched by a half of
as many others; the other half judges it. Costs are the processor's seconds of one thread, which
hardly hang on what else runs.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import polars as pl

from benchmarks import _tools
from benchmarks.default_tables import TABLES, table
from wholefit import models
from wholefit.base import tasks
from wholefit.data import loading
from wholefit.features.encoder import Encoder
from wholefit.models import Context

CHOSEN = ("attrition", "lending_club", "telco_churn", "adult", "spambase", "diamonds",
          "nycflights13")
_NUMBERS = {"diamonds": "price", "nycflights13": "arr_delay"}
_ROWS = 5_000
_CATBOOST = "catboost(n_estimators=300, learning_rate=0.1, early_stopping=30"
_LIGHTGBM = "lightgbm(n_estimators=600, learning_rate=0.08, max_leaf_nodes=31, early_stopping=40"
SETTINGS = {
    "CatBoost": f"{_CATBOOST})",
    "CatBoost, combinations=1": f"{_CATBOOST}, combinations=1)",
    "CatBoost, max_bins=128": f"{_CATBOOST}, max_bins=128)",
    "CatBoost, max_bins=64": f"{_CATBOOST}, max_bins=64)",
    "CatBoost, combinations=1, max_bins=128": f"{_CATBOOST}, combinations=1, max_bins=128)",
    "LightGBM, above 30 levels as codes": f"{_LIGHTGBM})",
    "LightGBM, all as sets": f"{_LIGHTGBM}, max_levels=100000)",
    "LightGBM, all as codes": f"{_LIGHTGBM}, categories='codes')",
}


def main(only: list[str]) -> None:
    """Every setting on every table; saved where all tables were asked for."""
    costs: dict[str, list[float]] = {name: [] for name in SETTINGS}
    losses: dict[str, list[float]] = {name: [] for name in SETTINGS}
    rows = []
    for name in only or CHOSEN:
        prepared = _Prepared(name)
        for setting, text in SETTINGS.items():
            seconds, rounds, loss = prepared.learnt(text)
            costs[setting].append(seconds)
            losses[setting].append(loss)
            rows.append([name, setting, f"{loss:.5g}", str(rounds), f"{seconds:.2f}"])
            print("  ".join(rows[-1]), flush=True)
    text = "\n".join([
        "# Boosting: what settings cost and bring", "",
        f"At most {_ROWS:,} rows learnt; loss (log loss, RMSE) of rows that neither taught nor",
        "stopped the model; processor seconds of one thread. Ratios to the first of each library",
        "are geometric means over the tables, with the least and the greatest.", "",
        _tools.markdown(["setting", "loss, ratio", "seconds, ratio"],
                        [[name, _ratio(losses, name), _ratio(costs, name)] for name in SETTINGS]),
        "", _tools.markdown(["table", "setting", "loss", "rounds", "seconds"], rows), "",
        _tools.machine("wholefit", "catboost", "lightgbm"),
    ])
    if only:
        print(text)
    else:
        _tools.save("boosting_costs", text)


class _Prepared:
    """A table as codes with gaps, cut into rows to learn from, to watch, and to be judged by."""

    def __init__(self, name: str) -> None:
        frame, target = table(name) if TABLES.get(name) else _other(name)
        learnt = min(_ROWS, len(frame) // 2)
        frame = frame.head(2 * learnt)
        task = "regression" if name in _NUMBERS else "classification"
        self.task = tasks.get(task)
        dataset = loading.dataset_of(frame, target=target, task=task)
        codec = self.task.codec(target, dataset.target_values())
        y = dataset.target(codec)
        parts = np.split(np.arange(len(y)), [learnt, learnt + (len(y) - learnt) // 2])
        encoder = Encoder(models.make("lightgbm").encoding(self.task)).fit(
            dataset, parts[0], y[parts[0]])
        self.X = [encoder.transform(dataset, part) for part in parts]
        self.y = [y[part] for part in parts]
        self.context = Context(learnt, self.X[0].shape[1], encoder.categorical,
                               len(getattr(codec, "classes", ())))

    def learnt(self, text: str) -> tuple[float, int, float]:
        """Processor seconds, rounds, and the loss of the rows that judge."""
        model = models.make(text)
        estimator = model.build(self.task, self.context)
        begun = time.process_time()
        estimator.fit(self.X[0], self.y[0], watch=(self.X[1], self.y[1], None))
        seconds = time.process_time() - begun
        rounds = int(estimator.curve_.argmin()) + 1
        answer = model.answer(estimator.cut(rounds), self.X[2], self.task, self.context)
        truth = self.y[2]
        if not self.context.n_classes:
            return seconds, rounds, float(np.sqrt(np.mean((answer - truth) ** 2)))
        return seconds, rounds, float(-np.log(answer[np.arange(len(truth)), truth]).mean())


def _other(name: str) -> tuple[pl.DataFrame, str]:
    frame = pl.read_parquet(_tools.data_folder() / name / "data.parquet").drop_nulls(_NUMBERS[name])
    return frame.sample(fraction=1.0, shuffle=True, seed=0), _NUMBERS[name]


def _ratio(found: dict[str, list[float]], name: str) -> str:
    first = next(other for other in SETTINGS if other.split(",")[0] == name.split(",")[0])
    ratio = np.array(found[name]) / np.array(found[first])
    return f"{np.exp(np.log(ratio).mean()):.3f} ({ratio.min():.3f} - {ratio.max():.3f})"


if __name__ == "__main__":
    main(sys.argv[1:])
