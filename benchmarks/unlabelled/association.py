"""Itemsets and rules beside mlxtend's FP-growth, and the memory that ten million lines take."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks._tools import data_folder, markdown, median, python

_CONFIDENCE = 0.1
_SHOPS = (("supermarket_baskets", (0.2, 0.1)), ("online_retail_ii", (0.02, 0.01, 0.005)))
_MILLIONS = """
import sys, time, warnings
warnings.simplefilter("ignore")
import wholefit as wf
start = time.perf_counter()
found = wf.fit(sys.argv[1], task="association", basket="Invoice", item="Description",
               amount="Price", time="InvoiceDate", quantity="Quantity")
print(f"seconds={time.perf_counter() - start}")
print(f"lines={found.told['lines']}")
print(f"baskets={found.told['baskets']}")
print(f"rules={found.told['kept']}")
status = open("/proc/self/status").read().splitlines()
print("peak_kb=" + next(line for line in status if line.startswith("VmHWM")).split()[1])
"""


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of this part: times and memory beside the peer's, then ten million lines."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_beside(peer, short, Path(folder)), "", *_millions(short, Path(folder))]


def _beside(peer: str | None, short: bool, folder: Path) -> list[str]:
    if peer is None:
        return ["No Python with mlxtend was named (--peer-python): not compared."]
    rows = []
    for name, supports in _SHOPS:
        file = _lines(name, folder)
        for support in supports[:1] if short else supports:
            rows.append(_row(name, support, file, peer, 1 if short else 3))
    head = ["baskets", "support", "itemsets", "rules", "equal", "mlxtend, s", "wholefit, s",
            "ratio", "mlxtend, MB", "wholefit, MB", "ratio"]
    return ["All frequent itemsets, and all rules with confidence >= 0.1 and five measures. "
            "Seconds are of mining and of rules; start-up, reading and building the table of "
            "baskets are apart. MB are the peak above the process with its libraries loaded, the "
            "table of baskets with it. Medians of runs in turn.", "", markdown(head, rows)]


def _row(name: str, support: float, file: Path, peer: str, times: int) -> list[str]:
    ours, theirs = [], []
    for _ in range(times):
        theirs.append(_run(peer, "_association_peer", file, support))
        ours.append(_run(sys.executable, "_association_ours", file, support))
    a, b = (median(run["mine"] + run["rules"] for run in runs) for runs in (theirs, ours))
    most, least = (median(run["peak"] for run in runs) for runs in (theirs, ours))
    same = _equal(theirs[0], ours[0])
    return [name, f"{support:g}", f"{len(ours[0]['sets']):,}", f"{len(ours[0]['told']):,}",
            "yes" if same else "NO", f"{a:.3g}", f"{b:.3g}", f"{a / b:.0f}", f"{most:.0f}",
            f"{least:.0f}", f"{most / max(least, 1):.1f}"]


def _run(interpreter: str, script: str, file: Path, support: float) -> dict[str, Any]:
    done = subprocess.run([interpreter, "-W", "ignore", "-m", f"benchmarks.unlabelled.{script}",
                           str(file), str(support)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{script} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _equal(theirs: dict[str, Any], ours: dict[str, Any]) -> bool:
    """The same sets with the same counts, the same rules with the same measures.

    Rules whose confidence is the least asked to the last digit are apart: mlxtend divides shares
    of all baskets, 23/n by 230/n, and may find 0.0999... where counts give 0.1.
    """
    if theirs["sets"] != ours["sets"]:
        return False
    told = [[rule for rule in run["told"] if abs(rule[3] - _CONFIDENCE) > 1e-9]
            for run in (theirs, ours)]
    if len(told[0]) != len(told[1]):
        return False
    known = {(tuple(x), tuple(y)): values for x, y, *values in told[0]}
    return all((tuple(x), tuple(y)) in known and all(
        (a is None and b is None) or (a is not None and b is not None
                                      and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12))
        for a, b in zip(values, known[tuple(x), tuple(y)], strict=True))
        for x, y, *values in told[1])


def _lines(name: str, folder: Path) -> Path:
    """Codes of baskets and items, in a file that both sides read."""
    frame = pl.read_parquet(data_folder() / name / "data.parquet")
    basket, item = "basket", "item"
    if name == "online_retail_ii":
        basket, item = "Invoice", "Description"
        frame = frame.filter(pl.col(item).is_not_null() & (pl.col("Quantity") > 0))
        frame = frame.with_columns(pl.col(item).str.strip_chars())
    codes = [np.unique(frame[column].cast(pl.String).to_numpy().astype(str),
                       return_inverse=True)[1] for column in (basket, item)]
    np.savez(folder / f"{name}.npz", basket=codes[0].astype(np.int32),
             item=codes[1].astype(np.int32))
    return folder / f"{name}.npz"


def _millions(short: bool, folder: Path) -> list[str]:
    """Real lines, told ten times over under other numbers, through the whole of `wf.fit`."""
    times = 2 if short else 10
    columns = ["Invoice", "Description", "Quantity", "Price", "InvoiceDate"]
    frame = pl.read_parquet(data_folder() / "online_retail_ii" / "data.parquet", columns=columns)
    digits = pl.col("Invoice").str.strip_chars_start("C")
    letter = pl.when(pl.col("Invoice").str.starts_with("C")).then(pl.lit("C")).otherwise(
        pl.lit(""))
    parts = [frame.with_columns((letter + pl.lit(str(10 + at)) + digits).alias("Invoice"))
             for at in range(times)]
    whole = pl.concat(parts).head(times * 1_000_000)
    path = folder / "lines.parquet"
    whole.write_parquet(path)
    size, rows = whole.estimated_size() / 1e6, whole.height
    del whole, parts
    done = python(_MILLIONS, str(path))
    facts = dict(line.split("=", 1) for line in done.out.splitlines() if "=" in line)
    return [f"{rows:,} lines of online_retail_ii, replicated under new invoice numbers "
            f"({size:,.0f} MB as a table), through `wf.fit` whole, from the Parquet file to "
            f"tested, judged and told rules: {int(facts['baskets']):,} baskets, "
            f"{int(facts['rules']):,} rules, {float(facts['seconds']):.0f} s, peak of the whole "
            f"process {int(facts['peak_kb']) / 1024:,.0f} MB."]
