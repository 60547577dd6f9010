"""A tree read aloud, a row's way through it, and why a forest's importances mislead.

Six hundred people of whom two yes-or-no columns decide. Beside them stand columns of pure noise
with many values: three measurements and a postcode. A forest finds splits on these all the same,
for it can try so many; the shares of gain that it reports give them much of the credit. Rows that
it has not seen give them none.
"""

from __future__ import annotations

import numpy as np
import polars as pl

import wholefit as wf

EXPECTED = {
    "share of the forest's gain that goes to noise": (0.4, 0.9),
    "largest worth of a column of noise on held-out rows": (-0.03, 0.02),
    "least worth of a true column on held-out rows": (0.03, 0.3),
    "leaves of a tree that reads well": (3, 8),
    "questions on the first row's way": (2, 3),
    "of them about noise": (0, 0),
    "conditions of the rule list about noise": (0, 1),
}
TRUE = ("smokes", "insured")


def people(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    smokes, insured = rng.random((2, rows)) < 0.5
    share = 0.15 + 0.45 * smokes + 0.25 * ~insured
    noise = {f"measure {at}": rng.normal(size=rows) for at in range(3)}
    return pl.DataFrame({
        "smokes": smokes, "insured": insured, **noise,
        "postcode": [f"p{code}" for code in rng.integers(0, 60, rows)],
        "ill": np.where(rng.random(rows) < share, "yes", "no")})


def main() -> dict[str, float]:
    known, new = people(600, 0), people(2000, 1)
    common = {"target": "ill", "folds": 3, "checks": False, "choose": "best", "jobs": 1}
    forest = wf.fit(known, models="random_forest", **common)
    shares = {one.column: one.share for one in forest.inside().shares}
    worth = {one.name: one.value for one in forest.importance(new, metric="roc_auc").columns}
    tree = wf.fit(known, models="decision_tree(max_depth=3, min_samples_leaf=40)", **common)
    inside = tree.inside()
    assert inside.tree is not None
    way = inside.path(new[:1])
    rules = wf.fit(known, models="rule_list", **common).inside().rules
    conditions = [one for rule in rules for one in rule.conditions]
    return {
        "share of the forest's gain that goes to noise":
            sum(share for column, share in shares.items() if column not in TRUE),
        "largest worth of a column of noise on held-out rows":
            max(value for column, value in worth.items() if column not in TRUE),
        "least worth of a true column on held-out rows": min(worth[column] for column in TRUE),
        "leaves of a tree that reads well": inside.tree.leaves,
        "questions on the first row's way": len(way),
        "of them about noise": _noise(way[:2]),
        "conditions of the rule list about noise": _noise(conditions),
    }


def _noise(conditions: list[str]) -> int:
    return sum(not one.startswith(TRUE) for one in conditions)


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
