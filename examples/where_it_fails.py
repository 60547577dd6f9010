"""Where a model fails, whether it knows, and what may be promised of the answers it is sure of.

A churn model that was never told of contracts is right four times in five. The rows where it is
not are no accident: the search finds them by a column it has not learnt from. "Below 0.6 is
doubtful" flags few of its errors; from which confidence on nine answers in ten are right can be
promised, and is held against customers that nobody has looked at.
"""

from __future__ import annotations

import wholefit as wf
from wholefit.data import bundled

EXPECTED = {
    "wrong answers, percent": (18, 27),
    "wrong in the worst part, percent": (28, 50),
    "contract is in the worst part": (1, 1),
    "errors flagged below 0.6, percent": (15, 50),
    "errors flagged by the suggested rule, percent": (55, 95),
    "promised at most, percent": (5, 12),
    "wrong among new answers, percent": (2, 12),
    "answered, percent": (20, 80),
}


def main() -> dict[str, float]:
    customers = wf.read(bundled.path("telco_churn")).frame
    customers = customers.sample(fraction=1.0, shuffle=True, seed=0)
    learnt, held, new = customers[:3000], customers[3000:5000], customers[5000:]
    result = wf.fit(learnt.drop("contract"), target="churn", models="logistic", jobs=1,
                    choose="best", checks=False)

    found = result.diagnose(held)
    print(found.to_text())
    worst, sure = found.worst.slices[0], found.confidence
    below = next(flag for flag in sure.flags if flag.below == 0.6)

    point = found.abstain(0.12)
    said = result.predict_sure(new, least=point.least)
    answered = said["prediction"].is_not_null()
    wrong = (said["prediction"] != new["churn"]).filter(answered)
    return {
        "wrong answers, percent": 100 * sure.wrong,
        "wrong in the worst part, percent": 100 * worst.wrong,
        "contract is in the worst part": float("contract" in worst.name),
        "errors flagged below 0.6, percent": 100 * below.caught,
        "errors flagged by the suggested rule, percent": 100 * sure.chosen.caught,
        "promised at most, percent": 100 * point.bound,
        "wrong among new answers, percent": 100 * wrong.mean(),
        "answered, percent": 100 * answered.mean(),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.1f}")
