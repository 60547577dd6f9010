"""What will a shop's customers turn to next: learnt on the past, judged on the future.

Nobody rates anything in a shop: what is known is who bought what, how much, and when. Models are
judged on the last weeks, which they have not seen, and on things that a customer had not bought
before. Later, new invoices are taken in without learning anew.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from pathlib import Path

import polars as pl

import wholefit as wf

DATA = "online_retail_ii/data.parquet"
EXPECTED = {
    "customers": (2724, 2724),
    "products": (3119, 3119),
    "NDCG@10 of the best sellers for everyone": (0.04, 0.06),
    "NDCG@10 of the lists": (0.10, 0.15),
    "lists beat best sellers beyond chance": (1, 1),
    "share of the catalogue in lists of the best sellers": (0.0, 0.03),
    "share of the catalogue in the lists": (0.2, 0.3),
    "customers judged on the next month": (681, 681),
    "NDCG@10 in the next month": (0.09, 0.14),
    "items offered to a new customer": (10, 10),
    "nothing that was bought is offered": (0, 0),
    "sections of the page": (11, 13),
}


def main() -> dict[str, float]:
    lines = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame.select(
        customer="Customer ID", product="StockCode", name="Description", pieces="Quantity",
        day="InvoiceDate").drop_nulls("customer").with_columns(pl.col("customer").cast(pl.Int64))
    past = lines.filter(pl.col("day").is_between(dt.datetime(2011, 1, 1), dt.datetime(2011, 7, 1)))
    month = lines.filter(pl.col("day").is_between(dt.datetime(2011, 7, 1), dt.datetime(2011, 8, 1)))

    result = wf.fit(past, task="recommendation", user="customer", item="product",
                    amount="pieces", time="day", called="name", models="als, item_knn", jobs=1)
    print(result.to_text())
    with tempfile.TemporaryDirectory() as folder:
        page = result.report(Path(folder) / "next_purchase.html").read_text()
    by_name = {entry.model: entry.scores for entry in result.leaderboard}
    own, sellers = by_name[result.model], by_name["popularity"]

    # The month after, met by the model as it stands; then it learns of it.
    bought = month.filter(pl.col("pieces") > 0)
    later = result.evaluate(bought)
    newcomer = bought.filter(~pl.col("customer").is_in(result.users))["customer"][0]
    grown = result.update(bought.filter(pl.col("customer") == newcomer), how="fold_in")
    offered = grown.recommend(newcomer, 10)
    has = set(bought.filter(pl.col("customer") == newcomer)["product"])
    print(offered.select("called", "why"))
    return {
        "customers": result.told["users"],
        "products": result.told["items"],
        "NDCG@10 of the best sellers for everyone": sellers["ndcg@10"].value,
        "NDCG@10 of the lists": own["ndcg@10"].value,
        "lists beat best sellers beyond chance": float(
            own["ndcg@10"].low > sellers["ndcg@10"].high),
        "share of the catalogue in lists of the best sellers": sellers["coverage@10"].value,
        "share of the catalogue in the lists": own["coverage@10"].value,
        "customers judged on the next month": later["ndcg@10"].n,
        "NDCG@10 in the next month": later["ndcg@10"].value,
        "items offered to a new customer": len(offered),
        "nothing that was bought is offered": len(has & set(offered["product"])),
        "sections of the page": page.count("<section"),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.4g}")
