"""AutoGluon tabular with a preset; it answers from the copy that its manual makes to deploy."""

from __future__ import annotations

import time
from pathlib import Path

from _common import Done, Order, main, named


def work(order: Order) -> Done:
    from autogluon.common import __version__
    from autogluon.tabular import TabularDataset, TabularPredictor

    train = TabularDataset(order.train)
    metric = "log_loss" if order.classification else "root_mean_squared_error"
    kind = "regression" if not order.classification else (
        "binary" if len(order.classes) == 2 else "multiclass")
    # Classes are counted in the rows to fit on, of which the outer part may have more.
    start = time.perf_counter()
    predictor = TabularPredictor(
        order.target, problem_type=kind, eval_metric=metric,
        path=str(Path(order.folder) / "whole"), verbosity=0,
    ).fit(train, presets=order.preset, time_limit=order.budget, num_cpus=order.cores)
    seconds = time.perf_counter() - start
    board = predictor.leaderboard()
    best = board.iloc[0]
    path = Path(order.folder) / "deployed"
    small = predictor.clone_for_deployment(str(path), return_clone=True)
    small.persist()
    ask = small.predict_proba if order.classification else small.predict
    return Done(seconds, ask, named(small.class_labels or ()) if order.classification else [],
                path, __version__, -float(best["score_val"]), None,
                {"model": str(best["model"]), "fitted": len(board)})


if __name__ == "__main__":
    main(work)
