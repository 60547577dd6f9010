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
    start = time.perf_counter()

    def fitted(name: str, seconds: float, **words: object) -> TabularPredictor:
        return TabularPredictor(
            order.target, problem_type=kind, eval_metric=metric,
            path=str(Path(order.folder) / name), verbosity=0,
        ).fit(train, presets=order.preset, time_limit=seconds, num_cpus=order.cores, **words)

    again = False
    try:
        predictor = fitted("whole", order.budget)
    except AssertionError:
        # Where its trial of stacking ends without a model, 1.6.3 stops with "Learner is already
        # fit". Its log names the way out, which a user would take with the time that is left.
        again = True
        left = order.budget - (time.perf_counter() - start)
        predictor = fitted("again", left, dynamic_stacking=False)
    seconds = time.perf_counter() - start
    board = predictor.leaderboard()
    best = board.iloc[0]
    path = Path(order.folder) / "deployed"
    small = predictor.clone_for_deployment(str(path), return_clone=True)
    small.persist()
    ask = small.predict_proba if order.classification else small.predict
    return Done(seconds, ask, named(small.class_labels or ()) if order.classification else [],
                path, __version__, -float(best["score_val"]), None,
                {"model": str(best["model"]), "fitted": len(board), "again": again})


if __name__ == "__main__":
    main(work)
