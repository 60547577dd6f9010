"""mljar-supervised in its mode for competitions."""

from __future__ import annotations

import time
from pathlib import Path

from _common import Done, Order, main, named, split_target


def work(order: Order) -> Done:
    import supervised
    from supervised import AutoML

    X, y = split_target(order)
    path = Path(order.folder) / "models"
    start = time.perf_counter()
    automl = AutoML(mode="Compete", total_time_limit=int(order.budget), results_path=str(path),
                    eval_metric="logloss" if order.classification else "rmse",
                    random_state=order.seed, n_jobs=order.cores, verbose=0,
                    explain_level=0).fit(X, y)
    seconds = time.perf_counter() - start
    ask = automl.predict_proba if order.classification else automl.predict
    board = automl.get_leaderboard().sort_values("metric_value")
    classes = named(sorted(y.unique())) if order.classification else []
    return Done(seconds, ask, classes, path, supervised.__version__,
                float(board["metric_value"].iloc[0]), None, {"model": str(board["name"].iloc[0])})


if __name__ == "__main__":
    main(work)
