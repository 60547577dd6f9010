"""One table beside lime, in the peer's own environment: `python _lime_beside.py CASE`, as JSON.

Both sides explain the same rows of the same forest, row by row in turns, under two seeds. Fidelity
is R2 on fresh points: of lime, of its own sampler and kernel under another seed.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

import numpy as np
import polars as pl


def main(case: dict[str, Any]) -> None:
    warnings.simplefilter("ignore")
    from lime.lime_tabular import LimeTabularExplainer
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    import wholefit as wf

    bunch = getattr(datasets, f"load_{case['table']}")()
    names = [f"x{at}" for at in range(bunch.data.shape[1])]
    frame = pl.DataFrame({n: bunch.data[:, at] for at, n in enumerate(names)}).with_columns(
        y=pl.Series([f"c{code}" for code in bunch.target]))
    first, second = train_test_split(range(len(frame)), test_size=0.2, random_state=42)
    train, test = frame[first], frame[second[:case["rows"]]]
    result = wf.fit(train, target="y", models=["random_forest(n_estimators=100)"], choose="best",
                    folds=2, jobs=1)
    X, asked = train.select(names).to_numpy(), test.select(names).to_numpy()
    result._fitted.settle()
    ask = result._fitted._scorer.answer
    explainers = [LimeTabularExplainer(X, feature_names=names, random_state=seed)
                  for seed in (0, 1, 2)]
    found: dict[str, list[float]] = {name: [] for name in (
        "lime_time", "our_time", "lime_fidelity", "our_fidelity", "lime_score", "lime_same",
        "our_same", "our_refused", "our_stable")}
    for at, row in enumerate(asked):
        label = int(ask(row[None]).argmax())
        start = time.perf_counter()
        theirs = explainers[0].explain_instance(row, ask, num_features=4, labels=(label,))
        found["lime_time"].append(time.perf_counter() - start)
        again = explainers[1].explain_instance(row, ask, num_features=4, labels=(label,))
        start = time.perf_counter()
        mine = result.explain(test, method="lime", background=train, compared=1000, only=at,
                              features=4)
        found["our_time"].append(time.perf_counter() - start)
        other = result.explain(test, method="lime", background=train, compared=1000, only=at,
                               features=4, seed=1)
        found["lime_fidelity"].append(fresh(explainers[2], row, theirs, label, ask))
        found["lime_score"].append(float(theirs.score if not isinstance(theirs.score, dict)
                                         else theirs.score[label]))
        found["lime_same"].append(overlap(
            [feature for feature, _ in theirs.local_exp[label]],
            [feature for feature, _ in again.local_exp[label]]))
        found["our_fidelity"].append(mine.fidelity[0].value)
        found["our_refused"].append(float(mine.refused[0] is not None))
        found["our_stable"].append(float(mine.surrogates[0].stable))
        if mine.refused[0] is None and other.refused[0] is None:
            found["our_same"].append(overlap(told(mine), told(other)))
    print(json.dumps({name: [None if v != v else v for v in values]
                      for name, values in found.items()}))


def told(found: Any) -> list[str]:
    return [part.column for part in found.parts(0)[:4] if part.adds]


def overlap(a: list[Any], b: list[Any]) -> float:
    """Share of the first four that both name."""
    return len(set(a) & set(b)) / max(len(set(a) | set(b)), 1)


def fresh(explainer: Any, row: np.ndarray, explained: Any, label: int, ask: Any) -> float:
    """Weighted R2 of lime's own weights on points that its sampler draws anew."""
    data, inverse = explainer._LimeTabularExplainer__data_inverse(row, 5000)
    scaled = (data - explainer.scaler.mean_) / explainer.scaler.scale_
    distance = np.sqrt(((scaled - scaled[0]) ** 2).sum(axis=1))
    weights = explainer.base.kernel_fn(distance)
    truth = ask(inverse)[:, label]
    answer = np.full(len(data), float(explained.intercept[label]))
    for feature, weight in explained.local_exp[label]:
        answer += weight * data[:, feature]
    mean = np.average(truth, weights=weights)
    spread = np.average((truth - mean) ** 2, weights=weights)
    return float(1 - np.average((truth - answer) ** 2, weights=weights) / spread) if spread else (
        float("nan"))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
