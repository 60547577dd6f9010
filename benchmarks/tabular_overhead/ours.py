"""The same job in wholefit.

Usage: ours.py FILE TARGET MODEL   (MODEL: linear, forest, lightgbm)
"""

from __future__ import annotations

import resource
import sys
import warnings

import wholefit as wf

# The hand-written script takes its libraries' defaults; here they are said, where ours differ.
MODELS = {
    "forest": "random_forest(n_estimators=100, min_samples_leaf=1)",
    "lightgbm": "lightgbm(n_estimators=500, learning_rate=0.1, max_leaf_nodes=31)",
}


def main(path: str, target: str, model: str, kind: str) -> None:
    warnings.simplefilter("ignore")
    linear = "logistic" if kind == "classification" else "ridge"
    result = wf.fit(path, target=target, task=kind, models=MODELS.get(model, linear), folds=5,
                    jobs=2, budget="1h", choose="best")
    print(f"score={result.score.value}")


if __name__ == "__main__":
    main(*sys.argv[1:5])
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"cpu={used.ru_utime + used.ru_stime}")
    print(f"peak={used.ru_maxrss / 1024}")
