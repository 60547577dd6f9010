"""Basket analysis of a shop's invoices: money, countries, seasons, and what holds next quarter.

A million lines with cancellations, postage and missing names; the page it writes is for a
merchandiser.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import wholefit as wf

DATA = "online_retail_ii/data.parquet"
WORDS = {"task": "association", "basket": "Invoice", "item": "Description", "amount": "Price",
         "quantity": "Quantity", "time": "InvoiceDate"}

EXPECTED = {
    "baskets": (39000, 41000),
    "lines left out, of returns": (19000, 24000),
    "rules": (2000, 2900),
    "rules about the cakestand": (15, 40),
    "mean value of a basket": (450, 560),
    "rules that differ by country": (30, 120),
    "rules that differ by month": (100, 260),
    "lift in the latest quarter over that before": (0.85, 1.1),
    "hit rate of ten guesses": (0.15, 0.27),
    "hit rate of the ten bestsellers": (0.02, 0.06),
}


def main() -> dict[str, float]:
    path = Path(os.environ["WHOLEFIT_DATA"]) / DATA
    result = wf.fit(path, **WORDS, by="Country", support=0.005, confidence=0.25)
    print(*(note.message for note in result.notes), sep="\n")
    print(*result.sentences(5), sep="\n")
    for way in result.told["apart"]:
        print(*(row["said"] for row in way["rows"][:3]), sep="\n")

    cakestand = result.about("REGENCY CAKESTAND 3 TIER", min_lift=2)
    print(cakestand.select("antecedent", "consequent", "confidence", "lift"))
    with tempfile.TemporaryDirectory() as folder:
        page = result.report(Path(folder) / "shop.html")
        print(page.stat().st_size // 1024, "kB of page")

    apart = {way["by"]: way["found"] for way in result.told["apart"]}
    returns = next(note.count for note in result.notes if note.kind == "returns")
    return {
        "baskets": result.told["baskets"],
        "lines left out, of returns": returns,
        "rules": len(result.rules),
        "rules about the cakestand": len(cakestand),
        "mean value of a basket": result.told["value"]["mean"],
        "rules that differ by country": apart["Country"],
        "rules that differ by month": apart["month"],
        "lift in the latest quarter over that before": result.scores["lift_ratio"].value,
        "hit rate of ten guesses": result.scores["hit_rate@10"].value,
        "hit rate of the ten bestsellers": result.scores["popularity@10"].value,
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
