"""Real tables with a model each: rows it learnt from, reference rows, and rows for windows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks import _tools
from wholefit.api.logging_answers import answers_of
from wholefit.api.monitoring import subject_of
from wholefit.monitoring import Side, Subject

# Table, target, task; the rest of the columns are learnt from.
TABLES = (
    ("adult", "income", "classification"), ("telco_churn", "churn", "classification"),
    ("credit_data", "Status", "classification"), ("caravan_insurance", "CARAVAN", "classification"),
    ("letter_recognition", "lettr", "classification"), ("spambase", "type", "classification"),
    ("diamonds", "cut", "classification"), ("fars_injury", None, "classification"),
    ("womens_clothing_reviews", "Recommended IND", "classification"),
    ("lending_club", "Class", "classification"),
    ("california_housing", "MedHouseVal", "regression"), ("diamonds", "price", "regression"),
    ("appliances_energy", "Appliances", "regression"),
)
MOST = 20_000
MODEL = "hist_gradient_boosting(n_estimators=80)"


@dataclass(frozen=True, eq=False)
class Table:
    """A model, and its answers to rows that it did not learn from."""

    name: str
    subject: Subject
    rows: pl.DataFrame
    said: dict[str, pl.Series]
    sure: np.ndarray | None

    def side(self, rows: np.ndarray, frame: pl.DataFrame | None = None) -> Side:
        """These rows with their answers and truths."""
        target = str(self.subject.schema.target)
        taken = self.rows[rows]
        inputs = taken.drop([target]) if frame is None else frame
        return Side(len(rows), inputs, None, {key: each[rows] for key, each in self.said.items()},
                    None if self.sure is None else self.sure[rows],
                    None, taken.get_column(target))

    @property
    def numbers(self) -> list[str]:
        """Columns of many numbers that are learnt from."""
        return [column.name for column in self.subject.schema.columns
                if column.role == "numeric" and column.distinct > 50]


@cache
def table(name: str, target: str | None, task: str) -> Table:
    """The table with its model fitted on 40 % of the rows; the rest is answered."""
    folder = _tools.data_folder() / name
    frame = wf.read(next(folder.glob("data.*"))).frame
    target = target or frame.columns[-1]
    frame = frame.sample(min(MOST, frame.height), seed=0, shuffle=True)
    frame = frame.filter(frame.get_column(target).is_not_null())
    texts = [column.name for column in frame.get_columns() if column.dtype == pl.String
             and (column.str.len_chars().mean() or 0) > 40]
    frame = frame.drop(texts)
    cut = int(0.4 * frame.height)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result: Any = wf.fit(frame[:cut], target=target, task=task, models=MODEL, jobs=1,
                             budget="10 minutes")
        rest = frame[cut:]
        known = result.classes
        if known is not None:
            rest = rest.filter(rest.get_column(target).is_in(list(known)))
        said, sure = answers_of(result, rest)
    return Table(f"{name} ({target})", subject_of(result, name, "1"), rest, said, sure)


def logged(found: Table, rows: np.ndarray, start: float = 0.0) -> pl.DataFrame:
    """Rows as a log gives them, a second apart."""
    side = found.side(rows)
    assert side.frame is not None and side.truth is not None
    times = pl.Series("time", ((start + np.arange(len(rows))) * 1e6).astype(np.int64)).cast(
        pl.Datetime("us")).dt.replace_time_zone("UTC")
    n = len(rows)
    return pl.DataFrame([
        pl.Series("id", [str(at) for at in range(n)]), times,
        pl.Series("confidence", side.sure if side.sure is not None else [None] * n,
                  dtype=pl.Float64),
        pl.Series("seconds", np.full(n, np.nan)), side.truth.alias("truth"),
        *(column.alias(f"row.{column.name}") for column in side.frame.get_columns()),
        *(column.alias(f"answer.{key}") for key, column in side.said.items())])
