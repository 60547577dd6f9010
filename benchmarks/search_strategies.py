"""Search strategies at equal cost on real tables: what each finds, on rows that no search saw.

    python -m benchmarks.search_strategies pipelines             # four strategies over pipelines
    python -m benchmarks.search_strategies networks --cpu 20     # architecture search, random
    python -m benchmarks.search_strategies pipelines --cpu 60 --seeds 5 --rows 3000 adult

Each strategy spends the same processor seconds on trials (not wall seconds, which hang on what
else the machine does), cross-validated in three folds on the fitting part of a table; its best
configuration is refitted on that part and scored on the rest. Log loss for classes, RMSE for
numbers. The last table has the ratio to random search on the same table and seed, with a 95 %
interval over tables and seeds (t, of the logarithm). A run that is in the file of results is not
repeated.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _tools

TABLES = {"credit_data": "Status", "telco_churn": "churn", "spambase": "type",
          "california_housing": "MedHouseVal", "ames_housing": "Sale_Price", "adult": "income",
          "diamonds": "price", "letter_recognition": "lettr", "attrition": "Attrition"}
USUAL = {"pipelines": ["credit_data", "telco_churn", "spambase", "california_housing",
                       "ames_housing"],
         "networks": ["credit_data", "spambase", "california_housing"]}
STRATEGIES = {"pipelines": ["random", "genetic", "bayes", "asha"],
              "networks": ["random", "architecture"]}
FOLDS = 3


def main() -> None:
    """Run what is missing, and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=list(STRATEGIES))
    parser.add_argument("tables", nargs="*")
    parser.add_argument("--cpu", type=float, default=8.0, help="processor seconds of a search")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rows", type=int, default=800, help="rows of the fitting part")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    out = given.out or _tools.RESULTS / f"search_{given.what}.jsonl"
    done = {_key(row): row for row in _read(out)}
    for name in given.tables or USUAL[given.what]:
        for seed in range(given.seeds):
            for strategy in STRATEGIES[given.what]:
                asked = {"what": given.what, "table": name, "seed": seed, "strategy": strategy,
                         "rows": given.rows, "cpu": given.cpu}
                if _key(asked) not in done:
                    row = {**asked, **run(**asked)}
                    done[_key(row)] = row
                    with out.open("a") as file:
                        file.write(json.dumps(row) + "\n")
                    print(json.dumps(row), flush=True)
    rows = [row for row in done.values() if row["what"] == given.what
            and row["cpu"] == given.cpu and row["rows"] == given.rows]
    _tools.save(f"search_{given.what}", report(given, rows))


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("what", "table", "seed", "strategy", "rows", "cpu"))


def run(what: str, table: str, seed: int, strategy: str, rows: int, cpu: float
        ) -> dict[str, Any]:
    """One search, and what its choice is worth on the rows that it did not see."""
    from wholefit.training.trials import Here
    from wholefit.training.tuning import Setting
    from wholefit.training.tuning._ground import configured
    from wholefit.training.tuning.strategies import make

    base, space, test, schema, codec = _made(what, table, seed, rows, strategy)
    here, spent, trials = Here(base.problem), 0.0, 0
    best, model = math.inf, next(iter(space.models.values()))
    asker = make(strategy, Setting(space, seed, base.folds, None,
                                   len(base.problem.plan.folds[0][0])))
    while spent < cpu and (asked := asker.ask()) is not None:
        begun = time.process_time()
        tried = configured(space, asked.values, asked.share)
        try:
            loss, _ = base.losses(here.validate(tried, math.inf, asked.folds or base.folds), tried)
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
            loss = math.inf
        took = time.process_time() - begun
        spent, trials = spent + took, trials + 1
        asker.tell(asked, loss, took)
        if asked.whole and loss < best:
            best, model = loss, tried
        base.problem.encoders.clear()
    answer = here.refit(model, schema, codec).answer(test)
    return {"trials": trials, "spent": round(spent, 2), "inside": best,
            "outside": _score(base, test, codec, answer), "model": model.name}


def _made(what: str, table: str, seed: int, rows: int, strategy: str) -> tuple[Any, ...]:
    """The ground of the search, its space, and the rows left out."""
    from wholefit import data, models
    from wholefit.api.fitting import choose_task
    from wholefit.training import Options
    from wholefit.training.nas import Asked
    from wholefit.training.tuning._ground import ground, space_for

    folder = _tools.data_folder() / table
    frame = data.read(next(folder.glob("data.*"))).frame.drop_nulls(TABLES[table])
    order = np.random.default_rng(seed).permutation(len(frame))[:rows + 3000]
    whole = data.load(frame[order], target=TABLES[table])
    train, test = whole.take(np.arange(rows)), whole.take(np.arange(rows, len(whole)))
    task, _ = choose_task(whole, TABLES[table], None)
    linear = "logistic" if task.name == "classification" else "ridge"
    named = [models.make(each) for each in (
        linear, "knn", "decision_tree", "extra_trees(n_estimators=60)",
        "lightgbm(n_estimators=80)")]
    metric = "log_loss" if task.name == "classification" else "rmse"
    base = ground(train, task, Options(models=named, folds=FOLDS, metric=metric, seed=seed,
                                       checks=False))
    if what == "networks":
        # Random search trains each network to the end: what the shorter trainings must beat.
        fixed = {"epochs": 54} if strategy == "random" else None
        space = Asked("rows", parameters=20_000, given=fixed)(base)
    else:
        space = space_for(base, {"*": True, "encoding.degree": [1, 2],
                                 "encoding.rare": [0.0, 0.01, 0.05],
                                 "encoding.impute": ["median", "mean"],
                                 "encoding.scale": ["none", "standard", "robust"]})
    return base, space, test, whole.schema, base.stood.codec


def _score(base: Any, test: Any, codec: Any, answer: np.ndarray) -> float:
    from wholefit import evaluation

    metric = base.metric.name
    return float(evaluation.score(
        base.problem.task.name, test.target(codec), answer, metrics=[metric], level=None,
        positive=base.positive)[metric].value)


def report(given: argparse.Namespace, rows: list[dict[str, Any]]) -> str:
    """Both tables, with what they cover."""
    names = STRATEGIES[given.what]
    found = {(row["table"], row["seed"], row["strategy"]): row for row in rows}
    pairs = sorted({(row["table"], row["seed"]) for row in rows})
    pairs = [pair for pair in pairs if all((*pair, name) in found for name in names)]
    lines = [[table, str(seed), *(f"{found[table, seed, name]['outside']:.4g} "
                                  f"({found[table, seed, name]['trials']})" for name in names)]
             for table, seed in pairs]
    ratios = [[name, *_ratio([found[(*pair, name)]["outside"] / found[(*pair, "random")]["outside"]
                              for pair in pairs])] for name in names if name != "random"]
    return "\n".join([
        f"# Search strategies at equal cost: {given.what}", "",
        f"{len(pairs)} pairs of table and seed; {given.rows:,} rows to search on, {FOLDS} folds;",
        f"{given.cpu:g} processor seconds of trials for each search; scores (log loss, RMSE) of",
        "the refitted choice on up to 3,000 rows that no search saw, and the number of trials.", "",
        _tools.markdown(["table", "seed", *names], lines), "",
        "Ratio of those scores to random search's, below 1 is better:", "",
        _tools.markdown(["strategy", "mean ratio", "95 % interval", "better, same, worse"],
                        ratios), "",
        _tools.machine("wholefit", "scikit-learn", "lightgbm", "optuna", "torch")])


def _ratio(ratios: list[float]) -> Iterator[str]:
    from scipy import stats

    logs = np.log(ratios)
    yield f"{math.exp(logs.mean()):.4f}"
    if len(logs) < 2:
        yield "-"
    else:
        half = stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / math.sqrt(len(logs))
        yield f"{math.exp(logs.mean() - half):.4f} to {math.exp(logs.mean() + half):.4f}"
    better, worse = sum(ratio < 1 for ratio in ratios), sum(ratio > 1 for ratio in ratios)
    yield f"{better}, {len(ratios) - better - worse}, {worse}"


if __name__ == "__main__":
    main()
