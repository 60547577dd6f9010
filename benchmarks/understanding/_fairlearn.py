"""The peer, in its own interpreter: fairlearn's rates by group, and its exponentiated gradient.

    python _fairlearn.py WHAT IN.npz OUT.npz

WHAT: rates (truth, said, group) or reductions (X, y, group, test_X, test_group, goal, bound). It
knows nothing of wholefit, and runs where wholefit is not installed.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")


def rates(data: dict) -> dict:
    from fairlearn import metrics as fair

    truth, said, group = (data[name] for name in ("truth", "said", "group"))
    asked = {"selection_rate": fair.selection_rate, "tpr": fair.true_positive_rate,
             "fpr": fair.false_positive_rate, "fnr": fair.false_negative_rate}
    start = time.perf_counter()
    frame = fair.MetricFrame(metrics=asked, y_true=truth, y_pred=said, sensitive_features=group)
    table = frame.by_group
    found = {f"rate_{name}": table[name].to_numpy(dtype=float) for name in asked}
    found["groups"] = np.array([str(each) for each in table.index])
    found["seconds"] = time.perf_counter() - start
    word = {"y_true": truth, "y_pred": said, "sensitive_features": group}
    found["selection"] = fair.demographic_parity_difference(**word)
    found["odds"] = fair.equalized_odds_difference(**word)
    found["impact"] = fair.demographic_parity_ratio(**word)
    return found


def reductions(data: dict) -> dict:
    from fairlearn import reductions as fair
    from sklearn.linear_model import LogisticRegression

    kinds = {"selection": fair.DemographicParity, "opportunity": fair.TruePositiveRateParity,
             "odds": fair.EqualizedOdds}
    constraint = kinds[str(data["goal"])](difference_bound=float(data["bound"]))
    game = fair.ExponentiatedGradient(LogisticRegression(max_iter=1000), constraint,
                                      eps=float(data["bound"]))
    start = time.perf_counter()
    game.fit(data["X"], data["y"], sensitive_features=data["group"])
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "chance": game._pmf_predict(data["test_X"])[:, 1],
            "fits": game.n_oracle_calls_, "members": int((game.weights_ > 1e-6).sum())}


def main() -> None:
    what, source, out = sys.argv[1:4]
    data = dict(np.load(source, allow_pickle=False))
    np.savez(out, **{"rates": rates, "reductions": reductions}[what](data))


if __name__ == "__main__":
    main()
