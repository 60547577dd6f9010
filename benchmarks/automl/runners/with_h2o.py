"""H2O AutoML in a Java process on this machine."""

from __future__ import annotations

import time
from pathlib import Path

from _common import Done, Order, main, named


def work(order: Order) -> Done:
    import h2o
    from h2o.automl import H2OAutoML

    h2o.init(nthreads=order.cores, max_mem_size="8G", log_level="FATA")
    h2o.no_progress()
    start = time.perf_counter()
    train = h2o.import_file(order.train)
    if order.classification:
        train[order.target] = train[order.target].asfactor()
    metric = "logloss" if order.classification else "RMSE"
    automl = H2OAutoML(max_runtime_secs=max(1, round(order.budget)), seed=order.seed + 1,
                       sort_metric=metric, verbosity=None)
    automl.train(y=order.target, training_frame=train)
    seconds = time.perf_counter() - start
    leader = automl.leader
    path = Path(h2o.save_model(leader, path=order.folder, force=True))
    classes = named(train[order.target].levels()[0]) if order.classification else []

    def answer(frame):
        found = leader.predict(h2o.H2OFrame(frame)).as_data_frame()
        return found.iloc[:, 1:] if order.classification else found["predict"]

    board = automl.leaderboard.as_data_frame()
    return Done(seconds, answer, classes, path, h2o.__version__,
                float(board[metric.lower()].iloc[0]), None, {"model": leader.model_id})


if __name__ == "__main__":
    main(work)
