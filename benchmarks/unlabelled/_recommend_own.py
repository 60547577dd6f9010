"""One of our recommenders in a fresh process: the same exchange files as `_recommend_peer`.

    python -m benchmarks.unlabelled._recommend_own MODEL IN.npz OUT.npz
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from wholefit import models
from wholefit.base import tasks
from wholefit.models import Context
from wholefit.models._recommend.base import merged


def main() -> None:
    text, source, out = sys.argv[1:4]
    data = dict(np.load(source))
    task, model = tasks.get("recommendation"), models.make(text)
    explicit = "values" in data
    shape = (int(data["shape"][0]), int(data["shape"][1]))
    made = merged(data["users"], data["items"], data.get("values"), n_users=shape[0],
                  n_items=shape[1], explicit=explicit)
    few = np.arange(min(len(made), 200))
    context = Context(len(made), shape[1], jobs=2)
    model.build(task, context).fit(made.take(few))  # imports apart, as in the peer's process
    start = time.perf_counter()
    estimator = model.build(task, context).fit(made)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answering = models.scorer(model.state(estimator, task, context))
    found = (answering.predict(data["test_users"], data["test_items"]) if explicit
             else answering.top(np.arange(shape[0]), 10)[0])
    np.savez(out, seconds=seconds, found=found, peak=peak)


if __name__ == "__main__":
    main()
