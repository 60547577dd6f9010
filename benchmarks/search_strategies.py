"""Search strategies at equal cost on real tables: what each finds, on rows that no search saw.

    python -m benchmarks.search_strategies pipelines             # four strategies over pipelines
    python -m benchmarks.search_strategies networks              # architecture search, random
    python -m benchmarks.search_strategies pictures              # the same of convolutional cells
    python -m benchmarks.search_strategies pipelines --cost 60 --seeds 5 --rows 3000 adult

Each strategy spends as much on trials, cross-validated in three folds on the fitting part of a
table: pipelines the same processor seconds, networks the same epochs of a fold (what a clock says
of either hangs on what else the machine does); its best configuration is refitted on that part and
scored on the rest. Log loss for classes, RMSE for numbers. Networks keep a limit of parameters.
The last table has the ratio to random search on the same table and seed, with a 95 % interval over
tables and seeds (t, of the logarithm). A run that is in the file of results is not repeated.
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
          "diamonds": "price", "letter_recognition": "lettr", "attrition": "Attrition",
          "fashion_mnist": "label"}
USUAL = {"pipelines": ["credit_data", "telco_churn", "spambase", "california_housing",
                       "ames_housing"],
         "networks": ["credit_data", "spambase", "california_housing"],
         "pictures": ["fashion_mnist"]}
STRATEGIES = {"pipelines": ["random", "genetic", "bayes", "asha"],
              "networks": ["random", "architecture"], "pictures": ["random", "architecture"]}
# What a search may spend unless said: processor seconds of pipelines, of networks the epochs of
# so many full trainings (54 on rows, 18 on pictures, in three folds).
COST = {"pipelines": 8.0, "networks": 6 * 54 * 3, "pictures": 3 * 18 * 3}
UNIT = {"pipelines": "processor seconds", "networks": "epochs of a fold",
        "pictures": "epochs of a fold"}
SEEDS, ROWS = {"pictures": 3}, {"pictures": 400}
# What a network may hold, and the epochs of a full training.
LIMIT, FULL = {"networks": 20_000, "pictures": 6_000}, {"networks": 54, "pictures": 18}
FOLDS = 3


def main() -> None:
    """Run what is missing, and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=list(STRATEGIES))
    parser.add_argument("tables", nargs="*")
    parser.add_argument("--cost", type=float,
                        help="what a search may spend: processor seconds, of networks epochs")
    parser.add_argument("--seeds", type=int, help="2 unless said, 3 of pictures")
    parser.add_argument("--rows", type=int, help="rows of the fitting part")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    given.cost = COST[given.what] if given.cost is None else given.cost
    given.seeds = given.seeds or SEEDS.get(given.what, 2)
    given.rows = given.rows or ROWS.get(given.what, 800)
    warnings.simplefilter("ignore")
    out = given.out or _tools.RESULTS / f"search_{given.what}.jsonl"
    done = {_key(row): row for row in _read(out)}
    for seed in range(given.seeds):
        for name in given.tables or USUAL[given.what]:
            for strategy in STRATEGIES[given.what]:
                asked = {"what": given.what, "table": name, "seed": seed, "strategy": strategy,
                         "rows": given.rows, "cost": given.cost}
                if _key(asked) not in done:
                    row = {**asked, **run(**asked)}
                    done[_key(row)] = row
                    with out.open("a") as file:
                        file.write(json.dumps(row) + "\n")
                    print(json.dumps(row), flush=True)
    rows = [row for row in done.values() if row["what"] == given.what
            and row["cost"] == given.cost and row["rows"] == given.rows]
    _tools.save(f"search_{given.what}", report(given, rows))


def _read(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    # Networks were once compared at equal processor seconds: such rows are no runs of this kind.
    return [{"cost": row.get("cpu") if row["what"] == "pipelines" else None, **row}
            for row in rows]


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("what", "table", "seed", "strategy", "rows", "cost"))


def run(what: str, table: str, seed: int, strategy: str, rows: int, cost: float
        ) -> dict[str, Any]:
    """One search, and what its choice is worth on the rows that it did not see."""
    from wholefit.training.trials import Here
    from wholefit.training.tuning import Setting
    from wholefit.training.tuning._ground import configured
    from wholefit.training.tuning.strategies import make

    base, space, test, schema, codec = _made(what, table, seed, rows, strategy)
    here, spent, trials, seconds = Here(base.problem), 0.0, 0, 0.0
    best, model = math.inf, next(iter(space.models.values()))
    asker = make(strategy, Setting(space, seed, base.folds, None,
                                   len(base.problem.plan.folds[0][0])))
    while spent < cost and (asked := asker.ask()) is not None:
        begun = time.process_time()
        tried = configured(space, asked.values, asked.share)
        try:
            loss, _ = base.losses(here.validate(tried, math.inf, asked.folds or base.folds), tried)
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
            loss = math.inf
        took = time.process_time() - begun
        epochs = (asked.folds or base.folds) * getattr(tried, "epochs", 0)
        spent, trials = spent + (took if what == "pipelines" else epochs), trials + 1
        seconds += took
        asker.tell(asked, loss, took)
        if asked.whole and loss < best:
            best, model = loss, tried
        base.problem.encoders.clear()
    answer = here.refit(model, schema, codec).answer(test)
    return {"trials": trials, "spent": round(spent, 2), "seconds": round(seconds, 2),
            "inside": best,
            "outside": _score(base, test, codec, answer), "model": model.name}


def _made(what: str, table: str, seed: int, rows: int, strategy: str) -> tuple[Any, ...]:
    """The ground of the search, its space, and the rows left out."""
    from wholefit import data, models
    from wholefit.api.fitting import choose_task
    from wholefit.base.budget import Budget, Clock
    from wholefit.training import Options
    from wholefit.training.nas import Asked
    from wholefit.training.tuning._ground import ground, space_for

    folder = _tools.data_folder() / table
    file = next(folder.glob("train-images*" if what == "pictures" else "data.*"))
    frame = data.read(file).frame.drop_nulls(TABLES[table])
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
    if what in LIMIT:
        # Random search trains each network to the end: what the shorter trainings must beat.
        fixed = {"epochs": FULL[what]} if strategy == "random" else None
        kind = "rows" if what == "networks" else "pictures"
        space = Asked(kind, parameters=LIMIT[what], given=fixed)(base, Clock(Budget()))
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
        f"{given.cost:g} {UNIT[given.what]} of trials for each search; scores (log loss, RMSE) of",
        "the refitted choice on up to 3,000 rows that no search saw, and the number of trials.",
        *_limit(given.what, rows), "",
        _tools.markdown(["table", "seed", *names], lines), "",
        "Ratio of those scores to random search's, below 1 is better:", "",
        _tools.markdown(["strategy", "mean ratio", "95 % interval", "better, same, worse"],
                        ratios), "",
        _tools.machine("wholefit", "scikit-learn", "lightgbm", "optuna", "torch")])


def _limit(what: str, rows: list[dict[str, Any]]) -> list[str]:
    """What networks had to keep, and the processor seconds that each search then took."""
    if what not in LIMIT:
        return []
    mean = {name: np.mean([row["seconds"] for row in rows if row["strategy"] == name])
            for name in STRATEGIES[what]}
    return [f"At most {LIMIT[what]:,} parameters; {FULL[what]} epochs are a full training, which "
            "random search", "gives each network. Processor seconds in the mean: "
            + ", ".join(f"{name} {value:.0f}" for name, value in mean.items()) + "."]


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
