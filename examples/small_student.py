"""A forest teaches one small tree: what the tree loses, and how much more it knows than by itself.

A tree of 32 leaves that is fitted to labels takes luck for knowledge: a leaf of six churners says
"certain". Taught the shares that a forest gives, the same leaves say what the forest has learnt.
"""

from __future__ import annotations

import wholefit as wf
from wholefit.data import bundled

EXPECTED = {
    "log loss of the forest": (0.40, 0.46),
    "what the taught tree loses": (0.0, 0.04),
    "what a tree of its own loses": (0.05, 1.0),
    "times smaller on disk": (5, 500),
    "leaves": (30, 32),
}


def main() -> dict[str, float]:
    rows = wf.read(bundled.path("telco_churn")).frame.sample(3000, shuffle=True, seed=0)
    train, test = rows[:1500], rows[1500:]
    forest = wf.fit(train, target="churn", jobs=1, choose="best", checks=False,
                    models="random_forest(n_estimators=100, min_samples_leaf=3)")
    found = forest.distil(train, to="tree", leaves=32, more=0, held_out=test, jobs=1)
    print(found)
    alone = wf.fit(train, target="churn", jobs=1, choose="best", checks=False,
                   models="decision_tree(max_leaf_nodes=32, min_samples_leaf=5)")
    student = found.students[0]
    assert student.difference is not None
    size = len(student.fitted.state().arrays["value"])
    return {
        "log loss of the forest": found.scores["log_loss"].value,
        "what the taught tree loses": student.difference.value,
        "what a tree of its own loses": wf.compare(alone, forest, test, metric="log_loss").value,
        "times smaller on disk": found.size / student.size,
        "leaves": size,
    }


if __name__ == "__main__":
    for name, value in main().items():
        print(f"{name}: {value:.3f}")
