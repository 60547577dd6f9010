"""The faults: each takes a clean table and spoils it, and says what ought to be found.

Severity is a share (of rows, of cells, of noise in a leak) or a size (of a shift, in standard
deviations); every fault says which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

ROW = "row number"


@dataclass(frozen=True)
class Planted:
    """The spoilt table; kinds of findings that name the fault; its column; its rows from 1.

    `rows` is None where a column as a whole is at fault. `expected` are the rows that the finding
    should name: of copies, their originals too.
    """

    frame: pl.DataFrame
    kinds: frozenset[str]
    column: str | None = None
    rows: frozenset[int] | None = None


@dataclass(frozen=True)
class Fault:
    """A kind of fault, the severities it is planted at, and what a severity is."""

    name: str
    severities: tuple[float, ...]
    unit: str
    plant: Callable[[pl.DataFrame, str, float, np.random.Generator], Planted | None]
    certain: bool = False


def some(rng: np.random.Generator, n: int, share: float) -> np.ndarray:
    """At least one of n rows, sorted."""
    return np.sort(rng.choice(n, size=max(1, round(share * n)), replace=False))


def numbers(frame: pl.DataFrame, target: str, least: int = 20) -> list[str]:
    """Columns of many different finite numbers, the target apart."""
    return [name for name, kind in frame.schema.items() if name != target and kind.is_numeric()
            and frame[name].drop_nulls().n_unique() >= least]


def words(frame: pl.DataFrame, target: str) -> list[str]:
    """Columns of a few different words, the target apart."""
    return [name for name, kind in frame.schema.items() if name != target and kind == pl.String
            and 2 <= frame[name].n_unique() <= 40]


def pick(rng: np.random.Generator, names: list[str]) -> str | None:
    """One of the names; None if there is none."""
    return names[int(rng.integers(len(names)))] if names else None


def copies(
    frame: pl.DataFrame, target: str, share: float, rng: np.random.Generator
) -> Planted:
    """Whole rows copied and put in anywhere."""
    return _with_copies(frame, some(rng, frame.height, share), rng, lambda rows: rows,
                        frozenset({"duplicate_rows"}))


def jittered(
    frame: pl.DataFrame, target: str, share: float, rng: np.random.Generator
) -> Planted | None:
    """Copies of rows whose numbers were rounded otherwise: a hair apart."""
    names = [name for name in numbers(frame, target) if frame[name].dtype.is_float()]
    if not names:
        return None

    def apart(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(pl.col(name) * (1 + 1e-6) for name in names)

    return _with_copies(frame, some(rng, frame.height, share), rng, apart,
                        frozenset({"near_duplicate_numbers", "near_twins_across_split"}))


def retyped(
    frame: pl.DataFrame, target: str, share: float, rng: np.random.Generator
) -> Planted | None:
    """Copies of rows with one word in another case."""
    name = pick(rng, words(frame, target))
    if name is None:
        return None
    rows = some(rng, frame.height, share)
    rows = rows[frame[name][rows].is_not_null().to_numpy()]
    return None if not len(rows) else _with_copies(
        frame, rows, rng, lambda part: part.with_columns(pl.col(name).str.to_uppercase() + " "),
        frozenset({"near_duplicate_spelling", "near_duplicate_one_cell",
                   "near_twins_across_split"}))


def _with_copies(
    frame: pl.DataFrame, rows: np.ndarray, rng: np.random.Generator,
    change: Callable[[pl.DataFrame], pl.DataFrame], kinds: frozenset[str],
) -> Planted:
    """The rows' changed copies put in at random places; expected are originals and copies."""
    ids = np.arange(frame.height)
    whole = pl.concat([frame, change(frame[rows])], how="vertical_relaxed")
    origin = np.concatenate([ids, rows])
    order = rng.permutation(len(origin))
    twice = np.isin(origin[order], rows)
    return Planted(whole[order], kinds, None, frozenset((np.flatnonzero(twice) + 1).tolist()))


def damaged(
    frame: pl.DataFrame, target: str, share: float, rng: np.random.Generator
) -> Planted | None:
    """Numbers typed wrong: a letter for a digit, a unit, two signs, a word."""
    name = pick(rng, numbers(frame, target))
    if name is None:
        return None
    rows = some(rng, frame.height, share)
    rows = rows[frame[name][rows].is_not_null().to_numpy()]
    cells = frame[name].cast(pl.String).to_list()
    wrong = [lambda text: text.replace("0", "O").replace("1", "l") + "O",
             lambda text: f"{text} cm", lambda text: f"--{text}", lambda text: "see note"]
    for number, row in enumerate(rows):
        cells[row] = wrong[number % len(wrong)](cells[row])
    return None if not len(rows) else Planted(
        frame.with_columns(pl.Series(name, cells)),
        frozenset({"damaged_cells", "mixed_units"}), name, frozenset((rows + 1).tolist()))


def respelt(
    frame: pl.DataFrame, target: str, share: float, rng: np.random.Generator
) -> Planted | None:
    """Words of one meaning in another case, with stray spaces."""
    name = pick(rng, words(frame, target))
    if name is None:
        return None
    rows = some(rng, frame.height, share)
    cells = frame[name].to_list()
    rows = np.array([row for row in rows if cells[row] is not None
                     and cells[row].swapcase() != cells[row]], dtype=int)
    for number, row in enumerate(rows):
        cells[row] = cells[row].swapcase() if number % 2 else f" {cells[row]}"
    return None if not len(rows) else Planted(
        frame.with_columns(pl.Series(name, cells)),
        frozenset({"inconsistent_categories", "stray_spaces"}), name,
        frozenset((rows + 1).tolist()))


def placeholders(
    frame: pl.DataFrame, target: str, share: float, rng: np.random.Generator
) -> Planted | None:
    """-999 for what is missing, in a column that is never negative."""
    names = [name for name in numbers(frame, target) if (frame[name].min() or -1) >= 0]  # type: ignore[operator]
    name = pick(rng, names)
    if name is None:
        return None
    rows = some(rng, frame.height, share)
    return Planted(_set(frame, name, rows, -999), frozenset({"placeholder"}), name,
                   frozenset((rows + 1).tolist()))


def other_unit(
    frame: pl.DataFrame, target: str, share: float, rng: np.random.Generator
) -> Planted | None:
    """Numbers a hundred times too large: pence for pounds."""
    names = [name for name in numbers(frame, target)
             if (frame[name].quantile(0.05) or 0) > 0]
    name = pick(rng, names)
    if name is None:
        return None
    rows = some(rng, frame.height, share)
    values = frame[name].cast(pl.Float64).to_numpy().copy()
    values[rows] *= 100
    return Planted(frame.with_columns(pl.Series(name, values)).with_columns(
        pl.col(name).fill_nan(None)), frozenset({"outliers", "heavy_tail", "mixed_units"}),
        name, frozenset((rows + 1).tolist()))


def _set(frame: pl.DataFrame, name: str, rows: np.ndarray, value: float) -> pl.DataFrame:
    mask = np.zeros(frame.height, dtype=bool)
    mask[rows] = True
    return frame.with_columns(pl.when(pl.Series(mask)).then(value).otherwise(pl.col(name))
                              .alias(name))


LEAKS = frozenset({"target_copy", "target_proxy", "suspicious_column", "target_formula"})


def copied_target(
    frame: pl.DataFrame, target: str, noise: float, rng: np.random.Generator
) -> Planted:
    """The target under another name and in another code, part of it replaced by chance."""
    column = frame[target]
    values = (column.cast(pl.Float64).to_numpy() * 3 + 7 if column.dtype.is_float()
              else column.cast(pl.String).rank("dense").cast(pl.Float64).to_numpy() * 10)
    values = values.copy()
    wrong = rng.random(frame.height) < noise
    values[wrong] = rng.permutation(values)[wrong]
    return Planted(frame.with_columns(pl.Series("ref_code", values)), LEAKS, "ref_code")


def blurred_target(
    frame: pl.DataFrame, target: str, noise: float, rng: np.random.Generator
) -> Planted:
    """A measurement taken after the outcome: the target bent, and noise of so many deviations."""
    column = frame[target]
    values = (column.rank("average").to_numpy() / frame.height if column.dtype.is_numeric()
              else column.rank("dense").cast(pl.Float64).to_numpy())
    blur = rng.normal(scale=max(noise, 1e-9) * values.std(), size=frame.height)
    return Planted(frame.with_columns(pl.Series("late_value", np.exp((values + blur)
                   / max(values.std(), 1e-9)))), LEAKS, "late_value")


def filled_afterwards(
    frame: pl.DataFrame, target: str, slips: float, rng: np.random.Generator
) -> Planted | None:
    """A column filled in for one class only, but for slips in so many rows."""
    column = frame[target].cast(pl.String)
    if frame[target].dtype.is_float() or column.n_unique() > 30:
        return None
    common = column.value_counts(sort=True)[target].to_list()[1]
    there = (column == common).to_numpy() ^ (rng.random(frame.height) < slips)
    values = np.where(there, rng.normal(size=frame.height).round(3), np.nan)
    return Planted(frame.with_columns(pl.Series("settled", values).fill_nan(None)),
                   LEAKS | {"post_outcome", "telling_gaps"}, "settled")


def numbered_by_target(
    frame: pl.DataFrame, target: str, mixed: float, rng: np.random.Generator
) -> Planted:
    """Identifiers given out class by class, part of them anywhere."""
    order = frame[target].rank("ordinal").to_numpy().astype(float)
    moved = rng.random(frame.height) < mixed
    order[moved] = rng.permutation(order[moved])
    ids = 100_000 + np.argsort(np.argsort(order))
    return Planted(frame.with_columns(pl.Series("case_id", ids)),
                   LEAKS | {"telling_identifier", "sorted_rows", "ordered_rows"}, "case_id")


FAULTS = (
    Fault("exact copies", (0.001, 0.01, 0.05), "share of rows", copies, certain=True),
    Fault("copies, numbers a hair apart", (0.001, 0.01, 0.05), "share of rows", jittered),
    Fault("copies, one word retyped", (0.001, 0.01, 0.05), "share of rows", retyped),
    Fault("damaged numbers", (0.001, 0.01, 0.05), "share of cells", damaged, certain=True),
    Fault("words respelt", (0.001, 0.01, 0.05), "share of cells", respelt),
    Fault("-999 for missing", (0.001, 0.01, 0.05), "share of cells", placeholders),
    Fault("another unit (x100)", (0.001, 0.01, 0.05), "share of cells", other_unit),
    Fault("target copied", (0.0, 0.02, 0.05, 0.1, 0.2), "share of wrong cells", copied_target),
    Fault("target blurred", (0.0, 0.05, 0.1, 0.2, 0.4), "noise, in deviations", blurred_target),
    Fault("filled in afterwards", (0.0, 0.02, 0.05, 0.1), "share of slips", filled_afterwards),
    Fault("numbered by target", (0.0, 0.1, 0.3, 0.6), "share mixed", numbered_by_target),
)
