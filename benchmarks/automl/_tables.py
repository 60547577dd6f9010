"""The tables, chosen before any run and by what they are, not by how a tool does on them.

Default form, eight: each kind of target small and large, and between them what hurts tools in
practice. Binary: few rows (german_credit), a middle one of mixed columns (telco_churn), a large
one (adult). Classes: many of them on numbers alone (letter_recognition), rare ones in a large
table of codes (fars_injury). Numbers: few rows and many columns (ames_housing), numbers alone
(california_housing), a very large one with words of many values (nycflights13).

Long form, twelve more: missing values and free words (titanic, credit_data), rare events
(lending_club, caravan_insurance, attrition), wide numbers (spambase), nearly separable classes
(shuttle), ordered words (diamonds), dates (appliances_energy, beijing_pm25, metro_traffic) and
texts (womens_clothing_reviews).

Rows are split by chance, also where there is a date: every tool meets the same question. Nothing
in wholefit may be set by looking at these results; where the order of its portfolio was learnt
from public tables, the page says which of these are among them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import _tools

TEST_SHARE = 1 / 3


@dataclass(frozen=True)
class Table:
    """A table of the data folder: its target, and the task it poses."""

    name: str
    target: str
    task: str

    @property
    def metric(self) -> str:
        return "log loss" if self.task == "classification" else "RMSE"


def _classes(name: str, target: str) -> Table:
    return Table(name, target, "classification")


def _numbers(name: str, target: str) -> Table:
    return Table(name, target, "regression")


DEFAULT = (
    _classes("german_credit", "class"), _classes("telco_churn", "churn"),
    _classes("adult", "income"), _classes("letter_recognition", "lettr"),
    _classes("fars_injury", "INJURY_SEVERITY"), _numbers("ames_housing", "Sale_Price"),
    _numbers("california_housing", "MedHouseVal"), _numbers("nycflights13", "arr_delay"),
)
MORE = (
    _classes("titanic", "survived"), _classes("credit_data", "Status"),
    _classes("attrition", "Attrition"), _classes("lending_club", "Class"),
    _classes("caravan_insurance", "CARAVAN"), _classes("spambase", "type"),
    _classes("shuttle", "Class"), _numbers("diamonds", "price"),
    _numbers("appliances_energy", "Appliances"), _numbers("beijing_pm25", "pm2.5"),
    _numbers("metro_traffic", "traffic_volume"),
    _classes("womens_clothing_reviews", "Recommended IND"),
)
ALL = {table.name: table for table in (*DEFAULT, *MORE)}


@dataclass(frozen=True)
class Split:
    """One outer split as files: both parts as CSV, the outer one without its target."""

    folder: Path
    classes: tuple[str, ...]
    rows: int
    test_rows: int

    @property
    def train(self) -> Path:
        return self.folder / "train.csv"

    @property
    def test(self) -> Path:
        return self.folder / "test.csv"

    def truth(self) -> np.ndarray:
        """Codes of the classes, or numbers, of the outer rows."""
        return np.load(self.folder / "truth.npy")


def split(table: Table, seed: int, cache: Path) -> Split:
    """Two thirds to fit on and one third to be judged on, by chance, classes in proportion.

    Made once and kept; the files are the same for every tool.
    """
    folder = cache / table.name / f"seed{seed}"
    facts = folder / "facts.json"
    if not facts.exists():
        folder.mkdir(parents=True, exist_ok=True)
        frame = _read(table.name).drop_nulls(table.target)
        held = _held(frame[table.target], table, seed)
        classes = (sorted(frame[table.target].cast(pl.String).unique())
                   if table.task == "classification" else [])
        test = frame.filter(pl.Series(held))
        frame.filter(pl.Series(~held)).write_csv(folder / "train.csv")
        test.drop(table.target).write_csv(folder / "test.csv")
        np.save(folder / "truth.npy", _codes(test[table.target], classes))
        facts.write_text(json.dumps({"classes": classes, "rows": int((~held).sum()),
                                     "test_rows": int(held.sum())}))
    told = json.loads(facts.read_text())
    return Split(folder, tuple(told["classes"]), told["rows"], told["test_rows"])


def _read(name: str) -> pl.DataFrame:
    folder = _tools.data_folder() / name
    if (folder / "data.parquet").exists():
        return pl.read_parquet(folder / "data.parquet")
    return pl.read_csv(folder / "data.csv.gz", infer_schema_length=None, null_values=["NA"])


def _held(target: pl.Series, table: Table, seed: int) -> np.ndarray:
    """True for outer rows; of each class about a third, at least one row stays to be learnt."""
    rng = np.random.default_rng([seed, sum(map(ord, table.name))])
    held = np.zeros(len(target), bool)
    if table.task == "regression":
        held[rng.permutation(len(target))[: round(len(target) * TEST_SHARE)]] = True
        return held
    codes = target.cast(pl.String).to_physical().to_numpy()
    for value in np.unique(codes):
        rows = rng.permutation(np.flatnonzero(codes == value))
        held[rows[: min(round(len(rows) * TEST_SHARE), len(rows) - 1)]] = True
    return held


def _codes(target: pl.Series, classes: list[str]) -> np.ndarray:
    if not classes:
        return target.cast(pl.Float64).to_numpy()
    code = {value: at for at, value in enumerate(classes)}
    return np.array([code[value] for value in target.cast(pl.String)], dtype=np.int64)
