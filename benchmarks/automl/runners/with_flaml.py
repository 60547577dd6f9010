"""FLAML with its defaults."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

from _common import Done, Order, main, named, split_target


def work(order: Order) -> Done:
    from flaml import AutoML, __version__

    X, y = split_target(order)
    metric = "log_loss" if order.classification else "rmse"
    start = time.perf_counter()
    automl = AutoML()
    automl.fit(X, y, task=order.task, metric=metric, time_budget=order.budget, seed=order.seed,
               n_jobs=order.cores, verbose=0)
    seconds = time.perf_counter() - start
    path = Path(order.folder) / "model.pkl"
    path.write_bytes(pickle.dumps(automl))
    ask = automl.predict_proba if order.classification else automl.predict
    return Done(seconds, ask, named(automl.classes_) if order.classification else [], path,
                __version__, float(automl.best_loss), None, {"model": str(automl.best_estimator)})


if __name__ == "__main__":
    main(work)
