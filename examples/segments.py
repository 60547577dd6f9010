"""Who are the customers? A shop's invoice lines as customers, customers as segments.

Each customer of an online shop is summed up as of one day: how much, how often, how lately. Asked
whether there are clusters, the rows say no: customers shade into each other. A shop that must write
to somebody may cut them all the same, and says so. Whether the cut is worth anything is told by
what it was not made of: what the same customers spend in the half-year after that day.

Three things go wrong where this is done in ten lines: raw pounds, in which one wholesaler
outweighs a thousand customers; a number of segments that nothing in the rows asks for, and nobody
doubts; and segments praised for differing in the very columns that they were cut by.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

import wholefit as wf
from wholefit.api.clustering import Clusters

DATA = "online_retail_ii"
EXPECTED = {
    "customers": (4966, 4966),
    "clusters by themselves": (1, 1),
    "p of one heap": (0.05, 1.0),
    "share of customers in the best segment": (0.14, 0.18),
    "share of them who buy again": (0.87, 0.93),
    "their share of the money that came after": (0.63, 0.71),
}
DAY = pl.datetime(2011, 6, 9)


def lines() -> pl.DataFrame:
    """What was sold, and to whom; returns and lines without a customer left out."""
    table = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA / "data.parquet").frame
    sold = table.filter(pl.col("Customer ID").is_not_null() & (pl.col("Quantity") > 0)
                        & (pl.col("Price") > 0))
    return sold.select(customer=pl.col("Customer ID").cast(pl.Int64).cast(pl.String),
                       day="InvoiceDate", order="Invoice", product="StockCode",
                       spend=pl.col("Quantity") * pl.col("Price"))


def customers(sold: pl.DataFrame) -> pl.DataFrame:
    """Those who bought before the day, as they were known on it; and what came after."""
    known = sold.filter(pl.col("day") < DAY).select("customer").unique(maintain_order=True)
    past = wf.join(known.with_columns(day=DAY), sold, "customer", as_of="day", aggregates={
        "spend": "sum", "order": "distinct", "product": "distinct", "*": "gap"}).frame
    later = sold.filter(pl.col("day") >= DAY).group_by("customer").agg(later=pl.col("spend").sum())
    named = past.select("customer", spend="spend_sum", orders="order_distinct",
                        products="product_distinct", days_since="gap")
    return named.join(later, on="customer", how="left", maintain_order="left").with_columns(
        pl.col("later").fill_null(0.0))


def main() -> dict[str, float]:
    table = customers(lines())
    roles = {"customer": "identifier", "later": "ignored"}

    def fitted(**words: int) -> Clusters:
        return wf.fit(table, task="clustering", models="kmeans", roles=roles, jobs=1, **words)

    asked, three = fitted(), fitted(clusters=3)
    print(asked.to_text(), three.to_text(), sep="\n\n")
    print(three.exemplars().filter(pl.col("kind") == "typical"))

    segments = three.predict(table).select("customer", segment="cluster_name")
    money = table.join(segments, on="customer").group_by("segment").agg(
        customers=pl.len(), spend=pl.col("spend").median(), later=pl.col("later").sum(),
        again=(pl.col("later") > 0).mean()).sort("later", descending=True)
    print(money)
    best = money.row(0, named=True)
    with TemporaryDirectory() as folder:
        print(three.report(Path(folder) / "segments.html").name, "is the page for the manager")
    return {
        "customers": len(table), "clusters by themselves": len(asked.clusters),
        "p of one heap": asked.told["null"]["p"],
        "share of customers in the best segment": best["customers"] / len(table),
        "share of them who buy again": best["again"],
        "their share of the money that came after": best["later"] / money["later"].sum(),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
