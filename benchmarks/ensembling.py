"""`python -m benchmarks.ensembling`: what ensembles gain, and whether their scores are true.

For every table and number of rows: members are cross-validated on that many rows, and the mean
of a member's fold models answers all other rows (up to 4,000), which no part of anything saw.
That is done once and kept (in the folder `--cache`; give it again and a run goes on where it
stopped). Then every way to combine the members is learnt from the out-of-fold answers and judged
on the outer rows: quality, and honesty (reported loss against the outer one).
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _tools
from benchmarks.default_tables import TABLES, table

CLASSES = (
    "dummy", "logistic(C=1.0)", "logistic(C=0.03)", "gaussian_nb", "knn(k=15)",
    "random_forest(n_estimators=100)", "extra_trees(n_estimators=100)",
    "extra_trees(n_estimators=100, min_samples_leaf=3, max_features=0.5)",
    "lightgbm(n_estimators=100, max_leaf_nodes=15)",
    "lightgbm(n_estimators=200, max_leaf_nodes=7, max_features=0.5)",
    "lightgbm(n_estimators=300, max_leaf_nodes=31, learning_rate=0.1)",
    "xgboost(n_estimators=100, max_depth=4)",
    "xgboost(n_estimators=200, max_depth=3, subsample=0.7)",
    "catboost(n_estimators=150)", "hist_gradient_boosting",
)
NUMBERS = (
    "dummy", "ridge(alpha=1.0)", "ridge(alpha=100.0)", "knn(k=5)", "knn(k=15)",
    *(name for name in CLASSES if name.partition("(")[0] in (
        "random_forest", "extra_trees", "lightgbm", "xgboost", "catboost",
        "hist_gradient_boosting")),
)
SIZES = (300, 1000, 3000)
OUTER = 4000
FOLDS = 5


def make(name: str, rows: int, draw: int, folder: Path) -> Path:
    """The answers of all members on one drawn table, kept as a file."""
    from wholefit import data
    from wholefit.base import tasks
    from wholefit.data import splits

    path = folder / f"{name}-{rows}-{draw}.npz"
    if path.exists():
        return path
    frame, target = table(name)
    frame = frame.sample(fraction=1.0, shuffle=True, seed=100 + draw).head(rows + OUTER)
    if frame[target].n_unique() <= 50:
        counts = frame.head(rows)[target].value_counts()
        frame = frame.filter(frame[target].is_in(
            counts.filter(counts["count"] >= 2 * FOLDS)[target].implode()))
    whole = data.dataset_of(frame, target=target)
    task, _ = tasks.infer(data.target_facts(whole.frame, target))
    codec = task.codec(target, whole.target_values(), None)
    y = whole.target(codec)
    rows = min(rows, len(y) * 3 // 4)
    plan = splits.kfold(whole.take(np.arange(rows)), y[:rows], folds=FOLDS, repeats=1, seed=draw,
                        stratify=task.stratified)
    made = _members(whole, task, y, len(getattr(codec, "classes", ())), plan, rows)
    fold = np.full(rows, -1, dtype=np.int8)
    for number, (_, test) in enumerate(plan.folds):
        fold[test] = number
    np.savez_compressed(path.with_suffix(".tmp.npz"), truth=y, fold=fold, rows=rows,
                        task=task.name, **made)
    path.with_suffix(".tmp.npz").rename(path)
    return path


def _members(whole: Any, task: Any, y: Any, classes: int, plan: Any, rows: int) -> dict[str, Any]:
    from wholefit import models
    from wholefit.features.encoder import Encoder
    from wholefit.models._model import Context

    names = CLASSES if classes else NUMBERS
    shape = (len(y), classes) if classes else (len(y),)
    oof, outer = {name: np.zeros(shape) for name in names}, np.arange(rows, len(y))
    columns = None
    for train, test in plan.folds:
        encoders: dict[Any, tuple[Any, ...]] = {}
        for name in names:
            model = models.make(name)
            encoding = model.encoding(task)
            if encoding not in encoders:
                encoder = Encoder(encoding, (), seed=0).fit(whole, train, y[train])
                encoders[encoding] = encoder, encoder.transform_training(whole, train), (
                    encoder.transform(whole, test)), encoder.transform(whole, outer)
            encoder, X, X_test, X_outer = encoders[encoding]
            context = Context(rows=X.shape[0], features=X.shape[1], n_classes=classes,
                              categorical=encoder.categorical, spans=encoder.spans)
            estimator = model.build(task, context)
            estimator.fit(X, y[train])
            oof[name][test] = model.answer(estimator, X_test, task, context)
            oof[name][outer] += model.answer(estimator, X_outer, task, context) / FOLDS
            if name == names[-1] and columns is None and not hasattr(X, "indptr"):
                columns = np.asarray(encoder.transform(whole, None), dtype=np.float32)
    return {"labels": np.array(names), "answers": np.stack(
        [oof[name] for name in names]).astype(np.float32),
        "columns": np.zeros((len(y), 0)) if columns is None else columns}


def judge(path: Path) -> dict[str, Any]:
    """Every way to combine one table's members: outer loss, and reported loss with its error."""
    from wholefit.training.ensembling import Pool, blend, layer, mixed, stacked

    kept = np.load(path)
    rows, labels = int(kept["rows"]), [str(name) for name in kept["labels"]]
    answers = {name: np.asarray(each, np.float64)
               for name, each in zip(labels, kept["answers"], strict=True)}
    truth, task = kept["truth"], str(kept["task"])
    here = {name: each[:rows] for name, each in answers.items()}
    outer = {name: each[rows:] for name, each in answers.items()}
    pool = Pool(here, truth[:rows], kept["fold"], task=task)
    unseen = Pool(outer, truth[rows:], np.zeros(len(truth) - rows, np.int8), task=task)
    every, out = np.arange(rows), np.arange(len(truth) - rows)
    alone = sorted(labels, key=lambda name: pool.rowwise(here[name], every).mean())
    plain, bags, calibrated = blend(pool, calibrate=False), blend(pool, calibrate=False,
                                                                  bags=20), blend(pool)
    second = layer(pool)
    deep = blend(Pool({**here, **{each.label: each.answer for each in second}}, pool.truth,
                      pool.fold, task=task), calibrate=False)
    guarded = stacked(pool)
    both = {**outer, **{each.label: each.predict(outer) for each in second}}
    linear = second[0]

    def made(found: Any) -> Any:
        return mixed(both, found.shares, found.temperature, found.line, found.bounds)

    means = {name: {each: 1 / len(chosen) for each in chosen} for name, chosen in (
        ("best single", alone[:1]), ("mean of all", labels), ("mean of best 5", alone[:5]))}
    ways = {name: mixed(outer, shares, bounds=pool.bounds) for name, shares in means.items()}
    few = {f"greedy, at most {most}": made(blend(pool, calibrate=False, most=most))
           for most in (2, 3, 6)}
    ways |= {"greedy": made(plain), **few, "bagged greedy": made(bags),
             "greedy, calibrated": made(calibrated), "linear stack alone": both[linear.label],
             "both layers": made(deep), "both layers, guarded": made(guarded)}
    base = unseen.rowwise(outer["dummy"], out).mean()
    told = {"cross-fitted": (pool.rowwise(calibrated.answer, every), ways["greedy, calibrated"]),
            "weights' own rows": (pool.rowwise(mixed(here, plain.shares, bounds=pool.bounds),
                                               every), ways["greedy"]),
            "best single": (pool.rowwise(mixed(here, means["best single"], bounds=pool.bounds),
                                         every), ways["best single"])}
    return {
        "table": path.stem, "rows": rows, "task": task,
        "loss": {name: float(unseen.rowwise(answer, out).mean() / base)
                 for name, answer in ways.items()},
        "gap": {name: _gap(losses, unseen.rowwise(answer, out))
                for name, (losses, answer) in told.items()},
        "layer": len(guarded.layer), "calibrated": bool(calibrated.said),
        "single leads": bool(told["best single"][0].mean() < told["cross-fitted"][0].mean())}


def _gap(reported: Any, outer: Any) -> float:
    """(reported - outer) / root of the sum of both squared standard errors."""
    errors = [each.std(ddof=1) / np.sqrt(len(each)) for each in (reported, outer)]
    return float((reported.mean() - outer.mean()) / max(np.hypot(*errors), 1e-300))


def told(found: list[dict[str, Any]]) -> str:
    """The tables of a finished study, as Markdown."""
    names = list(found[0]["loss"])
    sizes = sorted({each["rows"] // 100 * 100 for each in found})
    quality = []
    for size in [*sizes, None]:
        some = [each for each in found if size in (None, each["rows"] // 100 * 100)]
        for name in names:
            logs = np.array([np.log(each["loss"][name] / each["loss"]["greedy"]) for each in some])
            quality.append([
                "all" if size is None else f"about {size:,}", str(len(some)), name,
                f"{100 * np.median(logs):+.2f} %", f"{100 * logs.mean():+.2f} %",
                f"{100 * logs.std(ddof=1) / np.sqrt(len(logs)):.2f}" if len(logs) > 1 else "-",
                f"{(logs < -1e-9).sum()} / {(logs > 1e-9).sum()}"])
    honest = []
    for name in found[0]["gap"]:
        gaps = np.array([each["gap"][name] for each in found])
        honest.append([name, str(len(gaps)), f"{gaps.mean():+.2f}",
                       f"{gaps.std(ddof=1):.2f}" if len(gaps) > 1 else "-",
                       f"{100 * (abs(gaps) <= 1.96).mean():.0f} %",
                       f"{100 * (gaps < -1.96).mean():.0f} %"])
    return "\n".join([
        "# Ways to combine models, judged on rows that nothing saw", "",
        f"{len(found)} drawn tables; {FOLDS}-fold out-of-fold answers of {len(CLASSES)} models (of",
        f"numbers {len(NUMBERS)}), up to {OUTER:,} outer rows each. Loss: log loss or squared",
        "error as a share of the baseline's; differences from greedy selection in per cent of it,",
        "lower is better; 'better / worse' counts tables.", "",
        _tools.markdown(["rows", "tables", "way", "median", "mean", "its error",
                         "better / worse"], quality), "",
        *_leads(found), "",
        f"The guard kept the second layer on {sum(each['layer'] > 0 for each in found)} tables; "
        f"calibration was kept on {sum(each['calibrated'] for each in found)}.", "",
        "## Is the reported score true?", "",
        "(reported - outer loss) / root of the sum of both squared standard errors. Below 0 the",
        "report flatters. Outer answers are means of five fold models, what was cross-validated is",
        "one of them: that alone would put the mean a little above 0. The tables are drawn from",
        "the same few sources, so they are fewer than they seem.", "",
        _tools.markdown(["reported from", "tables", "mean", "spread", "within 1.96",
                         "flatters by more"], honest), "",
        _tools.machine("numpy", "scikit-learn", "lightgbm", "xgboost-cpu", "catboost")])


def _leads(found: list[dict[str, Any]]) -> list[str]:
    """What to answer with where one model's cross-validated loss is below the ensemble's."""
    logs = np.array([np.log(each["loss"]["best single"] / each["loss"]["greedy"])
                     for each in found if each["single leads"]])
    if not len(logs):
        return []
    return [f"On {len(logs)} tables one model's out-of-fold loss was below the cross-fitted one of "
            f"the ensemble; on the outer rows its loss was {100 * logs.mean():+.1f} % of the "
            f"ensemble's on the mean, and below it on {int((logs < -1e-9).sum())}: the lead of one "
            "model, picked as the best of many, is mostly luck."]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--cache", type=Path, required=True)
    asked.add_argument("--tables", nargs="*", default=[n for n in TABLES if n != "fars_injury"])
    asked.add_argument("--sizes", nargs="*", type=int, default=list(SIZES))
    asked.add_argument("--draws", type=int, default=1)
    asked.add_argument("--only-judge", action="store_true", help="judge what is kept already")
    given = asked.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    wanted = [(draw, rows, name) for draw in range(given.draws) for rows in given.sizes
              for name in given.tables]
    for draw, rows, name in [] if given.only_judge else wanted:
        start = time.perf_counter()
        make(name, rows, draw, given.cache)
        print(name, rows, draw, f"{time.perf_counter() - start:.1f} s", flush=True)
    paths = sorted(path for path in given.cache.glob("*.npz") if ".tmp" not in path.name)
    _tools.save("ensembling", told([judge(path) for path in paths]))


if __name__ == "__main__":
    main()
