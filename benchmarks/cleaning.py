"""`python -m benchmarks.cleaning`: damage that is planted, found and repaired; and what steps take.

First table: real tables damaged in seven ways at three severities, and what the recipe that
`wf.clean` proposes repairs of it, with how many sound cells and rows it touches. Second: near
duplicates planted among 100,000 rows. Third: seconds of each step as rows grow.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks import _tools
from wholefit.data.clean import Recipe
from wholefit.data.clean.propose import propose

TABLES = {"credit_data": "data.csv.gz", "titanic": "data.csv.gz", "ames_housing": "data.csv.gz",
          "lending_club": "data.csv.gz", "telco_churn": "data.csv.gz", "adult": "data.parquet"}
SEVERITIES = (0.002, 0.01, 0.05)
SIZES = (10_000, 100_000, 1_000_000)
STEPS = [
    {"do": "whitespace"}, {"do": "spellings"}, {"do": "numbers", "columns": ["price"]},
    {"do": "dates", "columns": ["day"]}, {"do": "fill"}, {"do": "fill_iterative"},
    {"do": "fill_neighbours"}, {"do": "outliers"},
    {"do": "outliers", "method": "forest", "action": "flag"}, {"do": "deduplicate"},
    {"do": "derive", "column": "z", "formula": "log(abs(x1)) + x2 * x3"},
]
Way = Callable[[str, np.random.Generator], str]


def slip(word: str, rng: np.random.Generator) -> str:
    """A letter lost or two swapped, never the first or the last."""
    if len(word) < 6:
        return word
    at = int(rng.integers(1, len(word) - 2))
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2:]
    return swapped if rng.random() < 0.5 else word[:at] + word[at + 1:]


TEXT: dict[str, Way] = {
    "spaces": lambda word, rng: f" {word} ", "capitals": lambda word, rng: word.swapcase(),
    "slips of a letter": slip}
NUMBER: dict[str, Way] = {
    "currency and thousands": lambda word, rng: f"${float(word):,.2f}",
    "stand-in -999": lambda word, rng: "-999"}


def main() -> None:
    small = "--small" in sys.argv
    command = "python -m benchmarks.cleaning" + (" --small" if small else "")
    rows = 10_000 if small else 100_000
    text = ["# Cleaning", "", f"Made by `{command}` on "
            f"{_tools.machine('polars', 'numpy', 'scikit-learn')}.", "",
            "## What the proposed recipe repairs of planted damage", "",
            "Of the cells of one column (rows, for copies) damaged in this way; `touched` counts "
            "sound cells changed and sound rows left out by the same recipe, all columns together. "
            "Stand-ins count as repaired when they are missing. Each row has a number of its own: "
            "copies in a table without one may be chance, and are then not proposed.", "",
            repair_table(list(TABLES)[:2] if small else list(TABLES)), "",
            f"## Near duplicates among {rows:,} rows", "", near_table(rows), "",
            "## Seconds of a step, changes counted and shown", "",
            time_table(SIZES[:2] if small else SIZES)]
    _tools.save("cleaning", "\n".join(text))


def repair_table(names: list[str]) -> str:
    rows = []
    for name in names:
        sound = wf.read(_tools.data_folder() / name / TABLES[name]).frame
        # What the recipe finds in the table as it is, is not the damage that is planted.
        sound = propose(sound).apply(sound).with_row_index("row_id")
        ways = [*TEXT, *NUMBER, "copied rows"]
        for severity in SEVERITIES:
            found = {way: repaired(sound, way, severity) for way in ways}
            cells = [f"{done} of {planted}" if planted else "-"
                     for done, planted, _ in found.values()]
            touched = sum(each[2] for each in found.values())
            rows.append([name, f"{severity:.1%}", *cells, str(touched)])
    return _tools.markdown(["table", "severity", *TEXT, *NUMBER, "copied rows", "touched"], rows)


def repaired(sound: pl.DataFrame, way: str, severity: float) -> tuple[int, int, int]:
    """Cells (or rows) repaired, planted, and sound ones touched."""
    rng = np.random.default_rng(0)
    count = max(3, round(severity * sound.height))
    if way == "copied rows":
        places = np.sort(rng.choice(sound.height, count, replace=False))
        cleaned = wf.clean(pl.concat([sound, sound[places]]))
        gone = set(cleaned.removed["row"].to_list())
        right = sum(row > sound.height for row in gone)
        return right, count, len(gone) - right
    name = column_for(sound, way)
    if name is None:
        return 0, 0, 0
    cells = sound[name].cast(pl.String).to_list()
    full = [at for at, cell in enumerate(cells) if cell is not None and (
        way != "slips of a letter" or len(cell) >= 6)]
    hit = rng.choice(full, min(count, len(full)), replace=False)
    damaged = list(cells)
    for at in hit:
        damaged[at] = {**TEXT, **NUMBER}[way](cells[at], rng)
    changed = [at for at in hit if damaged[at] != cells[at]]
    made = pl.Series(name, damaged)
    if way.startswith("stand-in"):
        made = made.cast(pl.Float64)
    return _judged(sound, sound.with_columns(made), name, changed, way)


def _judged(
    sound: pl.DataFrame, broken: pl.DataFrame, name: str, changed: list[int], way: str
) -> tuple[int, int, int]:
    cleaned = wf.clean(broken)
    touched = cleaned.removed.height
    after = cleaned.undo(0).join(sound.select("row_id"), on="row_id", how="right",
                                 maintain_order="right")
    right = 0
    for column in sound.columns:
        was, now = _as_text(sound[column]), _as_text(after[column])
        differs = set(np.flatnonzero(was.ne_missing(now).to_numpy()).tolist())
        if column == name:
            lost = now.is_null().to_list()
            right = sum(lost[at] if way.startswith("stand-in") else at not in differs
                        for at in changed)
            differs -= set(changed)
        touched += len(differs)
    return right, len(changed), touched


def _as_text(column: pl.Series) -> pl.Series:
    return column.cast(pl.Float64).round(2).cast(pl.String) if column.dtype.is_numeric() \
        else column.cast(pl.String)


def column_for(frame: pl.DataFrame, way: str) -> str | None:
    """The column to damage: categories of long words, or numbers of many values."""
    if way in TEXT:
        texts = [c for c in frame.get_columns() if c.dtype == pl.String and c.n_unique() < 100]
        texts = [c for c in texts if (c.str.len_chars().mean() or 0) >= 6] or texts
        return max(texts, key=lambda c: c.n_unique()).name if texts else None
    numbers = [c for c in frame.get_columns() if c.dtype.is_numeric() and c.name != "row_id"]
    # -999 is a stand-in only where it cannot be a value.
    numbers = [c for c in numbers if float(c.min() or 0) >= 0]
    return max(numbers, key=lambda c: c.n_unique()).name if numbers else None


def near_table(rows: int) -> str:
    words = people(rows)
    rng = np.random.default_rng(1)
    sources = rng.choice(len(words), rows // 20, replace=False)
    twins = []
    for at in sources:
        text = words[at]
        part = rng.choice([w for w in text.replace(",", "").split() if len(w) >= 6])
        twins.append(text.replace(part, slip(part, rng), 1))
    frame = pl.DataFrame({"who": words + twins})
    table = []
    for alike in (0.95, 0.9, 0.85):
        start = time.perf_counter()
        done = Recipe.of([{"do": "deduplicate", "keys": ["who"], "alike": alike}]).run(frame)
        spent = time.perf_counter() - start
        gone = dict(zip(done.gone[0]["row"], done.gone[0]["like row"], strict=True))
        right = sum(gone.get(len(words) + i + 1) == at + 1 for i, at in enumerate(sources))
        others = sum(row <= len(words) for row in gone)
        table.append([f"{alike:g}", f"{right:,} of {len(sources):,}", f"{others:,}",
                      f"{spent:.1f}"])
    return _tools.markdown(["alike", "planted pairs found", "other rows left out", "seconds"],
                           table)


def people(rows: int) -> list[str]:
    """Invented names with addresses, all different."""
    rng = np.random.default_rng(0)

    def word(least: int, most: int) -> str:
        return "".join(rng.choice(list("bdfgklmnprstv")) + rng.choice(list("aeiou"))
                       for _ in range(rng.integers(least, most)))

    given = [word(3, 5) for _ in range(300)]
    surnames, streets = [word(3, 5) for _ in range(3000)], [word(3, 6) for _ in range(1000)]
    made = (f"{rng.choice(given)} {rng.choice(surnames)}, {rng.integers(1, 300)} "
            f"{rng.choice(streets)} street" for _ in range(rows))
    return list(dict.fromkeys(made))


def time_table(sizes: tuple[int, ...]) -> str:
    spent: dict[str, list[str]] = {}
    for rows in sizes:
        frame = mixed(rows)
        for step in [None, *STEPS]:
            start = time.perf_counter()
            if step is None:
                propose(frame)
            else:
                Recipe.of([step]).run(frame)
            name = "(a recipe proposed)" if step is None else " ".join(
                str(value) for key, value in step.items() if key in ("do", "method"))
            spent.setdefault(name, []).append(f"{time.perf_counter() - start:.2f}")
    return _tools.markdown(["step", *(f"{rows:,} rows" for rows in sizes)],
                           [[name, *times] for name, times in spent.items()])


def mixed(rows: int) -> pl.DataFrame:
    """Eight columns of numbers, one of them with gaps; categories, prices and dates as text."""
    rng = np.random.default_rng(0)
    days = [f"2024-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]
    frame = pl.DataFrame({
        **{f"x{at}": rng.normal(size=rows) for at in range(8)},
        "town": rng.choice(["Chelsea ", "Chelsea", "Ashford", "Ahsford", "York"], rows).tolist(),
        "price": [f"${value:,.2f}" for value in rng.lognormal(8, 1, rows)],
        "day": rng.choice(days, rows).tolist()})
    holes = pl.Series(rng.random(rows) < 0.1)
    return frame.with_columns(x0=pl.when(holes).then(None).otherwise(pl.col("x0")))


if __name__ == "__main__":
    main()
