"""Basket analysis of a supermarket: rules that hold, among thousands that only look so.

The textbook's way (all sets above a support, all rules above a confidence, the five surest) is
kept beside one that asks whether chance makes the rule: large baskets hold more of everything.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

import wholefit as wf

DATA = "supermarket_baskets/data.parquet"

EXPECTED = {
    "sets of items in at least one basket in ten": (5800, 6000),
    "rules with confidence above one half, untested": (10000, 30000),
    "rules that hold": (40, 150),
    "rules that a test without sizes would keep": (20000, 200000),
    "lift of the five surest untested rules": (1.1, 1.4),
    "how far above chance they are at their basket's size": (0.95, 1.2),
    "share of rules confirmed by other baskets": (0.7, 1.0),
    "hit rate of ten guesses": (0.5, 0.62),
    "hit rate of the ten bestsellers": (0.48, 0.6),
}


def main() -> dict[str, float]:
    lines = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame

    # By the book: rows are baskets, columns are items, cells say whether the item was bought.
    matrix = lines.with_columns(bought=pl.lit(True)).pivot("item", index="basket", values="bought")
    book = wf.fit(matrix, task="association", support=0.1, confidence=0.5, alpha=None,
                  keep=100_000)
    surest = book.rules.sort("confidence", descending=True).head(5)
    for left, right, share in surest.select("antecedent", "consequent", "confidence").iter_rows():
        print(f"When a customer buys {left}, they may also buy {right} ({share:.0%}).")

    # Tested: among baskets of like size, against every simpler rule, all that were looked at.
    result = wf.fit(lines, task="association", basket="basket", item="item")
    print(*result.sentences(5), sep="\n")
    print(*result.actions(5), sep="\n")

    # What else may these two baskets want?
    print(result.complete([["fruit", "beef"], ["dental needs"]], k=3))

    scores = result.scores
    return {
        "sets of items in at least one basket in ten": len(book.itemsets),
        "rules with confidence above one half, untested": len(book.rules),
        "rules that hold": len(result.rules),
        "rules that a test without sizes would keep": result.told["plainly"],
        "lift of the five surest untested rules": float(surest["lift"].mean()),
        "how far above chance they are at their basket's size": float(surest["strength"].mean()),
        "share of rules confirmed by other baskets": scores["confirmed"].value,
        "hit rate of ten guesses": scores["hit_rate@10"].value,
        "hit rate of the ten bestsellers": scores["popularity@10"].value,
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
