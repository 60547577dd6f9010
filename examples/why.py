"""Why one row gets its answer, and what such reasons cannot tell.

Twenty columns, of which two matter, ten are mixtures of those two, and eight are noise. The
contributions of all columns add up to the answer, for every row. But they are in log-odds, not in
probability; columns that hold the same share the credit as the model happened to use them, so that
little is left of the two that matter; and noise gets what the model has learnt of it by heart.
"""

from __future__ import annotations

import time

import numpy as np
from sklearn.datasets import make_classification

import wholefit as wf

EXPECTED = {
    "largest gap between the sum and the answer": (0.0, 1e-6),
    "share of the credit that noise got": (0.1, 0.3),
    "share of the two that matter": (0.05, 0.35),
    "share of their ten mixtures": (0.4, 1.0),
    "largest rank correlation of columns that share": (0.9, 1.0),
    "seconds for a row, sampled, over exact": (1.0, 1e6),
    "rank correlation of sampled and exact sizes": (0.7, 1.0),
}


def main() -> dict[str, float]:
    X, y = make_classification(1000, 20, n_informative=2, n_redundant=10, shuffle=False,
                               random_state=42)
    kinds = ["real"] * 2 + ["mixture"] * 10 + ["noise"] * 8
    names = [f"{kind}_{at}" for at, kind in enumerate(kinds)]
    table = {**dict(zip(names, X.T, strict=True)), "sick": np.where(y == 1, "yes", "no")}
    order = np.random.default_rng(0).permutation(1000)
    train, test = ({name: np.asarray(column)[rows] for name, column in table.items()}
                   for rows in (order[:800], order[800:]))

    result = wf.fit(train, target="sick", models="hist_gradient_boosting", choose="best", jobs=1)
    print(result.score)
    start = time.perf_counter()
    why = result.explain(test)
    exact = (time.perf_counter() - start) / len(why)
    print(why.to_text(rows=1))

    odds = why.base + why.values.sum(axis=1)
    answer = np.asarray(result.predict_proba(test)["p_yes"])
    size = np.abs(why.values[:, :, 0]).mean(axis=0)
    share = {kind: size[[each == kind for each in kinds]].sum() / size.sum()
             for kind in ("real", "mixture", "noise")}

    # Asked through its answers alone, compared with rows of training, in probability.
    start = time.perf_counter()
    asked = result.explain(test, only=range(5), method="sampling", background=train)
    sampled = (time.perf_counter() - start) / 5
    sizes = [np.abs(each.values[:5, :, 0]).mean(axis=0) for each in (why, asked)]
    ranks = [np.argsort(np.argsort(each)) for each in sizes]
    return {
        "largest gap between the sum and the answer":
            float(np.abs(1 / (1 + np.exp(-odds[:, 0])) - answer).max()),
        "share of the credit that noise got": float(share["noise"]),
        "share of the two that matter": float(share["real"]),
        "share of their ten mixtures": float(share["mixture"]),
        "largest rank correlation of columns that share": abs(why.together[0][2]),
        "seconds for a row, sampled, over exact": sampled / exact,
        "rank correlation of sampled and exact sizes": float(np.corrcoef(*ranks)[0, 1]),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3g}")
