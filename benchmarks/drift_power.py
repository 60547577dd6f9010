"""`python -m benchmarks.drift_power`: validation and drift on real tables, false alarms and power.

Real tables are split in two at random: whatever is then called broken or drifted is a false alarm
(or a fault that the table really has: each is listed). Then shifts of growing size are planted in
one half. DRIFT_SPLITS and DRIFT_TRIALS change how often (40 and 60). EVIDENTLY_PYTHON may name an
interpreter that has evidently; it then judges the same splits and shifts.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

import wholefit as wf
from benchmarks import _tools
from wholefit.data import infer as schema_of
from wholefit.data.validate import check, infer
from wholefit.data.validate.sketch import kind_of, sketch_of
from wholefit.evaluation.drift import Drift, Options, drift

TABLES = ("adult", "ames_housing", "appliances_energy", "attrition", "beijing_pm25",
          "california_housing", "caravan_insurance", "credit_data", "diamonds", "fars_injury",
          "german_credit", "lending_club", "metro_traffic", "shuttle", "telco_churn", "titanic",
          "spambase", "womens_clothing_reviews", "nycflights13", "online_retail_ii")
MOST_ROWS = 20_000
SPLITS = int(os.environ.get("DRIFT_SPLITS", "40"))
TRIALS = int(os.environ.get("DRIFT_TRIALS", "60"))
SHIFTS = {
    "number + d sd": (0.05, 0.1, 0.2, 0.3, 0.5),
    "number x f around its median": (1.1, 1.25, 1.5, 2.0),
    "share of rows to another level": (0.02, 0.05, 0.1, 0.2),
    "share of cells made missing": (0.02, 0.05, 0.1, 0.2),
}
FAULTS = (1, 3, 10, 30)


def main() -> None:
    tables = {name: load(name) for name in TABLES}
    peer = os.environ.get("EVIDENTLY_PYTHON", "")
    _tools.save("drift_power", "\n".join([
        "# Validation and drift: false alarms and power", "",
        f"{len(tables)} real tables, at most {MOST_ROWS:,} rows of each.", "",
        *honest(tables), "", *planted(tables, peer), "", *together(tables), "", *faults(tables), "",
        _tools.machine("scipy", "polars", "numpy"),
    ]))


def load(name: str) -> pl.DataFrame:
    path = next((_tools.data_folder() / name).glob("data.*"))
    frame = wf.read(path).frame
    return frame if frame.height <= MOST_ROWS else frame.sample(MOST_ROWS, seed=0)


def halves(frame: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    order = np.random.default_rng(seed).permutation(frame.height)
    cut = frame.height // 2
    return frame[np.sort(order[:cut])], frame[np.sort(order[cut:])]


# ---- honest rows ------------------------------------------------------------------------


def honest(tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """One half against the other: everything found is a false alarm, or truly odd."""
    rows, listed, sums = [], Counter(), Counter()
    for name, frame in tables.items():
        counts: Counter[str] = Counter()
        for seed in range(SPLITS):
            old, new = halves(frame, seed)
            schema = schema_of(old)
            found = check(new, infer(old, schema))
            counts["not valid"] += not found.ok
            counts["errors"] += len(found.errors)
            counts["warnings"] += len(found.warnings)
            listed.update(f"{name}: {', '.join(each.columns)}: {each.check}: "
                          f"{', '.join(each.values[:3])}" for each in found.errors)
            compared = drift(new, old, schema)
            tested = [shift for shift in compared.shifts if shift.verdict != "not judged"]
            counts["tests"] += len(tested)
            counts["raw"] += sum(shift.p < 0.05 for shift in tested)
            counts["any raw"] += any(shift.p < 0.05 for shift in tested)
            counts["any certain"] += any(shift.p_adjusted < 0.05 for shift in tested)
            counts["psi"] += any(shift.psi > 0.1 for shift in tested)
            counts["drift"] += not compared.ok
            counts["table"] += compared.table is not None and compared.table.p < 0.01
        counts["columns"] = frame.width * SPLITS
        sums += counts
        rows.append([name, f"{frame.height:,} x {frame.width}", share(counts["not valid"], SPLITS),
                     f"{counts['warnings'] / SPLITS:.1f}", share(counts["raw"], counts["tests"]),
                     share(counts["any raw"], SPLITS), share(counts["any certain"], SPLITS),
                     share(counts["psi"], SPLITS), share(counts["drift"], SPLITS)])
    runs = SPLITS * len(tables)
    yield from [
        "## Honest rows", "",
        f"Each table split in halves {SPLITS} times; expectations and reference from one half, "
        "held against the other.", "",
        _tools.markdown(["table", "size", "not valid", "warnings a split", "p < 0.05, one test",
                         "p < 0.05, any column", "certain (Holm), any", "PSI > 0.1, any",
                         "called drift"], rows), "",
        f"All tables: not valid {share(sums['not valid'], runs)} of splits, an error in "
        f"{share(sums['errors'], sums['columns'])} of columns; one uncorrected test below 0.05 "
        f"{share(sums['raw'], sums['tests'])}, any of a table's {share(sums['any raw'], runs)}, "
        f"after Holm {share(sums['any certain'], runs)} (stated: at most 5 %), called drift "
        f"{share(sums['drift'], runs)}; energy distance below 0.01 {share(sums['table'], runs)} "
        "(stated: 1 %).", "",
        "What made honest halves not valid, most often first, with values:", "",
        *(f"- {count} x {said}" for said, count in listed.most_common(40))]


def share(part: int, of: int) -> str:
    return f"{100 * part / max(of, 1):.1f} %"


# ---- planted shifts ---------------------------------------------------------------------


def planted(tables: dict[str, pl.DataFrame], peer: str) -> Iterator[str]:
    """One column of one half is changed by growing amounts; how often is it seen?"""
    yield from ["## Planted shifts", "",
                f"One column at random of a table at random is changed in the new half; {TRIALS} "
                "trials a cell, with so many rows on each side. certain: p below 0.05 after Holm "
                "over all comparisons of the table; drift: certain and at least 0.1; in brackets "
                "judged by the sketch of a model file. scipy: `ks_2samp` or `chi2_contingency` of "
                "that column alone, p < 0.05, uncorrected. PSI: above 0.1, ten bins.", ""]
    header = ["shift", "size", "rows", "certain", "drift", "scipy, uncorrected", "PSI > 0.1",
              "other columns called drift"]
    cells = [(kind, size, rows) for kind, sizes in SHIFTS.items() for rows in (300, 3000)
             for size in (1.0 if "x f" in kind else 0.0, *sizes)]
    with tempfile.TemporaryDirectory() as folder:
        lines = [planted_cell(tables, *cell, Path(folder) / str(at) if peer else None)
                 for at, cell in enumerate(cells)]
        if peer:
            header.append("evidently's defaults")
            for line, said in zip(lines, evidently(Path(folder), len(cells), peer), strict=True):
                line.append(said)
    yield _tools.markdown(header, lines)


def planted_cell(
    tables: dict[str, pl.DataFrame], kind: str, size: float, rows: int, keep: Path | None
) -> list[str]:
    """One line of the table; the changed columns are kept in a folder for the peer."""
    counts: Counter[str] = Counter()
    for trial in range(TRIALS):
        random = np.random.default_rng([trial, rows])
        old, new, name = trial_of(tables, kind, rows, random)
        changed = new.with_columns(CHANGES[kind](new[name], size, random).alias(name))
        schema = schema_of(old)
        found = drift(changed, old, schema, Options(whole=False))
        rough = drift(changed, sketch_of(old, schema), schema, Options(whole=False))
        for label, each in (("rows", found), ("sketch", rough)):
            hit = best(each, name)
            counts[f"certain {label}"] += hit < 2
            counts[f"drift {label}"] += hit < 1
        counts["psi"] += any(s.column == name and s.psi > 0.1 for s in found.shifts)
        counts["scipy"] += scipy_p(old[name], changed[name]) < 0.05
        counts["others"] += any(s.column != name for s in found.shifted)
        if keep is not None:
            keep.mkdir(exist_ok=True)
            for side, frame in (("old", old), ("new", changed)):
                frame.select(pl.col(name).alias("x")).write_parquet(keep / f"{side}{trial}.parquet")
    line = [kind, f"{size:g}", f"{rows:,}"]
    line += [f"{share(counts[f'{what} rows'], TRIALS)} ({share(counts[f'{what} sketch'], TRIALS)})"
             for what in ("certain", "drift")]
    return line + [share(counts[what], TRIALS) for what in ("scipy", "psi", "others")]


def best(found: Drift, name: str) -> int:
    """0 where the column has drifted, 1 where a slight change is certain, else 2."""
    ranks = {"drift": 0, "slight": 1}
    return min((ranks.get(s.verdict, 2) for s in found.shifts if s.column == name), default=2)


def trial_of(
    tables: dict[str, pl.DataFrame], kind: str, rows: int, random: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame, str]:
    """Two disjoint draws of a table that is large enough, and a column that the change fits."""
    while True:
        frame = tables[str(random.choice(TABLES))]
        if frame.height < 2 * rows:
            continue
        judged = {c.name for c in schema_of(frame).columns if kind_of(c) != "skipped"}
        names = [c.name for c in frame.get_columns() if c.name in judged and fits(kind, c)]
        if names:
            picked = random.permutation(frame.height)[:2 * rows]
            return frame[picked[:rows]], frame[picked[rows:]], str(random.choice(names))


def fits(kind: str, column: pl.Series) -> bool:
    if kind.startswith("number"):
        return column.dtype.is_numeric() and column.n_unique() > 50
    if "level" in kind:
        return column.dtype == pl.String and 2 <= column.n_unique() <= 20
    return column.null_count() == 0 and not column.dtype.is_temporal() and column.n_unique() > 1


def moved(column: pl.Series, size: float, random: np.random.Generator) -> pl.Series:
    values = column.cast(pl.Float64)
    return values + size * float(values.std() or 0.0)


def stretched(column: pl.Series, size: float, random: np.random.Generator) -> pl.Series:
    values = column.cast(pl.Float64)
    middle = float(values.median() or 0.0)
    return (values - middle) * size + middle


def relabelled(column: pl.Series, size: float, random: np.random.Generator) -> pl.Series:
    """A share of the rows that do not have the most frequent level get it."""
    usual = column.mode()[0]
    hit = pl.Series(random.random(len(column)) < size)
    return column.set(hit, usual) if size else column


def emptied(column: pl.Series, size: float, random: np.random.Generator) -> pl.Series:
    return column.set(pl.Series(random.random(len(column)) < size), None) if size else column


CHANGES: dict[str, Callable[[pl.Series, float, np.random.Generator], pl.Series]] = dict(
    zip(SHIFTS, (moved, stretched, relabelled, emptied), strict=True))


def scipy_p(old: pl.Series, new: pl.Series) -> float:
    gaps = old.null_count() + new.null_count()
    if old.dtype.is_numeric() and not gaps:
        return float(stats.ks_2samp(old.cast(pl.Float64), new.cast(pl.Float64)).pvalue)
    if gaps:
        table = np.array([[len(s) - s.null_count(), s.null_count()] for s in (old, new)])
    else:
        sides = [dict(s.cast(pl.String).value_counts().iter_rows()) for s in (old, new)]
        table = np.array([[side.get(level, 0) for level in {*sides[0], *sides[1]}]
                          for side in sides])
    return float(stats.chi2_contingency(table).pvalue) if table.shape[1] > 1 else 1.0


_PEER = """
import json, sys, warnings
warnings.filterwarnings("ignore")
import pandas as pd
from evidently import Report
from evidently.metrics import ValueDrift
folder, cells, trials = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for cell in range(cells):
    found = []
    for trial in range(trials):
        old, new = (pd.read_parquet(f"{folder}/{cell}/{s}{trial}.parquet") for s in ("old", "new"))
        try:
            made = Report([ValueDrift(column="x")], include_tests=True).run(new, old).dict()
            found.append(any(str(test["status"]).endswith("FAIL") for test in made["tests"]))
        except Exception:
            found.append(None)
    print("peer=" + json.dumps(found))
"""


def evidently(folder: Path, cells: int, python: str) -> list[str]:
    """For each cell, the share of trials in which evidently's defaults call the column drifted."""
    out = subprocess.run([python, "-c", _PEER, str(folder), str(cells), str(TRIALS)],
                         capture_output=True, text=True, check=True).stdout
    said = [json.loads(line[5:]) for line in out.splitlines() if line.startswith("peer=")]
    return [share(sum(each is True for each in found), sum(each is not None for each in found))
            + (f", {found.count(None)} failed" if None in found else "") for found in said]


# ---- what hangs together ----------------------------------------------------------------


def together(tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """A share of one half's number columns is shuffled by itself: no column alone changes."""
    lines = []
    for part in (0.0, 0.1, 0.25, 0.5, 1.0):
        found: defaultdict[str, int] = defaultdict(int)
        for trial in range(TRIALS):
            random = np.random.default_rng([trial, 7])
            frame = tables[str(random.choice([name for name in TABLES
                                              if tables[name].height >= 2000]))]
            picked = random.permutation(frame.height)[:2000]
            old, new = frame[picked[:1000]], frame[picked[1000:]]
            names = [c.name for c in new.get_columns()
                     if c.dtype.is_numeric() and random.random() < part]
            new = new.with_columns([new[name].shuffle(seed=trial + at)
                                    for at, name in enumerate(names)])
            judged = drift(new, old, schema_of(old))
            found["certain"] += judged.table is not None and judged.table.p < 0.01
            found["differs"] += judged.table_differs
            found["columns"] += bool(judged.shifted)
        lines.append([f"{part:.0%}", *(share(found[what], TRIALS) for what in
                                       ("certain", "differs", "columns"))])
    yield from ["## Columns that hang together otherwise", "",
                "Each number column is, with the stated chance, shuffled by itself in the new "
                "1,000 rows: only what goes with what changes. Energy distance of 500 rows each:",
                "", _tools.markdown(["columns shuffled", "p < 0.01", "called different",
                                     "a column called drift"], lines)]


# ---- faults in a few rows ---------------------------------------------------------------


def faults(tables: dict[str, pl.DataFrame]) -> Iterator[str]:
    """Faults in 1 to 30 of 1,000 new rows, against expectations of up to 10,000."""
    kinds: dict[str, tuple[Callable[[pl.Series], bool], Callable[[pl.Series, pl.Series], pl.Series],
                           set[str]]] = {
        "a level never seen": (lambda c: c.dtype == pl.String and 2 <= c.n_unique() <= 50,
                               lambda c, hit: c.set(hit, "Unheard of"), {"allowed"}),
        "a gap where there were none": (lambda c: c.null_count() == 0,
                                        lambda c, hit: c.set(hit, None), {"missing"}),
        "ten times the largest number": (
            lambda c: c.dtype.is_numeric() and c.n_unique() > 20 and float(c.max() or 0) > 1,
            lambda c, hit: c.cast(pl.Float64).set(hit, 10 * float(c.max() or 0)),
            {"range", "seen range"}),
        "a word in a column of numbers": (
            lambda c: c.dtype.is_numeric() and c.n_unique() > 20,
            lambda c, hit: c.cast(pl.String).set(hit, "unknown"), {"type"}),
    }
    lines = []
    for kind, (able, harm, checks) in kinds.items():
        for count in FAULTS:
            seen: Counter[str] = Counter()
            for trial in range(TRIALS):
                random = np.random.default_rng([trial, count])
                frame, name = None, None
                while name is None:
                    frame = tables[str(random.choice(TABLES))]
                    judged = {c.name for c in schema_of(frame).columns
                              if kind_of(c) != "skipped"}
                    names = [c.name for c in frame.get_columns() if c.name in judged and able(c)]
                    if names and frame.height >= 4000:
                        name = str(random.choice(names))
                old, new = frame[1000:], frame[:1000]
                hit = np.zeros(1000, dtype=bool)
                hit[random.choice(1000, count, replace=False)] = True
                expected = infer(old, schema_of(old), rules=False)
                found = check(new.with_columns(harm(new[name], pl.Series(hit)).alias(name)),
                              expected)
                mine = [each for each in found.of(name) if each.check in checks]
                seen["error"] += any(each.severity == "error" for each in mine)
                seen["told"] += bool(mine)
                seen["rows"] += bool(mine) and set(mine[0].rows) <= set(np.flatnonzero(hit) + 1)
            lines.append([kind, str(count), share(seen["error"], TRIALS),
                          share(seen["told"], TRIALS), share(seen["rows"], TRIALS)])
    yield from ["## Faults in a few rows", "",
                f"Planted in so many of 1,000 new rows; {TRIALS} trials. A warning where chance "
                "could explain it.", "",
                _tools.markdown(["fault", "rows", "error", "error or warning",
                                 "with the right rows"], lines)]


if __name__ == "__main__":
    main()
