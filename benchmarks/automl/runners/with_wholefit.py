"""wholefit: one call with a budget, and nothing else said."""

from __future__ import annotations

import time
from pathlib import Path

from _common import Done, Order, main, named


def work(order: Order) -> Done:
    import wholefit as wf

    words = {} if order.preset == "default" else {"preset": order.preset}
    start = time.perf_counter()
    result = wf.fit(order.train, target=order.target, task=order.task, seed=order.seed,
                    budget=f"{order.budget:g}s", jobs=order.cores, **words,
                    metric="log_loss" if order.classification else "rmse")
    seconds = time.perf_counter() - start
    path = Path(order.folder) / "model.wf"
    result.save(path)
    loaded = wf.load(path)
    score = result.expected
    ask = loaded.predict_proba if order.classification else loaded.predict

    def answer(frame):
        found = ask(frame)
        return found.iloc[:, -len(loaded.classes):] if order.classification else found["prediction"]

    return Done(
        seconds, answer, named(loaded.classes or ()), path, wf.__version__,
        float(score.value), float(score.high - score.low) / (2 * 1.959964),
        {"model": result.model, "one_fold": float(result.score.value),
         "scored": sum(bool(row.scores) for row in result.leaderboard),
         "how": score.how, "warnings": list(result.warnings)[:5]})


if __name__ == "__main__":
    main(work)
